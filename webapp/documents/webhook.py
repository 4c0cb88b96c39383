"""Webhooks, and the messages to their addresses: collections `webhooks` and `webhook_messages`."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Self

import bson
import mongoengine as me

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db

# What a webhook can be told about.
RELEASE, YANK, DELETION, STATUS, ROLE, ADVISORY = "release", "yank", "deletion", "status", "role", "advisory"
KINDS = (RELEASE, YANK, DELETION, STATUS, ROLE, ADVISORY)

WAITING, DELIVERED, FAILED = "waiting", "delivered", "failed"
STATES = (WAITING, DELIVERED, FAILED)

# A message is kept for this long after it was made, so that it can be sent again.
KEPT = timedelta(days=14)
# The webhooks of a deleted project stay until the last message about it has been tried for a day.
KEPT_AFTER_PROJECT_S = 2 * 86_400


class WebhookQuerySet(ReadingQuerySet):
    """Queries for webhooks."""

    def of_project(self, normalized_name: str | None) -> Self:
        """Those of a project or, for None, of the whole site; oldest first."""
        return self.filter(project=normalized_name, project_gone_at=None).order_by("pk")

    def interested_in(self, normalized_names: Iterable[str]) -> Self:
        """Those that are told about some of these projects: their own, and those of the whole site."""
        return self.filter(project__in=[None, *normalized_names], project_gone_at=None, is_off__ne=True)


class Webhook(db.Document):
    """An address that is told of events; 0.5 kB, a few per project and for the whole site."""

    id = me.ObjectIdField(primary_key=True, default=bson.ObjectId)
    project = me.StringField()  # normalized name; absent: every project
    url = me.StringField(required=True)
    kinds = me.ListField(me.StringField(choices=KINDS))
    secret = me.StringField(required=True)  # "whsec_...", with which messages are signed
    old_secret = me.StringField()  # messages are signed with this one as well ...
    old_secret_until = me.DateTimeField()  # ... until then
    created_at = me.DateTimeField()
    created_by = me.StringField()  # a name
    is_off = me.BooleanField()  # its address answered 410 Gone, or a person switched it off
    project_gone_at = me.DateTimeField()  # when its project was deleted
    next_at = me.DateTimeField()  # when to look for messages that are due, at the latest
    failures = me.IntField()  # in a row
    rest_until = me.DateTimeField()  # after a failure, nothing is sent until then
    # It is new, or the last try failed or took long, so others do not wait in line with it.
    is_slow = me.BooleanField()
    claimed_until = me.DateTimeField()  # while a process delivers its messages

    meta = {
        "collection": "webhooks",
        "queryset_class": WebhookQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Which webhooks does this project have? (/manage/<name>/webhooks, and each event)
            {"fields": ["project", "_id"], "name": "by_project"},
            # Which have messages that are due? (webhooks/delivering.py, every two seconds)
            {"fields": ["is_slow", "next_at"], "name": "due_webhooks"},
            # Whose project was deleted two days ago? MongoDB itself asks this once a minute.
            {"fields": ["project_gone_at"], "name": "end_of_keeping", "expireAfterSeconds": KEPT_AFTER_PROJECT_S},
        ],
    }


class Try(me.EmbeddedDocument):
    """One try to deliver a message; 0.1 kB, twenty at most."""

    at = me.DateTimeField()
    status = me.IntField()  # the HTTP status code, if there was an answer
    problem = me.StringField()  # why there was none
    took_ms = me.IntField()


class WebhookMessageQuerySet(ReadingQuerySet):
    """Queries for messages."""

    def of_webhook(self, webhook_id: bson.ObjectId) -> Self:
        """The messages of a webhook, newest first."""
        return self.filter(webhook_id=webhook_id).order_by("-created_at")

    def next_of(self, webhook_id: bson.ObjectId) -> Self:
        """The messages of a webhook that wait, the first one due first."""
        return self.filter(webhook_id=webhook_id, state=WAITING).order_by("due_at")


class WebhookMessage(db.Document):
    """A message to one webhook; 1 kB, kept for two weeks."""

    id = me.StringField(primary_key=True)  # "msg_103_<webhook>", the header `webhook-id`: the same for each try
    webhook_id = me.ObjectIdField(required=True)
    type = me.StringField()  # "release.published"
    project = me.StringField()  # normalized name
    body = me.StringField(required=True)  # JSON, exactly as it is sent
    state = me.StringField(choices=STATES)
    created_at = me.DateTimeField()
    since = me.DateTimeField()  # from when on it is tried for a day
    due_at = me.DateTimeField()  # when it is tried next
    try_count = me.IntField()  # since then
    tries = me.EmbeddedDocumentListField(Try)  # the last ones
    expires_at = me.DateTimeField()

    meta = {
        "collection": "webhook_messages",
        "queryset_class": WebhookMessageQuerySet,
        "auto_create_index": False,
        "indexes": [
            # What was sent to this webhook? (/manage/<name>/webhooks/<webhook>)
            {"fields": ["webhook_id", "-created_at"], "name": "by_webhook"},
            # What is due? (webhooks/delivering.py)
            {"fields": ["webhook_id", "state", "due_at"], "name": "due_messages"},
            # Which messages have expired? MongoDB itself asks this once a minute.
            {"fields": ["expires_at"], "name": "end_of_keeping", "expireAfterSeconds": 0},
        ],
    }
