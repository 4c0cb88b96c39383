"""Teams: who belongs to them, and which projects they own or maintain.

A membership is stored in the user's document, so what a member may do is known with the member, and one guarded write
changes it. A team's role in a project is stored in the project, and changed as maintainers are (`maintaining.py`).
"""

from typing import NamedTuple

import bson
from mongoengine.errors import NotUniqueError
from packaging.utils import NormalizedName
from pymongo import ReadPreference

from webapp.changes.changing import Act, changes
from webapp.changes.maintaining import LastOwner, NotThere, project_changes
from webapp.changes.owners import Owners, owners_of, teams_that_go
from webapp.documents import KnownName, Package, Team, TeamRole, User
from webapp.documents.api_token import TEAM, revoke_shared
from webapp.documents.base import Plain, as_declared, utc_now
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

    Another team may get its name, and must not get what it could read. So the team is first marked, in one atomic
    operation, and only then are its projects looked for. Whoever names a team in a project looks for the mark
    afterwards: at least one of them notices the other. Two attempts at the same moment may both be refused.

    A process that dies in between leaves a marked team, which no project can name any more. Deleting it again goes on,
    and `db repair` removes the mark.
    """
    teams, mark = Team.objects.raw(), str(bson.ObjectId())
    if not teams.update_one({"_id": name}, {"$set": {"being_deleted": mark}}).matched_count:
        return
    marked = {"_id": name, "being_deleted": mark}
    try:
        _check_unused(name)
    except TeamRefused:
        teams.update_one(marked, {"$unset": {"being_deleted": ""}})
        raise
    _take_from_people(name)
    KnownName.forget_team(name)
    if not teams.delete_one(marked).deleted_count:
        raise TeamRefused("Somebody else has just changed or deleted this team.")
    _take_from_people(name)  # whoever joined in between


def _check_unused(name: str) -> None:
    """Raise TeamRefused if a project names the team."""
    packages = Package.objects.read_preference(ReadPreference.PRIMARY).only("normalized_name")
    if package := packages.of_team(name).plain_first():
        raise TeamRefused(
            f"The team still has projects, such as {package['normalized_name']}. Remove it from them first."
        )
    if package := packages.narrowed_to(name).plain_first():
        raise TeamRefused(
            f"The team may read projects that others may not, such as {package['normalized_name']}. "
            "Remove it from their readers first."
        )


def _take_from_people(name: str) -> None:
    """Revoke the API tokens of a team, and end its memberships."""
    revoke_shared(TEAM, name)
    User.objects.raw().update_many({"teams.team": name}, {"$pull": {"teams": {"team": name}}})


def add_member(team: str, user_id: bson.ObjectId, role: str = TEAM_MEMBER) -> bool:
    """Add a user to a team by hand; False if they belong to it already, or to too many teams, or if it is gone."""
    free = {"_id": user_id, "teams.team": {"$ne": team}, f"teams.{MOST_TEAMS - 1}": {"$exists": False}}
    entry = {"team": team, "role": role, "source": BY_HAND}
    if not User.objects.change_lists(free, {"$push": {"teams": entry}}):
        return False
    if teams_that_go([team]):  # it was deleted at this moment, and another team may get its name
        remove_member(team, user_id)
        return False
    return True


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
            gone = teams_that_go(joined)
            for name in gone:
                remove_member(name, user_id)
            return NewTeams([name for name in joined if name not in gone], left)
    return NewTeams([], [])


def give_role(normalized_name: NormalizedName, team: Team, role: str, by: User) -> None:
    """Let a team own or maintain a project.

    Raises NotPermitted, LastOwner, and TeamRefused if there are too many, or if the team is being deleted.
    """
    for change in project_changes(normalized_name, OWNER, by):
        with change:
            package = change.package
            others = [each for each in package.teams or [] if each.team != team.name]
            if len(others) >= MOST_TEAMS_OF_A_PROJECT:
                raise TeamRefused(f"A project can have at most {MOST_TEAMS_OF_A_PROJECT} teams.")
            is_new = len(others) == len(package.teams or [])
            had_owner, owners = package.has_owner(), owners_of(package)
            package.teams = [*others, TeamRole(team=team.name, role=role)]
            _check_owned(package, owners, had_owner=had_owner)
            change.act = Act(f"make team {role}", note=team.shown_name)
    # The deletion of a team that the project has named all along is refused.
    if is_new and teams_that_go([team.name]):
        _take_back(normalized_name, team.name, by)
        raise TeamRefused(f"The team {team.name} is just being deleted.")


def _take_back(normalized_name: NormalizedName, team: str, by: User) -> None:
    """Take a role from a team that was deleted while it got that."""
    for change in changes(normalized_name, by):
        with change:
            taken = [each for each in change.package.teams or [] if each.team == team]
            if taken:
                others = [each for each in change.package.teams if each.team != team]
                change.package.teams = others or None
                change.act = Act(f"remove team {taken[0].role or MAINTAINER}", note=team)


def _check_owned(package: Package, before: Owners, *, had_owner: bool) -> None:
    """Raise LastOwner if a change of a package takes its last owner away, or the last one who can sign in."""
    if (had_owner and not package.has_owner()) or (before.exist and not owners_of(package).exist):
        raise LastOwner


def take_role(normalized_name: NormalizedName, team: str, by: User) -> None:
    """Remove a team from a project. Raises NotPermitted, NotThere and LastOwner."""
    for change in project_changes(normalized_name, OWNER, by):
        with change:
            package = change.package
            others = [each for each in package.teams or [] if each.team != team]
            taken = [each for each in package.teams or [] if each.team == team]
            if not taken:
                raise NotThere("This team does not maintain this project.")
            had_owner, owners = package.has_owner(), owners_of(package)
            package.teams = others or None
            if not (others or package.maintainers):
                raise LastOwner
            _check_owned(package, owners, had_owner=had_owner)
            change.act = Act(f"remove team {taken[0].role or MAINTAINER}", note=team)


def set_readers(normalized_name: NormalizedName, teams: list[str], by: User) -> bool:
    """Let only the members of these teams read a project, besides those who maintain it; with none, everybody may.

    False if that is how it was. Raises NotPermitted, and TeamRefused if too many projects are narrowed, or if one of
    the teams is being deleted.
    """
    is_full = bool(teams) and len(Package.objects.hidden_from_some()) >= MOST_NARROWED
    for change in project_changes(normalized_name, OWNER, by):
        with change:
            package = change.package
            if is_full and not package.readers:
                raise TeamRefused(f"Only {MOST_NARROWED:,} projects of a site can be narrowed to teams.")
            before = package.readers or []
            if before != teams:
                package.readers = teams or None
                change.act = Act("change readers", note=", ".join(teams) or None)
    if change.act is not None and (gone := teams_that_go(teams)):
        _restore_readers(normalized_name, teams, before, by)
        raise TeamRefused(f"The team {gone[0]} is just being deleted.")
    return change.act is not None


def _restore_readers(normalized_name: NormalizedName, teams: list[str], before: list[str], by: User) -> None:
    """Let those read a project who could before, unless somebody has chosen others meanwhile."""
    for change in changes(normalized_name, by):
        with change:
            if change.package.readers == teams:
                change.package.readers = before or None
                change.act = Act("change readers", note=", ".join(before) or None)
