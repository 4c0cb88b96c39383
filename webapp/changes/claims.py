"""Claims on file names: from the start of an upload to the stored file, and how leftovers are settled.

    claim -> store the bytes -> the package lists the file -> settle

A claim is a document whose `_id` is the file name and whose unique `canonical_name` is the same for all spellings of
it, so MongoDB decides between two uploads. Readers see what the package lists, and one atomic write adds the file
there. An upload killed before it leaves nothing that a reader could see; killed after it, a complete file. Either way
the claim is left over, and is settled by the next upload of that name or by `flask files clean`, depending on whether
the package lists the file.
"""

import time
from datetime import timedelta
from typing import Any

import bson
from pymongo.errors import DuplicateKeyError

from webapp.documents import Package, StoredFile, contents
from webapp.documents.base import utc_now
from webapp.documents.stored_file import ARRIVING, DELETED, DELETING, STORED

# A claim without a sign of life for this long is left over. Uploads give up long before.
LIFETIME_S = 60
GIVE_UP_S = 30
# How often a sign of life is written while bytes are stored.
BEAT_S = 5
# How long, and how often, to wait for another upload of the same name.
PATIENCE_S = 10.0
POLL_S = 0.05


class NameTaken(RuntimeError):
    """The file name was used before: for different bytes, by a deleted file, or in another spelling."""


class StillArriving(RuntimeError):
    """Another upload of the same file name has not finished yet."""


class ClaimLost(RuntimeError):
    """This upload showed no sign of life for too long, and lost its claim."""


class Claim:
    """The right of one upload to a file name."""

    def __init__(self, filename: str, content_id: bson.ObjectId, attempt: str) -> None:
        self.filename = filename
        self.content_id = content_id
        self._attempt = attempt
        self._beaten_at = time.monotonic()

    def heartbeat(self) -> None:
        """Show a sign of life, if the last one was some seconds ago. Raises ClaimLost."""
        age_s = time.monotonic() - self._beaten_at
        if age_s > GIVE_UP_S:
            raise ClaimLost(f"{self.filename}: storing it took too long; please try again")
        if age_s > BEAT_S:
            mine = {"_id": self.filename, "attempt": self._attempt}
            if not _files().update_one(mine, {"$set": {"alive_at": utc_now()}}).matched_count:
                raise ClaimLost(f"{self.filename}: another upload of this file took over")
            self._beaten_at = time.monotonic()

    def settle(self) -> None:
        """Record that the package lists the file. Anybody who took over found it listed and recorded the same."""
        mine = {"_id": self.filename, "attempt": self._attempt}
        _files().update_one(mine, {"$set": {"state": STORED}, "$unset": {"attempt": "", "alive_at": ""}})

    def give_back(self) -> None:
        """Release the name, and delete the bytes."""
        contents.delete(self.content_id)
        _files().delete_one({"_id": self.filename, "attempt": self._attempt})


def claim(filename: str, sha256: str, facts: dict[str, Any]) -> Claim | None:
    """Claim a file name, with the contents of its document; None if this very file is already stored.

    Raises NameTaken, and StillArriving if another upload of the name does not finish soon.
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
        match other and other.get("state"):
            case None:
                continue  # it was just released
            case state if state != ARRIVING and other["_id"] != filename:
                raise NameTaken(f"This file name is another spelling of one that was used before: {other['_id']}")
            case "stored" if other["sha256"] == sha256:
                return None
            case "arriving":
                settle_leftover(other)
                if time.monotonic() > give_up_at:
                    raise StillArriving(
                        f"An earlier upload of {other['_id']} has not finished yet; try again in a minute"
                    )
                time.sleep(POLL_S)
            case state:
                if state in (DELETING, DELETED):
                    raise NameTaken(f"This file name was used before and cannot be reused: {filename}")
                raise NameTaken(f"File already exists with different contents: {filename}")


def settle_leftover(document: dict[str, Any]) -> bool:
    """Settle a claim whose upload showed no sign of life for a minute; False if it may still be running.

    If the package lists the file, it is stored; otherwise nobody ever saw it, and its name is released.
    """
    alive_at = document.get("alive_at")
    if alive_at and alive_at > utc_now() - timedelta(seconds=LIFETIME_S):
        return False
    leftover = {"_id": document["_id"], "state": ARRIVING, "attempt": document.get("attempt")}
    if is_listed(document):
        _files().update_one(leftover, {"$set": {"state": STORED}, "$unset": {"attempt": "", "alive_at": ""}})
    elif _files().delete_one(leftover).deleted_count and document.get("content_id"):
        contents.delete(document["content_id"])
    return True


def settle_leftovers() -> int:
    """Settle all claims that are left over; return how many there were."""
    return sum(settle_leftover(each) for each in _files().find({"state": ARRIVING}, {"metadata": 0}))


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


def _files() -> Any:
    return StoredFile.objects.raw()
