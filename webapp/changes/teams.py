"""Teams: who belongs to them, and which projects they own or maintain.

A membership is stored in the user's document, so what a member may do is known with the member, and one guarded write
changes it. A team's role in a project is stored in the project, and changed as maintainers are (`maintaining.py`).
"""

from typing import NamedTuple

import bson
from mongoengine.errors import NotUniqueError
from packaging.utils import NormalizedName
from pymongo import ReadPreference

from webapp.changes.changing import Act
from webapp.changes.maintaining import LastOwner, NotThere, project_changes
from webapp.documents import Package, Team, TeamRole, User
from webapp.documents.api_token import TEAM, revoke_shared
from webapp.documents.base import Plain, as_declared, utc_now
from webapp.documents.hidden import everything_shown
from webapp.documents.package import MAINTAINER, OWNER
from webapp.documents.user import BY_HAND, FROM_GROUPS, MOST_TEAMS, TEAM_MEMBER

# The most teams that a project can have.
MOST_TEAMS_OF_A_PROJECT = 20
# The most projects of a site that only some teams may read: each request looks for those that its reader may not.
MOST_NARROWED = 1000
# How often a change of somebody's teams is tried again because another was faster.
_ATTEMPTS = 10


class TeamRefused(RuntimeError):
    """A team cannot be changed in this way."""


class NewTeams(NamedTuple):
    """What the groups of a user changed: the names of the teams that they joined, and of those that they left."""

    joined: list[str]
    left: list[str]


def create_team(name: str, title: str, groups: list[str]) -> Team:
    """Store a new team. Raises TeamRefused if there is one of that name."""
    team = Team(name=name, title=title, groups=groups or None, created_date=utc_now())
    try:
        team.save(force_insert=True)
    except NotUniqueError:
        raise TeamRefused("A team with this name already exists.") from None
    return team


def change_team(name: str, title: str, groups: list[str]) -> None:
    """Change a team's title and groups. Members whom a group brought stay until they sign in again."""
    values = {"title": title, "groups": groups}
    Team.objects.raw().update_one({"_id": name}, {"$set": values})


def delete_team(name: str) -> None:
    """Delete a team, unless projects belong to it, or only it may read some. Raises TeamRefused.

    Another team may get its name, and must not get what it could read.
    """
    if package := Package.objects.of_team(name).only("normalized_name").plain_first():
        raise TeamRefused(
            f"The team still has projects, such as {package['normalized_name']}. Remove it from them first."
        )
    if package := Package.objects.narrowed_to(name).only("normalized_name").plain_first():
        raise TeamRefused(
            f"The team may read projects that others may not, such as {package['normalized_name']}. "
            "Remove it from their readers first."
        )
    Team.objects.raw().delete_one({"_id": name})
    revoke_shared(TEAM, name)
    User.objects.raw().update_many({"teams.team": name}, {"$pull": {"teams": {"team": name}}})


def add_member(team: str, user_id: bson.ObjectId, role: str = TEAM_MEMBER) -> bool:
    """Add a user to a team by hand; False if they belong to it already, or to too many teams, or if it is gone."""
    free = {"_id": user_id, "teams.team": {"$ne": team}, f"teams.{MOST_TEAMS - 1}": {"$exists": False}}
    entry = {"team": team, "role": role, "source": BY_HAND}
    if not User.objects.change_lists(free, {"$push": {"teams": entry}}):
        return False
    if Team.objects.read_preference(ReadPreference.PRIMARY).filter(pk=team).count():
        return True
    remove_member(team, user_id)  # it was deleted at this moment, and another team may get its name
    return False


def change_member(team: str, user_id: bson.ObjectId, role: str) -> bool:
    """Change a member's role in a team; False if they do not belong to it."""
    belongs = {"_id": user_id, "teams.team": team}
    return bool(User.objects.raw().update_one(belongs, {"$set": {"teams.$.role": role}}).matched_count)


