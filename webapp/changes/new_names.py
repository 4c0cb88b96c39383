"""Names of new projects, which must not be mistaken for existing ones.

Names of modules in the standard library, and names that look like that of an existing project, are refused unless an
administrator allowed them. Of two similar projects created at once only one succeeds: both claim the document whose
`_id` is what their names have in common. A claim whose project was never created expires after an hour, or an hour
after the publishing session that will create it. Such a session reserves the name for the member who opened it.
"""

from datetime import timedelta
from typing import Any

import bson
from packaging.utils import NormalizedName

from webapp.changes import claims
from webapp.documents import KnownName, NameClaim, Package, PublishingSession
from webapp.documents.base import Plain, as_declared, utc_now
from webapp.rules import naming

_HOW = "choose another name, or ask an administrator to allow it"
# No upload takes this long, and `known_names` has the names of all projects much sooner.
LIFETIME = timedelta(hours=1)
_STORED_WITHIN = timedelta(minutes=1)
_HELD = dict.fromkeys(("holder", "taken_at", "taken_by", "session"), "")


class NameRefused(RuntimeError):
    """No new project may have this name."""


class NameReserved(NameRefused):
    """Somebody else has opened a publishing session for a new project of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is reserved by a publishing session of somebody else; choose another name")


def take(name: NormalizedName, user_id: bson.ObjectId | None, session: PublishingSession | None = None) -> None:
    """Reserve this normalized name for a new project: for a moment, or until a session ends, for who opened it.

    Raises NameReserved and NameRefused.
    """
    now = utc_now()
    alike = _claim(naming.skeleton(name))
    is_allowed = name in alike.get("allowed", [])
    key = _key_of_allowed(name) if is_allowed else naming.skeleton(name)
    claim = _claim(key) if is_allowed else alike
    claims.end_before_deletion(name)
    _release_ended(key, claim)
    held: dict[str, Any] = {"$max": {"taken_at": session.expires_at if session else now}}
    if session:
        held["$set"] = {"session": session.pk}
    mine = {"_id": key, "holder": name, "taken_by": user_id, "taken_at": {"$gt": now}}
    if user_id and claim.get("taken_by") == user_id and _claims().update_one(mine, held).matched_count:
        return
    for live in PublishingSession.objects.live_of_project(name).only("created_by").plain():
        if live.get("created_by") != user_id:
            raise NameReserved(name)
    if not is_allowed:
        _check_looks(name, alike.get("holder"))
    is_free = [
        {"holder": None},
        {"holder": name, "taken_by": {"$in": [None, user_id]}},
        {"holder": name, "taken_at": {"$lt": now}},
        {"taken_at": {"$lt": now - LIFETIME}},
    ]
    by = {"taken_by": user_id, "session": session.pk} if session else {"taken_by": None, "session": None}
    if not NameClaim.objects.upsert_if({"_id": key, "$or": is_free}, {**held, "$set": {"holder": name, **by}}):
        if _claims().count_documents({"_id": key, "holder": name}, limit=1):
            raise NameReserved(name)
        raise NameRefused(f"{name} is too similar to a project that is just being created; {_HOW}")


def _claim(key: str) -> Plain:
    return as_declared(NameClaim, _claims().find_one({"_id": key}))


def _release_ended(key: str, claim: Plain) -> None:
    """Release a name whose session has ended, which a process that was killed then did not do."""
    session_id, holder = claim.get("session"), claim.get("holder")
    if session_id is None or holder is None:
        return
    # A session is stored right after its name was taken.
    is_stored = PublishingSession.objects(pk=session_id).count_up_to(1)
    if not is_stored and session_id.generation_time > utc_now() - _STORED_WITHIN:
        return
    if not PublishingSession.objects.live_of_project(holder).count_up_to(1):
        this = {"_id": key, "holder": holder, "session": session_id}
        _claims().update_one(this, {"$unset": _HELD})


def _check_looks(name: NormalizedName, holder: Any) -> None:
    """Raise NameRefused if the name looks like that of a module or a project, such as the `holder` of its claim."""
    if name in naming.STANDARD_LIBRARY:
        raise NameRefused(f"{name} is the name of a module in Python's standard library; {_HOW}")
    known = {each["normalized_name"] for each in KnownName.objects.looking_like(name).plain()}
    alike = (known | {holder}) - {name, None}
    existing = Package.objects.raw().find_one({"_id": {"$in": list(alike)}}, {"readers": 1}) if alike else None
    if existing:
        # Not everybody may know the name of a project that only some teams may read.
        called = "a project of this site" if existing.get("readers") else f"the project {existing['_id']}"
        raise NameRefused(f"{name} is too similar to {called}; {_HOW}")


def give_back(name: NormalizedName) -> None:
    """Release the name of a project that was not created after all."""
    held = {"_id": {"$in": [naming.skeleton(name), _key_of_allowed(name)]}, "holder": name}
    _claims().update_many(held, {"$unset": _HELD})


def _key_of_allowed(name: str) -> str:
    """Return the `_id` of the claim on an allowed name. It is its own, because others may hold what looks like it."""
    return f"={name}"


def allow(name: str) -> None:
    """Allow a project to have this normalized name, whatever it looks like."""
    this, change = {"_id": naming.skeleton(name)}, {"$addToSet": {"allowed": name}}
    NameClaim.objects.mend_lists(this, change)
    _claims().update_one(this, change, upsert=True)


def _claims() -> Any:
    return NameClaim.objects.raw()
