"""`/upstream/<name>/<sha256>/<filename>` and its `.metadata`: files of the other index, fetched through this site."""

import logging
from itertools import chain

from flask import Blueprint, Response, abort, current_app, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from webapp.documents import UpstreamFile
from webapp.documents.base import Plain
from webapp.rules import naming
from webapp.serving.errors import http_error
from webapp.serving.request_log import shown_path
from webapp.serving.sending import make_immutable, send
from webapp.serving.slow_clients import waiting_for_upstream
from webapp.upstream.errors import UpstreamFailed
from webapp.upstream.index import Index

bp = Blueprint("upstream", __name__)
log = logging.getLogger(__name__)


def index() -> Index | None:
    """Return the other index, if there is one."""
    found: Index | None = current_app.extensions["upstream"]
    return found


def project_from_upstream(normalized_name: str) -> Plain:
    """Return the `files` and `versions` of a project that is not here, with addresses on this site, or answer 404."""
    upstream = index() or abort(404)
    if refusal := upstream.refusal(normalized_name):
        abort(404, refusal)
    project = upstream.project(normalized_name) or abort(404, f"{upstream.host} has no {normalized_name} either.")
    for file in project["files"]:
        file["url"] = url_for("upstream.fetch", name=normalized_name, sha256=file["sha256"], filename=file["filename"])
    return project


@bp.get("/upstream/<name>/<sha256>/<filename>")
def fetch(name: str, sha256: str, filename: str) -> AnyResponse:
    """Send a file: a stored one, or one from the other index, which is stored on the way."""
    upstream = index() or abort(404)
    normalized_name = naming.normalize_name(name)
    if refusal := upstream.refusal(normalized_name):
        abort(404, refusal)
    wants_metadata = filename.endswith(".metadata")
    file = upstream.file(normalized_name, filename.removesuffix(".metadata"), sha256) or abort(404)
    if wants_metadata:
        return _metadata(upstream, normalized_name, file)
    kept = UpstreamFile.objects(pk=sha256).exclude("metadata").plain_first() or {}
    if "content_id" in kept and "size" in kept:
        UpstreamFile.note_use(kept)
        return send(kept["content_id"], kept["size"], sha256, file.get("uploaded_at"))
    return _passed_on(upstream, normalized_name, file)


def _passed_on(upstream: Index, normalized_name: str, file: Plain) -> Response:
    response = Response(mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = "attachment"
    make_immutable(response, file["sha256"])
    if "size" in file:
        response.content_length = file["size"]
    if request.method == "GET":
        answer = upstream.open_file(file)
        if "size" not in file and answer.headers.get("Content-Length", "").isdecimal():
            response.content_length = int(answer.headers["Content-Length"])
        body = upstream.store_passing(normalized_name, file, answer)
        # Problems with the first bytes, or with a file that has no more than these, get an answer of their own.
        with waiting_for_upstream():
            response.response = chain([next(body, b"")], body)
        response.call_on_close(body.close)
    return response


def _metadata(upstream: Index, normalized_name: str, file: Plain) -> Response:
    if "metadata_sha256" not in file:
        abort(404)
    response = Response(upstream.metadata(normalized_name, file), mimetype="text/plain")
    make_immutable(response, file["metadata_sha256"])
    response.make_conditional(request.environ)
    return response


@bp.app_errorhandler(UpstreamFailed)
def upstream_failed(error: UpstreamFailed) -> Response:
    """Answer with the reason: 502 or 503, or the refusal of the other index."""
    log.warning("%s %s: %s", request.method, shown_path(), error)
    failure = HTTPException(f"{error}.")
    failure.code = error.status
    response = http_error(failure)
    if error.retry_after_s:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response
