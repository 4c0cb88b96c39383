"""Mails and feeds for those who watch projects."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.clocks import clock_ahead
from tests.people import member, outbox
from webapp.changes.administrators import delete
from webapp.changes.advisories import add_own
from webapp.changes.withdrawing import delete_project, unyank, yank
from webapp.documents import Maintainer, Membership, Package, User, Watcher
from webapp.documents.base import utc_now
from webapp.members import mails
from webapp.rules.naming import normalize_name
from webapp.telling.teller import tell
from webapp.telling.watching import mail_next

EXAMPLE = normalize_name("example")


@pytest.fixture
def ada(app: Flask) -> User:
    """Ada, who owns the project Example. What happened before has been told."""
    ada = member()
    factories.package(maintainers=[Maintainer(user_id=ada.id, name=ada.name, role="owner")])
    with app.test_request_context():
        tell()
    return ada


def watcher(name: str = "Grace", **fields: Any) -> User:
    """A member who watches the project Example."""
    user = member(name)
    values = {"projects": ["example"], "mail": "at once", "mailed_until": utc_now() - timedelta(seconds=1)}
    Watcher(user_id=user.id, **values | fields).save()
    return user


def told(app: Flask) -> list[tuple[str, str, str]]:
    """The receivers, subjects and texts of the mails that are sent now."""
    before = len(outbox(app))
    with app.test_request_context():
        while tell():
            pass
        while mail_next():
            pass
    return [(mail.to[0], mail.subject, str(mail.body)) for mail in outbox(app)[before:]]


def test_watcher_gets_a_mail_at_once(app: Flask, ada: User) -> None:
    watcher()
    watcher("Eve", mail="never")
    yank(EXAMPLE, "1.0", "It is broken", ada)

    [(to, subject, text)] = told(app)

    assert to == "grace@example.org"
    assert subject == "example 1.0 was yanked: It is broken · Larder"
    assert "- example 1.0 was yanked: It is broken\n  http://localhost/project/example/1.0/" in text
    assert "To change that, open http://localhost/account/watching" in text
    assert told(app) == []


def test_several_news_come_in_one_mail_once_a_day(app: Flask, ada: User) -> None:
    watcher(mail="daily")
    yank(EXAMPLE, "1.0", "It is broken", ada)
    assert told(app) == []
    due = Watcher.objects.get().mail_at
    assert timedelta(hours=23) < due - utc_now() < timedelta(hours=25)
    delete_project(EXAMPLE, ada)
    assert told(app) == []
    Watcher.objects.update(mail_at=utc_now())

    [(_, subject, text)] = told(app)

    assert subject == "2 updates on projects you watch · Larder"
    assert "- example was deleted." in text
    assert Watcher.objects.get().mail_at is None


def test_watcher_is_told_of_advisories_about_what_a_project_requires(app: Flask, ada: User, tmp_path: Path) -> None:
    watcher()
    Package.objects.raw().update_one({"_id": "example"}, {"$set": {"requires": ["fruit"], "requires_dist": ["fruit"]}})
    path = tmp_path / "own.json"
    path.write_text(json.dumps(factories.record("ACME-1", "fruit")))
    add_own(path)

    [(_, subject, _)] = told(app)

    assert subject == "ACME-1 (unknown) affects fruit, which example requires · Larder"


def test_watcher_is_told_which_project_is_affected_however_far_away(app: Flask, ada: User, tmp_path: Path) -> None:
    watcher(projects=["bread"])
    for name, required in (("jam", "fruit"), ("toast", "jam"), ("bread", "toast")):
        factories.package(name, requires_dist=[required])
    told(app)
    path = tmp_path / "own.json"
    path.write_text(json.dumps(factories.record("ACME-1", "fruit")))
    add_own(path)
    [(_, published, _)] = told(app)
    later = factories.record("ACME-1", "fruit", modified="2026-11-02T10:00:00Z", withdrawn="2026-11-02T10:00:00Z")
    path.write_text(json.dumps(later))
    add_own(path)

    [(_, withdrawn, _)] = told(app)

    assert published == "ACME-1 (unknown) affects fruit, which bread requires through toast · Larder"
    assert withdrawn == "ACME-1, about fruit, which bread requires through toast, was withdrawn · Larder"


def test_mail_that_could_not_be_sent_is_sent_later(app: Flask, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    watcher()
    yank(EXAMPLE, "1.0", "It is broken", ada)
    monkeypatch.setattr(mails, "send", lambda *_, **__: False)
    assert told(app) == []
    monkeypatch.undo()
    assert Watcher.objects.get().mail_at > utc_now() + timedelta(minutes=5)
    Watcher.objects.update(mail_at=utc_now())

    assert len(told(app)) == 1


def test_hidden_projects_and_disabled_accounts_are_left_out(
    app: Flask, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "READ_ACCESS", "members")
    watcher()
    Package.objects.raw().update_one({"_id": "example"}, {"$set": {"readers": ["crew"]}})
    yank(EXAMPLE, "1.0", "It is broken", ada)
    assert told(app) == []

    monkeypatch.setitem(app.config, "READ_ACCESS", "public")
    User.objects(email="grace@example.org").update(is_disabled=True)
    yank(EXAMPLE, "1.0", "It is really broken", ada)

    assert told(app) == []


def test_deletion_of_a_hidden_project_tells_nothing_to_those_who_could_not_read_it(
    app: Flask, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "READ_ACCESS", "members")
    outsider, insider, administrator = watcher(), watcher("Eve", projects=["example", "other"]), watcher("Root")
    User.objects(pk=insider.pk).update(teams=[Membership(team="crew")])
    User.objects(pk=administrator.pk).update(is_admin=True)
    Package.objects.raw().update_one({"_id": "example"}, {"$set": {"readers": ["crew"]}})
    yank(EXAMPLE, "1.0", "It is broken", ada)
    before = {to for to, _, _ in told(app)}

    delete_project(EXAMPLE, ada)
    after = {to for to, _, _ in told(app)}

    assert before == after == {insider.email, administrator.email}
    left = {each.pk: (each.projects, len(each.news)) for each in Watcher.objects}
    assert left == {outsider.pk: ([], 0), insider.pk: (["example", "other"], 2), administrator.pk: (["example"], 2)}


def test_feed_is_read_at_its_secret_address_only(
    app: Flask, client: FlaskClient, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    # SHA-256 of "secret".
    grace = watcher(feed_digest="2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b")
    yank(EXAMPLE, "1.0", "It is broken", ada)
    told(app)
    monkeypatch.setitem(app.config, "READ_ACCESS", "members")

    found, other = client.get("/rss/watching/secret.xml"), client.get("/rss/watching/another.xml")
    delete(grace.id)

    assert "<title>example 1.0 was yanked: It is broken</title>" in found.text
    assert found.headers["Cache-Control"] == "no-store"
    assert other.status_code == 410
    assert client.get("/rss/watching/secret.xml").status_code == 410
    assert Watcher.objects.count() == 0


def test_news_after_a_mail_that_was_sent_while_the_clock_was_ahead_are_mailed(app: Flask, ada: User) -> None:
    watcher()
    with clock_ahead():
        yank(EXAMPLE, "1.0", "It is broken", ada)
        assert len(told(app)) == 1
    unyank(EXAMPLE, "1.0", ada)

    [(_to, subject, text)] = told(app)

    assert subject == "example 1.0 is no longer yanked · Larder"
    assert "It is broken" not in text
    assert told(app) == []
