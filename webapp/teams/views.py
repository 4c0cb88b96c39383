"""`/teams/`: list, create, change and delete teams."""

from typing import Any

from flask import Response, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.changes import teams
from webapp.documents import Package, Team
from webapp.members import audit
from webapp.members.form_views import confirmed_members_only, form_view, members_only
from webapp.members.forms import ButtonForm
from webapp.members.notices import tell_team
from webapp.members.sessions import me
from webapp.serving.pagination import paginate
from webapp.teams.blueprint import bp, for_administrators, owns, team_or_404
from webapp.teams.forms import NewTeamForm, TeamForm


@bp.get("/teams/")
@members_only
def index() -> Response:
    """List the member's teams; administrators see all of them."""
    user = me().user
    shown = Team.objects.in_order() if user.is_admin else Team.objects(pk__in=user.team_names).in_order()
    return make_response(render_template("teams/index.html", found=paginate([shown]), user=user))


@bp.get("/teams/<team>/projects")
@members_only
def projects(team: str) -> Response:
    """List the projects of a team, and its role in each."""
    shown = team_or_404(team)
    found = paginate([Package.objects.of_team(team).only(*Package.objects.LISTED, "teams")])
    roles = {
        package["normalized_name"]: each.get("role")
        for package in found["items"]
        for each in package.get("teams", [])
        if each.get("team") == team
    }
    return make_response(render_template("teams/projects.html", team=shown, found=found, roles=roles, owns=owns(team)))


@bp.route("/teams/new", methods=["GET", "POST"])
@confirmed_members_only
@form_view(NewTeamForm, "teams/new.html", for_administrators)
def new_team(form: NewTeamForm) -> AnyResponse | None:
    """Create a team, as an administrator."""
    name = form.name.data
    try:
        team = teams.create_team(name, form.title.data, form.chosen_groups())
    except teams.TeamRefused as error:
        form.refuse("name", str(error))
        return None
    audit.record(audit.TEAM, "Created the team.", target=f"team {name}")
    flash(f"The team {team.shown_name} was created. Add its members now.")
    return redirect(url_for("teams.members", team=name))


def _settings(team: str) -> dict[str, Any]:
    for_administrators()
    found = team_or_404(team)
    initial = {"title": found.title, "groups": "\n".join(found.groups or [])}
    return {"team": found, "owns": True, "initial": initial}


@bp.route("/teams/<team>/settings", methods=["GET", "POST"])
@confirmed_members_only
@form_view(TeamForm, "teams/settings.html", _settings)
def settings(form: TeamForm, team: str) -> AnyResponse:
    """Change the title and the groups of a team, as an administrator."""
    groups = form.chosen_groups()
    teams.change_team(team, form.title.data, groups)
    said = f"Its members come from the groups {', '.join(groups)}." if groups else "No groups lead to it."
    audit.record(audit.TEAM, f"Changed the team. {said}", target=f"team {team}")
    flash("The team was changed.")
    return redirect(url_for("teams.members", team=team))


def _deletion(team: str) -> dict[str, Any]:
    for_administrators()
    return {"team": team_or_404(team), "owns": True}


@bp.route("/teams/<team>/delete", methods=["GET", "POST"])
@confirmed_members_only
@form_view(ButtonForm, "teams/delete.html", _deletion)
def delete_team(_: ButtonForm, team: str) -> AnyResponse:
    """Delete a team that has no projects, as an administrator."""
    try:
        teams.delete_team(team)
    except teams.TeamRefused as error:
        flash(str(error), "warning")
        return redirect(url_for("teams.projects", team=team))
    audit.record(audit.TEAM, "Deleted the team.", target=f"team {team}")
    flash(f"The team {team} was deleted.")
    return redirect(url_for("teams.index"))


def _leaving(team: str) -> dict[str, Any]:
    found = team_or_404(team)
    about = f"You lose what {found.shown_name} gave you."
    return {"team": found, "owns": owns(team), "act": "Leave the team", "about": about}


@bp.route("/teams/<team>/leave", methods=["GET", "POST"])
@confirmed_members_only
@form_view(ButtonForm, "teams/act.html", _leaving)
def leave(_: ButtonForm, team: str) -> AnyResponse:
    """Leave a team."""
    found, user = team_or_404(team), me().user
    if teams.remove_member(team, user.id):
        audit.record(audit.TEAM, f"Left the team {team}.", user=user, target=f"team {team}")
        tell_team(found, f"Left the team {found.shown_name}", user)
    flash(f"You left the team {found.shown_name}.")
    return redirect(url_for("teams.index"))
