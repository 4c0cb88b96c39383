"""Ranking, fields, filters, orders, hints: what a reader gets on `/search/`."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.reading import links, one, read, texts, words
from webapp.changes import search_index
from webapp.documents.base import utc_now
from webapp.search import finding


def found(client: FlaskClient, query: str) -> list[str]:
    """The names that the page of `?query` lists."""
    return texts(search(client, query), ".package-name")


def search(client: FlaskClient, query: str, status: int = 200) -> BeautifulSoup:
    return read(client, f"/search/?{query}", status)


def test_word_weighs_most_in_the_name_then_in_summary_and_keywords_then_in_the_text(client: FlaskClient) -> None:
    factories.package("text", description="Bakes bread.")
    factories.package("writer", author_name="Bread Baker")
    factories.package("keyword", keywords=["bread"])
    factories.package("summary", summary="For bread")
    factories.package("good-bread")

    listed = found(client, "q=bread")

    assert listed[0] == "good-bread"
    assert set(listed[1:3]) == {"keyword", "summary"}
    assert set(listed[3:]) == {"text", "writer"}


def test_names_that_begin_so_and_have_the_word_hide_no_other_ones(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "RANKED", 4)
    for name in ("bread-a", "bread-b"):
        factories.package(name, releases=["1.0", "2.0"])
    for name in ("my-bread", "our-bread"):
        factories.package(name)

    assert found(client, "q=bread") == ["bread-a", "bread-b", "my-bread", "our-bread"]


def test_weights_of_several_words_are_summed(client: FlaskClient) -> None:
    factories.package("alpha", summary="bread and butter")
    factories.package("beta", summary="bread", description="butter")
    factories.package("bread-shop", summary="butter")

    assert found(client, "q=bread+butter") == ["bread-shop", "alpha", "beta"]


def test_among_equals_the_project_with_more_releases_comes_first(client: FlaskClient) -> None:
    factories.package("young", summary="bread", releases=["9.0"])
    factories.package("old", summary="bread", releases=["1.0", "2.0", "3.0"])

    assert found(client, "q=bread") == ["old", "young"]


def test_forms_of_a_word_are_found_by_each_other(client: FlaskClient) -> None:
    factories.package("one", summary="Parsing arguments")

    assert found(client, "q=parse+argument") == ["one"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("%22fresh+bread%22", ["one"]),
        ("%22bread+fresh%22", []),
        ("%22white+loaf%22", ["two"]),
        ("bread+-stale", ["one", "two"]),
        ("bread+-%22stale%22+-white", ["one"]),
        ("author:ronacher", ["one"]),
        ("author:ronacher+bread", ["one"]),
        ("author:bread", []),
        ("license:apache", ["two"]),
        ("classifier:django+bread", ["three"]),
        ("classifier:%22Framework+::+Django%22", ["three"]),
    ],
)
def test_phrases_exclusions_and_fields(client: FlaskClient, query: str, expected: list[str]) -> None:
    factories.package("one", summary="Fresh bread", author_name="Armin Ronacher")
    factories.package("two", summary="Bread", description="A white loaf.", license="Apache-2.0")
    factories.package("three", summary="stale bread", classifiers=["Framework :: Django :: 4.0"])

    assert sorted(found(client, f"q={query}")) == sorted(expected)


@pytest.fixture
def shelf(client: FlaskClient) -> FlaskClient:
    """Four projects to filter."""
    old, new = utc_now() - timedelta(days=1000), utc_now() - timedelta(days=10)
    django, python = "Framework :: Django :: 4.0", "Programming Language :: Python :: 3.12"
    made = [
        ("bread-a", "MIT", [django, python], old, 1),
        ("bread-b", "MIT", [python], new, 2),
        ("bread-c", "ISC", [django], new - timedelta(days=1), 3),
        ("cake", "MIT", [django], new, 4),
    ]
    for name, license_id, classifiers, date, first in made:
        factories.package(
            name,
            license=license_id,
            classifiers=classifiers,
            releases=[
                factories.release("0.1", created_date=old - timedelta(days=first)),
                factories.release("1.0", created_date=date),
            ],
        )
    return client


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=bread&license=MIT", {"bread-a", "bread-b"}),
        ("q=bread&classifier=Framework+::+Django", {"bread-a", "bread-c"}),
        ("q=bread&license=MIT&classifier=Framework+::+Django", {"bread-a"}),
        ("q=bread&language=Python+::+3.12", {"bread-a", "bread-b"}),
        ("q=bread&recent=1", {"bread-b", "bread-c"}),
        ("classifier=Framework+::+Django&license=MIT", {"bread-a", "cake"}),
        ("recent=1", {"bread-b", "bread-c", "cake"}),
        ("q=bread&license=nothing", set()),
    ],
)
def test_filters_hold_all_at_once(shelf: FlaskClient, query: str, expected: set[str]) -> None:
    assert set(found(shelf, query)) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("updated", ["bread-b", "bread-c", "bread-a"]),
        ("newest", ["bread-a", "bread-b", "bread-c"]),
        ("name", ["bread-a", "bread-b", "bread-c"]),
    ],
)
def test_orders(shelf: FlaskClient, order: str, expected: list[str]) -> None:
    assert found(shelf, f"q=bread&order={order}") == expected


def test_frequent_words_are_found_in_every_order_too(shelf: FlaskClient) -> None:
    search_index.count_words()

    assert found(shelf, "q=does&order=name") == ["bread-a", "bread-b", "bread-c", "cake"]
    assert found(shelf, "q=does&order=updated&license=MIT") == ["bread-b", "cake", "bread-a"]


def test_order_that_there_is_not_is_a_bad_request(client: FlaskClient) -> None:
    assert "Choose one of these orders:" in words(search(client, "q=x&order=best", 400))


@pytest.mark.parametrize("query", ["license=" + "x" * 201, "&".join(f"classifier=c{n}" for n in range(11))])
def test_filters_that_are_too_long_or_too_many_are_refused(client: FlaskClient, query: str) -> None:
    assert "Use at most 10 filters" in words(search(client, query, 413))


def test_filters_are_offered_with_counts_and_lead_to_so_many_projects(shelf: FlaskClient) -> None:
    page = search(shelf, "q=bread")

    offered = {words(link): str(link["href"]) for link in page.select(".filters a")}
    assert {
        "MIT 2",
        "ISC 1",
        "Released in the last year 2",
        "Framework :: Django 2",
        "Python :: 3.12 2",
    } <= offered.keys()
    for label, address in offered.items():
        narrowed = read(shelf, address)
        assert words(one(narrowed, ".page-head .muted")).split()[0] == label.rpartition(" ")[2]


def test_each_filter_can_be_removed_by_itself(shelf: FlaskClient) -> None:
    page = search(shelf, "q=bread&license=MIT&classifier=Framework+::+Django&recent=1&order=name")

    removed = [parse_qs(urlsplit(address).query) for _, address in links(page, ".chosen a")]
    assert [sorted(arguments) for arguments in removed] == [
        ["classifier", "license", "order", "q"],
        ["classifier", "order", "q", "recent"],
        ["license", "order", "q", "recent"],
    ]


def test_match_is_marked_in_name_and_summary(client: FlaskClient) -> None:
    factories.package("Flask-Login", summary="Log in <people> of flask's")

    page = search(client, "q=flaskl")
    assert texts(page, ".package-name mark") == ["Flask-L"]
    assert texts(search(client, "q=login+flask"), "mark") == ["Flask", "Login", "flask"]
    assert words(one(page, ".package-summary")) == "Log in <people> of flask's"


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("flaks", "Flask"),
        ("reqeusts", "requests"),
        ("scikitlearn", "scikit-learn"),
        ("Beatiful Soup", "BeautifulSoup4"),
    ],
)
def test_slip_of_the_finger_is_forgiven(client: FlaskClient, query: str, meant: str) -> None:
    for name in ("Flask", "requests", "scikit-learn", "BeautifulSoup4", "other"):
        factories.package(name)

    page = read(client, "/search/", query_string={"q": query})

    assert [name for name, _ in links(page, ".hint a")] == [meant]
    assert texts(page, ".package-name") == [meant]


def test_hint_is_given_beside_a_few_wrong_answers_too(client: FlaskClient) -> None:
    factories.package("flask", releases=[f"1.{number}" for number in range(30)])
    factories.package("flaks", summary="A squatter")
    factories.package("flaks-more", summary="Another one")

    page = search(client, "q=flaks")

    assert words(one(page, ".hint")) == "Did you mean flask?"
    assert texts(page, ".package-name") == ["flaks", "flaks-more"]


@pytest.mark.parametrize("query", ["q=flask", "q=bread", "q=flask+bread"])
def test_who_finds_what_they_typed_gets_no_hint(client: FlaskClient, query: str) -> None:
    factories.package("flask", summary="bread")
    factories.package("flasks", releases=["1.0", "2.0"])

    assert search(client, query).select(".hint a") == []


def test_project_with_some_of_the_words_is_shown_where_none_has_all(client: FlaskClient) -> None:
    factories.package("bread", summary="Bakes")

    page = search(client, "q=bread+helicopter")

    assert texts(page, ".package-name") == ["bread"]
    assert words(one(page, ".hint")).startswith("Nothing matches all of these words.")


def test_what_is_behind_the_ranked_answers_is_listed_too(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.search.finding.RANKED", 20)
    names = {f"of-{number:02}" for number in range(45)} | {f"bread-{number:02}" for number in range(25)}
    for name in names:
        factories.package(name, summary="bread")

    pages = [search(client, f"q=bread&page={number}") for number in (1, 2, 3, 4)]

    listed = [name for page in pages for name in texts(page, ".package-name")]
    assert len(listed) == len(set(listed)) == 70
    assert set(listed[:25]) == {name for name in names if name.startswith("bread")}
    assert words(one(pages[0], ".page-head .muted")) == "At least 20 projects"
    search(client, "q=bread&page=5", 404)


@pytest.fixture
def limited(app: Flask) -> Iterator[FlaskClient]:
    """A site that bears five searches a second."""
    before = {name: app.config[name] for name in ("SEARCH_LIMIT", "SUGGESTION_LIMIT")}
    # A window that does not end while the test runs.
    app.config |= {"SEARCH_LIMIT": "5/hour", "SUGGESTION_LIMIT": "2/hour"}
    yield app.test_client()
    app.config |= before


@pytest.mark.parametrize(("address", "most"), [("/search/?q=x", 5), ("/search/suggest?q=x", 2)])
def test_too_many_searches_of_one_address_are_refused(limited: FlaskClient, address: str, most: int) -> None:
    statuses = [limited.get(address).status_code for _ in range(most + 1)]
    refused = limited.get(address)

    assert statuses == [200] * most + [429]
    assert int(refused.headers["Retry-After"]) > 0
    assert "Cache-Control" not in refused.headers or "public" not in refused.headers["Cache-Control"]


class TestSuggestions:
    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("fla", ["Flask", "flake8", "flask-Login"]),
            ("FLASK-L", ["flask-Login"]),
            ("flask log", ["flask-Login"]),
            ("flasklogin", ["flask-Login"]),
            ("x", []),
            ("", []),
            ("*", []),
            ("\0", []),
        ],
    )
    def test_names_that_begin_so_come_the_most_established_first(
        self, client: FlaskClient, text: str, names: list[str]
    ) -> None:
        factories.package("flask-Login")
        factories.package("flake8", releases=["1.0", "2.0"])
        factories.package("Flask", releases=["1.0", "2.0", "3.0"])

        response = client.get("/search/suggest", query_string={"q": text})

        assert response.json == {"q": text, "names": names}

    def test_there_are_eight_at_most(self, client: FlaskClient) -> None:
        for number in range(9):
            factories.package(f"bread-{number}")

        assert len(client.get("/search/suggest?q=b").json["names"]) == 8  # type: ignore[index]

    def test_too_long_a_text_is_refused(self, client: FlaskClient) -> None:
        assert client.get("/search/suggest?q=" + "x" * 1001).status_code == 413
