"""`POST /legacy/` and `POST /`: PyPI's upload form. Answers are one line of plain text, which the tools print.

Source: the "Upload API" of PyPI's documentation.
"""

import io
import tempfile
from contextlib import ExitStack
from typing import IO, Any, NoReturn

from flask import Blueprint, Response, abort, current_app, request
from mongoengine.errors import ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, ServiceUnavailable
from werkzeug.formparser import FormDataParser

from webapp.changes import claims
from webapp.changes.new_names import NameRefused
from webapp.changes.project_status import ProjectClosed
from webapp.changes.room import DiskFull, OverQuota, check_disk
from webapp.changes.uploads import Digests, NotMaintained, Published, Upload, digests_of, publish
from webapp.documents.api_token import UPLOAD
from webapp.documents.package import ConcurrentChange
from webapp.members import api_tokens
from webapp.members.audit import MAX_USER_AGENT
from webapp.rules.archives import BadDistribution
from webapp.rules.attestations import BadAttestations, read_attestations
from webapp.rules.distributions import Distribution, examine
from webapp.serving.errors import RETRY_AFTER_S
from webapp.serving.extensions import csrf
from webapp.serving.filters import absolute_url
from webapp.serving.slow_clients import receiving

bp = Blueprint("publishing", __name__)

# The rest of the form. Tools send the metadata along, including the description, but only the file's own metadata
# counts.
FORM_BYTES = 4_000_000
FORM_PARTS = 3_000
IN_MEMORY_BYTES = 500_000
# Uploads that take longer than this are given up.
MAX_UPLOAD_S = 900
# What old tools still send.
RETIRED = {
    "submit": "Projects are not registered in advance any more: upload a file, and the project is created.",
    "doc_upload": "This index does not host documentation. Link to it in the project's metadata instead.",
}
# The form fields with digests.
SENT_DIGESTS = {"sha256": "sha256_digest", "blake2b_256": "blake2_256_digest", "md5": "md5_digest"}


@bp.post("/legacy/", strict_slashes=False)
@bp.post("/")
def upload() -> Response:
    """Publish a file, and create its project if necessary."""
    permit = api_tokens.authenticate(UPLOAD)
    _check_disk()
    with ExitStack() as opened:
        with receiving(MAX_UPLOAD_S):
            form, file, filename = _read_form(opened)
        size = file.seek(0, io.SEEK_END)
        if size > current_app.config["MAX_FILE_BYTES"]:
            _too_large()
        digests = digests_of(file)
        _compare(digests, form)
        distribution = _examined(filename, file, size)
        if not permit.token.is_for(distribution.normalized_name):
            abort(403, f"This API token is for the project {permit.token.scope.project} only.")
        tool = str(request.user_agent)[:MAX_USER_AGENT]
        attestations = _attestations(form, distribution.filename, digests)
        published = _published(Upload(distribution, file, size, digests, tool, attestations), permit)
    address = absolute_url("packages.project", name=distribution.normalized_name, version=distribution.version)
    said = "was published" if published.is_new else "had already been published, so nothing changed"
    warnings = [*distribution.warnings]
    if published.problem:
        warnings.append(f"The description could not be rendered. {published.problem}")
    if attestations and not published.is_new:
        warnings.append("Attestations are kept only when a file is published, so these were not.")
    lines = [f"{distribution.filename} {said}: {address}", *(f"Warning: {each}" for each in warnings)]
    return Response("".join(f"{each}\n" for each in lines), mimetype="text/plain")


# Browsers do not send tokens by themselves, and no cookie is used here.
csrf.exempt(upload)


def _read_form(opened: ExitStack) -> tuple[MultiDict[str, str], IO[bytes], str]:
    """Return the form's fields, its file, and the file's name. The file is written to the disk, within limits."""

    def to_disk(*_: object, **__: object) -> IO[bytes]:
        # Small files stay in memory.
        return opened.enter_context(tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES))

    parser = FormDataParser(
        stream_factory=to_disk,
        max_form_memory_size=FORM_BYTES,
        max_content_length=current_app.config["MAX_FILE_BYTES"] + FORM_BYTES,
        max_form_parts=FORM_PARTS,
    )
    try:
        _, form, files = parser.parse_from_environ(request.environ)
    except RequestEntityTooLarge:
        _too_large()
    if form.get(":action") in RETIRED:
        abort(410, RETIRED[form[":action"]])
    if form.get(":action") != "file_upload" or form.get("protocol_version", "1") != "1":
        abort(400, "This is not an upload form of protocol version 1 (:action=file_upload).")
    sent = files.get("content")
    if sent is None or not sent.filename:
        abort(400, "The form has no file: the field `content` is missing.")
    return form, sent.stream, sent.filename


def _check_disk() -> None:
    try:
        check_disk(request.content_length or 0)
    except DiskFull as error:
        # Source: RFC 4918, section 11.5.
        refused = HTTPException(str(error))
        refused.code = 507
        raise refused from None


def _too_large() -> NoReturn:
    most = current_app.config["MAX_FILE_BYTES"]
    abort(413, f"The upload is too large: a file may have {most:,} bytes, and the rest of the form a few MB.")


def _compare(digests: Digests, form: MultiDict[str, str]) -> None:
    for name, field in SENT_DIGESTS.items():
        sent = form.get(field, "").strip().lower()
        if sent and sent != getattr(digests, name):
            abort(400, f"The file does not match the {name} digest in the form. It was probably damaged on the way.")


def _examined(filename: str, file: IO[bytes], size: int) -> Distribution:
    try:
        return examine(filename, file, size)
    except BadDistribution as error:
        abort(400, str(error))


def _attestations(form: MultiDict[str, str], filename: str, digests: Digests) -> list[dict[str, Any]] | None:
    """Return the attestations that came with a file, or None."""
    if not form.get("attestations"):
        return None
    try:
        return read_attestations(form["attestations"], filename, digests.sha256)
    except BadAttestations as error:
        abort(400, str(error))


def _published(sent: Upload, permit: api_tokens.Permit) -> Published:
    try:
        return publish(sent, permit.user)
    except (NotMaintained, ProjectClosed) as error:
        abort(403, str(error))
    except NameRefused as error:
        abort(400, str(error))
    except OverQuota as error:
        abort(413, str(error))
    except claims.NameTaken as error:
        abort(400, str(error))
    except ValidationError as error:
        abort(400, f"The metadata cannot be stored: {error}")
    except (claims.StillArriving, claims.ClaimLost, ConcurrentChange) as error:
        raise ServiceUnavailable(str(error), retry_after=RETRY_AFTER_S) from None
