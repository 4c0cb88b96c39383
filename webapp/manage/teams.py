"""`/manage/<name>/teams/`: the teams that own or maintain a project."""

from typing import Any

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.changes.maintaining import NotThere
from webapp.changes.teams import TeamRefused, give_role, set_readers, take_role
from webapp.documents import Package, Team
from webapp.documents.package import OWNER
from webapp.manage.blueprint import bp, button_for, project
from webapp.manage.forms import ReadersForm, TeamRoleForm
from webapp.members import audit
from webapp.members.form_views import confirmed_members_only, form_view
from webapp.members.forms import ButtonForm
from webapp.members.notices import tell_of_act
from webapp.members.read_access import for_members_only
from webapp.members.sessions import me


def titles_of_teams(package: Package) -> dict[str, str]:
    """Return the titles of a project's teams by their names; a deleted team has none."""
    names = [each.team for each in package.teams or [] if each.team]
    found = Team.objects(pk__in=names).plain() if names else []
    return {each["name"]: Team(**each).shown_name for each in found}


def _project(name: str) -> dict[str, Any]:
    return {"package": project(name, OWNER)}


@bp.route("/manage/<name>/teams/add", methods=["GET", "POST"])
@confirmed_members_only
@form_view(TeamRoleForm, "manage/add_team.html", _project)
def add_team(form: TeamRoleForm, name: str) -> AnyResponse | None:
    """Let a team own or maintain a project."""
    package = project(name, OWNER)
    team: Team | None = Team.objects(pk=form.team.data.lower()).declared_first()
    if team is None:
        form.refuse("team", "There is no team with this name. Administrators of the site create teams.")
        return None
    try:
        _give(package, team, form.role.data)
    except TeamRefused as error:
        form.refuse("team", str(error))
        return None
    return redirect(url_for("manage.maintainers", name=package.pk))


@bp.route("/manage/<name>/teams/<team>/<any(owner, maintainer):role>", methods=["GET", "POST"])
@confirmed_members_only
@form_view(
    ButtonForm,
    "manage/act.html",
    button_for("Change the role of the team", OWNER, "The team {team} becomes {role} of {project}."),
)
def change_team(_: ButtonForm, name: str, team: str, role: str) -> AnyResponse:
    """Change the role of a team in a project."""
    package = project(name, OWNER)
    held = [each for each in package.teams or [] if each.team == team]
    found: Team | None = Team.objects(pk=team).declared_first() if held else None
    if found is None:
        raise NotThere("This team does not maintain this project.")
    _give(package, found, role)
    return redirect(url_for("manage.maintainers", name=package.pk))


@bp.route("/manage/<name>/teams/<team>/remove", methods=["GET", "POST"])
@confirmed_members_only
@form_view(
    ButtonForm,
    "manage/act.html",
    button_for("Remove the team", OWNER, "The team {team} no longer maintains {project}."),
)
def remove_team(_: ButtonForm, name: str, team: str) -> AnyResponse:
    """Remove a team from a project."""
    package, user = project(name, OWNER), me().user
    take_role(package.pk, team, user)
    audit.record(audit.PROJECT, f"Removed the team {team} from {package.pk}.", target=f"package {package.pk}")
    tell_of_act(package, f"Removed the team {team} from {package.name}")
    flash(f"The team {team} no longer maintains {package.name}.")
    # Members who owned the project with this team can no longer see its pages.
    is_left = Package.objects.maintained_by(user.id, user.team_names).filter(pk=package.pk).count()
    return redirect(url_for("manage.maintainers", name=package.pk) if is_left else url_for("manage.index"))


def _readers(name: str) -> dict[str, Any]:
    package = project(name, OWNER)
    return {
        "package": package,
        "has_effect": for_members_only(),
        "initial": {"readers": "\n".join(package.readers or [])},
    }


@bp.route("/manage/<name>/readers", methods=["GET", "POST"])
@confirmed_members_only
@form_view(ReadersForm, "manage/readers.html", _readers)
def readers(form: ReadersForm, name: str) -> AnyResponse | None:
    """Choose the teams that may read a project, on a site for members."""
    package, chosen = project(name, OWNER), form.chosen()
    try:
        is_changed = set_readers(package.pk, chosen, me().user)
    except TeamRefused as error:
        form.refuse("readers", str(error))
        return None
    if is_changed:
        said = f"the teams {', '.join(chosen)} and its maintainers" if chosen else "every member"
        audit.record(audit.PROJECT, f"{package.pk} may be read by {said}.", target=f"package {package.pk}")
        flash(f"{package.name} may now be read by {said}.")
    else:
        flash("Nothing was changed.")
    return redirect(url_for("manage.settings", name=package.pk))


def _give(package: Package, team: Team, role: str) -> None:
    give_role(package.pk, team, role, me().user)
    what = f"Made the team {team.name} {role} of {package.pk}."
    audit.record(audit.PROJECT, what, target=f"package {package.pk}")
    a_role = "an owner" if role == OWNER else "a maintainer"
    tell_of_act(package, f"Made the team {team.shown_name} {a_role} of {package.name}")
    flash(f"The team {team.shown_name} is now {a_role} of {package.name}.")
