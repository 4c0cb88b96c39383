"""OSV's API: what `uv audit` and `pip-audit` ask, and what is refused."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests import factories
from webapp.advisories import osv_api

Query = dict[str, Any]


def about(name: str = "example", version: str | None = "1.0", **fields: Any) -> Query:
    """The query for a version of a project."""
    return {"package": {"name": name, "ecosystem": "PyPI"}} | ({"version": version} if version else {}) | fields


def purl(text: str, **fields: Any) -> Query:
    return {"package": {"purl": text}, **fields}


def ask(client: FlaskClient, query: Any) -> TestResponse:
    return client.post("/osv/v1/query", json=query)


def found(client: FlaskClient, query: Query) -> list[str]:
    answer = ask(client, query)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in (answer.json or {}).get("vulns", [])]


def batch(client: FlaskClient, *queries: Query) -> list[Query]:
    answer = client.post("/osv/v1/querybatch", json={"queries": queries})
    assert answer.status_code == 200, answer.text
    results: list[Query] = (answer.json or {})["results"]
    return results


@pytest.fixture(autouse=True)
def advisories(app: Flask) -> None:
    """Advisories about two projects, one withdrawn."""
    factories.advisory("PYSEC-1", "example", fixed="2.0")
    factories.advisory("GHSA-2", "example", introduced="1.5", last_affected="3.0")
    factories.advisory("GHSA-3", "example", withdrawn="2026-11-02T00:00:00Z")
    factories.advisory("MAL-4", "evil", versions=["0.1"])


def test_query_returns_whole_records_and_nothing_for_other_versions(client: FlaskClient) -> None:
    answer = ask(client, about())

    assert answer.content_type == "application/json"
    assert answer.json == {"vulns": [factories.record("PYSEC-1", "example", fixed="2.0")]}
    assert ask(client, about(version="3.0.1")).json == {}
    assert ask(client, about("unknown")).json == {}


def test_body_is_read_without_a_content_type(client: FlaskClient) -> None:
    answer = client.post("/osv/v1/query", data='{"package": {"name": "evil", "ecosystem": "PyPI"}, "version": "0.1"}')

    assert [each["id"] for each in (answer.json or {})["vulns"]] == ["MAL-4"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (about("Example"), ["PYSEC-1"]),
        (about(version="1.5.0"), ["GHSA-2", "PYSEC-1"]),
        (about(version="v3"), ["GHSA-2"]),
        (about(version=None), ["GHSA-2", "PYSEC-1"]),
        (purl("pkg:PyPI/example@1%2E0"), ["PYSEC-1"]),
        (purl("pkg:npm/example@1.0"), []),
    ],
)
def test_advisories_of_a_project_or_a_version_are_found(client: FlaskClient, query: Query, expected: list[str]) -> None:
    assert found(client, query) == expected
    assert [each["id"] for each in batch(client, query)[0].get("vulns", [])] == expected


def test_query_that_osv_would_refuse_is_refused_with_the_reason(client: FlaskClient) -> None:
    alone, together = ask(client, {}), client.post("/osv/v1/querybatch", json={"queries": [{}]})

    assert (alone.status_code, together.status_code) == (400, 400)
    assert alone.json == {"code": 3, "message": "Invalid query: it names no package."}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_body_that_is_not_json_is_refused(client: FlaskClient, body: bytes) -> None:
    answers = [client.post(f"/osv/v1/{name}", data=body) for name in ("query", "querybatch")]

    assert {answer.status_code for answer in answers} == {400}


def test_batch_answers_in_the_order_of_its_queries(client: FlaskClient) -> None:
    results = batch(client, about("unknown"), about("evil", "0.1"), about(version="1.5"), about("evil", "0.2"))

    modified = "2026-11-01T10:00:00Z"
    assert results == [
        {},
        {"vulns": [{"id": "MAL-4", "modified": modified}]},
        {"vulns": [{"id": "GHSA-2", "modified": modified}, {"id": "PYSEC-1", "modified": modified}]},
        {},
    ]
    assert batch(client) == []


def test_long_answers_come_in_pages(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(osv_api, "PAGE", 2)
    factories.advisory("PYSEC-5", "example")

    first = ask(client, about(version=None)).json or {}
    second = ask(client, about(version=None, page_token=first["next_page_token"])).json or {}

    assert [each["id"] for each in first["vulns"]] == ["GHSA-2", "PYSEC-1"]
    assert [each["id"] for each in second["vulns"]] == ["PYSEC-5"]
    assert "next_page_token" not in second


def test_batch_is_cut_off_and_continues_where_it_was(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(osv_api, "PAGE", 2)
    monkeypatch.setattr(osv_api, "BATCH_PAGE", 3)
    factories.advisory("PYSEC-5", "example")
    queries, seen = [about(version=None), about(version=None), about("evil", "0.1")], 0
    ids: list[list[str]] = [[], [], []]

    while any(queries):
        asked = [number for number, query in enumerate(queries) if query]
        for number, result in zip(asked, batch(client, *(queries[number] for number in asked)), strict=True):
            ids[number] += [each["id"] for each in result.get("vulns", [])]
            token = result.get("next_page_token")
            queries[number] = queries[number] | {"page_token": token} if token else {}
        seen += 1

    assert ids == [["GHSA-2", "PYSEC-1", "PYSEC-5"]] * 2 + [["MAL-4"]]
    assert seen > 2


def test_record_is_returned_by_its_id_even_if_it_was_withdrawn(client: FlaskClient) -> None:
    answer = client.get("/osv/v1/vulns/GHSA-3")

    assert answer.json == factories.record("GHSA-3", "example", withdrawn="2026-11-02T00:00:00Z")
    absent = client.get("/osv/v1/vulns/GHSA-9")
    assert (absent.status_code, absent.json) == (404, {"code": 5, "message": "Bug not found."})


def test_batch_that_takes_long_is_continued_on_the_next_page(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = [about(), about("evil", "0.1"), about("evil", "0.2"), about("unknown")]
    monkeypatch.setattr(osv_api, "MOST_CPU_S", -1.0)

    left = batch(client, *queries)
    monkeypatch.undo()
    rest = [each | {"page_token": cut["next_page_token"]} for each, cut in zip(queries[1:3], left[1:3], strict=True)]
    done = batch(client, *rest)

    assert [list(each) for each in left] == [["vulns"], ["next_page_token"], ["next_page_token"], []]
    assert [[vuln["id"] for vuln in each.get("vulns", [])] for each in done] == [["MAL-4"], []]


def test_address_that_asks_too_much_has_to_wait(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "OSV_LIMIT", "2/hour")
    assert batch(client, about())
    assert found(client, about())

    answer = ask(client, about())

    assert answer.status_code == 429
    assert answer.json is not None
    assert answer.json["code"] == 8
    assert answer.json["message"].startswith("Too many attempts.")
    assert int(answer.headers["Retry-After"]) > 3000
