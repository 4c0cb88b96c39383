"""The audit log: collection `auditing`."""

from typing import Self

import bson
import mongoengine as me

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db


class AuditQuerySet(ReadingQuerySet):
    """Queries for the audit log."""

    def newest(self) -> Self:
        """All events, newest first."""
        return self.order_by("-created_date")

    def about_user(self, user_id: bson.ObjectId) -> Self:
        """The events about this account, newest first."""
        return self.filter(user_id=user_id).order_by("-created_date")

    def of_kind(self, kind: str) -> Self:
        """The events of one kind, newest first."""
        return self.filter(kind=kind).order_by("-created_date")


class AuditEvent(db.Document):
    """One event; about 0.4 kB, any number of them until `expires_at`."""

    id = me.StringField(primary_key=True, default=lambda: str(bson.ObjectId()))
    created_date = me.DateTimeField()
    kind = me.StringField()  # "sign-in", "password changed", ...: members/audit.py
    description = me.StringField()  # a sentence
    actor_id = me.ObjectIdField()  # who did it; absent if nobody was signed in
    actor_name = me.StringField()
    user_id = me.ObjectIdField()  # the account concerned
    target = me.StringField()  # what it was done to: "user Ada Lovelace", "package flask", "page company/history"
    ip_address = me.StringField()
    user_agent = me.StringField()
    expires_at = me.DateTimeField()  # when MongoDB removes it; without a date it stays
    legacy = me.DictField(default=None)  # what a migration from SQL kept for the record

    meta = {
        "collection": "auditing",
        "queryset_class": AuditQuerySet,
        "auto_create_index": False,
        "indexes": [
            # What happened last? (/admin/audit)
            {"fields": ["-created_date"], "name": "newest_events"},
            # What happened to this account? (/account, /admin/users/)
            {"fields": ["user_id", "-created_date"], "name": "by_user"},
            # What happened of this kind? (/admin/audit?kind=)
            {"fields": ["kind", "-created_date"], "name": "by_kind"},
            # Which events have expired? MongoDB itself asks this once a minute.
            {"fields": ["expires_at"], "name": "end_of_keeping", "expireAfterSeconds": 0},
        ],
    }
