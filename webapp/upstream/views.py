"""`/upstream/<name>/<sha256>/<filename>` and its `.metadata`: files of the other index, fetched through this site."""

import json
import logging
from itertools import chain
from urllib.parse import quote

from flask import Blueprint, Response, abort, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from webapp.documents import UpstreamFile
from webapp.documents.base import Plain
from webapp.rules import naming
from webapp.rules.distributions import version_in
from webapp.serving.errors import http_error
from webapp.serving.filters import absolute_url
from webapp.serving.per_app import PerApp
from webapp.serving.request_log import shown_path
from webapp.serving.sending import make_immutable, send
from webapp.serving.slow_clients import waiting_for_upstream
from webapp.upstream.errors import UpstreamFailed
from webapp.upstream.index import Index, length_of
from webapp.upstream.refusing import Refusals

bp = Blueprint("upstream", __name__)
log = logging.getLogger(__name__)


# The index in UPSTREAM_INDEX, if there is one.
other_index = PerApp[Index | None]("upstream")
# Which of its files are refused.
refusals = PerApp[Refusals]("refusals")


def project_from_upstream(normalized_name: str) -> Plain:
    """Return the `files` and `versions` of a project that is not here, with addresses on this site, or answer 404."""
    upstream = other_index() or abort(404)
    if refusal := upstream.refusal(normalized_name):
        abort(404, refusal)
    project = upstream.project(normalized_name) or abort(404, f"{upstream.host} has no {normalized_name} either.")
    refusals().mark(normalized_name, project["files"])
    # Made once: some projects list 15,000 files, and url_for takes 8 µs for each.
    integrity = absolute_url("files.provenance", name=normalized_name, version="-", filename="-")
    integrity = integrity.removesuffix("/-/-/provenance")
    for file in project["files"]:
        file["url"] = url_for("upstream.fetch", name=normalized_name, sha256=file["sha256"], filename=file["filename"])
        if file.pop("provenance_url", None) and (version := version_in(file["filename"], normalized_name)):
            file["provenance_url"] = f"{integrity}/{quote(version)}/{quote(file['filename'])}/provenance"
    return project


def provenance_from_upstream(normalized_name: str, version: str, filename: str) -> str | None:
    """Return the provenance of a file of the other index, in JSON, or None."""
    upstream = other_index()
    if upstream is None or upstream.refusal(normalized_name) or version != version_in(filename, normalized_name):
        return None
    file = upstream.file(normalized_name, filename)
    return upstream.provenance(normalized_name, file) or None if file and "provenance_url" in file else None


@bp.get("/upstream/<name>/<sha256>/<filename>")
def fetch(name: str, sha256: str, filename: str) -> AnyResponse:
    """Send a file: a stored one, or one from the other index, which is stored on the way."""
    upstream = other_index() or abort(404)
    normalized_name = naming.normalize_name(name)
    if refusal := upstream.refusal(normalized_name):
        abort(404, refusal)
    wants_metadata = filename.endswith(".metadata")
    file = upstream.file(normalized_name, filename.removesuffix(".metadata"), sha256) or abort(404)
    if wants_metadata:
        # Refused or not: with it, installers get as far as showing the reason.
        return _metadata(upstream, normalized_name, file)
    if refusal := refusals().of(normalized_name)(filename):
        return _refused(refusal)
    kept = UpstreamFile.objects.plain_one(sha256, {"metadata": 0}) or {}
    if "content_id" in kept and "size" in kept:
        UpstreamFile.note_use(kept)
        response = send(kept["content_id"], kept["size"], sha256, file.get("uploaded_at"))
    else:
        response = _passed_on(upstream, normalized_name, file)
    if request.method == "GET" and "provenance" not in kept:
        # Once the file has been sent: whoever installs it does not wait for its attestations.
        response.call_on_close(lambda: upstream.keep_provenance(normalized_name, file))
    return response


def _refused(reason: str) -> Response:
    """Answer 403 in the form that uv shows to people (RFC 9457); pip shows the reason for which the file is yanked."""
    problem = {"type": "about:blank", "title": "Refused", "status": 403, "detail": reason, "message": reason}
    response = Response(json.dumps(problem), 403, mimetype="application/problem+json")
    response.headers["Cache-Control"] = "no-store"
    return response


def _passed_on(upstream: Index, normalized_name: str, file: Plain) -> Response:
    response = Response(mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = "attachment"
    make_immutable(response, file["sha256"])
    if "size" in file:
        response.content_length = file["size"]
    if request.method == "GET":
        answer = upstream.open_file(file)
        if "size" not in file and (length := length_of(answer)) is not None:
            response.content_length = length
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
