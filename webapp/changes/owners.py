"""Who owns a project and can sign in: without such an owner, only administrators could still change it.

Accounts that are disabled do not count, nor do those that are just being deleted (`leaving.py`), nor teams without
members. A change that takes an owner away asks this after it has read the project, and its guarded write fails if the
project has changed since.
"""

from typing import Any, NamedTuple

import bson
from pymongo import ReadPreference
from pymongo.collection import Collection

from webapp.documents import Package, Team, User
from webapp.documents.base import Plain
from webapp.documents.package import OWNER

_CAN_STAY = {"is_disabled": {"$ne": True}, "being_deleted": None}


class Owners(NamedTuple):
    """The users who own a project and can sign in: by themselves, and through teams (two of them, if there are)."""

    people: set[bson.ObjectId]
    members: set[bson.ObjectId]

    @property
    def exist(self) -> bool:
        """Whether there is any."""
        return bool(self.people or self.members)

    def stay_without(self, user_id: bson.ObjectId) -> bool:
        """Tell whether somebody still owns the project once this user has given up their own role in it."""
        return bool(self.people - {user_id} or self.members)

    def stay_after_deletion_of(self, user_id: bson.ObjectId) -> bool:
        """Tell whether somebody still owns the project once this user's account is gone."""
        return bool((self.people | self.members) - {user_id})


def owners_of(package: Package) -> Owners:
    """Return who owns a package and can sign in; in one without an owner, all maintainers have the owners' rights."""
    has_owner, teams = package.has_owner(), package.teams or []
    people = [each.user_id for each in package.maintainers if each.role == OWNER or not has_owner]
    named = [each.team for each in teams if each.team and (each.role == OWNER or not has_owner)]
    return Owners(
        _found({"_id": {"$in": people}}), _found({"teams.team": {"$in": named, "$gt": ""}}, 2) if named else set()
    )


def stays_maintained(package: Package, user_id: bson.ObjectId) -> bool:
    """Tell whether a package is still maintained without this user: by another person, or by the members of a team."""
    return others_maintain(package, user_id) or bool(_members_of_teams(package))


def others_maintain(package: Package, user_id: bson.ObjectId) -> bool:
    """Tell whether somebody else maintains a package: another person, or another member of a team."""
    others = any(each.user_id != user_id for each in package.maintainers)
    return others or bool(_members_of_teams(package) - {user_id})


def _members_of_teams(package: Package) -> set[bson.ObjectId]:
    """Return members of the teams that maintain a package; two of them, if there are."""
    named = [each.team for each in package.teams or [] if each.team]
    return _found({"teams.team": {"$in": named, "$gt": ""}}, 2) if named else set()


def account_stays(user_id: bson.ObjectId) -> bool:
    """Tell whether there is such an account, and nobody is deleting it."""
    found = _of(User).find_one({"_id": user_id, "being_deleted": None}, {"_id": 1})
    return found is not None


def teams_that_go(names: list[str]) -> list[str]:
    """Return those of these teams that do not exist, or are just being deleted."""
    stay = {son["_id"] for son in _of(Team).find({"_id": {"$in": names}, "being_deleted": None}, {"_id": 1})}
    return [name for name in names if name not in stay]


def is_abandoned(package: Package) -> bool:
    """Tell whether every account and every team that a package names is gone, or is just being deleted."""
    teams = [each.team for each in package.teams or []]
    return teams_that_go(teams) == teams and not any(account_stays(each.user_id) for each in package.maintainers)


def _found(which: Plain, limit: int = 0) -> set[bson.ObjectId]:
    return {son["_id"] for son in _of(User).find(which | _CAN_STAY, {"_id": 1}, limit=limit)}


def _of(document_type: Any) -> Collection[Plain]:
    """Return a collection on the primary: a secondary may not have the marks of deletions yet."""
    collection: Collection[Plain] = document_type.objects.raw()
    return collection.with_options(read_preference=ReadPreference.PRIMARY)
