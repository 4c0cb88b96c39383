"""Who gets a message about what, and that nobody gets it twice."""

from datetime import timedelta

from flask import Flask

from tests.telling.conftest import webhook
from webapp.documents import Webhook, WebhookMessage
from webapp.documents.base import utc_now
from webapp.telling.events import Event
from webapp.telling.outbox import tell_webhooks


def event(key: str = "1", project: str = "example", kind: str = "release", **fields: str) -> Event:
    return Event(key, fields.get("type", "release.published"), kind, project, utc_now(), {"project": project})


def told() -> dict[str, str]:
    """The projects of which each address is told."""
    urls = {hook.id: hook.url for hook in Webhook.objects}
    return {f"{urls[each.webhook_id]} {each.project}": each.type for each in WebhookMessage.objects.order_by("pk")}


def test_webhooks_are_told_of_their_project_and_those_of_the_site_of_all(app: Flask) -> None:
    webhook("https://one.example", project="example")
    webhook("https://other.example", project="other")
    webhook("https://all.example")

    tell_webhooks([event(), event("2", "third")])

    assert told().keys() == {"https://one.example example", "https://all.example example", "https://all.example third"}


def test_only_the_chosen_kinds_are_told(app: Flask) -> None:
    webhook("https://yanks.example", kinds=["yank"])
    webhook("https://off.example", is_off=True)
    webhook("https://later.example", created_at=utc_now() + timedelta(minutes=1))

    tell_webhooks([event(), event("2", kind="yank")])

    assert len(told()) == 1


def test_telling_again_writes_no_second_message(app: Flask) -> None:
    webhook("https://one.example")
    first, second = event(), event("2")
    tell_webhooks([first])

    tell_webhooks([first, second])

    assert WebhookMessage.objects.count() == 2


def test_webhooks_of_a_deleted_project_are_told_and_then_nothing_more(app: Flask) -> None:
    webhook("https://one.example", project="example")
    webhook("https://all.example")

    tell_webhooks([event("1", kind="deletion", type="project.deleted")])
    tell_webhooks([event("2")])

    assert [each.type for each in WebhookMessage.objects.order_by("pk")] == [
        "project.deleted",
        "project.deleted",
        "release.published",
    ]
    assert Webhook.objects.of_project("example").count() == 0
