"""API tokens of programs: collection `tokens`."""

from datetime import datetime
from typing import Self

import bson
import mongoengine as me
from packaging.utils import NormalizedName

from webapp.documents.base import Plain, ReadingQuerySet, utc_now
from webapp.mongodb import db
from webapp.rules.addresses import is_within

UPLOAD, READ, YANK = "upload", "read", "yank"
PERMISSIONS = (UPLOAD, READ, YANK)
# Who a shared token belongs to.
TEAM, PROJECT = "team", "project"


class TokenQuerySet(ReadingQuerySet):
    """Queries for tokens."""

    def of_user(self, user_id: bson.ObjectId) -> Self:
        """A member's tokens, newest first."""
        return self.filter(user_id=user_id).order_by("-created_at")

    def of_owner(self, kind: str, name: str) -> Self:
        """The tokens of a team or a project, newest first."""
        return self.filter(owner__kind=kind, owner__name=name).order_by("-created_at")

    def expiring(self, now: datetime, until: datetime) -> Self:
        """The tokens that expire until then, and whose owners were not warned yet."""
        return self.filter(__raw__={"expires_at": {"$gt": now, "$lte": until}, "warned_at": None, "issuer": None})


def revoke_shared(kind: str, name: str, made_until: datetime | None = None) -> int:
    """Revoke the tokens of a team or a project that were made until then, and return how many there were."""
    which: Plain = {"owner.kind": kind, "owner.name": name}
    if made_until:
        which["created_at"] = {"$not": {"$gt": made_until}}
    return int(ApiToken.objects.raw().delete_many(which).deleted_count)


def revoke_all(user_id: bson.ObjectId) -> int:
    """Revoke all tokens of a member, and return how many there were."""
    return int(ApiToken.objects.raw().delete_many({"user_id": user_id}).deleted_count)


class TokenScope(me.EmbeddedDocument):
    """What a token is for: everything its owner may do, one project, or several."""

    kind = me.StringField(choices=("account", "project", "projects"), required=True)
    # Normalized name. A pipeline's token without one is for the project that it uploads to first.
    project = me.StringField()
    projects = me.ListField(me.StringField(), default=None)  # of several: normalized names, 20 at most


class TokenOwner(me.EmbeddedDocument):
    """The team or the project that a shared token belongs to."""

    kind = me.StringField(choices=(TEAM, PROJECT), required=True)
    name = me.StringField(required=True)


class ApiToken(db.Document):
    """A secret with which a program acts for a member, a team or a project; 0.4 kB, a few for each."""

    id = me.ObjectIdField(primary_key=True, default=bson.ObjectId)
    user_id = me.ObjectIdField()  # whose it is; absent if it is shared, or a pipeline's
    issuer = me.StringField()  # of a pipeline: who signed the token that it was exchanged for ...
    claims = me.MapField(me.StringField(), default=None)  # ... and what it says, 80 claims at most
    owner = me.EmbeddedDocumentField(TokenOwner)  # whose it is, if it is shared
    made_by = me.ObjectIdField()  # who made a shared one
    name = me.StringField(required=True)  # chosen by its owner
    digest = me.StringField(required=True)  # SHA-256 of the secret, which is not stored
    hint = me.StringField()  # the start of the secret, by which its owner recognizes it
    scope = me.EmbeddedDocumentField(TokenScope, required=True)
    permissions = me.ListField(me.StringField(choices=PERMISSIONS))
    created_at = me.DateTimeField()
    expires_at = me.DateTimeField()  # absent: never
    last_used_at = me.DateTimeField()  # accurate to the minute
    last_used_from = me.StringField()  # the address
    networks = me.ListField(me.StringField(), default=None)  # the addresses it may be used from, 20 at most
    warned_at = me.DateTimeField()  # when its owners were told that it expires soon

    meta = {
        "collection": "tokens",
        "queryset_class": TokenQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Whose token is this?
            {"fields": ["digest"], "name": "one_token_a_digest", "unique": True},
            # Which tokens does this member have? (/account/tokens/)
            {"fields": ["user_id", "-created_at"], "name": "by_user"},
            # Which tokens of pipelines have expired? MongoDB itself asks this once a minute, and removes them.
            {
                "fields": ["expires_at"],
                "name": "end_of_pipelines",
                "expireAfterSeconds": 3600,
                "partialFilterExpression": {"issuer": {"$gt": ""}},
            },
            # Which tokens does this team or project have? (/teams/, /manage/)
            {
                "fields": ["owner.kind", "owner.name", "-created_at"],
                "name": "by_owner",
                "partialFilterExpression": {"owner.kind": {"$gt": ""}},
            },
            # Which tokens expire soon?
            {
                "fields": ["expires_at", "_id"],
                "name": "by_expiry",
                "partialFilterExpression": {"expires_at": {"$exists": True}},
            },
        ],
    }

    @property
    def is_pipelines(self) -> bool:
        """Whether a pipeline uses it, in the name of nobody."""
        return bool(self.issuer)

    def bind(self, normalized_name: NormalizedName) -> bool:
        """Let a pipeline's token be for this project alone; False if it is for another one already."""
        free = {"_id": self.id, "scope.project": {"$in": [None, normalized_name]}}
        return bool(ApiToken.objects.raw().update_one(free, {"$set": {"scope.project": normalized_name}}).matched_count)

    def is_over(self, now: datetime | None = None) -> bool:
        """Tell whether it has expired."""
        return bool(self.expires_at and self.expires_at <= (now or utc_now()))

    def is_for(self, normalized_name: NormalizedName) -> bool:
        """Tell whether this project is in its scope; an invalid scope, from a manual edit, contains nothing."""
        if self.scope is None:
            return False
        named = [self.scope.project, *(self.scope.projects or [])]
        return self.scope.kind == "account" or (self.scope.kind in ("project", "projects") and normalized_name in named)

    @property
    def shown_scope(self) -> str:
        """The projects that it is for, as people read them."""
        names = [each for each in [self.scope.project, *(self.scope.projects or [])] if each] if self.scope else []
        what = "the project" if len(names) == 1 else "the projects"
        return f"{what} {', '.join(names)}"

    def may_come_from(self, address: str | None) -> bool:
        """Tell whether it may be used from this address."""
        return not self.networks or is_within(address, self.networks)
