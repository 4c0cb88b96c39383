"""The files of a publishing session that arrive in several requests (PEP 694): announced, sent, and completed.

    the session lists the file as pending -> its bytes are stored -> it is checked -> it is staged, like any other

A file that does not pass the checks stays in the session, with the reason, until it is removed.
"""

import hashlib
from collections.abc import Mapping
from typing import IO, Any

import bson

from webapp.changes.room import check_quota
from webapp.changes.staged_files import add
from webapp.changes.staging import SessionBusy, check_may_change
from webapp.documents import PublishingSession, SessionFile, StoredFile, User, contents
from webapp.documents.base import Plain, as_declared
from webapp.documents.publishing_session import ERROR, OPEN, PENDING

# At least one of these has to be announced. Source: PEP 694, which asks for a secure one of Python's.
SECURE = {name for name in hashlib.algorithms_guaranteed if not name.startswith(("md5", "sha1", "shake"))}
ENDED = "This upload was cancelled, completed or sent again by another request, or its session is no longer open."
_BLOCK_BYTES = 1_000_000
# The attestations that a session holds until its files are completed. A document of MongoDB has 16 MB at most.
MOST_ATTESTATIONS_BYTES = 8_000_000


class UploadEnded(RuntimeError):
    """The upload of an announced file ended, or was started over, while something arrived for it."""


class AlreadyThere(RuntimeError):
    """The session, or the project, has a file of this name."""


class TooManyAttestations(RuntimeError):
    """The attestations of a session's announced files would be too large together."""


def announce(session: PublishingSession, filename: str, size: int, hashes: Mapping[str, str], by: User) -> SessionFile:
    """Let a session list a file of `size` bytes that will be sent.

    Raises NotMaintained, ProjectClosed, OverQuota, AlreadyThere, SessionGone, SessionBusy and TooManyFiles.
    """
    check_may_change(session, by)
    if session.file(filename):
        raise AlreadyThere(f"The session has a file of this name. Delete it first: {filename}")
    standing = StoredFile.objects.named(filename).only("state").plain_first()
    if standing is not None:
        raise AlreadyThere(f"This file name was used before: {filename}")
    _check_room(session, size, by)
    entry = SessionFile(
        filename=filename,
        state=PENDING,
        attempt=str(bson.ObjectId()),
        uploaded_by=by.id,
        senders=[by.id],
        announced={"size": bson.Int64(size), "hashes": dict(hashes)},
    )
    add(session, entry)
    return entry


def keep_bytes(session: PublishingSession, entry: SessionFile, file: IO[bytes], by: User) -> None:
    """Store the bytes of an announced file, in the place of those that were sent before.

    Raises NotMaintained, ProjectClosed, OverQuota and UploadEnded.
    """
    check_may_change(session, by)
    _check_room(session, 0, by)
    content_id = bson.ObjectId()
    contents.put(content_id, entry.filename, contents.chunks_of(file))
    this = _pending(entry) | {"content_id": entry.content_id}
    if not _change(session, this, _sent(by, content_id=content_id)):
        contents.delete(content_id)
        raise UploadEnded(ENDED)
    if entry.content_id:
        contents.delete(entry.content_id)


def keep_attestations(session: PublishingSession, entry: SessionFile, attestations: str, by: User) -> None:
    """Keep the attestations of an announced file, as they were sent. Raises UploadEnded and TooManyAttestations."""
    check_may_change(session, by)
    standing = _sessions().find_one({"_id": session.pk}, {"files.filename": 1, "files.attestations": 1})
    files = as_declared(PublishingSession, standing).get("files", [])
    others = [each.get("attestations") for each in files if each.get("filename") != entry.filename]
    if sum(len(each.encode()) for each in (*others, attestations) if each) > MOST_ATTESTATIONS_BYTES:
        raise TooManyAttestations(
            f"The attestations of files that are not complete may have {MOST_ATTESTATIONS_BYTES:,} bytes together. "
            "Complete some of these files first."
        )
    if not _change(session, _pending(entry), _sent(by, attestations=attestations)):
        raise UploadEnded(ENDED)


def copy_bytes(entry: SessionFile, to: IO[bytes]) -> None:
    """Write the bytes that have arrived to a file. Raises SessionBusy if they have not, or go while they are read."""
    if not entry.content_id:
        raise SessionBusy(f"The bytes of {entry.filename} have not arrived yet.")
    try:
        for chunk in contents.Reader(entry.content_id, entry.announced["size"]):
            to.write(chunk)
    except contents.MissingBytes:
        raise SessionBusy(
            f"The bytes of {entry.filename} are not there any more: another request sent them again, removed the file "
            "or completed it. Ask for the file's state, and send its bytes again if it is pending."
        ) from None


def differing(entry: SessionFile, file: IO[bytes]) -> str | None:
    """Return the name of a digest that was announced and that a file does not have, or None."""
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in entry.announced["hashes"]}
    file.seek(0)
    while block := file.read(_BLOCK_BYTES):
        for each in hashes.values():
            each.update(block)
    announced = entry.announced["hashes"]
    return next((name for name, each in hashes.items() if each.hexdigest() != announced[name].lower()), None)


def refuse(session: PublishingSession, entry: SessionFile, problem: str) -> None:
    """Record why a file did not pass the checks, and delete its bytes."""
    ended = {"files.$.state": ERROR, "files.$.problem": problem[:1000]}
    gone = {"files.$.content_id": "", "files.$.attestations": ""}
    if _change(session, entry.as_arrived, {"$set": ended, "$unset": gone}):
        contents.delete(entry.content_id)


def _check_room(session: PublishingSession, size: int, by: User) -> None:
    """Count the announced files of the project and of the account too. Raises OverQuota."""
    mine = {"state": OPEN, "$or": [{"package": session.package}, {"created_by": by.id}]}
    found = _sessions().find({**mine, "files.state": PENDING}, {"files.state": 1, "files.announced": 1})
    files = [each for plain in PublishingSession.objects.as_plain(found) for each in plain.get("files", [])]
    sizes = [each.get("announced", {}).get("size") for each in files if each.get("state") == PENDING]
    # What was announced is kept as it came, so MongoDB lets an edit by hand write anything there.
    check_quota(session.package, by.id, size + sum(each for each in sizes if isinstance(each, int)))


def _pending(entry: SessionFile) -> Plain:
    return {"filename": entry.filename, "attempt": entry.attempt, "state": PENDING}


def _sent(by: User, **arrived: Any) -> Plain:
    return {
        "$addToSet": {"files.$.senders": by.id},
        "$set": {f"files.$.{name}": value for name, value in arrived.items()},
    }


def _change(session: PublishingSession, this: Plain, change: Plain) -> bool:
    """Change the entry of a pending file; False if it is another one by now, or none."""
    which = {"_id": session.pk, "state": OPEN, "files": {"$elemMatch": this}}
    return PublishingSession.objects.change_lists(which, change)


def _sessions() -> Any:
    return PublishingSession.objects.raw()
