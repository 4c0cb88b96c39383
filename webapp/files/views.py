"""`/files/<sha256 in three parts>/<filename>` and its `.metadata` (PEP 658, PEP 714): bytes that never change."""

from datetime import datetime
from typing import Any

import bson
from flask import Blueprint, Response, abort, g, request
from werkzeug.wrappers import Response as AnyResponse

from webapp.documents import StoredFile, contents
from webapp.documents.stored_file import ARRIVING, DELETING, STORED
from webapp.download_counter import count_download
from webapp.files.claims import is_listed

bp = Blueprint("files", __name__)

# The address holds the digest of the bytes, so whatever is kept of them stays right: for a year.
MAX_AGE_S = 31_536_000
SERVED = ("filename", "package", "version", "state", "size", "sha256", "uploaded_at", "content_id")


@bp.before_request
def for_programs() -> None:
    """Errors here are JSON whatever the client accepts."""
    g.for_programs = True


@bp.get("/files/<first>/<second>/<rest>/<filename>")
def fetch(first: str, second: str, rest: str, filename: str) -> AnyResponse:
    """A file, or a range of its bytes; with `.metadata` behind a wheel's name, its core metadata."""
    if filename.endswith(".metadata"):
        return _metadata(first + second + rest, filename.removesuffix(".metadata"))
    file = _file(first + second + rest, filename, SERVED)
    size, content_id = file.get("size"), file.get("content_id")
    if size is None or content_id is None:
        abort(404)
    response = send(content_id, size, file["sha256"], file.get("uploaded_at"))
    if _is_a_download(response):
        count_download(file.get("package", ""), file.get("version", ""))
    return response


def send(content_id: bson.ObjectId, size: int, sha256: str, uploaded_at: datetime | None) -> Response:
    """Answer with bytes that are kept here, or with a range of them, or that the reader has them already."""
    response = Response(contents.Reader(content_id, size), mimetype="application/octet-stream", direct_passthrough=True)
    response.headers["Content-Disposition"] = "attachment"
    response.content_length = size
    make_immutable(response, sha256)
    response.last_modified = uploaded_at
    asked = request.environ
    if request.range and len(request.range.ranges) > 1:
        # Several ranges in one answer are a form of its own, which no installer reads: the whole file has them all.
        asked = {key: value for key, value in asked.items() if key != "HTTP_RANGE"}
    response.make_conditional(asked, accept_ranges=True, complete_length=size)
    return response


def _is_a_download(response: Response) -> bool:
    """Tell whether a file is sent from its first byte on; the later parts of one belong to the same download."""
    begins = response.status_code == 200 or (response.status_code == 206 and response.content_range.start == 0)
    return begins and request.method == "GET"


def _metadata(sha256: str, filename: str) -> AnyResponse:
    file = _file(sha256, filename, (*SERVED, "metadata", "metadata_sha256"))
    # An sdist's need not list what it requires, and whoever read them would believe that it requires nothing.
    if "metadata" not in file or not filename.endswith(".whl"):
        abort(404)
    response = Response(file["metadata"], mimetype="text/plain")
    make_immutable(response, file.get("metadata_sha256", ""))
    return response.make_conditional(request.environ)


def _file(sha256: str, filename: str, fields: tuple[str, ...]) -> dict[str, Any]:
    file = StoredFile.objects.named(filename).only(*fields).plain_first()
    if file is None or file.get("sha256") != sha256:
        abort(404)
    # An upload that was killed just before its end, or a deletion just after its beginning, left a file that is whole
    # and that its project lists.
    is_whole = file.get("state") in (ARRIVING, DELETING) and is_listed({"_id": filename, **file})
    if file.get("state") != STORED and not is_whole:
        abort(404)
    return file


def make_immutable(response: Response, etag: str) -> None:
    """Let caches keep an answer for a year."""
    response.set_etag(etag)
    response.cache_control.public = True
    response.cache_control.max_age = MAX_AGE_S
    response.cache_control.immutable = True
