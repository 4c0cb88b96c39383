"""What programs sign in with: collection `tokens`."""

from datetime import datetime
from typing import Self

import bson
import mongoengine as me

from webapp.documents.base import ReadingQuerySet, utc_now
from webapp.mongodb import db

UPLOAD, READ = "upload", "read"
PERMISSIONS = (UPLOAD, READ)


class TokenQuerySet(ReadingQuerySet):
    """The questions that the site asks about tokens."""

    def with_digest(self, digest: str) -> Self:
        """The token whose SHA-256 this is."""
        return self.filter(digest=digest)

    def of_user(self, user_id: bson.ObjectId) -> Self:
        """A member's tokens, the youngest first."""
        return self.filter(user_id=user_id).order_by("-created_at")


def revoke_all(user_id: bson.ObjectId) -> int:
    """Revoke every token of a member, and return how many there were."""
    return int(ApiToken.objects.raw().delete_many({"user_id": user_id}).deleted_count)


class TokenScope(me.EmbeddedDocument):
    """What a token is for: everything that its owner may do, or one project."""

    kind = me.StringField(choices=("account", "project"), required=True)
    project = me.StringField()  # normalized name


class ApiToken(db.Document):
    """A secret by which a program acts for a member; 0.4 kB, a few of them a member."""

    id = me.ObjectIdField(primary_key=True, default=bson.ObjectId)
    user_id = me.ObjectIdField(required=True)
    name = me.StringField(required=True)  # what it is for, in its owner's words
    digest = me.StringField(required=True)  # SHA-256 of the secret, which stands nowhere
    hint = me.StringField()  # the secret's beginning, by which its owner knows it
    scope = me.EmbeddedDocumentField(TokenScope, required=True)
    permissions = me.ListField(me.StringField(choices=PERMISSIONS))
    created_at = me.DateTimeField()
    expires_at = me.DateTimeField()  # absent: never
    last_used_at = me.DateTimeField()  # to the minute

    meta = {
        "collection": "tokens",
        "queryset_class": TokenQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Whose token is this?
            {"fields": ["digest"], "name": "one_token_a_digest", "unique": True},
            # Which tokens does this member have? (/account/tokens/)
            {"fields": ["user_id", "-created_at"], "name": "by_user"},
        ],
    }

    def is_over(self, now: datetime | None = None) -> bool:
        """Tell whether its time has passed."""
        return bool(self.expires_at and self.expires_at <= (now or utc_now()))

    def is_for(self, normalized_name: str) -> bool:
        """Tell whether this project is in its scope; a scope that somebody edited into nonsense holds nothing."""
        if self.scope is None:
            return False
        return self.scope.kind == "account" or (self.scope.kind == "project" and self.scope.project == normalized_name)
