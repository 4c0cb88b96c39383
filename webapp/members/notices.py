"""Mails to the owners of a project or a team about what was done to it."""

from collections.abc import Iterable

import bson

from webapp.documents import Package, Team, User
from webapp.documents.package import OWNER
from webapp.documents.user import MOST_TOLD, TEAM_OWNER
from webapp.members import mails
from webapp.members.sessions import me


def tell_owners(package: Package, deleted: str) -> None:
    """Tell all owners that something was deleted, including whoever did it: somebody may have used their session.

    `package` is the state before the deletion.
    """
    _tell(package, "deletion", f"Deleted: {deleted}", deleted=deleted)


def tell_of_act(package: Package, what: str, *, reason: str = "", also: Iterable[bson.ObjectId] = ()) -> None:
    """Tell all owners, and these users, what a member or an administrator did, such as "Yanked flask 1.0".

    `package` is the state before, so that owners who no longer are hear of it.
    """
    name = package.name or package.pk
    _tell(package, "project_act", f"{name}: {what}", also=also, what=what[:1].lower() + what[1:], reason=reason)


def tell_team(team: Team, what: str, person: User) -> None:
    """Tell all owners of a team, and whom it concerns, what was done, such as "Removed Eve from Payments"."""
    owning = {"teams": {"$elemMatch": {"team": team.name, "role": TEAM_OWNER}}}
    concerned = {"$or": [owning, {"_id": person.id}], "is_disabled": {"$ne": True}}
    context = {"team": team.shown_name, "by": me().user.shown_name, "what": what[:1].lower() + what[1:]}

    def tell() -> None:
        for plain in User.objects(__raw__=concerned).only("name", "username", "email").limit(MOST_TOLD).plain():
            user = User(**plain)
            if user.email:
                mails.send("team_act", user.email, f"{team.shown_name}: {what}", name=user.shown_name, **context)

    mails.later(tell)


def _tell(package: Package, template: str, subject: str, also: Iterable[bson.ObjectId] = (), **context: str) -> None:
    owners = [each.user_id for each in package.maintainers if package.role_of(each.user_id) == OWNER]
    teams = [each.team for each in package.teams or [] if each.role == OWNER or not package.has_owner()]
    told = list(dict.fromkeys([*owners, *also]))
    context |= {"project": package.name or package.pk, "by": me().user.shown_name}

    def tell() -> None:
        for plain in User.objects.told(told, teams).only("name", "username", "email").plain():
            user = User(**plain)
            if user.email:
                mails.send(template, user.email, subject, name=user.shown_name, **context)

    mails.later(tell)
