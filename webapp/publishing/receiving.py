"""Receive the file of an upload form, examine it, and say why it was refused."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import IO, Any, NoReturn

from flask import abort, current_app, request
from mongoengine.errors import ValidationError
from packaging.utils import NormalizedName
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, ServiceUnavailable
from werkzeug.formparser import FormDataParser

from webapp.changes import claims
from webapp.changes.announced_files import AlreadyThere, TooManyAttestations, UploadEnded
from webapp.changes.new_names import NameRefused
from webapp.changes.project_status import ProjectClosed
from webapp.changes.publishers import NotTrusted, OnlyPublishers, Pipeline, check_admitted
from webapp.changes.release_rules import NotReviewed, OnlySessions
from webapp.changes.room import DiskFull, OverQuota, check_disk
from webapp.changes.signers import NotSigned
from webapp.changes.staged_files import TooManyFiles, WrongRelease
from webapp.changes.staging import SessionBusy, SessionGone, TooManySessions, find
from webapp.changes.uploads import Digests, NotMaintained, Upload, digests_of
from webapp.documents import PublishingSession, User
from webapp.documents.api_token import UPLOAD
from webapp.documents.base import utc_now
from webapp.documents.package import ConcurrentChange
from webapp.members import audit
from webapp.members.api_tokens import Permit, authenticate
from webapp.members.audit import MAX_USER_AGENT
from webapp.rules.archives import BadDistribution
from webapp.rules.attestations import BadAttestations, read_attestations
from webapp.rules.distributions import Distribution, examine
from webapp.rules.signatures import Signer
from webapp.serving.errors import RETRY_AFTER_S
from webapp.serving.extensions import signature_verifier
from webapp.serving.request_log import elapsed_s
from webapp.serving.slow_clients import limit_body, receiving

# The rest of the form. Tools send the metadata along, including the description, but only the file's own metadata
# counts.
FORM_BYTES = 4_000_000
FORM_PARTS = 3_000
IN_MEMORY_BYTES = 500_000
# Uploads that take longer than this are given up.
MAX_UPLOAD_S = 900
# What old tools still send.
RETIRED = {
    "submit": "Projects are no longer registered in advance: upload a file, and the project is created.",
    "doc_upload": "This index does not host documentation. Link to it in the project's metadata instead.",
}
# The form fields with digests.
SENT_DIGESTS = {"sha256": "sha256_digest", "blake2b_256": "blake2_256_digest", "md5": "md5_digest"}


def receive(opened: ExitStack) -> tuple[Permit, Upload]:
    """Return the file of the form in this request, examined, and who sent it, with the rights that they have now.

    Authenticate before this, so that strangers send no bodies. The file stays open as long as `opened`.
    """
    refuse_if_full(request.content_length or 0)
    with receiving(MAX_UPLOAD_S):
        form, file, filename = _read_form(opened)
    refuse_if_full(file.seek(0, io.SEEK_END))  # again: others may have arrived meanwhile
    # Again, because a body may take minutes, and rights may be taken away meanwhile.
    permit = authenticate(UPLOAD)
    return permit, examined(filename, file, permit, sent_digests(form), form.get("attestations"))


def examined(filename: str, file: IO[bytes], permit: Permit, sent: dict[str, str], attestations: str | None) -> Upload:
    """Return a file that has arrived, after every check that needs nothing but the file; `sent` are its digests."""
    size = file.seek(0, io.SEEK_END)
    if size > current_app.config["MAX_FILE_BYTES"]:
        _too_large()
    digests = digests_of(file)
    _compare(digests, sent)
    distribution = _examined(filename, file, size)
    pipeline = _admitted(distribution, permit)
    tool = str(request.user_agent)[:MAX_USER_AGENT]
    read, signer = _attestations(attestations, distribution.filename, digests)
    began_at = utc_now() - timedelta(seconds=elapsed_s())
    return Upload(distribution, file, size, digests, tool, began_at, read, signer, pipeline)


def check_scope(permit: Permit, normalized_name: NormalizedName) -> None:
    """Answer 403 if the token is for another project."""
    if not permit.token.is_for(normalized_name):
        abort(403, f"This API token is for {permit.token.shown_scope} only.")


def member(permit: Permit) -> User:
    """Return the member who makes this request; answer 403 to pipelines and shared tokens, which have no sessions."""
    if permit.user is None or permit.user.is_program:
        abort(403, "Publishing sessions need the API token of a member; other tokens upload directly.")
    return permit.user


def permitted(session_id: str) -> tuple[Permit, PublishingSession]:
    """Return who makes this request, and the session that they may change."""
    permit = authenticate(UPLOAD)
    with refusals():
        found = find(session_id, member(permit))
    check_scope(permit, NormalizedName(found.package))
    return permit, found


def record_staged(permit: Permit, session: PublishingSession, filename: str) -> None:
    """Record in the audit log that a file was added to a session."""
    what = f"Added {filename} to the publishing session of {session.package} {session.version} with the API token"
    said = f"{what} “{permit.token.name}”."
    audit.record(audit.UPLOAD, said, by=permit.user, target=f"package {session.package}")


def _admitted(distribution: Distribution, permit: Permit) -> Pipeline | None:
    """Check that the token is for this project, and return the pipeline that uses it, if it is not a member."""
    token, name = permit.token, distribution.normalized_name
    if token.scope and token.scope.project is None and token.is_pipelines:
        pipeline = Pipeline(token.issuer, token.claims or {})
        try:
            check_admitted(name, pipeline)
        except NotTrusted as error:
            abort(403, str(error))
        if not token.bind(name):
            abort(403, "This API token was just used for another project; it is for one only.")
        return pipeline
    if not token.is_for(name):
        abort(403, f"This API token is for {token.shown_scope} only.")
    return Pipeline(token.issuer, token.claims or {}) if token.is_pipelines else None


def _read_form(opened: ExitStack) -> tuple[MultiDict[str, str], IO[bytes], str]:
    """Return the form's fields, its file, and the file's name. The file is written to the disk, within limits."""

    def to_disk(*_: object, **__: object) -> IO[bytes]:
        # Small files stay in memory.
        return opened.enter_context(tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES))

    try:
        limit_body(current_app.config["MAX_FILE_BYTES"] + FORM_BYTES)
        parser = FormDataParser(
            stream_factory=to_disk,
            max_form_memory_size=FORM_BYTES,
            max_content_length=request.max_content_length,
            max_form_parts=FORM_PARTS,
        )
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


def refuse_if_full(size: int) -> None:
    """Answer 507 if this many bytes do not fit on the database's disk."""
    try:
        check_disk(size)
    except DiskFull as error:
        # Source: RFC 4918, section 11.5.
        refused = HTTPException(str(error))
        refused.code = 507
        raise refused from None


