"""The files of a publishing session: add, replace and remove them.

    claim the name -> store the bytes -> the session lists the file -> settle the claim

A file is replaced while its entry is pending, and a session with a pending entry cannot be published. So a process that
is killed leaves the old file or the new one, and `staging.current` says which.
"""

from typing import Any, NamedTuple

import bson

from webapp.changes import claims
from webapp.changes.claims import Claim, InSession
from webapp.changes.new_names import take
from webapp.changes.project_status import check_open, is_in_quarantine
from webapp.changes.room import OverQuota, check_quota
from webapp.changes.signers import check_signed
from webapp.changes.staging import SessionBusy, SessionGone, check_may_change, complete
from webapp.changes.uploads import Upload, facts_of, release_file
from webapp.documents import PublishingSession, ReleaseFile, SessionFile, StoredFile, User, contents
from webapp.documents.base import Plain, as_declared, utc_now
from webapp.documents.publishing_session import COMPLETED, MOST_FILES, OPEN, PENDING, PUBLISHING
from webapp.documents.stored_file import STAGED
from webapp.rules import naming


class WrongRelease(RuntimeError):
    """The file is of another project or version than the session."""


class TooManyFiles(RuntimeError):
    """The session has as many files as it may have."""


class Staged(NamedTuple):
    """The result of an upload to a session."""

    is_new: bool  # False if the session had this very file already
    is_replaced: bool = False


def stage(session: PublishingSession, upload: Upload, by: User, announced: SessionFile | None = None) -> Staged:
    """Add a file to a session, or replace one; `announced` is its pending entry, if it was announced.

    Raises WrongRelease, SessionGone, SessionBusy, TooManyFiles, NotMaintained, ProjectClosed, NotSigned, OverQuota,
    NameTaken, StillArriving and ClaimLost.
    """
    distribution = upload.distribution
    if session.state == PUBLISHING:
        raise SessionBusy("This session is being published.")
    if not session.is_open:
        raise SessionGone("This session has ended, so it takes no more files.")
    _check_fits(session, upload)
    package = check_may_change(session, by)
    if package is None:
        take(session.package, by.id, session)
    else:
        check_signed(package, upload.signer)
    facts = facts_of(upload, by) | {"session": session.pk}
    try:
        claim = claims.claim(distribution.filename, upload.digests.sha256, facts)
    except InSession as standing:
        _replace(session, upload, by, standing.document, facts)
        return Staged(is_new=True, is_replaced=True)
    if claim is None:
        if StoredFile.objects.named(distribution.filename).only("state").plain_first() != {
            "filename": distribution.filename,
            "state": STAGED,
        }:
            raise claims.NameTaken(f"This file has already been published: {distribution.filename}")
        return Staged(is_new=False)
    try:
        check_quota(distribution.normalized_name, by.id)
        contents.put(claim.content_id, distribution.filename, claim.chunks_of(upload.file))
        claim.heartbeat()
        _list(session, upload, by, announced)
    except (OverQuota, claims.ClaimLost, SessionGone, SessionBusy, TooManyFiles):
        claim.give_back()
        raise
    claim.settle(STAGED)
    return Staged(is_new=True)


def take_out(session: PublishingSession, filename: str, by: User) -> bool:
    """Remove a file from a session, pending or not; False if there is none of this name.

    The project may take no new files, but must not be in quarantine. Raises NotMaintained, ProjectClosed, SessionGone.
    """
    package = check_may_change(session, by, even_closed=True)
    if package and is_in_quarantine(package):
        check_open(package)
    gone = {"$pull": {"files": {"filename": filename}}}
    is_open = {"_id": session.pk, "state": OPEN}
    PublishingSession.objects.mend_lists(is_open, gone)
    before = _sessions().find_one_and_update(is_open, gone, {"files": 1})
    if before is None:
        raise SessionGone("This session is no longer open, so its files cannot be changed.")
    files = as_declared(PublishingSession, before).get("files", [])
    entry = next((each for each in files if each.get("filename") == filename), None)
    if entry is None:
        return False
    if entry.get("content_id"):
        contents.delete(entry["content_id"])
    document = _files().find_one({"_id": filename, "session": session.pk}, {"metadata": 0})
    if document:
        claims.settle_staged(document)
    return True


def _check_fits(session: PublishingSession, upload: Upload) -> None:
    distribution = upload.distribution
    is_of_version = naming.sort_key(distribution.version) == naming.sort_key(session.version)
    if distribution.normalized_name != session.package or not is_of_version:
        raise WrongRelease(
            f"This session is for {session.package} {session.version}, and the file is of "
            f"{distribution.normalized_name} {distribution.version}."
        )


