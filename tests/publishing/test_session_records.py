"""What a publishing session leaves in the journal, in the audit log and for webhooks, by the form and by the draft."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.publishing import uploads
from tests.publishing.staging import add, opened, path_of
from tests.publishing.test_file_uploads import client_of
from tests.publishing.uploads import sdist, sdist_name, wheel, wheel_name
from tests.telling.conftest import webhook
from webapp.documents import AuditEvent, JournalEntry, WebhookMessage
from webapp.telling.teller import tell

FILES = {wheel_name(): wheel(), sdist_name(): sdist()}
Session = dict[str, Any]
Fill = Callable[[FlaskClient, str, Session], None]


def by_the_form(client: FlaskClient, secret: str, session: Session) -> None:
    for filename, content in FILES.items():
        assert add(client, secret, session, content, filename).status_code == 200


def by_the_draft(client: FlaskClient, secret: str, session: Session) -> None:
    for filename, content in FILES.items():
        client_of(client, secret, session).upload(filename, content)


WAYS = pytest.mark.parametrize("fill", [by_the_form, by_the_draft])


@pytest.fixture
def secret(client: FlaskClient) -> str:
    """The token of a member."""
    return uploads.publisher()[1]


def journal() -> list[tuple[str, str, str]]:
    return [(each.action, each.filename, each.actor_name) for each in JournalEntry.objects.order_by("pk")]


def told(app: Flask) -> list[str]:
    """What a webhook has been told so far, as types of messages."""
    with app.test_request_context():
        while tell():
            pass
    return [each.type for each in WebhookMessage.objects.order_by("pk")]


@WAYS
def test_nobody_is_told_of_a_release_before_it_is_published(
    app: Flask, client: FlaskClient, secret: str, fill: Fill
) -> None:
    webhook("https://ci.example.org/")
    session = opened(client, secret)
    fill(client, secret, session)

    before = (journal(), told(app))
    client_of(client, secret, session).publish()

    assert before == ([], [])
    assert journal() == [
        ("new project", wheel_name(), "Ada Lovelace"),
        ("new file", sdist_name(), "Ada Lovelace"),
    ]
    assert told(app) == ["release.published", "release.file_added"]


@WAYS
def test_nobody_is_told_of_a_release_that_is_cancelled(
    app: Flask, client: FlaskClient, secret: str, fill: Fill
) -> None:
    webhook("https://ci.example.org/")
    session = opened(client, secret)
    fill(client, secret, session)

    client_of(client, secret, session).cancel()

    assert (journal(), told(app)) == ([], [])


@WAYS
@pytest.mark.parametrize("end", ["Published", "Cancelled"])
def test_audit_log_says_who_did_what(client: FlaskClient, secret: str, fill: Fill, end: str) -> None:
    session = opened(client, secret)
    fill(client, secret, session)
    removed = f"{path_of(session, 'session')}files/{sdist_name()}/"
    for code in (204, 404):
        assert client.delete(removed, auth=("__token__", secret)).status_code == code

    if end == "Published":
        client_of(client, secret, session).publish()
    else:
        client_of(client, secret, session).cancel()

    of = "the publishing session of larder-probe 1.0"
    events = AuditEvent.objects.order_by("created_date", "pk")
    assert [(each.kind, each.description) for each in events] == [
        ("project", f"Opened {of}."),
        *(("upload", f"Added {name} to {of} with the API token “tests”.") for name in FILES),
        ("project", f"Removed {sdist_name()} from {of}."),
        ("project", f"{end} {of}."),
    ]
    assert {(each.actor_name, each.target) for each in events} == {("Ada Lovelace", "package larder-probe")}
