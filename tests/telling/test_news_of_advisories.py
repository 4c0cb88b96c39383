"""Who is told of a new advisory."""

import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask

from tests import factories
from tests.local_http import Receiver
from tests.telling.conftest import tell_all, webhook
from webapp.changes.advisories import add_own, import_dump
from webapp.documents import JournalState, Membership, Package, User, Watcher, WebhookMessage
from webapp.documents.base import utc_now
from webapp.telling.news_of_advisories import _way
from webapp.telling.teller import tell
from webapp.telling.watching import shown_to


@pytest.fixture
def packages(receiver: Receiver) -> Receiver:
    """Jam requires Fruit, and Bread requires Jam; Fruit is only upstream. Earlier events have been told."""
    factories.package("Jam", requires_dist=["fruit>=1.0"])
    factories.package("Bread", requires_dist=["jam"])
    factories.package("Knife")
    tell()
    return receiver


def dump(folder: Path, *records: dict[str, Any]) -> Path:
    path = folder / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for each in records:
            archive.writestr(f"{each['id']}.json", json.dumps(each))
    return path


def told() -> set[tuple[str, str]]:
    return {(each.type, each.project) for each in WebhookMessage.objects}


def test_owners_are_told_when_an_import_touches_their_project_or_what_it_requires(
    packages: Receiver, tmp_path: Path
) -> None:
    for name in ("jam", "bread", "knife"):
        webhook(packages.address, project=name, kinds=["advisory"])
    import_dump(dump(tmp_path, factories.record("PYSEC-1", "knife")))
    tell_all()
    assert told() == set(), "the first import is nothing new"

    import_dump(dump(tmp_path, factories.record("PYSEC-1", "knife"), factories.record("PYSEC-2", "fruit")))
    tell_all()

    assert told() == {("advisory.published", "jam"), ("advisory.published", "bread")}
    said = {orjson.loads(each.body)["data"]["project"]: orjson.loads(each.body)["data"] for each in packages.got}
    assert said["jam"] == {
        "project": "jam",
        "advisory": "PYSEC-2",
        "severity": "unknown",
        "affected": "fruit",
        "through": "fruit",
        "range": ">=1.0",
        "summary": "What is wrong with fruit",
        "url": "http://localhost/advisories/PYSEC-2/",
    }
    assert (said["bread"]["affected"], said["bread"]["through"]) == ("fruit", "jam")


def test_site_is_told_once_with_the_projects_concerned(packages: Receiver, tmp_path: Path) -> None:
    webhook(packages.address, kinds=["advisory"])
    path = tmp_path / "own.json"
    path.write_text(json.dumps(factories.record("ACME-1", "jam")))

    add_own(path)
    tell_all()

    [posted] = packages.got
    data = orjson.loads(posted.body)["data"]
    assert (data["project"], data["projects"], data["project_count"]) == ("jam", ["jam", "bread"], 2)


def test_nobody_is_told_twice_and_a_withdrawal_is_told_too(packages: Receiver, tmp_path: Path) -> None:
    webhook(packages.address, project="jam", kinds=["advisory"])
    path = tmp_path / "own.json"
    path.write_text(json.dumps(factories.record("ACME-1", "jam")))
    add_own(path)
    tell_all()
    JournalState.objects.update(advisories_told_at=utc_now() - timedelta(hours=1))
    tell_all()
    assert len(packages.got) == 1

    later = factories.record("ACME-1", "jam", modified="2026-11-02T10:00:00Z", withdrawn="2026-11-02T10:00:00Z")
    path.write_text(json.dumps(later))
    add_own(path)
    tell_all()

    assert [orjson.loads(each.body)["type"] for each in packages.got] == ["advisory.published", "advisory.withdrawn"]


def test_advisory_about_something_else_is_told_nobody(app: Flask, packages: Receiver, tmp_path: Path) -> None:
    webhook(packages.address, kinds=["advisory"])
    webhook(packages.address, project="knife", kinds=["advisory"])
    path = tmp_path / "own.json"
    path.write_text(json.dumps(factories.record("ACME-1", "unknown")))

    add_own(path)
    tell_all()

    assert told() == set()


