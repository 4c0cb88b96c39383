"""Invitations to a team. Each is stored in the team's document, and taken out by the one who uses it."""

from webapp.changes.maintaining import NotThere, TooManyInvitations, new_invitation
from webapp.changes.teams import add_member
from webapp.documents import Invitation, Team, User
from webapp.documents.base import utc_now
from webapp.documents.user import TEAM_MEMBER, TEAM_OWNER, fold

MOST_INVITATIONS = 50
GONE = "This invitation has expired, or was already used, declined or revoked. Ask for another one."


def invite(
    team: str, email: str, role: str, by: User, *, person: User | None = None, username: str | None = None
) -> Invitation:
    """Store an invitation, which replaces one of the same address. Raises NotThere and TooManyInvitations."""
    invitation = new_invitation(email, role, by, person, username)
    same, old = {"email_folded": fold(email)}, {"expires_at": {"$lt": utc_now()}}
    for _ in range(2):  # somebody else may invite the same address at this moment
        for replaced in (same, old):
            Team.objects.change_lists({"_id": team}, {"$pull": {"invitations": replaced}})
        free = {"_id": team, f"invitations.{MOST_INVITATIONS - 1}": {"$exists": False}}
        free |= {"invitations.email_folded": {"$ne": fold(email)}}
        change = {"$push": {"invitations": invitation.to_mongo().to_dict()}}
        if Team.objects.change_lists(free, change):
            return invitation
    if not Team.objects(pk=team).count():
        raise NotThere("This team no longer exists.")
    raise TooManyInvitations(f"{MOST_INVITATIONS} people have already been invited. Revoke an invitation first.")


def take_out(team: str, invitation_id: str) -> None:
    """Take an invitation out of a team: it is used, declined or revoked. Raises NotThere; one caller succeeds."""
    there = {"_id": team, "invitations.invitation_id": invitation_id}
    change = {"$pull": {"invitations": {"invitation_id": invitation_id}}}
    if not Team.objects.raw().update_one(there, change).matched_count:
        raise NotThere(GONE)


def accept(team: str, invitation_id: str, user: User) -> str:
    """Make the invited user a member of a team, once; return their role. Raises NotThere."""
    invitation = valid_invitation(Team.objects(pk=team).declared_first(), invitation_id)
    if user.role_in(team):
        raise NotThere("You already belong to this team.")
    take_out(team, invitation_id)
    role = TEAM_OWNER if invitation.role == TEAM_OWNER else TEAM_MEMBER
    if not add_member(team, user.id, role):
        raise NotThere("You already belong to this team, or to too many teams.")
    return role


def pending(team: Team) -> list[Invitation]:
    """Return the valid invitations of a team: not expired, and sent by people who may still invite."""
    now, listed = utc_now(), team.invitations or []
    senders = User.objects(pk__in=[each.invited_by for each in listed], is_disabled__ne=True) if listed else []
    entitled = {each.id for each in senders if each.is_admin or each.role_in(team.name) == TEAM_OWNER}
    return [
        each
        for each in listed
        if each.invitation_id and each.email and each.expires_at and each.expires_at > now
        if each.invited_by in entitled
    ]


def valid_invitation(team: Team | None, invitation_id: str) -> Invitation:
    """Return the invitation that a link names. Raises NotThere."""
    for each in pending(team) if team else []:
        if each.invitation_id == invitation_id:
            return each
    raise NotThere(GONE)
