"""`/teams/<team>/`: the members of a team."""

from typing import Any

import bson
from flask import Response, abort, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.changes import team_invitations, teams
from webapp.documents import Team, User
from webapp.documents.user import TEAM_OWNER
from webapp.members import audit, limits, mails
from webapp.members.form_views import confirmed_members_only, form_view, members_only
from webapp.members.forms import ButtonForm
from webapp.members.notices import tell_team
from webapp.members.sessions import me
from webapp.serving.pagination import paginate
from webapp.teams.blueprint import bp, owned_team, owns, team_or_404
from webapp.teams.forms import MemberForm
from webapp.teams.invitations import link_of

NOT_FOUND = "There is no enabled account with this username or address."


def _members(team: str) -> dict[str, Any]:
    shown = team_or_404(team)
    found = paginate([User.objects.of_team(team).only("name", "username", "email", "teams").order_by("pk")])
    return {
        "team": shown,
        "found": found,
        "people": [User(**each) for each in found["items"]],
        "me": me().user.id,
        "belongs": me().user.role_in(team) is not None,
        "owns": owns(team),
        "pending": (invited := team_invitations.pending(shown) if owns(team) else []),
        "links": {each.invitation_id: link_of(shown, each) for each in invited},
        "form": ButtonForm(),
    }


@bp.get("/teams/<team>/")
@members_only
def members(team: str) -> Response:
    """Show the members of a team."""
    return make_response(render_template("teams/members.html", **_members(team)))


@bp.route("/teams/<team>/add", methods=["GET", "POST"])
@confirmed_members_only
@form_view(MemberForm, "teams/add.html", lambda team: {"team": owned_team(team), "owns": True})
def add_member(form: MemberForm, team: str) -> AnyResponse | None:
    """Add somebody to a team, who is told by mail."""
    found = owned_team(team)
    limits.count_invitation(me().user.id)
    person: User | None = User.objects.account_of(form.user.data)
    if person is None or person.is_disabled:
        form.refuse("user", NOT_FOUND)
        return None
    if not teams.add_member(team, person.id, form.role.data):
        form.refuse("user", f"{person.shown_name} already belongs to the team, or to too many teams.")
        return None
    audit.record(
        audit.TEAM, f"Added {person.shown_name} as {form.role.data} of {team}.", user=person, target=f"team {team}"
    )
    _tell(person, found, form.role.data)
    flash(f"{person.shown_name} now belongs to the team.")
    return redirect(url_for("teams.members", team=team))


def _tell(person: User, team: Team, role: str) -> None:
    if not person.email or person.id == me().user.id:
        return
    context = {"name": person.shown_name, "by": me().user.shown_name, "team": team.shown_name, "role": role}
    to, link = person.email, mails.link_to("teams.members", team=team.name)
    subject = f"You were added to the team {team.shown_name}"
    mails.later(lambda: mails.send("team", to, subject, link=link, **context))


def _change(team: str, user_id: str, role: str) -> dict[str, Any]:
    person, found = _member(team, user_id), owned_team(team)
    about = f"{person.shown_name} becomes {'an owner' if role == TEAM_OWNER else 'a member'} of {found.shown_name}."
    return {"team": found, "owns": True, "act": "Change the role", "about": about}


def _removal(team: str, user_id: str) -> dict[str, Any]:
    person, found = _member(team, user_id), owned_team(team)
    about = f"{person.shown_name} no longer belongs to {found.shown_name}, and loses what it gave them."
    return {"team": found, "owns": True, "act": "Remove them", "about": about}


@bp.route("/teams/<team>/members/<user_id>/<any(owner, member):role>", methods=["GET", "POST"])
@confirmed_members_only
@form_view(ButtonForm, "teams/act.html", _change)
def change_role(_: ButtonForm, team: str, user_id: str, role: str) -> AnyResponse:
    """Change the role of a member of a team."""
    person, found = _member(team, user_id), owned_team(team)
    if teams.change_member(team, person.id, role):
        audit.record(audit.TEAM, f"Made {person.shown_name} {role} of {team}.", user=person, target=f"team {team}")
        a_role = "an owner" if role == TEAM_OWNER else "a member"
        tell_team(found, f"Made {person.shown_name} {a_role} of the team {found.shown_name}", person)
        flash(f"{person.shown_name} is now {a_role} of the team.")
    return redirect(url_for("teams.members", team=team))


@bp.route("/teams/<team>/members/<user_id>/remove", methods=["GET", "POST"])
@confirmed_members_only
@form_view(ButtonForm, "teams/act.html", _removal)
def remove(_: ButtonForm, team: str, user_id: str) -> AnyResponse:
    """Remove a member from a team."""
    person, found = _member(team, user_id), owned_team(team)
    if teams.remove_member(team, person.id):
        audit.record(audit.TEAM, f"Removed {person.shown_name} from {team}.", user=person, target=f"team {team}")
        tell_team(found, f"Removed {person.shown_name} from the team {found.shown_name}", person)
        flash(f"{person.shown_name} no longer belongs to the team.")
    return redirect(url_for("teams.members" if owns(team) else "teams.index", team=team if owns(team) else None))


def _member(team: str, user_id: str) -> User:
    owned_team(team)
    known = bson.ObjectId.is_valid(user_id)
    person: User | None = (
        User.objects.of_team(team).filter(pk=bson.ObjectId(user_id)).declared_first() if known else None
    )
    return person or abort(404, "This user does not belong to the team.")
