"""The audit log: collection `auditing`."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Self

import bson
import mongoengine as me

from webapp.documents.base import Plain, ReadingQuerySet, as_declared, midnight
from webapp.mongodb import db

# How many of them an export holds in memory.
EVENTS_AT_A_TIME = 500


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

    def between(self, since: date | None, before: date | None) -> Self:
        """The events from one day on, and before another one, in UTC."""
        days = {"$gte": midnight(since) if since else None, "$lt": midnight(before) if before else None}
        days = {name: value for name, value in days.items() if value}
        return self.filter(__raw__={"created_date": days}) if days else self.all()

    def about_people(self, user_ids: list[bson.ObjectId], name: str) -> Self:
        """The events that these users caused or that are about their accounts, or about a deleted one of this name."""
        ways = [{"actor_id": {"$in": user_ids}}, {"user_id": {"$in": user_ids}}, {"target": f"user {name}"}]
        return self.filter(__raw__={"$and": [{"$or": ways}]})

    def about_package(self, normalized_name: str) -> Self:
        """The events about this project, newest first."""
        return self.filter(target=f"package {normalized_name}").order_by("-created_date")

    def from_address(self, address: str) -> Self:
        """The events from this IP address, newest first; from all that start so, if it ends with a dot or colon."""
        if address.endswith((".", ":")):
            return self.filter(__raw__={"ip_address": {"$gte": address, "$lt": address + "\uffff"}})
        return self.filter(ip_address=address).order_by("-created_date")

    def saying(self, text: str) -> Self:
        """The events in which this text occurs, in any case. What the other filters leave is read one by one."""
        pattern = {"$regex": re.escape(text), "$options": "i"}
        ways = [{"description": pattern}, {"actor_name": pattern}, {"target": pattern}]
        return self.filter(__raw__={"$and": [{"$or": ways}]})

    def each(self) -> Iterator[Plain]:
        """Return the events, newest first, as plain dictionaries. Only some are in memory at a time."""
        found = self._collection.find(self._query, sort=[("created_date", -1)], batch_size=EVENTS_AT_A_TIME)
        return (as_declared(self._document, son) for son in found)


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
            # What did this member do? (/admin/audit?person=)
            {"fields": ["actor_id", "-created_date"], "name": "by_actor"},
            # What happened to this project? (/admin/audit?project=)
            {"fields": ["target", "-created_date"], "name": "by_target"},
            # What was done from this address? (/admin/audit?address=)
            {"fields": ["ip_address", "-created_date"], "name": "by_address"},
            # Which events have expired? MongoDB itself asks this once a minute.
            {"fields": ["expires_at"], "name": "end_of_keeping", "expireAfterSeconds": 0},
        ],
    }
