"""An invitation to a project or a team: embedded in its document."""

import mongoengine as me

from webapp.documents.base import Plain, utc_now

# Who takes part in a project, or in a team: `package.ROLES`, and the roles in `user.py`.
ROLES = ("owner", "maintainer", "member")


class Invitation(me.EmbeddedDocument):
    """An invitation; 20 at most in a project and 50 in a team, 0.3 kB each, for a few days."""

    invitation_id = me.StringField(required=True)  # the link contains it, signed
    email = me.StringField(required=True)
    email_folded = me.StringField()  # the form in which addresses are compared
    user_id = me.ObjectIdField()  # the account that was invited, if it was there already
    username = me.StringField()  # under which it was invited; others do not learn its address then
    role = me.StringField(choices=ROLES, default="maintainer")
    invited_by = me.ObjectIdField(required=True)
    expires_at = me.DateTimeField(required=True)

    @property
    def shown(self) -> str:
        """What was typed to invite them: the username or the address."""
        return self.username or self.email


def to_account(user_id: object, email_folded: str | None) -> Plain:
    """Return the filter for documents that invite an account: itself, or its address if that is confirmed.

    Those whose invitation has expired are left out.
    """
    ways = [_way("user_id", user_id)]
    if email_folded:
        ways.append(_way("email_folded", email_folded))
    return {"$or": ways}


def _way(field: str, value: object) -> Plain:
    # MongoDB uses the partial index only if the field is also asked for by itself.
    one = {field: value, "expires_at": {"$gt": utc_now()}}
    return {f"invitations.{field}": value, "invitations": {"$elemMatch": one}}


# Both fields are absent from most documents.
INDEXES = [
    # Which projects or teams invite this account, or this address? (/account)
    {
        "fields": ["invitations.user_id"],
        "name": "by_invited_user",
        "partialFilterExpression": {"invitations.user_id": {"$exists": True}},
    },
    {
        "fields": ["invitations.email_folded"],
        "name": "by_invited_address",
        "partialFilterExpression": {"invitations.email_folded": {"$gt": ""}},
    },
]
