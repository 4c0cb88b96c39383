"""Claims on file names: from the start of an upload to the stored file, and how leftovers are settled.

    claim -> store the bytes -> the package lists the file -> settle

A claim is a document whose `_id` is the file name and whose unique `canonical_name` is the same for all spellings of
it, so MongoDB decides between two uploads. Readers see what the package lists, and one atomic write adds the file
there. An upload killed before it leaves nothing that a reader could see; killed after it, a complete file. Either way
the claim is left over, and is settled by the next upload of that name or by `flask files clean`, depending on whether
the package lists the file.

A file of a publishing session is listed by that session first, and its claim is settled as "staged": its name stays
reserved until the session is published or ends.
"""

import math
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import IO, Any

import bson
from pymongo.errors import DuplicateKeyError

from webapp.documents import JournalEntry, Package, PublishingSession, ReleaseFile, StoredFile, contents
from webapp.documents.base import Plain, as_declared, is_recent, utc_now
from webapp.documents.publishing_session import CANCELED, COMPLETED, LIVE, OPEN, PUBLISHED, REMEMBERED, STATES
from webapp.documents.stored_file import ARRIVING, DELETED, DELETING, STAGED, STORED

# A claim without a sign of life for this long is left over. Uploads give up long before.
LIFETIME_S = 60
GIVE_UP_S = 30
# How often a sign of life is written while bytes are stored.
BEAT_S = 5
# How long, and how often, to wait for another upload of the same name. One whose last sign of life is older was
# probably killed, and is not waited for.
PATIENCE_S = 10.0
POLL_S = 0.05


class NameTaken(RuntimeError):
    """The file name was used before: for different bytes, by a deleted file, or in another spelling."""


class StillArriving(RuntimeError):
    """Another upload of the same file name has not finished yet.

    Unless it shows a sign of life, its claim can be taken over in this many `seconds`.
    """

    def __init__(self, filename: str, seconds: float) -> None:
        # The clocks of two machines may differ.
        self.seconds = max(1, min(math.ceil(seconds), LIFETIME_S))
        super().__init__(f"An earlier upload of {filename} has not finished yet; try again in {self.seconds} s")


class ClaimLost(RuntimeError):
    """This upload showed no sign of life for too long, and lost its claim."""


class InSession(RuntimeError):
    """The publishing session that is uploaded to has another file of this name, `document`."""

    def __init__(self, document: dict[str, Any]) -> None:
        super().__init__(document["_id"])
        self.document = document


class Claim:
    """The right of one upload to a file name."""

    def __init__(self, filename: str, content_id: bson.ObjectId, attempt: str) -> None:
        self.filename = filename
        self.content_id = content_id
        self.attempt = attempt
        self._beaten_at = time.monotonic()

    def heartbeat(self) -> None:
        """Show a sign of life, if the last one was some seconds ago. Raises ClaimLost."""
        age_s = time.monotonic() - self._beaten_at
        if age_s > GIVE_UP_S:
            raise ClaimLost(f"{self.filename}: storing it took too long; please try again")
        if age_s > BEAT_S:
            mine = {"_id": self.filename, "attempt": self.attempt}
            if not _files().update_one(mine, {"$set": {"alive_at": utc_now()}}).matched_count:
                raise ClaimLost(f"{self.filename}: another upload of this file took over")
            self._beaten_at = time.monotonic()

    def chunks_of(self, file: IO[bytes]) -> Iterator[bytes]:
        """Yield the chunks of the file, with a sign of life before each. Raises ClaimLost."""
        for chunk in contents.chunks_of(file):
            self.heartbeat()
            yield chunk

    def settle(self, state: str = STORED) -> None:
        """Record that the package, or the session, lists the file.

        Anybody who took over found it listed and recorded the same. If the record is lost, the claim is left over, and
        settled as such; a session would have to wait for that, so its record is not risked.
        """
        mine = {"_id": self.filename, "attempt": self.attempt}
        change = {"$set": {"state": state}, "$unset": {"attempt": "", "alive_at": ""}}
        StoredFile.objects.raw(may_be_lost=state == STORED).update_one(mine, change)

    def give_back(self) -> None:
        """Release the name, and delete the bytes."""
        contents.delete(self.content_id)
        _files().delete_one({"_id": self.filename, "attempt": self.attempt})


