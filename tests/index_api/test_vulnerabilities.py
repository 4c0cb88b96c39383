"""The `vulnerabilities` of PyPI's JSON API."""

from typing import Any

from flask.testing import FlaskClient

from tests import factories


def vulnerabilities(client: FlaskClient, address: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (client.get(address).json or {})["vulnerabilities"]
    return found


def test_vulnerabilities_have_the_fields_of_warehouse(client: FlaskClient) -> None:
    factories.package("Example", releases=["1.0", "2.0"])
    factories.advisory("PYSEC-1", aliases=["CVE-2026-1"], summary=None)
    factories.advisory("GHSA-2", withdrawn="2026-11-02T00:00:00.123Z", versions=["1.0"])
    factories.advisory("ACME-3", is_own=True, introduced="2.0", fixed="3.0")
    factories.advisory("PYSEC-4", "other")

    withdrawn, standing = vulnerabilities(client, "/pypi/example/1.0/json")

    assert standing == {
        "id": "PYSEC-1",
        "source": "osv",
        "link": "https://osv.dev/vulnerability/PYSEC-1",
        "aliases": ["CVE-2026-1"],
        "details": "What is wrong with example, at length.",
        "summary": None,
        "fixed_in": ["2.0"],
        "withdrawn": None,
    }
    assert (withdrawn["id"], withdrawn["withdrawn"], withdrawn["fixed_in"]) == ("GHSA-2", "2026-11-02T00:00:00Z", [])
    (own,) = vulnerabilities(client, "/pypi/example/json")
    assert (own["id"], own["link"]) == ("ACME-3", "http://localhost/advisories/ACME-3/")


def test_answer_changes_with_the_vulnerabilities(client: FlaskClient) -> None:
    factories.package("Example")
    etags = {path: client.get(path).headers["ETag"] for path in ("/pypi/example/json", "/pypi/example/1.0/json")}
    assert vulnerabilities(client, "/pypi/example/json") == []

    factories.advisory("PYSEC-1")

    for path, etag in etags.items():
        assert client.get(path, headers={"If-None-Match": etag}).status_code == 200
        assert len(vulnerabilities(client, path)) == 1
