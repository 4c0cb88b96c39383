"""`/dependencies/...`: what a release needs and what needs it, as readers see it."""

from collections.abc import Iterator
from typing import Any

import pytest
from bs4 import Tag
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.reading import links, one, read, texts, words
from webapp.dependencies import needed_by, needs
from webapp.documents import UpstreamFile, UpstreamProject


@pytest.fixture
def shelf(client: FlaskClient) -> FlaskClient:
    """A site whose Jam needs Sugar and, on Windows, Tray; Sugar needs Cane, which needs Sugar again."""
    factories.package(
        "Jam",
        releases=["1.0", "2.0"],
        requires_dist=["sugar>=1", "tray; sys_platform == 'win32'", "lid[tight]; extra == 'jar'", "nowhere<2"],
        provides_extra=["jar"],
    )
    factories.package("Sugar", releases=["1.0", "1.5", "2.0rc1"], requires_dist=["cane>5"])
    factories.package("Cane", releases=["6.0"], requires_dist=["Sugar"])
    factories.package("Tray")
    factories.package("Lid", requires_dist=["rubber; extra == 'tight'"], provides_extra=["tight"])
    factories.package("Breakfast", requires_dist=["jam<2"])
    factories.package("Morning", requires_dist=["breakfast"])
    return client


def tree(page: Tag, heading: str) -> Any:
    """The nested list below a heading: [("name version", [children])]."""
    section = next(each for each in page.select("section") if each.h2 and words(each.h2) == heading)
    found = section.find("ul", class_="tree", recursive=False)
    return _nodes(found) if isinstance(found, Tag) else []


def _nodes(tree: Tag) -> list[Any]:
    nodes = []
    for item in tree.find_all("li", recursive=False):
        inner = item.find("ul", recursive=False)
        children = _nodes(inner.extract()) if isinstance(inner, Tag) else []
        nodes.append((words(item), children))
    return nodes


def test_tree_follows_requirements_to_the_newest_versions(shelf: FlaskClient) -> None:
    page = read(shelf, "/dependencies/jam/")

    assert tree(page, "Needs") == [
        ("Sugar 1.5 >=1", [("Cane 6.0 >5", [("Sugar 1.5 any version a cycle: it needs itself", [])])]),
        ("nowhere <2 not here", []),
    ]
    assert words(one(page, "h1")) == "Dependencies of Jam 2.0"
    assert texts(page, "details li") == ["tray; sys_platform == 'win32'", "lid[tight]; extra == 'jar'"]
    assert ("Sugar", "/project/sugar/1.5/") in links(page, ".tree a")


def test_platform_and_extras_are_chosen(shelf: FlaskClient) -> None:
    page = read(shelf, "/dependencies/jam/?platform=windows&extra=jar&depth=2")
    nodes = tree(page, "Needs")

    assert [text for text, _ in nodes] == [
        "Sugar 1.5 >=1",
        'Tray 1.0 any version if sys_platform == "win32"',
        'Lid[tight] 1.0 any version if extra == "jar"',
        "nowhere <2 not here",
    ]
    assert nodes[2][1] == [('rubber any version if extra == "tight" not here', [])]
    assert [box["value"] for box in page.select("input[checked]")] == ["jar"]
    assert texts(page, "option[selected]") == ["3.14", "Windows", "2"]


def test_levels_are_chosen(shelf: FlaskClient) -> None:
    page = read(shelf, "/dependencies/jam/?depth=1")

    assert tree(page, "Needs")[0] == ("Sugar 1.5 >=1 needs more: choose more levels", [])
    assert tree(page, "Needed by") == [("Breakfast 1.0 <2 not 2.0", [])]


def test_what_needs_a_release_is_a_tree_too(shelf: FlaskClient) -> None:
    page = read(shelf, "/dependencies/jam/")

    assert tree(page, "Needed by") == [("Breakfast 1.0 <2 not 2.0", [("Morning 1.0 any version", [])])]


def test_release_that_was_needed_twice_is_expanded_once(client: FlaskClient) -> None:
    factories.package("A", requires_dist=["b", "c"])
    factories.package("B", requires_dist=["c"])
    factories.package("C", requires_dist=["d"])
    factories.package("D")

    assert tree(read(client, "/dependencies/a/"), "Needs") == [
        ("B 1.0 any version", [("C 1.0 any version shown elsewhere", [])]),
        ("C 1.0 any version", [("D 1.0 any version", [])]),
    ]


def test_older_release_needs_what_it_states_itself(client: FlaskClient) -> None:
    factories.package("A", releases=["1.0", "2.0"], requires_dist=["b<2"])
    factories.package("B", releases=["1.0", "2.0"], requires_dist=["c"])

    page = read(client, "/dependencies/a/")
    older = read(client, "/dependencies/a/?version=1.0.0")

    assert tree(page, "Needs") == [("B 1.0 <2 what it needs is not known here", [])]
    assert "The requirements of this release are not known here." in texts(older, ".nothing")


