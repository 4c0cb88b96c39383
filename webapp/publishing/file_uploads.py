"""`/upload/<session>/files/`: the files of a publishing session, as the draft of PEP 694 describes their upload.

A file is announced, sent by the mechanism `http-post-bytes`, and completed. Its checks are those of any upload.
"""

import hashlib
import json
import shutil
import string
import tempfile
from typing import Any, cast

from flask import Response, abort, current_app, request
from packaging.utils import NormalizedName
from werkzeug.exceptions import BadRequest, HTTPException

from webapp.changes import announced_files
from webapp.changes.staged_files import WrongRelease, stage, take_out
from webapp.documents import PublishingSession, SessionFile, contents
from webapp.documents.api_token import UPLOAD
from webapp.documents.publishing_session import PENDING
from webapp.members.api_tokens import Permit, authenticate
from webapp.publishing.receiving import (
    IN_MEMORY_BYTES,
    MAX_UPLOAD_S,
    examined,
    member,
    permitted,
    record_staged,
    refusals,
    refuse_if_full,
)
from webapp.publishing.session_api import (
    MECHANISM,
    META,
    RECEIVE_S,
    address,
    answer,
    api,
    read_json,
    record,
    text_of,
    whole_seconds,
)
from webapp.rules import naming
from webapp.rules.archives import BadDistribution
from webapp.rules.attestations import MAX_BYTES
from webapp.rules.distributions import MAX_FILENAME_LENGTH, releases_named
from webapp.rules.texts import counted
from webapp.serving.extensions import csrf
from webapp.serving.slow_clients import limit_body, receiving, whole_body

# How soon to ask for the state of a file again, in seconds. Nothing here happens in the background.
RETRY_AFTER_S = 1
MOST_HASHES = 10
# Of a refusal that the file itself is the reason for: sending it again would not help.
_OF_FILE = (400, 413)


@api.post("/<session_id>/files/")
def announce_file(session_id: str) -> Response:
    """Announce a file: its name, size and digests."""
    _, session = permitted(session_id)
    sent = read_json()
    permit = authenticate(UPLOAD)  # again: rights may have been taken away while the body arrived
    filename = text_of(sent, "filename", MAX_FILENAME_LENGTH)
    if text_of(sent, "mechanism", MAX_FILENAME_LENGTH) != MECHANISM:
        abort(422, f"The only mechanism of this site is {MECHANISM}.")
    size, hashes = _size_of(sent), _hashes_of(sent)
    with refusals():
        _check_fits(session, filename)
        entry = announced_files.announce(session, filename, size, hashes, member(permit))
    return _described(session, entry, 202)


@api.get("/<session_id>/files/<filename>/")
def file_upload(session_id: str, filename: str) -> Response:
    """Describe the upload of a file."""
    _, session = permitted(session_id)
    return _described(session, _entry(session, filename))


@api.delete("/<session_id>/files/<filename>/")
def remove_file(session_id: str, filename: str) -> Response:
    """Cancel the upload of a file, or remove one that is there."""
    permit, session = permitted(session_id)
    with refusals():
        if not take_out(session, filename, member(permit)):
            abort(404, "The session has no such file.")
    record(permit, session, f"Removed {filename} from")
    return Response(status=204)


@api.post("/<session_id>/files/<filename>/bytes")
def receive_bytes(session_id: str, filename: str) -> Response:
    """Take the bytes of an announced file."""
    _, session = permitted(session_id)
    entry = _pending(session, filename)
    size = entry.announced["size"]
    if request.mimetype != "application/octet-stream":
        abort(415, "Send the content type application/octet-stream.")
    refuse_if_full(size)
    limit_body(size)
    with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as file:
        with receiving(MAX_UPLOAD_S):
            shutil.copyfileobj(request.stream, file)
        refuse_if_full(size)  # again: others may have arrived meanwhile
        permit = authenticate(UPLOAD)  # as above
        if file.tell() != size:
            abort(400, f"{counted(file.tell(), 'bytes')} arrived; the file was announced with {size:,}.")
        with refusals():
            announced_files.keep_bytes(session, entry, cast("Any", file), member(permit))
    return _described(session, entry, 201)


@api.post("/<session_id>/files/<filename>/attestations")
def receive_attestations(session_id: str, filename: str) -> Response:
    """Take the attestations of an announced file, a JSON array (PEP 740)."""
    _, session = permitted(session_id)
    entry = _pending(session, filename)
    try:
        text = whole_body(MAX_BYTES, RECEIVE_S).decode()
        sent = json.loads(text)
    except (ValueError, RecursionError):
        abort(400, "The attestations cannot be read as JSON.")
    permit = authenticate(UPLOAD)  # as above
    if not isinstance(sent, list):
        abort(400, "The attestations have to be a JSON array.")
    with refusals():
        announced_files.keep_attestations(session, entry, text, member(permit))
    return _described(session, entry, 201)


