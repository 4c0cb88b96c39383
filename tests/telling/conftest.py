"""A receiver of webhooks, and webhooks to it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from tests.local_http import Receiver, receiving
from webapp.documents import Webhook, WebhookMessage
from webapp.documents.base import utc_now
from webapp.documents.webhook import KINDS
from webapp.telling.delivering import Line, deliver
from webapp.telling.teller import tell

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def receiver(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A server for messages, whose private address the operator allows."""
    monkeypatch.setitem(app.config, "PRIVATE_WEBHOOK_HOSTS", frozenset(["127.0.0.1"]))
    with receiving() as found, app.test_request_context():
        yield found


def webhook(url: str, **fields: Any) -> Webhook:
    """A stored webhook that is told about everything."""
    values = {"kinds": list(KINDS), "secret": SECRET, "created_at": utc_now() - timedelta(days=1), "url": url}
    hook = Webhook(**values | fields)
    hook.save(force_insert=True)
    return hook


def tell_all() -> None:
    """Tell everybody what happened, and deliver what is due."""
    while tell():
        pass
    deliver_all()


def deliver_all() -> None:
    """Deliver what is due."""
    lines = [Line(is_slow=False), Line(is_slow=True)]
    while any(deliver(line) for line in lines):
        pass


def wait_until_due() -> None:
    """Let the next try of each waiting message be due, and no webhook rest."""
    now = utc_now()
    WebhookMessage.objects.raw().update_many({"state": "waiting"}, {"$set": {"due_at": now}})
    Webhook.objects.raw().update_many({}, {"$set": {"next_at": now}, "$unset": {"rest_until": ""}})
