"""Names of new projects, which must not be mistaken for existing ones.

Names of modules in the standard library, and names that look like that of an existing project, are refused unless an
administrator allowed them. Of two similar projects created at once only one succeeds: both claim the document whose
`_id` is what their names have in common. A claim whose project was never created expires after an hour, or an hour
after the publishing session that will create it.
"""

from datetime import datetime, timedelta
from typing import Any

import bson
from packaging.utils import NormalizedName

from webapp.documents import KnownName, NameClaim, Package, PublishingSession
from webapp.documents.base import utc_now
from webapp.rules import naming

_HOW = "choose another name, or ask an administrator to allow it"
# No upload takes this long, and `known_names` has the names of all projects much sooner.
LIFETIME = timedelta(hours=1)


class NameRefused(RuntimeError):
    """No new project may have this name."""


def take(name: NormalizedName, user_id: bson.ObjectId | None, until: datetime | None = None) -> None:
    """Reserve this normalized name for a new project, for a moment or until this time. Raises NameRefused."""
    for session in PublishingSession.objects.live_of_project(name).only("created_by").plain():
        if session.get("created_by") != user_id:
            raise NameRefused(f"{name} is reserved by a publishing session of somebody else; choose another name")
    key, now = naming.skeleton(name), utc_now()
    standing: dict[str, Any] = _claims().find_one({"_id": key}) or {}
    if name in (standing.get("allowed") or []):
        return
    if name in naming.STANDARD_LIBRARY:
        raise NameRefused(f"{name} is the name of a module in Python's standard library; {_HOW}")
    known = {each["normalized_name"] for each in KnownName.objects.looking_like(name).plain()}
    alike = (known | {standing.get("holder")}) - {name, None}
    existing = Package.objects.raw().find_one({"_id": {"$in": list(alike)}}, {"readers": 1})
    if existing:
        # Not everybody may know the name of a project that only some teams may read.
        called = "a project of this site" if existing.get("readers") else f"the project {existing['_id']}"
        raise NameRefused(f"{name} is too similar to {called}; {_HOW}")
    is_free = [{"holder": None}, {"holder": name}, {"taken_at": {"$lt": now - LIFETIME}}]
    if not NameClaim.objects.upsert_if({"_id": key, "$or": is_free}, _held_by(name, until or now)):
        raise NameRefused(f"{name} is too similar to a project that is just being created; {_HOW}")


def give_back(name: NormalizedName) -> None:
    """Release the name of a project that was not created after all."""
    _claims().update_one({"_id": naming.skeleton(name), "holder": name}, {"$unset": {"holder": "", "taken_at": ""}})


def _held_by(name: str, taken_at: datetime) -> dict[str, Any]:
    return {"$set": {"holder": name, "taken_at": taken_at}}


def allow(name: str) -> None:
    """Allow a project to have this normalized name, whatever it looks like."""
    _claims().update_one({"_id": naming.skeleton(name)}, {"$addToSet": {"allowed": name}}, upsert=True)


def _claims() -> Any:
    return NameClaim.objects.raw()