def claim(filename: str, sha256: str, facts: dict[str, Any]) -> Claim | None:
    """Claim a file name, with the contents of its document; None if this very file is already stored.

    Raises NameTaken, InSession, and StillArriving if another upload of the name does not finish soon.
    """
    give_up_at = time.monotonic() + PATIENCE_S
    while True:
        attempt, content_id = str(bson.ObjectId()), bson.ObjectId()
        document = {
            "_id": filename,
            "sha256": sha256,
            **facts,
            "state": ARRIVING,
            "content_id": content_id,
            "attempt": attempt,
            "alive_at": utc_now(),
        }
        try:
            _files().insert_one(document)
        except DuplicateKeyError:
            pass
        else:
            return Claim(filename, content_id, attempt)
        other = _files().find_one({"_id": filename}) or _files().find_one({"canonical_name": facts["canonical_name"]})
        if other is None:
            continue  # it was just released
        match other.get("state"):
            case state if state not in (ARRIVING, STAGED) and other["_id"] != filename:
                raise NameTaken(f"This file name is another spelling of one that was used before: {other['_id']}")
            case "stored" if other.get("sha256") == sha256:
                return None
            case "arriving":
                if settle_leftover(other):
                    continue
                silent_s = (utc_now() - other["alive_at"]).total_seconds()
                if silent_s > PATIENCE_S or time.monotonic() > give_up_at:
                    raise StillArriving(other["_id"], LIFETIME_S - silent_s)
                time.sleep(POLL_S)
            case "staged":
                if settle_staged(other):
                    continue
                if other.get("session") != facts.get("session") or other["_id"] != filename:
                    raise NameTaken(f"This file name is reserved by a publishing session: {other['_id']}")
                if other["sha256"] == sha256:
                    return None
                raise InSession(other)
            case state:
                if state in (DELETING, DELETED):
                    raise NameTaken(f"This file name was used before and cannot be reused: {filename}")
                raise NameTaken(f"File already exists with different contents: {filename}")


def settle_leftover(document: dict[str, Any]) -> bool:
    """Settle a claim whose upload showed no sign of life for a minute; False if it may still be running.

    If the package lists the file, it is stored; otherwise nobody ever saw it, and its name is released.
    """
    alive_at = document.get("alive_at")
    if alive_at and is_recent(alive_at, timedelta(seconds=LIFETIME_S)):
        return False
    leftover = {"_id": document["_id"], "state": ARRIVING, "attempt": document.get("attempt")}
    if document.get("session") and is_reserved(document):
        _files().update_one(leftover, {"$set": {"state": STAGED}, "$unset": {"attempt": "", "alive_at": ""}})
    elif is_listed(document):
        _files().update_one(leftover, {"$set": {"state": STORED}, "$unset": {"attempt": "", "alive_at": ""}})
    elif _files().delete_one(leftover).deleted_count and document.get("content_id"):
        contents.delete(document["content_id"])
    return True


def settle_leftovers() -> int:
    """Settle all claims that are left over; return how many there were."""
    arriving, staged = ({"state": ARRIVING}, {"session": {"$exists": True}, "state": STAGED})
    found = sum(settle_leftover(each) for each in _files().find(arriving, {"metadata": 0}))
    return found + sum(settle_staged(each) for each in _files().find(staged, {"metadata": 0}))


def settle_staged(document: dict[str, Any]) -> bool:
    """Settle a file of a publishing session that has ended or no longer lists it; False if that is not so.

    If the package lists the file, it is stored; otherwise its name is released.
    """
    session_id, content_id = document.get("session"), document.get("content_id")
    end_if_expired(session_id)
    this = {"_id": document["_id"], "state": STAGED, "session": session_id, "content_id": content_id}
    # In this order: a session ends only after its package lists the files.
    if is_reserved(document):
        return False
    if is_listed(document):
        gone = {"session": "", "attempt": "", "alive_at": ""}
        _files().update_one(this, {"$set": {"state": STORED}, "$unset": gone})
    elif _files().delete_one(this).deleted_count and content_id:
        contents.delete(content_id)
    return True


