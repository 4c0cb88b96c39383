"""What was done by whom: collection `auditing`."""

from typing import Self

import bson
import mongoengine as me

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db


class AuditQuerySet(ReadingQuerySet):
    """The questions that the site asks about what was done."""

    def newest(self) -> Self:
        """Everything, what happened last first."""
        return self.order_by("-created_date")

    def about_user(self, user_id: bson.ObjectId) -> Self:
        """What was done to this account, by its owner or by others, the last first."""
        return self.filter(user_id=user_id).order_by("-created_date")

    def of_kind(self, kind: str) -> Self:
        """What was done of one kind, the last first."""
        return self.filter(kind=kind).order_by("-created_date")


class AuditEvent(db.Document):
    """One act that is kept for the record; about 0.4 kB, any number of them until `expires_at`."""

    id = me.StringField(primary_key=True, default=lambda: str(bson.ObjectId()))
    created_date = me.DateTimeField()
    kind = me.StringField()  # "sign-in", "password changed", ...: members/audit.py
    description = me.StringField()  # a sentence
    actor_id = me.ObjectIdField()  # who did it; absent where nobody was signed in
    actor_name = me.StringField()
    user_id = me.ObjectIdField()  # the account that it was done to
    target = me.StringField()  # what it was done to: "user Ada Lovelace", "package flask", "page company/history"
    ip_address = me.StringField()
    user_agent = me.StringField()
    expires_at = me.DateTimeField()  # MongoDB removes it then; without a date it stays
    legacy = me.DictField(default=None)  # what an SQL move kept for the record

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
            # What has been kept long enough? MongoDB itself asks this once a minute.
            {"fields": ["expires_at"], "name": "end_of_keeping", "expireAfterSeconds": 0},
        ],
    }
