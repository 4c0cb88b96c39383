"""Delete an account, so that each of its projects keeps an owner who can sign in, on any kind of MongoDB.

    mark the account -> look at each project that it owns -> delete it -> take it out of its projects

A marked account does not count as an owner who stays (`owners.py`). Two owners who delete their accounts at the same
moment see each other's mark, so one of them is refused, or both; then one of them is repeated. Somebody who gives up
their role at that moment may have read the project before the mark was set: looking at a project gives it a new date,
so their guarded write fails, and they see the mark when they try again.

A process that dies before the account is deleted leaves a mark: the next attempt replaces it, and `db repair` removes
it. One that dies afterwards leaves entries without an account in projects that have another owner; `db repair` removes
those, too.
"""

import time
from datetime import timedelta
from typing import Any

import bson
from pymongo import ReadPreference, ReturnDocument

from webapp.changes import administrators
from webapp.changes.changing import PATIENCE_S
from webapp.changes.maintaining import LastOwner, account_is_needed, leave_packages
from webapp.changes.owners import owners_of
from webapp.documents import Package, User
from webapp.documents.base import as_declared, utc_now
from webapp.documents.hidden import everything_shown
from webapp.documents.package import OWNER, ConcurrentChange


def delete_account(user_id: bson.ObjectId) -> bool:
    """Delete an account; False if it is gone, or somebody else is at it. Raises LastOwner and LastAdministrator.

    Raises ConcurrentChange if others keep changing one of its projects.
    """
    users, mark = User.objects.raw(), str(bson.ObjectId())
    son = users.find_one_and_update(
        {"_id": user_id}, {"$set": {"being_deleted": mark}}, return_document=ReturnDocument.AFTER
    )
    if son is None:
        return False
    user, marked, is_deleted = User(**as_declared(User, son)), {"_id": user_id, "being_deleted": mark}, False
    try:
        _check_projects(user)
        is_deleted = administrators.delete(user_id, marked)
    finally:
        if not is_deleted:
            users.update_one(marked, {"$unset": {"being_deleted": ""}})
    if is_deleted:
        leave_packages(user)
    return is_deleted


def needing(user: User) -> list[Package]:
    """Return the projects that would have no owner who can sign in without this account."""
    managed = Package.objects.maintained_by(user.id, user.team_names).managed().plain()
    return [package for package in (Package(**each) for each in managed) if account_is_needed(package, user)]


def _check_projects(user: User) -> None:
    """Raise LastOwner if the account, which is marked, is needed in one of its projects."""
    primary = Package.objects.read_preference(ReadPreference.PRIMARY)
    with everything_shown():
        found = primary.maintained_by(user.id, user.team_names).only("normalized_name").plain()
    for name in [each["normalized_name"] for each in found]:
        deadline = time.monotonic() + PATIENCE_S
        while not _is_checked(name, user):
            # Somebody else has just changed it.
            if time.monotonic() > deadline:
                raise ConcurrentChange(f"{name}: changed by somebody else in the meantime")


def _is_checked(name: str, user: User) -> bool:
    """Look at a project, and give it a new date; False if it was changed in between. Raises LastOwner."""
    packages: Any = Package.objects.raw().with_options(read_preference=ReadPreference.PRIMARY)
    son = packages.find_one({"_id": name}, {"name": 1, "maintainers": 1, "teams": 1, "updated_date": 1})
    package = Package(**as_declared(Package, son))
    if package.role_of(user.id, user.team_names) != OWNER:
        return True
    owners = owners_of(package)
    if not owners.exist:
        raise LastOwner(package.name or name)
    if owners.members and user.id not in [each.user_id for each in package.maintainers]:
        return True  # nobody relies on this user while others stay in the team
    read_at, now = (son or {}).get("updated_date"), utc_now()
    if package.updated_date:
        # As in `Package.store`: no two changes may have the same date.
        now = max(now, package.updated_date + timedelta(milliseconds=1))
    as_read = {"_id": name, "updated_date": read_at or {"$not": {"$type": "date"}}}
    return bool(packages.update_one(as_read, {"$set": {"updated_date": now}}).matched_count)
