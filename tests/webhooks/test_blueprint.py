"""Who may see and change which webhooks."""

import bson
import pytest
from flask import Flask
from werkzeug.exceptions import Forbidden, NotFound

from tests import factories
from webapp.changes.maintaining import NotPermitted
from webapp.documents import Maintainer, User, Webhook, WebhookMessage
from webapp.members.sessions import Member
from webapp.webhooks import blueprint
from webapp.webhooks.blueprint import message, project, webhook

ADA, GRACE = (User(id=bson.ObjectId(), name=name) for name in ("Ada", "Grace"))
ADMINISTRATOR = User(id=bson.ObjectId(), name="Barbara", is_admin=True)


def by(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let somebody make the request."""
    monkeypatch.setattr(blueprint, "me", lambda: Member(user, ""))


def test_owners_have_the_webhooks_of_their_project(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    maintainers = [Maintainer(user_id=ADA.id, role="owner"), Maintainer(user_id=GRACE.id, role="maintainer")]
    factories.package("Jam", maintainers=maintainers)

    by(ADA, monkeypatch)
    mine = project("jam")
    by(GRACE, monkeypatch)
    with pytest.raises(NotPermitted):
        project("jam")
    with pytest.raises(NotFound, match="There is no project called “jelly”"):
        project("jelly")

    assert mine is not None
    assert mine.name == "Jam"


def test_administrators_have_those_of_the_site(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    by(ADMINISTRATOR, monkeypatch)
    found = project(None)
    by(ADA, monkeypatch)
    with pytest.raises(Forbidden, match="for administrators only"):
        project(None)

    assert found is None


def test_webhook_of_another_project_is_not_found(app: Flask) -> None:
    jam, jelly = factories.package("Jam"), factories.package("Jelly")
    hook = Webhook(project="jam", url="https://example.org", secret="whsec_1").save()

    assert webhook(jam, str(hook.pk))["id"] == hook.pk
    for package, hook_id in ((jelly, str(hook.pk)), (None, str(hook.pk)), (jam, str(bson.ObjectId())), (jam, "x")):
        with pytest.raises(NotFound):
            webhook(package, hook_id)


def test_message_of_another_webhook_is_not_found(app: Flask) -> None:
    mine, other = bson.ObjectId(), bson.ObjectId()
    WebhookMessage(id="msg_1", webhook_id=mine, body="{}").save()

    assert message({"id": mine}, "msg_1")["id"] == "msg_1"
    with pytest.raises(NotFound, match="kept for two weeks"):
        message({"id": other}, "msg_1")
