import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pymongo import MongoClient

from tests import factories
from tests.conftest import free_port
from webapp.documents import DOCUMENTS, SiteStats


@pytest.fixture
def away(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The site's database has gone away: its documents ask a server that is not there."""
    client: MongoClient[dict[str, Any]] = MongoClient(
        "127.0.0.1", free_port(), serverSelectionTimeoutMS=100, connectTimeoutMS=100, tz_aware=True
    )
    database = client["larder"]
    monkeypatch.setattr(SiteStats, "_get_db", lambda: database)
    for document_type in DOCUMENTS:
        monkeypatch.setattr(document_type, "_collection", database[document_type._get_collection_name()])
    yield
    client.close()


def test_ping_answers_that_the_site_is_alive(client: FlaskClient) -> None:
    response = client.get("/ping")

    assert response.status_code == 200
    assert response.get_json() == {"status": "success", "message": "pong!"}
    assert response.headers["Cache-Control"] == "no-store"


def test_health_answers_that_the_site_is_alive(client: FlaskClient) -> None:
    response = client.get("/health")

    assert response.status_code == 200
    assert response.get_json() == {"status": "success"}
    assert response.headers["Cache-Control"] == "no-store"


def test_ready_answers_how_long_the_database_took(client: FlaskClient) -> None:
    response = client.get("/ready")

    ready = response.get_json()
    assert response.status_code == 200
    assert ready["status"] == "success"
    assert 0 <= ready["database_ms"] < 1000
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/ping", "/health"])
def test_being_alive_does_not_need_the_database(client: FlaskClient, away: None, path: str) -> None:
    assert client.get(path).status_code == 200


def test_ready_is_503_when_the_database_does_not_answer(client: FlaskClient, away: None) -> None:
    response = client.get("/ready", headers={"Accept": "text/html"})

    assert response.status_code == 503
    assert response.get_json() == {
        "status": "error",
        "message": "the database is unavailable: ServerSelectionTimeoutError",
    }
    assert int(response.headers["Retry-After"]) > 0
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/ping", "/health", "/ready"])
def test_other_methods_are_405(client: FlaskClient, path: str, method: str) -> None:
    assert client.open(path, method=method).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/simple/",
        "/simple/example/",
        "/pypi/example/json",
        "/pypi/example/1.0/json",
        "/rss/updates.xml",
        "/rss/project/example/releases.xml",
        "/sitemap.xml",
        "/sitemap/0.xml",
        "/",
        "/project/example/",
        "/search/?q=example",
        "/company/history",
    ],
)
def test_page_is_503_in_a_moment_when_the_database_is_away(client: FlaskClient, away: None, path: str) -> None:
    started = time.monotonic()

    response = client.get(path)

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert response.headers["Cache-Control"] == "no-store"
    assert time.monotonic() - started < 5
    if path.startswith(("/simple", "/pypi")):
        assert list(response.get_json()) == ["message"]


def test_site_is_back_when_the_database_is(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    factories.package()
    request.getfixturevalue("away")
    gone = client.get("/simple/example/").status_code
    monkeypatch.undo()

    response = client.get("/simple/example/")

    assert (gone, response.status_code) == (503, 200)


def test_error_in_the_programs_own_code_is_500_and_not_503(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SiteStats, "_get_db", lambda: 1 / 0)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)  # noqa: FBT003 - setitem takes it so

    response = client.get("/ready")

    assert response.status_code == 500
    assert response.get_json() == {"message": "Internal Server Error"}