def test_range_that_no_release_fits_says_so(client: FlaskClient) -> None:
    factories.package("A", requires_dist=["b>5", "b @ https://example.org/b.whl", "???"])
    factories.package("B")
    page = read(client, "/dependencies/a/")

    assert tree(page, "Needs") == [
        ("B >5 no such version here", []),
        ("B 1.0 @ https://example.org/b.whl", []),
    ]
    assert texts(page, "details code") == ["???"]


def test_upstream_projects_are_followed_as_far_as_their_metadata_are_kept(client: FlaskClient) -> None:
    factories.package("A", requires_dist=["b<3"])
    wheel = {"filename": "b-2.0-py3-none-any.whl", "url": "https://example.org/b", "sha256": "b" * 64}
    UpstreamProject.objects.raw().insert_one({"_id": "b", "versions": ["1.0", "2.0", "3.0"], "files": [wheel]})
    UpstreamFile.objects.raw().insert_one(
        {"_id": "b" * 64, "metadata": "Metadata-Version: 2.1\nName: b\nVersion: 2.0\nRequires-Dist: c>1\n\n"}
    )
    UpstreamProject.objects.raw().insert_one({"_id": "c", "versions": ["2.0"], "files": []})

    assert tree(read(client, "/dependencies/a/"), "Needs") == [
        (
            "b 2.0 <3 from the other index",
            [("c 2.0 >1 from the other index what it needs is not known here", [])],
        )
    ]


def test_advisories_are_marked(client: FlaskClient) -> None:
    factories.package("A", requires_dist=["b"])
    factories.package("B")
    factories.advisory("PYSEC-2026-1", "b")
    page = read(client, "/dependencies/a/")

    assert texts(page, ".tree .mark") == ["1 advisory"]
    assert len(page.select(".graph-advised")) == 1


def test_picture_has_each_project_once_and_marks_cycles(shelf: FlaskClient) -> None:
    page = read(shelf, "/dependencies/jam/")

    assert texts(page, ".graph text") == ["Morning 1.0", "Breakfast 1.0", "Jam 2.0", "Sugar 1.5", "nowhere", "Cane 6.0"]
    assert len(page.select(".graph-line")) == 6
    assert len(page.select(".graph-back")) == 1
    assert len(page.select(".graph-missing")) == 1


def test_project_that_needs_nothing_and_nobody_needs(client: FlaskClient) -> None:
    factories.package("Alone")
    page = read(client, "/dependencies/alone/")

    assert texts(page, ".nothing") == [
        "This release needs nothing on Python 3.14 and Linux.",
        "No project here needs Alone.",
    ]
    assert page.select("svg.graph") == []


@pytest.mark.parametrize(("limit", "shown"), [("MAX_NODES", 3), ("MAX_READ", 3)])
def test_large_tree_is_cut_and_says_so(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, limit: str, shown: int
) -> None:
    monkeypatch.setattr(needs, limit, 3)
    factories.package("A", requires_dist=[f"b{number}" for number in range(10)])
    page = read(client, "/dependencies/a/")

    assert len(tree(page, "Needs")) == shown
    assert "The tree is cut here: it is too large to be shown as a whole." in texts(page, ".nothing")


def test_long_list_of_users_is_cut_and_says_so(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needed_by, "MAX_NODES", 3)
    factories.package("A")
    for number in range(4):
        factories.package(f"B{number}", requires_dist=["a"])
    page = read(client, "/dependencies/a/")

    assert len(tree(page, "Needed by")) == 3
    assert "The list is cut here: there are more." in texts(page, ".nothing")


@pytest.mark.parametrize(
    ("query", "status"),
    [("python=2.7", 400), ("platform=beos", 400), ("depth=7", 400), ("depth=x", 400), ("version=9", 404)],
)
def test_choice_that_is_not_offered_is_refused(shelf: FlaskClient, query: str, status: int) -> None:
    assert shelf.get(f"/dependencies/jam/?{query}").status_code == status


def test_unknown_extra_is_as_good_as_none(shelf: FlaskClient) -> None:
    assert len(tree(read(shelf, "/dependencies/jam/?extra=nothing&extra=%00"), "Needs")) == 2


def test_project_that_is_not_here_is_not_found(client: FlaskClient) -> None:
    assert client.get("/dependencies/nothing/").status_code == 404


def test_other_spelling_leads_to_the_page(shelf: FlaskClient) -> None:
    response = shelf.get("/dependencies/JAM/?python=3.9&_anchor=x")

    assert (response.status_code, response.location) == (301, "/dependencies/jam/?python=3.9&_anchor=x")


def test_project_page_leads_to_the_tree(shelf: FlaskClient) -> None:
    assert ("Tree of dependencies", "/dependencies/jam/") in links(read(shelf, "/project/jam/"))


@pytest.fixture
def limited(app: Flask) -> Iterator[FlaskClient]:
    before = app.config["LOOKING_LIMIT"]
    app.config["LOOKING_LIMIT"] = "2/hour"
    yield app.test_client()
    app.config["LOOKING_LIMIT"] = before


def test_too_many_trees_for_one_address_are_refused(limited: FlaskClient) -> None:
    factories.package("A")

    assert [limited.get("/dependencies/a/").status_code for _ in range(3)] == [200, 200, 429]
