"""What the page says that changed from one release to another."""

import json
from typing import Any

import pytest
from bs4 import Tag
from flask.testing import FlaskClient

from tests import factories
from tests.changes.pypi_documents import document, file
from tests.publishing import uploads
from tests.reading import links, one, read, texts, words
from webapp.changes.pypi_json import parse

OLD: dict[str, Any] = {
    "summary": "Jam", "license": "MIT", "requires_python": ">=3.8", "requires_dist": ["click>=7", "six"],
    "provides_extra": ["test"], "project_urls": {"Source": "https://example.org/old"},
    "description": "# Jam\n\nIt is <b>sweet</b>.\n",
}  # fmt: skip
NEW: dict[str, Any] = OLD | {
    "license": "BSD-3-Clause", "requires_python": ">=3.10", "requires_dist": ["click>=8", "rich"],
    "provides_extra": ["test", "colour"], "project_urls": {"Source": "https://example.org/new"},
    "description": "# Jam\n\nIt is <b>sour</b>.\n",
}  # fmt: skip


def publish(version: str, size: int, **info: Any) -> None:
    filename = f"example-{version}-py3-none-any.whl"
    files = [file(filename, size=size, requires_python=info["requires_python"])]
    parse(json.dumps(document(releases={version: files}, version=version, **info))).store()


@pytest.fixture
def two(client: FlaskClient) -> FlaskClient:
    """A site with two releases of which much differs."""
    publish("1.0", 1000, **OLD)
    publish("2.0", 2000, **NEW)
    return client


def sections(page: Tag) -> dict[str, Tag]:
    return {words(one(each, "h2")): each for each in page.select("main section")}


def rows(section: Tag) -> list[list[str]]:
    return [[words(cell) for cell in row.select("th, td")] for row in section.select("tbody tr")]


def test_page_says_what_was_added_removed_and_changed(two: FlaskClient) -> None:
    page = read(two, "/project/example/compare/1.0...2.0")

    assert words(one(page, "h1")) == "What changed from 1.0 to 2.0"
    found = sections(page)
    assert list(found) == ["Facts", "Requirements", "Links", "Extras", "Files", "Description"]
    assert rows(found["Facts"]) == [["Requires Python", ">=3.8", ">=3.10"], ["Licence", "MIT", "BSD-3-Clause"]]
    assert texts(found["Requirements"], "li") == ["changed click>=7 to click>=8", "added rich", "removed six"]
    assert texts(found["Extras"], "li") == ["added colour"]
    assert texts(found["Links"], "li") == [
        "added Source: https://example.org/new",
        "removed Source: https://example.org/old",
    ]
    assert rows(found["Files"]) == [["example-2.0-py3-none-any.whl", "1.0 kB", "2.0 kB"]]
    assert texts(found["Description"], "del") == ["It is <b>sweet</b>."]
    assert texts(found["Description"], "ins") == ["It is <b>sour</b>."]


def test_entry_points_of_uploaded_wheels_are_compared(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    said = {"1.0": "[console_scripts]\njam = jam:main\n", "2.0": "[console_scripts]\njam = jam.cli:main\n", "3.0": ""}
    for version, text in said.items():
        info = f"larder_probe-{version}.dist-info/entry_points.txt"
        content = uploads.wheel(version=version, extra={info: text} if text else {})
        assert uploads.upload(client, secret, content, uploads.wheel_name(version=version)).status_code == 200
    only_an_sdist = uploads.sdist(version="4.0")
    assert uploads.upload(client, secret, only_an_sdist, uploads.sdist_name(version="4.0")).status_code == 200

    moved, dropped, unknown = (
        sections(read(client, f"/project/larder-probe/compare/{each}"))
        for each in ("1.0...2.0", "2.0...3.0", "3.0...4.0")
    )

    assert texts(moved["Entry points"], "li") == [
        "added console_scripts: jam = jam.cli:main",
        "removed console_scripts: jam = jam:main",
    ]
    assert texts(dropped["Entry points"], "li") == ["removed console_scripts: jam = jam.cli:main"]
    assert "Entry points" not in unknown


def test_other_way_round_shows_the_opposite(two: FlaskClient) -> None:
    page = read(two, "/project/example/compare/2.0...1.0")

    assert texts(sections(page)["Requirements"], "li") == ["changed click>=8 to click>=7", "added six", "removed rich"]


def test_releases_that_state_the_same_say_so(client: FlaskClient) -> None:
    publish("1.0", 1000, **OLD)
    publish("2.0", 1000, **OLD)

    page = read(client, "/project/example/compare/1.0...2.0")

    assert list(sections(page)) == ["Files"]
    assert "Both releases state the same" in words(one(page, "main"))


def test_of_a_release_that_states_nothing_only_the_files_are_compared(client: FlaskClient) -> None:
    files = {each: [file(f"example-{each}.tar.gz", size=5)] for each in ("1.0", "2.0")}
    parse(json.dumps(document(releases=files, version="2.0", **NEW))).store()

    page = read(client, "/project/example/compare/1.0...2.0")

    assert list(sections(page)) == ["Files"]
    assert "The metadata of 1.0 is not known" in words(one(page, "main"))


@pytest.mark.parametrize(
    "address", ["nothing/compare/1.0...2.0", "example/compare/1.0...3.0", "example/compare/$x...2.0"]
)
def test_unknown_projects_and_versions_are_not_found(two: FlaskClient, address: str) -> None:
    assert two.get(f"/project/{address}").status_code == 404


@pytest.mark.parametrize("address", ["Example/compare/1.0...2.0", "example/compare/1...v2.0.0"])
def test_other_spellings_lead_to_the_one_address(two: FlaskClient, address: str) -> None:
    answer = two.get(f"/project/{address}")

    assert (answer.status_code, answer.location) == (301, "/project/example/compare/1.0...2.0")


def test_history_and_each_release_lead_to_what_changed(client: FlaskClient) -> None:
    factories.package("Example", releases=["1.0", "1!1.0", "1.0+local.1"])

    page = read(client, "/project/example/1.0+local.1/")
    oldest = read(client, "/project/example/1.0/")

    assert [address for _, address in links(page, ".history-changes")] == [
        "/project/example/compare/1.0%2Blocal.1...1%211.0",
        "/project/example/compare/1.0...1.0%2Blocal.1",
    ]
    assert links(page, ".release-changes") == [
        ("What changed since 1.0", "/project/example/compare/1.0...1.0%2Blocal.1")
    ]
    assert links(oldest, ".release-changes") == [("What changed until 1!1.0", "/project/example/compare/1.0...1%211.0")]
    for _, address in links(page, ".history-changes"):
        assert client.get(address).status_code == 200