def end_if_expired(session_id: Any) -> None:
    """End a publishing session whose time is over, so that nobody can extend or publish it any more.

    One that does not say when it expires has expired, too: otherwise an edit by hand would let it stand forever.
    """
    over = {"_id": session_id, "state": OPEN, "expires_at": {"$not": {"$gt": utc_now()}}}
    PublishingSession.objects.raw().update_one(over, _canceled())


def end_if_edited(session_id: Any) -> None:
    """End a publishing session that an edit by hand has damaged; see `PublishingSession.was_edited`.

    One that is being published is left alone: its package may list its files already.
    """
    sessions, reserving = PublishingSession.objects.raw(), {"live_key": {"$gt": ""}}
    published = {"$set": {"forget_at": utc_now() + REMEMBERED}, "$unset": {"live_key": ""}}
    sessions.update_one({"_id": session_id, "state": PUBLISHED, **reserving}, published)
    edited = [{"state": CANCELED, **reserving}, {"state": {"$nin": STATES}}]
    if PublishingSession(**as_declared(PublishingSession, sessions.find_one({"_id": session_id}))).missing:
        edited.append({"state": OPEN})
    sessions.update_one({"_id": session_id, "$or": edited}, _canceled())


def end_ownerless(session_id: bson.ObjectId, normalized_name: str) -> bool:
    """End an open publishing session of a deleted account, unless its project exists; False if it goes on.

    Nobody else may change a session of a project that does not exist, and it reserves the project's name.
    """
    if Package.objects.raw().find_one({"_id": normalized_name}, {"_id": 1}):
        return False
    is_open = {"_id": session_id, "state": OPEN}
    return bool(PublishingSession.objects.raw().update_one(is_open, _canceled()).matched_count)


def _canceled() -> Plain:
    now = utc_now()
    ended = {"state": CANCELED, "ended_at": now, "forget_at": now + REMEMBERED}
    return {"$set": ended, "$unset": {"live_key": ""}}


def end_deleted(normalized_name: str) -> int:
    """End the open sessions of a project that was deleted after they were opened; return how many there were.

    The process that deleted it may have been killed before it cancelled them, or one of them was being published.
    """
    exists = Package.objects.raw().find_one({"_id": normalized_name}, {"_id": 1})
    return 0 if exists else end_before_deletion(normalized_name)


def end_before_deletion(normalized_name: str) -> int:
    """End the open sessions from before the last deletion of a project that does not exist."""
    deleted_at = JournalEntry.objects.last_deletion(normalized_name)
    if deleted_at is None:
        return 0
    older = {"package": normalized_name, "state": OPEN, "created_at": {"$lte": deleted_at}}
    return int(PublishingSession.objects.raw().update_many(older, _canceled()).matched_count)


def is_reserved(document: dict[str, Any]) -> bool:
    """Tell whether a live publishing session lists this file; an arriving one with exactly these bytes."""
    listed = {"filename": document["_id"]}
    if document["state"] == ARRIVING:
        listed |= {"file.sha256": document.get("sha256"), "state": COMPLETED}
    which = {"_id": document.get("session"), "state": {"$in": LIVE}, "files": {"$elemMatch": listed}}
    return bool(PublishingSession.objects.raw().count_documents(which, limit=1))


def is_listed(document: dict[str, Any]) -> bool:
    """Tell whether the package lists this very file."""
    return bool(
        Package.objects.raw().count_documents(
            {
                "_id": document.get("package"),
                "releases.files": {
                    "$elemMatch": {"filename": document["_id"], "sha256": document.get("sha256")},
                },
            },
            limit=1,
        )
    )


def is_listed_here(normalized_name: str, file: ReleaseFile) -> bool:
    """Tell whether the package lists this file, with its bytes stored here and not elsewhere."""
    this = {"filename": file.filename, "sha256": file.sha256, "url": file.url}
    listed = {"_id": normalized_name, "releases.files": {"$elemMatch": this}}
    return bool(Package.objects.raw().count_documents(listed, limit=1))


def _files() -> Any:
    return StoredFile.objects.raw()