@pytest.fixture
def hidden(app: Flask, monkeypatch: pytest.MonkeyPatch, packages: Receiver) -> Receiver:
    """Only the crew may read Jam."""
    monkeypatch.setitem(app.config, "READ_ACCESS", "members")
    Package.objects.raw().update_one({"_id": "jam"}, {"$set": {"readers": ["crew"]}})
    return packages


def maintained_by(user: User) -> None:
    """Let this user own Bread, which has a webhook."""
    maintainer = {"user_id": user.id, "name": user.name, "role": "owner"}
    Package.objects.raw().update_one({"_id": "bread"}, {"$set": {"maintainers": [maintainer]}})


def news_of(user: User) -> list[str]:
    """What a user reads of the projects that they watch."""
    return [each["text"] for each in shown_to(user, (Watcher.objects(pk=user.id).plain_first() or {}).get("news", []))]


@pytest.mark.parametrize("affected", ["fruit", "jam"])
def test_who_may_not_read_a_project_is_not_told_of_what_comes_through_it(
    hidden: Receiver, tmp_path: Path, affected: str
) -> None:
    insider = factories.user("Ada", teams=[Membership(team="crew")])
    outsider, administrator = factories.user("Eve"), factories.user("Root", is_admin=True)
    for user in (insider, outsider, administrator):
        Watcher(user_id=user.id, projects=["bread"]).save()
    path = tmp_path / "own.json"
    path.write_text(json.dumps(factories.record("ACME-1", affected)))

    add_own(path)
    tell()

    assert news_of(outsider) == []
    assert [text.split(",")[0] for text in news_of(insider)] == [f"ACME-1 (unknown) affects {affected}"]
    assert news_of(administrator) == news_of(insider)


def test_webhooks_tell_of_a_hidden_project_only_if_all_who_maintain_theirs_may_read_it(
    hidden: Receiver, tmp_path: Path
) -> None:
    webhook(hidden.address, project="bread", kinds=["advisory"])
    path = tmp_path / "own.json"
    counts = []
    insider = factories.user("Ada", teams=[Membership(team="crew")])
    for number, user in enumerate((factories.user("Eve"), insider, factories.user("Root", is_admin=True))):
        maintained_by(user)
        path.write_text(json.dumps(factories.record(f"ACME-{number}", "jam")))
        add_own(path)
        tell()
        counts.append(WebhookMessage.objects.count())
    for number, team in enumerate(("crew", "bakers"), 3):
        Package.objects.raw().update_one({"_id": "bread"}, {"$set": {"teams": [{"team": team, "role": "owner"}]}})
        path.write_text(json.dumps(factories.record(f"ACME-{number}", "jam")))
        add_own(path)
        tell()
        counts.append(WebhookMessage.objects.count())

    assert counts == [0, 1, 2, 3, 3]


def test_way_that_everybody_may_read_is_told_rather_than_a_hidden_one(hidden: Receiver, tmp_path: Path) -> None:
    outsider = factories.user("Eve")
    Watcher(user_id=outsider.id, projects=["bread"]).save()
    factories.package("Zest", requires_dist=["fruit"])
    required = {"requires_dist": ["jam", "zest"], "requires": ["jam", "zest"]}
    Package.objects.raw().update_one({"_id": "bread"}, {"$set": required})
    path = tmp_path / "own.json"
    path.write_text(json.dumps(factories.record("ACME-1", "fruit")))

    add_own(path)
    tell()

    assert news_of(outsider) == ["ACME-1 (unknown) affects fruit, which bread requires through zest."]


def test_ways_of_two_searches_that_lead_round_in_a_circle_end() -> None:
    assert _way("jam", {"jam": {"through": "bread"}, "bread": {"through": "jam"}}) == ("bread", "jam")
