"""Send stored bytes that never change."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

import bson
from flask import Flask, Response, request
from werkzeug.http import is_resource_modified, parse_range_header

from webapp.documents.contents import check_length
from webapp.serving.kept_files import reader

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.wrappers import Request as WerkzeugRequest

# The address contains the digest of the bytes, so caches may keep them for a year.
IMMUTABLE = "public, max-age=31536000, immutable"


class PartlySent(Response):
    """A response that may be sent in part, where werkzeug does not do what RFC 9110, sections 13 and 14, ask for."""

    def make_conditional(
        self,
        request_or_environ: "WSGIEnvironment | WerkzeugRequest",
        accept_ranges: bool | str = False,  # noqa: FBT001, FBT002 - as werkzeug calls it
        complete_length: int | None = None,
    ) -> Self:
        """Make this 304, 412, 206 or 416 if the request says so."""
        environ = request_or_environ if isinstance(request_or_environ, dict) else request_or_environ.environ
        asked = {key: value for key, value in environ.items() if key != "HTTP_RANGE"}
        if wanted := self._range(environ, complete_length or 0):
            asked["HTTP_RANGE"] = wanted
        super().make_conditional(asked, accept_ranges, complete_length)
        return self

    def _range(self, environ: "WSGIEnvironment", size: int) -> str | None:
        """Return the range to send, or None for the whole file.

        Only GET has ranges, and other conditions come first; unknown units and invalid ranges are ignored. A suffix
        longer than the file means all of it. Several ranges in one answer need a format of their own that no installer
        reads, so they get the whole file. Those who want a range only of the file they have must name it by a strong
        ETag: werkzeug compares weak ones, too, and takes a date for "not changed since".
        """
        asked = parse_range_header(environ.get("HTTP_RANGE"))
        is_doubtful = not environ.get("HTTP_IF_RANGE", '"').startswith('"')
        if environ["REQUEST_METHOD"] != "GET" or asked is None or asked.units != "bytes" or is_doubtful:
            return None
        has_file = not is_resource_modified(environ, self.headers.get("ETag"), None, self.headers.get("Last-Modified"))
        if len(asked.ranges) != 1 or has_file:
            return None
        first, _ = asked.ranges[0]
        return "bytes=0-" if size and first is not None and -first > size else asked.to_header()


def init_app(app: Flask) -> None:
    """Send parts of static files, too, as those of stored ones."""
    app.response_class = PartlySent


def send(content_id: bson.ObjectId, size: int, sha256: str, uploaded_at: datetime | None) -> Response:
    """Send stored bytes, a range of them, or 304 if the reader already has them.

    Raises MissingBytes if they have another size: caches would keep a part of them for a year.
    """
    check_length(content_id, size)
    response = PartlySent(
        reader(content_id, size, sha256), mimetype="application/octet-stream", direct_passthrough=True
    )
    response.headers["Content-Disposition"] = "attachment"
    response.content_length = size
    make_immutable(response, sha256)
    response.last_modified = uploaded_at
    return response.make_conditional(request.environ, accept_ranges=True, complete_length=size)


def make_immutable(response: Response, etag: str) -> None:
    """Let caches keep an answer for a year."""
    response.set_etag(etag)
    response.headers["Cache-Control"] = IMMUTABLE