@api.post("/<session_id>/files/<filename>/complete")
def complete_file(session_id: str, filename: str) -> Response:
    """Check a file that has arrived, and add it to the session; if it is refused, only its removal helps."""
    permit, session = permitted(session_id)
    entry = _pending(session, filename)
    try:
        _complete(permit, session, entry)
    except HTTPException as error:
        if error.code in _OF_FILE:
            announced_files.refuse(session, entry, error.description or error.name)
        raise
    contents.delete(entry.content_id)
    record_staged(permit, session, filename)
    _, again = permitted(session_id)
    response = _described(again, _entry(again, filename), 201)
    response.headers["Location"] = address("file_upload", again, filename=filename)
    return response


def _complete(permit: Permit, session: PublishingSession, entry: SessionFile) -> None:
    with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as temporary, refusals():
        file = cast("Any", temporary)
        announced_files.copy_bytes(entry, file)
        if name := announced_files.differing(entry, file):
            abort(400, f"The file does not have the {name} digest that was announced.")
        upload = examined(entry.filename, file, permit, {}, entry.attestations)
        stage(session, upload, member(permit), entry)


def _size_of(sent: dict[str, Any]) -> int:
    size, most = sent.get("size"), current_app.config["MAX_FILE_BYTES"]
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        abort(400, "“size” has to be a number of bytes.")
    if size > most:
        abort(413, f"The file is too large: a file may have {most:,} bytes.")
    return size


def _hashes_of(sent: dict[str, Any]) -> dict[str, str]:
    """Return the digests in a request, by their algorithms, at least one of which is secure."""
    hashes = sent.get("hashes")
    known = {each for each in hashlib.algorithms_guaranteed if not each.startswith("shake")}
    if not isinstance(hashes, dict) or not len(hashes) <= MOST_HASHES or not known.issuperset(hashes):
        abort(400, f"“hashes” has to be an object with digests by some of: {', '.join(sorted(known))}.")
    if not announced_files.SECURE.intersection(hashes):
        abort(400, "“hashes” has to contain a secure digest, such as sha256.")
    if not all(
        isinstance(each, str) and len(each) == 2 * hashlib.new(name).digest_size and set(each) <= set(string.hexdigits)
        for name, each in hashes.items()
    ):
        abort(400, "The digests in “hashes” have to be hexadecimal.")
    return hashes


def _check_fits(session: PublishingSession, filename: str) -> None:
    try:
        meanings = releases_named(filename)
    except BadDistribution as error:
        abort(400, str(error))
    wanted = (NormalizedName(session.package), naming.sort_key(session.version))
    if wanted not in [(name, naming.sort_key(str(version))) for name, version in meanings]:
        raise WrongRelease(
            f"This session is for {session.package} {session.version}, and the file is of another release."
        )


def _entry(session: PublishingSession, filename: str) -> SessionFile:
    return session.file(filename) or abort(404, "The session has no such file.")


def _pending(session: PublishingSession, filename: str) -> SessionFile:
    """Return the entry of an announced file that is not complete; answer 409 if it takes nothing more."""
    entry = _entry(session, filename)
    if entry.state != PENDING or not entry.announced:
        abort(409, f"The upload of {filename} has ended. Delete the file first to send it again.")
    try:
        _size_of(entry.announced)
        _hashes_of(entry.announced)
    except BadRequest as error:
        what = f"An edit in the database damaged what was announced of {filename}: {error.description}"
        abort(409, f"{what} Delete the file, and announce it again.")
    return entry


def _described(session: PublishingSession, entry: SessionFile, code: int = 200) -> Response:
    """Return the upload of a file as PEP 694 describes it."""

    def place(endpoint: str) -> str:
        return address(endpoint, session, filename=entry.filename)

    document = {
        "meta": META,
        "links": {
            "publishing-session": address("session", session),
            "file-upload-session": place("file_upload"),
            "complete": place("complete_file"),
        },
        "status": entry.state,
        "expires-at": whole_seconds(session.expires_at),
        "mechanism": {
            "identifier": MECHANISM,
            "file_url": place("receive_bytes"),
            "attestations_url": place("receive_attestations"),
        },
        "notices": [entry.problem] if entry.problem else [],
    }
    response = answer(document, code)
    if entry.state == PENDING:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


for view in (announce_file, remove_file, receive_bytes, receive_attestations, complete_file):
    csrf.exempt(view)
