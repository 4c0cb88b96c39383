"""Error responses: HTML pages, JSON, or a plain line for upload tools."""

import errno
import logging
from typing import Any

from flask import Flask, Response, current_app, g, jsonify, make_response, render_template, request
from flask.globals import request_ctx
from mongoengine.errors import OperationError, ValidationError
from pymongo.errors import PyMongoError
from werkzeug.exceptions import BadHost, Conflict, HTTPException, InternalServerError, NotFound, ServiceUnavailable

from webapp.documents import PackageTooLarge
from webapp.documents.package import ConcurrentChange
from webapp.mongodb.errors import is_away, reason_of
from webapp.rendering import RenderersBusy
from webapp.rules.naming import InvalidName
from webapp.serving.programs import is_for_programs
from webapp.serving.request_log import shown_path

log = logging.getLogger(__name__)

RETRY_AFTER_S = 5
# What the system says of a disk that is full, or of somebody's share of it.
NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
# What `tempfile` says instead if the disk was full already when a process first looked for a folder.
NO_FOLDER = "No usable temporary directory"

EXPLANATIONS = {
    400: "The request could not be understood.",
    403: "You do not have access to this page.",
    404: "There is no page at this address.",
    405: "This address does not support that method.",
    413: "The request is larger than this site accepts.",
    429: "You sent too many requests. Try again later.",
    500: "Something went wrong. The error has been logged.",
    503: "The database is unavailable. Please try again in a few seconds.",
}


class NoSuchProject(NotFound):
    """No project has this name: {name, address} of one that is likely meant, and where else it may be found."""

    def __init__(self, description: str, likely: dict[str, str] | None, elsewhere: dict[str, str] | None) -> None:
        """Take the text, and the two links that the page offers."""
        super().__init__(description)
        self.likely, self.elsewhere = likely, elsewhere


def init_app(app: Flask) -> None:
    """Register the error handlers."""
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(InvalidName, lambda _: http_error(NotFound()))
    app.register_error_handler(PackageTooLarge, package_too_large)
    app.register_error_handler(ConcurrentChange, changed_by_others)
    app.register_error_handler(RenderersBusy, renderers_busy)
    app.register_error_handler(ValidationError, broken_document)
    app.register_error_handler(PyMongoError, database_error)
    app.register_error_handler(OperationError, database_error)
    app.register_error_handler(OSError, system_error)
    app.register_error_handler(Exception, unexpected_error)


def http_error(error: HTTPException) -> Response:
    """Respond with a page in the site's style, JSON if the client prefers it, or a plain line for uploads."""
    code = error.code or 500
    if isinstance(error, BadHost):
        # Flask cannot build URLs for an invalid host, and the error page needs links.
        request_ctx.url_adapter = current_app.url_map.bind("")
    # Werkzeug's default descriptions are long and technical. Ours are shown unchanged.
    own_text = error.description if error.description != type(error).description else None
    message = own_text or EXPLANATIONS.get(code) or error.name
    if request.blueprint == "publishing":  # the tools print it
        response = plain_line(code, message)
    elif wants_json():
        response = jsonify(message=message if own_text else error.name)
    else:
        text = render_template("errors/error.html", code=code, title=error.name, message=message, error=error)
        response = make_response(text)
    if response.status_code != code:
        response.status_code = code
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    response.headers["Cache-Control"] = "no-store"
    return response


def plain_line(code: int, message: str) -> Response:
    """Return a message as one line of text, and as the reason in the status line, which is all that twine prints.

    A reason consists of printable characters (RFC 9112, section 4). Not every web server passes it on.
    """
    line = " ".join(message.split())
    reason = line.encode("ascii", "replace").decode()[:500]
    return Response(f"{line}\n", f"{code} {reason}", mimetype="text/plain")


def database_error(error: PyMongoError | OperationError) -> Response:
    """Answer 503 when the database is unavailable, otherwise 500."""
    if not is_away(error):
        return unexpected_error(error)
    # One line, without a traceback: every request fails while the database is unavailable.
    kind = type(error).__name__
    log.warning("database unavailable: %s %s: %s: %s", request.method, shown_path(), kind, reason_of(error))
    g.setdefault("member", None)  # the page must not ask the database again who reads it
    return http_error(ServiceUnavailable(EXPLANATIONS[503], retry_after=RETRY_AFTER_S))


def unexpected_error(error: Exception) -> Response:
    """Answer 500 and log the traceback."""
    log.error("%s %s failed", request.method, shown_path(), exc_info=error)
    return http_error(InternalServerError())


def system_error(error: OSError) -> Response:
    """Answer 507 when the site's own disk is full, where large uploads wait until they are checked; otherwise 500."""
    if error.errno not in NO_ROOM and NO_FOLDER not in str(error):
        return unexpected_error(error)
    log.error("no room: %s %s: %s", request.method, shown_path(), error)
    # Source: RFC 4918, section 11.5.
    refused = HTTPException("The disk of the site is full, so large uploads are refused. Please tell an operator.")
    refused.code = 507
    return http_error(refused)


def package_too_large(error: PackageTooLarge) -> Response:
    """Answer 413 with the reason."""
    refused = HTTPException(str(error))
    refused.code = 413
    return http_error(refused)


def changed_by_others(error: ConcurrentChange) -> Response:
    """Answer 503 because concurrent changes to the same project kept winning."""
    return http_error(ServiceUnavailable(str(error), retry_after=RETRY_AFTER_S))


def renderers_busy(_: RenderersBusy) -> Response:
    """Answer 503 because all renderers are busy."""
    message = "Too many descriptions are being rendered right now. Please try again in a few seconds."
    return http_error(ServiceUnavailable(message, retry_after=RETRY_AFTER_S))


def broken_document(error: ValidationError) -> Response:
    """Answer 409 for a document that a manual edit made invalid."""
    return http_error(Conflict(f"A stored document is invalid; an operator needs to fix it: {error}"))


def wants_json() -> bool:
    """Tell whether the client prefers JSON to HTML; programs get JSON whatever they accept."""
    if is_for_programs():
        return True
    accepted: Any = request.accept_mimetypes
    return bool(accepted.best_match(["text/html", "application/json"]) == "application/json")
