"""The pages about advisories: the list, one of them, and those of a project."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.reading import links, one, read, texts, words
from webapp.documents import UpstreamProject

CRITICAL = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]


def requiring(name: str, *requirements: str, **fields: Any) -> None:
    factories.package(name, requires_dist=list(requirements), **fields)


def test_list_shows_what_arrived_last_and_where_it_comes_from(client: FlaskClient) -> None:
    factories.advisory("PYSEC-1", "example")
    factories.advisory("GHSA-2", "other", severity=CRITICAL, imported_at=factories.A_DAY.replace(day=5))
    factories.advisory("GHSA-3", "third", withdrawn="2026-11-02T00:00:00Z")

    page = read(client, "/advisories/")

    assert texts(page, ".package-name") == ["GHSA-2", "GHSA-3", "PYSEC-1"]
    assert texts(page, ".package-list .mark") == ["critical", "severity unknown", "withdrawn", "severity unknown"]
    assert texts(page, ".package-summary")[0] == "other: What is wrong with other"
    assert "PyPA advisory database (CC-BY 4.0)" in words(one(page, ".advisories-sources"))
    assert "OpenSSF malicious packages (Apache-2.0)" in words(one(page, ".advisories-sources"))


def test_list_of_a_site_without_advisories_says_so(client: FlaskClient) -> None:
    assert words(one(read(client, "/advisories/"), ".nothing")) == "No advisories have been imported yet."


@pytest.mark.parametrize(
    ("query", "address"),
    [
        ("PYSEC-1", "/advisories/PYSEC-1/"),
        ("pysec-1", "/advisories/PYSEC-1/"),
        ("CVE-2026-1", "/advisories/PYSEC-1/"),
        ("cve-2026-1", "/advisories/PYSEC-1/"),
    ],
)
def test_id_and_alias_lead_to_the_advisory(client: FlaskClient, query: str, address: str) -> None:
    factories.advisory("PYSEC-1", aliases=["CVE-2026-1"])

    assert client.get("/advisories/", query_string={"q": query}).location == address
    if query != "PYSEC-1":
        assert client.get(f"/advisories/{query}/").location == address


def test_list_can_be_narrowed_to_a_project(client: FlaskClient) -> None:
    factories.advisory("PYSEC-1", "example")
    factories.advisory("PYSEC-2", "other")

    page = read(client, "/advisories/?q=Example")

    assert texts(page, ".package-name") == ["PYSEC-1"]
    assert words(one(read(client, "/advisories/?q=third"), ".nothing")) == "No advisory is about third."
    assert client.get("/advisories/", query_string={"q": "?"}).status_code == 404
    assert client.get("/advisories/", query_string={"q": "x" * 300}).status_code == 413


def test_page_of_an_advisory_tells_what_is_affected_and_under_which_licence_it_is_told(client: FlaskClient) -> None:
    factories.package("Example", releases=["1.0", "1.5", "2.0"])
    factories.advisory(
        "PYSEC-1", severity=CRITICAL, aliases=["CVE-2026-1"], details="# At <b>length</b>",
        references=[{"type": "WEB", "url": "https://example.org/1"}, {"type": "WEB", "url": "javascript:alert(1)"}, 3],
    )  # fmt: skip

    page = read(client, "/advisories/PYSEC-1/")

    assert words(one(page, "h1")) == "PYSEC-1"
    assert "critical CVSS 9.8" in words(one(page, ".page-head"))
    affected = words(one(page, ".affected dd"))
    assert affected == "Before 2.0. Fixed in 2.0. Here: 2 of 3 releases affected: 1.5, 1.0."
    assert ("1.5", "/project/example/1.5/") in links(page, ".affected a")
    assert "CC-BY 4.0" in words(one(page, ".facts"))
    assert "CVE-2026-1" in words(one(page, ".facts"))
    assert words(one(page, ".description-plain")) == "# At <b>length</b>"
    assert links(page, ".project-side .plain-list a") == [("example.org", "https://example.org/1")]


def test_withdrawn_advisory_says_so_and_an_unknown_one_is_not_found(client: FlaskClient) -> None:
    factories.advisory("GHSA-3", withdrawn="2026-11-02T00:00:00Z")

    assert "This advisory was withdrawn" in words(one(read(client, "/advisories/GHSA-3/"), ".banner"))
    assert "This site has no advisory “GHSA-9”." in words(read(client, "/advisories/GHSA-9/", 404))


def reached(client: FlaskClient, advisory_id: str = "PYSEC-1") -> list[str]:
    return texts(read(client, f"/advisories/{advisory_id}/"), ".reached li")


def test_who_is_affected_is_found_through_ranges_directly_and_through_others(client: FlaskClient) -> None:
    factories.package("Example", releases=["1.0", "1.5", "2.0"])
    factories.advisory("PYSEC-1", "example", introduced="1.2", fixed="2.0")
    requiring("any", "example")
    requiring("new", "example>=2")
    requiring("old", "Example <1.2")
    requiring("pinned", "example==1.2.7")
    requiring("test-only", "example; extra == 'test'")
    requiring("outer", "any>=1", "new", releases=["3.0"])
    requiring("outermost", "outer ~= 3.0")
    requiring("apart", "outer<3", "new")

    assert reached(client) == [
        "any requires example which admits 1.5",
        "pinned requires example==1.2.7 which admits 1.2.7",
        "outer through any>=1",
        "outermost through outer~= 3.0",
    ]


def test_circles_end(client: FlaskClient) -> None:
    factories.advisory("PYSEC-1", "example")
    requiring("one", "two", "example")
    requiring("two", "one")
    requiring("example", "two")

    assert reached(client) == ["one requires example which admits 1.0", "two through one"]


def test_versions_that_only_upstream_has_count(client: FlaskClient) -> None:
    UpstreamProject(id="elsewhere", versions=["0.9", "1.1"]).save()
    factories.advisory("PYSEC-1", "elsewhere", introduced="1.0.5", fixed="1.2")
    requiring("user", "elsewhere!=1.0.5")

    assert reached(client) == ["user requires elsewhere!=1.0.5 which admits 1.1"]


def test_page_of_a_project_shows_its_advisories_and_those_of_its_requirements(client: FlaskClient) -> None:
    factories.package("Inner", releases=["1.0", "1.5", "2.0"])
    factories.package("Stuck", releases=["0.1"])
    requiring("between", "inner<3", "stuck")
    factories.package("Outer", releases=["1.0", "2.0"], requires_dist=["between", "unknown>=1"])
    factories.advisory("PYSEC-1", "outer", fixed="1.5")
    factories.advisory("PYSEC-2", "inner", fixed="2.0")
    factories.advisory("PYSEC-3", "stuck", severity=CRITICAL, fixed="0.2")
    factories.advisory("PYSEC-4", "inner", introduced="5.0", fixed="6.0")
    factories.advisory("PYSEC-5", "inner", withdrawn="2026-11-02T00:00:00Z")

    page = read(client, "/project/outer/advisories/")

    own, required = page.select(".package-list")
    assert texts(own, ".package-name") == ["PYSEC-1"]
    assert "Affects 1 release here: 1.0. Fixed in 1.5." in words(own)
    assert texts(required, ".package-name") == ["PYSEC-3", "PYSEC-2"]
    assert "stuck, which between requires. affected Even the newest version" in words(required)
    assert "inner<3, which between requires, admits affected versions; the newest one, 2.0, is not" in words(required)
    assert "requires 4 projects" in words(page)
    assert client.get("/project/Outer/advisories/").location == "/project/outer/advisories/"
    assert client.get("/project/nothing/advisories/").status_code == 404


def test_project_page_and_lists_mark_the_affected_releases(client: FlaskClient) -> None:
    factories.package("Example", releases=["1.0", "1.5"])
    factories.package("Fine", releases=["1.0", "3.0"])
    factories.advisory("PYSEC-1", "example", fixed="1.7", aliases=["CVE-1"])
    factories.advisory("GHSA-1", "example", fixed="1.6", severity=CRITICAL, aliases=["CVE-1"])
    factories.advisory("PYSEC-2", "example", fixed="1.2")
    factories.advisory("PYSEC-3", "fine", fixed="3.0")

    page = read(client, "/project/example/")

    assert words(one(page, ".advisories-title")) == "1 advisory affects this release"
    # The two databases that know the same problem are one row, that of the one with a severity.
    assert texts(page, ".advisory-row") == [
        "GHSA-1 critical Fixed in 1.6 What is wrong with example GitHub advisory database, CC-BY 4.0"
    ]
    assert texts(page, ".history-marks .mark-bad") == ["1 advisory", "2 advisories"]
    assert ("Advisories about Example and what it requires", "/project/example/advisories/") in links(page)
    for address in ("/projects/", "/projects/?order=updated", "/search/?q=example", "/search/?q=example&order=updated"):
        assert texts(read(client, address), ".package-row .mark") == ["1 advisory"], address
    assert not read(client, "/project/fine/").select(".advisories")


def test_page_cache_notices_advisories(client: FlaskClient, app: Flask) -> None:
    factories.package("Example")
    before = client.get("/project/example/").headers["ETag"]

    factories.advisory("PYSEC-1", "example")

    assert client.get("/project/example/", headers={"If-None-Match": before}).status_code == 200
