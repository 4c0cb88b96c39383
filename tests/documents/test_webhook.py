"""Which webhooks are told about a project, and what they are told next."""

from datetime import timedelta

import bson
import pytest

from webapp.documents import Webhook, WebhookMessage
from webapp.documents.base import utc_now

NOW = utc_now()


def hook(url: str, project: str | None, **fields: object) -> Webhook:
    made = Webhook(url=url, project=project, secret="whsec_1", **fields)
    made.save()
    return made


@pytest.mark.usefixtures("app")
def test_webhooks_of_a_project_and_of_the_site_are_told_unless_they_are_off() -> None:
    hook("https://example.org/jam", "jam")
    hook("https://example.org/site", None)
    hook("https://example.org/jelly", "jelly")
    hook("https://example.org/off", "jam", is_off=True)
    hook("https://example.org/gone", "jam", project_gone_at=NOW)

    told = {each.url.rpartition("/")[2] for each in Webhook.objects.interested_in(["jam"])}
    of_jam = [each.url.rpartition("/")[2] for each in Webhook.objects.of_project("jam")]
    of_site = [each.url.rpartition("/")[2] for each in Webhook.objects.of_project(None)]

    assert told == {"jam", "site"}
    assert of_jam == ["jam", "off"]
    assert of_site == ["site"]


@pytest.mark.usefixtures("app")
def test_messages_are_listed_newest_first_and_sent_as_they_are_due() -> None:
    mine, other = bson.ObjectId(), bson.ObjectId()
    rows = [("1", mine, "waiting", 0, 5), ("2", mine, "waiting", 1, 4), ("3", mine, "delivered", 2, 1)]
    rows += [("4", other, "waiting", 3, 0)]
    for key, webhook_id, state, created, due in rows:
        created_at, due_at = NOW + timedelta(seconds=created), NOW + timedelta(seconds=due)
        WebhookMessage(
            id=key, webhook_id=webhook_id, body="{}", state=state, created_at=created_at, due_at=due_at
        ).save()

    assert [each.id for each in WebhookMessage.objects.of_webhook(mine)] == ["3", "2", "1"]
    assert [each.id for each in WebhookMessage.objects.next_of(mine)] == ["2", "1"]