def _list(session: PublishingSession, upload: Upload, by: User, announced: SessionFile | None) -> None:
    """Let the session list a file whose bytes are stored."""
    file, filename = release_file(upload, by), upload.distribution.filename
    if announced is not None:
        if not complete(session, announced.as_arrived, file, by.id, {*(announced.senders or ()), by.id}):
            raise SessionBusy(
                "While this file was checked, its upload was cancelled, or its bytes or attestations were sent again, "
                "or its session ended."
            )
        return
    add(session, SessionFile(filename=filename, state=COMPLETED, file=file, uploaded_by=by.id, senders=[by.id]))


def add(session: PublishingSession, entry: SessionFile) -> None:
    """Let an open session list one more file. Raises SessionGone, SessionBusy and TooManyFiles."""
    free = {
        "_id": session.pk,
        "state": OPEN,
        "expires_at": {"$gt": utc_now()},
        "files.filename": {"$ne": entry.filename},
        f"files.{MOST_FILES - 1}": {"$exists": False},
    }
    if PublishingSession.objects.change_lists(free, {"$push": {"files": entry.to_mongo()}}):
        return
    now: PublishingSession | None = PublishingSession.objects(pk=session.pk).declared_first()
    if now is None or not now.is_open:
        raise SessionGone("This session is no longer open, so its files cannot be changed.")
    if len(now.files) >= MOST_FILES:
        raise TooManyFiles(f"A session can have {MOST_FILES} files.")
    standing = now.file(entry.filename)
    if standing and standing.announced:
        raise SessionBusy(
            f"{entry.filename} was announced in this session, and that upload is not complete. Complete it with the "
            "tool that announced it, or remove the file from the session and upload it again."
        )
    raise SessionBusy(f"Another upload of {entry.filename} to this session has not finished yet.")


def _replace(session: PublishingSession, upload: Upload, by: User, old: Plain, facts: Plain) -> None:
    """Replace a file of a session by another one of its name. Raises SessionBusy, OverQuota and ClaimLost."""
    filename, attempt = upload.distribution.filename, str(bson.ObjectId())
    new = release_file(upload, by)
    before = _begin_replacing(session, old, attempt, new, by.id)
    claim = Claim(filename, bson.ObjectId(), attempt)
    entry = {"filename": filename, "attempt": attempt}
    try:
        # Both are kept for a moment, but only one of them in the end.
        more = max(0, upload.size - as_declared(StoredFile, old).get("size", 0))
        check_quota(upload.distribution.normalized_name, by.id, more)
        contents.put(claim.content_id, filename, claim.chunks_of(upload.file))
        document = {"_id": filename, "sha256": upload.digests.sha256, **facts, "state": STAGED}
        document |= {"content_id": claim.content_id, "attempt": attempt, "alive_at": utc_now()}
        if not _files().replace_one({"_id": filename, "state": STAGED, "attempt": attempt}, document).matched_count:
            raise claims.ClaimLost(f"{filename}: another upload of this file took over")
    except (OverQuota, claims.ClaimLost):
        contents.delete(claim.content_id)
        complete(session, entry, before.file, before.uploaded_by, before.senders)
        claim.settle(STAGED)
        raise
    complete(session, entry, new, by.id, {by.id})
    claim.settle(STAGED)
    contents.delete(old["content_id"])


def _begin_replacing(
    session: PublishingSession, old: Plain, attempt: str, new: ReleaseFile, by_id: bson.ObjectId
) -> SessionFile:
    """Make an entry pending until its file is replaced, and return what it was. Raises SessionBusy."""
    filename = new.filename
    busy = SessionBusy(f"Another upload of {filename} to this session has not finished yet.")
    mine = {"_id": filename, "state": STAGED, "session": session.pk, "content_id": old["content_id"], "attempt": None}
    # First the sign of life: an entry without one is settled at once.
    if not _files().update_one(mine, {"$set": {"attempt": attempt, "alive_at": utc_now()}}).matched_count:
        raise busy
    this = {"filename": filename, "state": COMPLETED, "file.sha256": old["sha256"]}
    pending = {"files.$.state": PENDING, "files.$.attempt": attempt, "files.$.replacement": new.to_mongo()}
    place = {"_id": session.pk, "state": OPEN, "files": {"$elemMatch": this}}
    # Both count as its senders until it is known whose file it is.
    if not PublishingSession.objects.change_lists(place, {"$addToSet": {"files.$.senders": by_id}, "$set": pending}):
        _files().update_one({"_id": filename, "attempt": attempt}, {"$unset": {"attempt": "", "alive_at": ""}})
        raise busy
    standing: PublishingSession | None = PublishingSession.objects(pk=session.pk).declared_first()
    before = standing.file(filename) if standing else None
    if before is None:
        raise busy
    return before


def _sessions() -> Any:
    return PublishingSession.objects.raw()


def _files() -> Any:
    return StoredFile.objects.raw()
