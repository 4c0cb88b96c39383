"""Put messages into the outbox of webhooks, from where `delivering.py` takes them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import bson
import orjson
from pymongo.errors import BulkWriteError

from webapp.documents import Webhook, WebhookMessage
from webapp.documents.base import Plain, utc_now
from webapp.documents.webhook import KEPT, WAITING
from webapp.mongodb.errors import is_only_duplicates
from webapp.telling.events import Event


def tell_webhooks(events: Iterable[Event]) -> None:
    """Write a message to each webhook that wants to be told of some of these events, once for each event.

    Killed before the end, it can be called again with the same events: the ids of the messages follow from them.
    """
    found = list(events)
    hooks = Webhook.objects.interested_in({each.project for each in found}).plain() if found else []
    messages = [
        _message(f"msg_{event.key}_{hook['id']}", hook, event)
        for event in found
        for hook in hooks
        if event.kind in hook.get("kinds", []) and _is_about(hook, event)
    ]
    if messages:
        put(messages)
    for event in found:
        if event.type == "project.deleted":
            # Whoever creates a project of that name has nothing to do with them.
            those = {"project": event.project, "created_at": {"$lte": event.at}}
            Webhook.objects.raw().update_many(those, {"$set": {"project_gone_at": utc_now()}})


def send_test(hook: Plain, by: str) -> None:
    """Write a message that only says that the webhook works."""
    data = {"project": hook["project"]} if "project" in hook else {}
    event = Event("", "webhook.test", "", hook.get("project", ""), utc_now(), data | {"by": by})
    put([_message(f"msg_{bson.ObjectId()}_{hook['id']}", hook, event)])


def send_again(message: Plain) -> None:
    """Try to deliver a message again now, for another day."""
    now = utc_now()
    values = {"state": WAITING, "since": now, "due_at": now, "try_count": 0, "expires_at": now + KEPT}
    if WebhookMessage.objects.raw().update_one({"_id": message["id"]}, {"$set": values}).matched_count:
        wake([message["webhook_id"]], now)


def put(messages: list[Plain]) -> None:
    """Store messages that are not stored yet, and wake their webhooks."""
    try:
        WebhookMessage.objects.raw().insert_many(messages, ordered=False)
    except BulkWriteError as error:
        if not is_only_duplicates(error):
            raise
    wake({each["webhook_id"] for each in messages}, utc_now())


def wake(hook_ids: Iterable[Any], at: datetime) -> None:
    """Let the messages of some webhooks be looked for then, if not earlier."""
    Webhook.objects.raw().update_many({"_id": {"$in": list(hook_ids)}}, {"$min": {"next_at": at}})


def _is_about(hook: Plain, event: Event) -> bool:
    created = hook.get("created_at")
    is_meant = event.project == hook["project"] and event.is_for_project if "project" in hook else event.is_for_site
    return is_meant and (created is None or created <= event.at)


def _message(message_id: str, hook: Plain, event: Event) -> Plain:
    now = utc_now()
    body = {"type": event.type, "timestamp": event.at, "data": event.data}
    return {
        "_id": message_id,
        "webhook_id": hook["id"],
        "type": event.type,
        "project": event.project,
        "body": orjson.dumps(body, option=orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC).decode(),
        "state": WAITING,
        "created_at": now,
        "since": now,
        "due_at": now,
        "try_count": 0,
        "tries": [],
        "expires_at": now + KEPT,
    }
