"""Inviting people to projects and teams: whom a form means, the limits, and what an account is invited to."""

from datetime import datetime
from typing import Any, NamedTuple

from flask_wtf import FlaskForm
from wtforms import Field
from wtforms.validators import Length, ValidationError

from webapp.changes import maintaining, team_invitations
from webapp.documents import Invitation, Package, Team, User
from webapp.documents.hidden import everything_shown
from webapp.documents.user import USERNAME
from webapp.members import limits, mails, tokens
from webapp.members.forms import MAX_EMAIL_LENGTH, NO_EMAIL, EmailAddress, Needed, SiteForm

MOST_SHOWN = 50


class Invitee(NamedTuple):
    """Who is invited: their address, their account if they have one, and the username if that was typed."""

    email: str
    person: User | None
    username: str | None


class Open(NamedTuple):
    """An invitation that an account has not answered yet; `endpoint` and `token` lead to its page."""

    to: str
    role: str
    by: str
    until: datetime
    endpoint: str
    token: str


class Waiting(NamedTuple):
    """The invitations of an account: 50 at most, and whether there are more."""

    shown: list[Open]
    has_more: bool


def address_or_username(form: FlaskForm, field: Field) -> None:
    """Reject what is neither an address nor a username."""
    if "@" in field.data:
        EmailAddress()(form, field)
    elif not USERNAME.match(field.data):
        raise ValidationError(NO_EMAIL)


INVITEE: list[Any] = [
    Needed(),
    Length(max=MAX_EMAIL_LENGTH, message="Use at most %(max)d characters."),
    address_or_username,
]


def invitee_of(form: SiteForm, by: User) -> Invitee | None:
    """Return whom the field `email` of a form means, or add an error to it. Raises TooManyRequests."""
    typed = form["email"].data
    if not mails.can_send_links():
        form.refuse("email", mails.NONE_SENT)
        return None
    limits.count_invitation(by.id)
    person: User | None = User.objects.account_of(typed)
    is_address = "@" in typed
    email = typed if is_address else person.email if person and not person.is_disabled else None
    if not email:
        form.refuse("email", "There is no account with this username, or it has no address.")
        return None
    if not limits.count_invited(email):
        form.refuse("email", "Too many emails were sent to this address. Try again later.")
        return None
    return Invitee(email, person, None if is_address else typed)


def send(invitation: Invitation, act: str, name: str, link: str, by: User) -> None:
    """Send an invitation to a project or team of this name; `act` is "maintain the project" or "join the team"."""
    email, subject = invitation.email, f"Invitation to {name}"
    context = {
        "link": link,
        "act": act,
        "invited_to": name,
        "inviting": by.shown_name,
        "role": invitation.role,
        "days": maintaining.INVITATION_AGE.days,
    }
    mails.later(lambda: mails.send("invitation", email, subject, **context))


def open_to(user: User) -> Waiting:
    """Return the invitations of an account, to projects and to teams, and who sent them."""
    found = waiting_for(user)
    names = {str(each.id): each.shown_name for each in User.objects(pk__in=[each.by for each in found.shown])}
    return found._replace(shown=[each._replace(by=names.get(each.by, "Another user")) for each in found.shown])


def waiting_for(user: User) -> Waiting:
    """Return the invitations of an account, each `by` the id of a user: two questions to indexes, for almost everybody.

    An address counts only where addresses are confirmed by mail: elsewhere anybody could register with it.
    """
    folded = user.email_folded if mails.are_configured() else None
    most = MOST_SHOWN + 1
    with everything_shown():  # who is invited does not maintain the project yet
        projects = [Package(**each) for each in Package.objects.inviting(user.id, folded).limit(most).plain()]
    groups = [Team(**each) for each in Team.objects.inviting(user.id, folded).limit(most).plain()]
    found = []
    for package in projects:
        for each in _of(maintaining.pending(package), user, folded):
            token = tokens.for_invitation(package.pk, each.invitation_id)
            found.append(_open(f"the project {package.name or package.pk}", each, "manage.invitation", token))
    for team in groups:
        for each in _of(team_invitations.pending(team), user, folded):
            token = tokens.for_team_invitation(team.name, each.invitation_id)
            found.append(_open(f"the team {team.shown_name}", each, "teams.invitation", token))
    return Waiting(found[:MOST_SHOWN], has_more=max(len(projects), len(groups), len(found)) > MOST_SHOWN)


def _of(invitations: list[Invitation], user: User, folded: str | None) -> list[Invitation]:
    """Return those that are for an account, or for its address if that counts."""
    return [each for each in invitations if each.user_id == user.id or (folded and each.email_folded == folded)]


def _open(to: str, invitation: Invitation, endpoint: str, token: str) -> Open:
    return Open(to, invitation.role, str(invitation.invited_by), invitation.expires_at, endpoint, token)
