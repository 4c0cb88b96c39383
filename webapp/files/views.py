"""`/packages/<sha256 in three parts>/<filename>` and its `.metadata` (PEP 658, PEP 714): bytes that never change."""

import json
from typing import Any

from flask import Blueprint, Response, abort, request
from werkzeug.wrappers import Response as AnyResponse

from webapp.changes.claims import is_listed
from webapp.documents import Package, StoredFile
from webapp.documents.stored_file import ARRIVING, DELETING, STORED
from webapp.rules.naming import normalize_name
from webapp.serving.download_counter import count_download
from webapp.serving.sending import make_immutable, send

bp = Blueprint("files", __name__)

INTEGRITY = "application/vnd.pypi.integrity.v1+json"
SERVED = ("filename", "package", "version", "state", "size", "sha256", "uploaded_at", "content_id")


@bp.get("/packages/<first>/<second>/<rest>/<filename>")
@bp.get("/files/<first>/<second>/<rest>/<filename>")
def fetch(first: str, second: str, rest: str, filename: str) -> AnyResponse:
    """Send a file, or a range of its bytes; or with `.metadata` after a wheel's name, its core metadata."""
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


def _is_a_download(response: Response) -> bool:
    """Tell whether a file is sent from its first byte on; later parts belong to the same download."""
    begins = response.status_code == 200 or (response.status_code == 206 and response.content_range.start == 0)
    return begins and request.method == "GET"


def _metadata(sha256: str, filename: str) -> AnyResponse:
    file = _file(sha256, filename, (*SERVED, "metadata", "metadata_sha256"))
    # An sdist's metadata may lack its requirements, and installers would believe that it has none.
    if "metadata" not in file or not filename.endswith(".whl"):
        abort(404)
    response = Response(file["metadata"], mimetype="text/plain")
    make_immutable(response, file.get("metadata_sha256", ""))
    return response.make_conditional(request.environ)


@bp.get("/integrity/<name>/<version>/<filename>/provenance")
def provenance(name: str, version: str, filename: str) -> AnyResponse:
    """Send the attestations that a file was uploaded with (PEP 740, the Integrity API of PyPI's documentation)."""
    accepted = request.accept_mimetypes
    offered = accepted.best_match([INTEGRITY, "application/json"]) if accepted else INTEGRITY
    if offered is None:
        abort(406, f"Provenance is offered as {INTEGRITY} and application/json.")
    file = StoredFile.objects.named(filename).only(*SERVED, "attestations", "uploaded_by").plain_first() or {}
    is_asked_for = (file.get("package"), file.get("version")) == (normalize_name(name), version)
    if not is_asked_for or not file.get("attestations"):
        abort(404, f"No provenance available for {filename}")
    _file(file.get("sha256", ""), filename, SERVED)  # a file that is not served has no provenance either
    # Larder has not verified who signed, so the publisher is the account that uploaded the file.
    bundle = {"publisher": {"kind": "Larder account", "claims": None}, "attestations": file["attestations"]}
    response = Response(json.dumps({"version": 1, "attestation_bundles": [bundle]}), mimetype=offered)
    response.vary.add("Accept")
    response.cache_control.max_age = 600
    return response


def _file(sha256: str, filename: str, fields: tuple[str, ...]) -> dict[str, Any]:
    file = StoredFile.objects.named(filename).only(*fields).plain_first()
    if file is None or file.get("sha256") != sha256:
        abort(404)
    # An upload killed just before its end, or a deletion just after its start, left a complete file that its project
    # lists.
    is_whole = file.get("state") in (ARRIVING, DELETING) and is_listed({"_id": filename, **file})
    if file.get("state") != STORED and not is_whole:
        abort(404)
    if Package.objects.quarantined().filter(pk=file.get("package")).count_up_to(1):
        abort(403, f"The project {file['package']} is quarantined, so its files are not available.")
    return file
