"""`/teams/<team>/invite`, and `/account/invitations/team/<token>`, the page that an invitation's link leads to."""

from typing import Any

from flask import flash, redirect, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from webapp.changes import team_invitations
from webapp.changes.maintaining import NotThere, TooManyInvitations
from webapp.documents import Invitation, Team, User
from webapp.documents.user import TEAM_OWNER
from webapp.members import audit, inviting, mails, requirement, tokens
from webapp.members.form_views import confirmed_members_only, form_view, members_only
from webapp.members.forms import ButtonForm
from webapp.members.notices import tell_team
from webapp.members.sessions import me, signed_in_user
from webapp.serving.errors import http_error
from webapp.teams.blueprint import bp, owned_team
from webapp.teams.forms import AnswerForm, InvitationForm


def link_of(team: Team, invitation: Invitation) -> str:
    """Return the address of an invitation, which its owner can hand over; empty if the site does not know its own."""
    return mails.link_to("teams.invitation", token=tokens.for_team_invitation(team.name, invitation.invitation_id))


@bp.route("/teams/<team>/invite", methods=["GET", "POST"])
@confirmed_members_only
@form_view(InvitationForm, "teams/invite.html", lambda team: {"team": owned_team(team), "owns": True})
def invite(form: InvitationForm, team: str) -> AnyResponse | None:
    """Invite somebody to a team by mail."""
    found, user = owned_team(team), me().user
    invitee = inviting.invitee_of(form, user)
    if invitee is None:
        return None
    email, person, username = invitee
    if person and person.role_in(team):
        form.refuse("email", "They already belong to the team.")
        return None
    try:
        invitation = team_invitations.invite(team, email, form.role.data, user, person=person, username=username)
    except TooManyInvitations as error:
        form.refuse("email", str(error))
        return None
    inviting.send(invitation, "join the team", found.shown_name, link_of(found, invitation), user)
    audit.record(audit.TEAM, f"Invited {invitation.shown} as {invitation.role} of {team}.", target=f"team {team}")
    flash(f"We sent an invitation to {invitation.shown}.")
    return redirect(url_for("teams.members", team=team))


@bp.post("/teams/<team>/invitations/<invitation_id>/revoke")
@members_only
@form_view(ButtonForm, "teams/act.html", lambda team, **_: {"team": owned_team(team), "act": "Revoke the invitation"})
def revoke_invitation(_: ButtonForm, team: str, invitation_id: str) -> AnyResponse:
    """Cancel an invitation, which makes its link invalid."""
    owned_team(team)
    team_invitations.take_out(team, invitation_id)
    audit.record(audit.TEAM, f"Revoked an invitation to {team}.", target=f"team {team}")
    flash("The invitation was revoked.")
    return redirect(url_for("teams.members", team=team))


def _invitation(token: str) -> dict[str, Any]:
    """Return the invitation that a link names. Raises NotThere."""
    name, invitation_id = tokens.team_invitation_of(token)
    team = Team.objects(pk=name).declared_first()
    found = team_invitations.valid_invitation(team, invitation_id)
    by: User | None = User.objects(pk=found.invited_by).only("name", "username").declared_first()
    inviting = (by and (by.name or by.username)) or "Another user"
    return {
        "team": team,
        "invitation": found,
        "inviting": inviting,
        "user": signed_in_user(),
        "here": request.path,
    }


@bp.route("/account/invitations/team/<token>", methods=["GET", "POST"])
@form_view(AnswerForm, "teams/invitation.html", _invitation)
def invitation(form: AnswerForm, token: str) -> AnyResponse:
    """Accept or decline an invitation. Anybody with the link may, but accepting needs an account."""
    found = _invitation(token)
    team: Team = found["team"]
    user: User | None = found["user"]
    if form.decline.data:
        team_invitations.take_out(team.name, found["invitation"].invitation_id)
        flash(f"You declined the invitation to {team.shown_name}.")
        return redirect(url_for("accounts.account" if user else "accounts.login"))
    if user is None:
        return redirect(url_for("accounts.login", next=request.path))
    if late := requirement.lead_to_it(user):
        return late
    role = team_invitations.accept(team.name, found["invitation"].invitation_id, user)
    audit.record(audit.TEAM, f"Became {role} of {team.name} by invitation.", user=user, target=f"team {team.name}")
    a_role = "an owner" if role == TEAM_OWNER else "a member"
    tell_team(team, f"Became {a_role} of the team {team.shown_name} by invitation", user)
    flash(f"You now belong to the team {team.shown_name}.")
    return redirect(url_for("teams.members", team=team.name))


@bp.errorhandler(NotThere)
def not_there(error: NotThere) -> AnyResponse:
    """Answer 404, or 410 for the link of an invitation, and say what is missing."""
    gone = NotFound(str(error))
    if request.endpoint == "teams.invitation":
        gone.code = 410
    return http_error(gone)
