"""Names of new projects, which must not be mistaken for existing ones.

Names of modules in the standard library, and names that look like that of an existing project, are refused unless an
administrator allowed them. Of two similar projects created at once only one succeeds: both claim the document whose
`_id` is what their names have in common. A claim whose project was never created expires after an hour.
"""

from datetime import timedelta
from typing import Any

from pymongo.errors import DuplicateKeyError

from webapp.documents import KnownName, NameClaim, Package
from webapp.documents.base import utc_now
from webapp.rules import naming

_HOW = "choose another name, or ask an administrator to allow it"
# No upload takes this long, and `known_names` has the names of all projects much sooner.
LIFETIME = timedelta(hours=1)


class NameRefused(RuntimeError):
    """No new project may have this name."""


def take(name: str) -> None:
    """Reserve this normalized name for a new project. Raises NameRefused."""
    key, now = naming.skeleton(name), utc_now()
    standing: dict[str, Any] = _claims().find_one({"_id": key}) or {}
    if name in (standing.get("allowed") or []):
        return
    if name in naming.STANDARD_LIBRARY:
        raise NameRefused(f"{name} is the name of a module in Python's standard library; {_HOW}")
    known = {each["normalized_name"] for each in KnownName.objects.looking_like(name).plain()}
    alike = (known | {standing.get("holder")}) - {name, None}
    existing = Package.objects.raw().find_one({"_id": {"$in": list(alike)}}, {"_id": 1})
    if existing:
        raise NameRefused(f"{name} is too similar to the project {existing['_id']}; {_HOW}")
    is_free = [{"holder": None}, {"holder": name}, {"taken_at": {"$lt": now - LIFETIME}}]
    try:
        _claims().update_one({"_id": key, "$or": is_free}, {"$set": {"holder": name, "taken_at": now}}, upsert=True)
    except DuplicateKeyError:
        raise NameRefused(f"{name} is too similar to a project that is just being created; {_HOW}") from None


def allow(name: str) -> None:
    """Allow a project to have this normalized name, whatever it looks like."""
    _claims().update_one({"_id": naming.skeleton(name)}, {"$addToSet": {"allowed": name}}, upsert=True)


def _claims() -> Any:
    return NameClaim.objects.raw()