def _too_large() -> NoReturn:
    most = current_app.config["MAX_FILE_BYTES"]
    abort(413, f"The upload is too large: a file may have {most:,} bytes, and the rest of the form a few MB.")


def sent_digests(form: MultiDict[str, str]) -> dict[str, str]:
    """Return the digests in a form, by their names."""
    return {name: form.get(field, "") for name, field in SENT_DIGESTS.items()}


def _compare(digests: Digests, sent: dict[str, str]) -> None:
    for name, text in sent.items():
        if text.strip() and text.strip().lower() != getattr(digests, name):
            abort(400, f"The file does not match the {name} digest in the form. It was probably damaged on the way.")


def _examined(filename: str, file: IO[bytes], size: int) -> Distribution:
    try:
        return examine(filename, file, size)
    except BadDistribution as error:
        abort(400, str(error))


def _attestations(
    sent: str | None, filename: str, digests: Digests
) -> tuple[list[dict[str, Any]] | None, Signer | None]:
    """Return the attestations that came with a file, if any, and who signed them, if the site verifies that."""
    if not sent:
        return None, None
    verifier = signature_verifier()
    try:
        attestations = read_attestations(sent, filename, digests.sha256)
        return attestations, verifier.signer_of(attestations, filename, digests.sha256) if verifier else None
    except BadAttestations as error:
        abort(400, str(error))


@contextmanager
def refusals() -> Iterator[None]:
    """Answer with the reason when a change is refused."""
    try:
        yield
    except (NotMaintained, NotReviewed, NotTrusted, OnlyPublishers, OnlySessions, ProjectClosed) as error:
        abort(403, str(error))
    except SessionGone as error:
        abort(404, str(error))
    except (NameRefused, NotSigned, WrongRelease, TooManyFiles, TooManySessions, claims.NameTaken) as error:
        abort(400, str(error))
    except (SessionBusy, AlreadyThere, UploadEnded) as error:
        abort(409, str(error))
    except (OverQuota, TooManyAttestations) as error:
        abort(413, str(error))
    except ValidationError as error:
        abort(400, f"The metadata cannot be stored: {error}")
    except claims.StillArriving as error:
        raise ServiceUnavailable(str(error), retry_after=error.seconds) from None
    except (claims.ClaimLost, ConcurrentChange) as error:
        raise ServiceUnavailable(str(error), retry_after=RETRY_AFTER_S) from None
