"""Marks of affected releases, and how few questions they take."""

import time
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.documents.test_indexes import recorded
from webapp.serving import affected_releases
from webapp.serving.affected_releases import AnyAdvisories, about, affecting, marks

PAGES = ["/project/example/", "/projects/", "/search/?q=example", "/pypi/example/json", "/pypi/example/1.0/json"]


def questions(client: FlaskClient, page: str) -> list[dict[str, Any]]:
    """What a page asks about advisories."""
    with recorded() as operations:
        assert client.get(page).status_code == 200
    return [each["command"] for each in operations if each["ns"].endswith(".advisories")]


@pytest.mark.real_server
def test_pages_ask_one_question_and_none_while_there_are_no_advisories(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.extensions, "any_advisories", AnyAdvisories(3600))
    factories.package("Example")
    client.get("/project/example/")

    without = [questions(client, page) for page in PAGES]
    monkeypatch.setitem(app.extensions, "any_advisories", AnyAdvisories(3600))
    factories.advisory("PYSEC-1")
    client.get("/project/example/")
    found = [questions(client, page) for page in PAGES]

    assert without == [[]] * len(PAGES)
    assert [len(each) for each in found] == [1] * len(PAGES)


def test_advisories_are_noticed_after_a_while(app: Flask) -> None:
    remembered, forgotten = AnyAdvisories(3600), AnyAdvisories(0)
    assert not remembered
    assert not forgotten

    factories.advisory("PYSEC-1")

    assert not remembered
    assert forgotten


def test_first_advisory_shows_within_seconds_however_old_statistics_may_get(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    another = Flask("another")
    another.config["STATS_MAX_AGE_S"] = 3600
    affected_releases.init_app(another)
    any_there = affected_releases.any_advisories.of(another)
    assert not any_there
    factories.advisory("PYSEC-1")
    now = time.monotonic()

    later = SimpleNamespace(monotonic=lambda: now + 5)
    monkeypatch.setattr("webapp.serving.affected_releases.time", later)

    assert any_there


def test_databases_that_describe_one_problem_are_one_entry_with_all_their_ids(app: Flask) -> None:
    factories.advisory("PYSEC-1", aliases=["CVE-1"], fixed="3.0")
    factories.advisory("GHSA-1", aliases=["CVE-1"], versions=["1.0"], database_specific={"severity": "HIGH"})
    factories.advisory("PYSEC-2", fixed="2.0")
    factories.advisory("PYSEC-3", introduced="1.5")
    factories.advisory("PYSEC-4", withdrawn="2026-11-02T00:00:00Z")

    found = affecting(about(["example"])["example"], "1.0")

    assert [(each["id"], each["others"], each["fixed_in"]) for each in found] == [
        ("GHSA-1", ["PYSEC-1"], "3.0"),
        ("PYSEC-2", [], "2.0"),
    ]


def test_lists_mark_the_release_that_they_show(app: Flask) -> None:
    factories.advisory("PYSEC-1", fixed="2.0", database_specific={"severity": "LOW"})
    packages: list[dict[str, Any]] = [
        {"normalized_name": "example", "latest": {"version": "2.0"}, "newest_release": {"version": "1.9"}},
        {"normalized_name": "other", "latest": {"version": "1.0"}},
        {"normalized_name": "empty"},
    ]

    assert marks(packages) == {}
    assert marks(packages, "newest_release") == {"example": {"count": 1, "severity": "low"}}
    assert marks([]) == {}
