"""`/packages/<sha256 in three parts>/<filename>` and its `.metadata` (PEP 658, PEP 714): bytes that never change."""

import json

from flask import Blueprint, Response, abort, request
from werkzeug.wrappers import Response as AnyResponse

from webapp.documents import Package, StoredFile
from webapp.rules.attestations import PROVENANCE
from webapp.rules.naming import normalize_name
from webapp.serving.download_counter import count_download
from webapp.serving.sending import make_immutable, send
from webapp.serving.served_files import FIELDS, served_file
from webapp.upstream.views import provenance_from_upstream

bp = Blueprint("files", __name__)


@bp.get("/packages/<first>/<second>/<rest>/<filename>")
@bp.get("/files/<first>/<second>/<rest>/<filename>")
def fetch(first: str, second: str, rest: str, filename: str) -> AnyResponse:
    """Send a file, or a range of its bytes; or with `.metadata` after a wheel's name, its core metadata."""
    if filename.endswith(".metadata"):
        return _metadata(first + second + rest, filename.removesuffix(".metadata"))
    file = served_file(filename, first + second + rest)
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
    file = served_file(filename, sha256, "metadata", "metadata_sha256")
    # An sdist's metadata may lack its requirements, and installers would believe that it has none.
    if "metadata" not in file or not filename.endswith(".whl"):
        abort(404)
    response = Response(file["metadata"], mimetype="text/plain")
    make_immutable(response, file.get("metadata_sha256", ""))
    return response.make_conditional(request.environ)


@bp.get("/integrity/<name>/<version>/<filename>/provenance")
def provenance(name: str, version: str, filename: str) -> AnyResponse:
    """Send the attestations of a file (PEP 740, the Integrity API of PyPI's documentation)."""
    accepted = request.accept_mimetypes
    offered = accepted.best_match([PROVENANCE, "application/json"]) if accepted else PROVENANCE
    if offered is None:
        abort(406, f"Provenance is offered as {PROVENANCE} and application/json.")
    normalized_name = normalize_name(name)
    if Package.objects(pk=normalized_name).count_up_to(1):
        found = _own_provenance(normalized_name, version, filename)
    else:
        found = provenance_from_upstream(normalized_name, version, filename)
    response = Response(found or abort(404, f"No provenance available for {filename}"), mimetype=offered)
    response.vary.add("Accept")
    response.cache_control.max_age = 600
    return response


def _own_provenance(normalized_name: str, version: str, filename: str) -> str | None:
    """Return the attestations that a file was uploaded with, as a provenance object in JSON."""
    file = StoredFile.objects.named(filename).only(*FIELDS, "attestations", "publisher").plain_first() or {}
    is_asked_for = (file.get("package"), file.get("version")) == (normalized_name, version)
    if not is_asked_for or not file.get("attestations"):
        return None
    served_file(filename, file.get("sha256", ""))  # a file that is not served has no provenance either
    # If nobody has verified who signed, all that is known is that an account of this site uploaded the file.
    publisher = file.get("publisher") or {"kind": "Larder account"}
    bundle = {"publisher": publisher | {"claims": None}, "attestations": file["attestations"]}
    return json.dumps({"version": 1, "attestation_bundles": [bundle]})
