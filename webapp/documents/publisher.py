"""Trusted publishing: who may publish without a stored token, and which tokens have been used."""

from datetime import datetime, timedelta
from typing import Self

import bson
import mongoengine as me
from pymongo.errors import DuplicateKeyError

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db

# The most publishers that a project can have.
MOST_PUBLISHERS = 20
PENDING_FOR = timedelta(days=30)


class Source(me.EmbeddedDocument):
    """Where a file was published from, as the issuer of the pipeline's token certified it; about 0.5 kB."""

    issuer = me.StringField()
    repository = me.StringField()
    repository_url = me.StringField()
    commit = me.StringField()
    commit_url = me.StringField()
    workflow = me.StringField()
    ref = me.StringField()
    environment = me.StringField()


class Publisher(me.EmbeddedDocument):
    """A pipeline that may publish: what the claims of its token have to be; about 0.5 kB."""

    publisher_id = me.StringField(required=True, default=lambda: str(bson.ObjectId()))
    key = me.StringField(required=True)  # by which it is found: rules/publishers.py
    issuer = me.StringField(required=True)
    conditions = me.MapField(me.StringField(), default=dict)  # claims and their values; * stands for any text
    owners = me.MapField(me.StringField(), default=dict)  # the ids of the repository's owner, kept from the first use
    added_by = me.ObjectIdField()
    added_at = me.DateTimeField()
    last_used_at = me.DateTimeField()


class PendingQuerySet(ReadingQuerySet):
    """Queries for pending publishers."""

    def of_user(self, user_id: bson.ObjectId) -> Self:
        """Those that a member added, newest first."""
        return self.filter(user_id=user_id).order_by("-pk")

    def for_project(self, normalized_name: str) -> Self:
        """Those that may create this project."""
        return self.filter(project=normalized_name)

    def with_key(self, keys: list[str]) -> Self:
        """Those that a token with these keys may belong to."""
        return self.filter(publisher__key__in=keys)


class PendingPublisher(db.Document):
    """A pipeline that may create a project, which belongs to a member then; 0.6 kB, a few for 30 days."""

    id = me.ObjectIdField(primary_key=True, default=bson.ObjectId)
    project = me.StringField(required=True)  # normalized name
    user_id = me.ObjectIdField(required=True)
    publisher = me.EmbeddedDocumentField(Publisher, required=True)
    expires_at = me.DateTimeField(required=True)

    meta = {
        "collection": "pending_publishers",
        "queryset_class": PendingQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Which has this member added? (/account/publishers/)
            {"fields": ["user_id", "-_id"], "name": "by_user"},
            # Who may create this project? (/legacy/)
            {"fields": ["project"], "name": "by_project"},
            # Which publishers may this token belong to? (/_/oidc/mint-token)
            {"fields": ["publisher.key"], "name": "by_publisher"},
            # Which have expired? MongoDB itself asks this once a minute.
            {"fields": ["expires_at"], "name": "end_of_keeping", "expireAfterSeconds": 0},
        ],
    }


class UsedQuerySet(ReadingQuerySet):
    """What is done with used tokens."""

    def use(self, digest: str, until: datetime) -> bool:
        """Note that a token is used; False if it was used before, by any web process."""
        try:
            self.raw().insert_one({"_id": digest, "expires_at": until})
        except DuplicateKeyError:
            return False
        return True


class UsedToken(db.Document):
    """A token of an issuer that was exchanged, so that nobody exchanges it again; 0.1 kB, until it expires."""

    digest = me.StringField(primary_key=True)  # SHA-256 of what identifies it: its issuer and `jti`, or its text
    expires_at = me.DateTimeField(required=True)

    meta = {
        "collection": "used_tokens",
        "queryset_class": UsedQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Which have expired? MongoDB itself asks this once a minute.
            {"fields": ["expires_at"], "name": "end_of_keeping", "expireAfterSeconds": 0},
        ],
    }