def remove_member(team: str, user_id: bson.ObjectId) -> bool:
    """Remove a user from a team; False if they did not belong to it."""
    belongs = {"_id": user_id, "teams.team": team}
    return bool(User.objects.raw().update_one(belongs, {"$pull": {"teams": {"team": team}}}).matched_count)


def set_teams_from_groups(user_id: bson.ObjectId, groups: list[str]) -> NewTeams:
    """Make a user a member of exactly those teams that their groups at the identity provider lead to.

    Memberships that somebody gave by hand stay, and so does the role of a membership that stays.
    """
    found = Team.objects.with_groups(groups).in_order().only("name").plain()
    wanted = [each["name"] for each in found]
    users = User.objects.raw()
    for _ in range(_ATTEMPTS):
        son = users.find_one({"_id": user_id}, {"teams": 1})
        if son is None:
            break
        before: list[Plain] = [each for each in as_declared(User, son).get("teams", []) if "team" in each]
        kept = [each for each in before if each.get("source") != FROM_GROUPS or each["team"] in wanted]
        names = {each["team"] for each in kept}
        joined = [name for name in wanted if name not in names][: MOST_TEAMS - len(kept)]
        left = [each["team"] for each in before if each not in kept]
        if not joined and not left:
            break
        after = kept + [{"team": name, "role": TEAM_MEMBER, "source": FROM_GROUPS} for name in joined]
        if users.update_one({"_id": user_id, "teams": son.get("teams")}, {"$set": {"teams": after}}).matched_count:
            return NewTeams(joined, left)
    return NewTeams([], [])


def give_role(normalized_name: NormalizedName, team: Team, role: str, by: User) -> None:
    """Let a team own or maintain a project. Raises NotPermitted, LastOwner, and TeamRefused if there are too many."""
    for change in project_changes(normalized_name, OWNER, by):
        with change:
            package = change.package
            others = [each for each in package.teams or [] if each.team != team.name]
            if len(others) >= MOST_TEAMS_OF_A_PROJECT:
                raise TeamRefused(f"A project can have at most {MOST_TEAMS_OF_A_PROJECT} teams.")
            had_owner = package.has_owner()
            package.teams = [*others, TeamRole(team=team.name, role=role)]
            if had_owner and not package.has_owner():
                raise LastOwner
            change.act = Act(f"make team {role}", note=team.shown_name)


def take_role(normalized_name: NormalizedName, team: str, by: User) -> None:
    """Remove a team from a project. Raises NotPermitted, NotThere and LastOwner."""
    for change in project_changes(normalized_name, OWNER, by):
        with change:
            package = change.package
            others = [each for each in package.teams or [] if each.team != team]
            taken = [each for each in package.teams or [] if each.team == team]
            if not taken:
                raise NotThere("This team does not maintain this project.")
            had_owner = package.has_owner()
            package.teams = others or None
            if not (others or package.maintainers) or (had_owner and not package.has_owner()):
                raise LastOwner
            change.act = Act(f"remove team {taken[0].role or MAINTAINER}", note=team)


def set_readers(normalized_name: NormalizedName, teams: list[str], by: User) -> bool:
    """Let only the members of these teams read a project, besides those who maintain it; with none, everybody may.

    False if that is how it was. Raises NotPermitted, and TeamRefused if too many projects are narrowed.
    """
    with everything_shown():
        is_full = bool(teams) and Package.objects.narrowed().count_up_to(MOST_NARROWED) >= MOST_NARROWED
    for change in project_changes(normalized_name, OWNER, by):
        with change:
            package = change.package
            if is_full and not package.readers:
                raise TeamRefused(f"Only {MOST_NARROWED:,} projects of a site can be narrowed to teams.")
            if (package.readers or []) != teams:
                package.readers = teams or None
                change.act = Act("change readers", note=", ".join(teams) or None)
    return change.act is not None
