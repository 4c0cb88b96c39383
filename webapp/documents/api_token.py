"""API tokens of programs: collection `tokens`."""

from datetime import datetime
from typing import Self

import bson
import mongoengine as me
from packaging.utils import NormalizedName

from webapp.documents.base import ReadingQuerySet, utc_now
from webapp.mongodb import db

UPLOAD, READ = "upload", "read"
PERMISSIONS = (UPLOAD, READ)


class TokenQuerySet(ReadingQuerySet):
    """Queries for tokens."""

    def with_digest(self, digest: str) -> Self:
        """The token with this SHA-256."""
        return self.filter(digest=digest)

    def of_user(self, user_id: bson.ObjectId) -> Self:
        """A member's tokens, newest first."""
        return self.filter(user_id=user_id).order_by("-created_at")


def revoke_all(user_id: bson.ObjectId) -> int:
    """Revoke all tokens of a member, and return how many there were."""
    return int(ApiToken.objects.raw().delete_many({"user_id": user_id}).deleted_count)


class TokenScope(me.EmbeddedDocument):
    """What a token is for: everything its owner may do, or one project."""

    kind = me.StringField(choices=("account", "project"), required=True)
    project = me.StringField()  # normalized name


class ApiToken(db.Document):
    """A secret with which a program acts for a member; 0.4 kB, a few per member."""

    id = me.ObjectIdField(primary_key=True, default=bson.ObjectId)
    user_id = me.ObjectIdField(required=True)
    name = me.StringField(required=True)  # chosen by its owner
    digest = me.StringField(required=True)  # SHA-256 of the secret, which is not stored
    hint = me.StringField()  # the start of the secret, by which its owner recognizes it
    scope = me.EmbeddedDocumentField(TokenScope, required=True)
    permissions = me.ListField(me.StringField(choices=PERMISSIONS))
    created_at = me.DateTimeField()
    expires_at = me.DateTimeField()  # absent: never
    last_used_at = me.DateTimeField()  # accurate to the minute

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
        """Tell whether it has expired."""
        return bool(self.expires_at and self.expires_at <= (now or utc_now()))

    def is_for(self, normalized_name: NormalizedName) -> bool:
        """Tell whether this project is in its scope; an invalid scope, from a manual edit, contains nothing."""
        if self.scope is None:
            return False
        return self.scope.kind == "account" or (self.scope.kind == "project" and self.scope.project == normalized_name)
