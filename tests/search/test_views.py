from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.reading import links, one, read, texts, words
from tests.search.results_page import search
from webapp.documents import SearchEntry
from webapp.search import spelling, views
from webapp.search.results import Found
from webapp.search.terms import Filters


def found(client: FlaskClient, query: str) -> list[str]:
    return texts(asked(client, query), ".package-name")


def asked(client: FlaskClient, query: str, status: int = 200) -> BeautifulSoup:
    return read(client, "/search/", status, query_string={"q": query})


def test_project_of_exactly_this_name_comes_first_then_names_that_begin_so_then_words(client: FlaskClient) -> None:
    factories.package("django-flask-mix", summary="Nothing to see")
    factories.package("Flask-WTF", summary="Forms")
    factories.package("Flask-Login", summary="People")
    factories.package("quart", summary="Flask, reimagined")
    factories.package("Flask", summary="A framework")
    factories.package("flasked-not", summary="Begins with the letters too")
    factories.package("other", summary="Something flaskish")

    page = asked(client, "flask")

    assert texts(page, ".package-name")[:4] == ["Flask", "Flask-Login", "Flask-WTF", "flasked-not"]
    assert sorted(texts(page, ".package-name")[4:]) == ["django-flask-mix", "quart"]
    assert words(one(page, "h1")) == "Results for “flask”"
    assert words(one(page, ".page-head .muted")) == "6 projects"
    assert one(page, "#header-q")["value"] == "flask"


@pytest.mark.parametrize("query", ["Flask-Login", "flask_login", "FLASK.LOGIN", " flask login ", "flask\tlogin"])
def test_any_spelling_finds_the_project(client: FlaskClient, query: str) -> None:
    factories.package("Flask-Login", summary="")

    assert found(client, query) == ["Flask-Login"]


def test_all_words_must_be_there_in_any_order(client: FlaskClient) -> None:
    factories.package("one", summary="Bakes bread and cakes")
    factories.package("two", summary="Bakes bread")

    assert found(client, "cakes BREAD") == ["one"]


def test_words_of_other_alphabets_are_found(client: FlaskClient) -> None:
    factories.package("one", summary="Прекрасный хлеб für Straßen")

    assert found(client, "хлеб") == found(client, "STRASSEN") == ["one"]


def test_equally_good_results_come_newest_first(client: FlaskClient) -> None:
    for year in (2019, 2021, 2020):
        date = datetime(year, 1, 1, tzinfo=UTC)
        factories.package(f"of-{year}", summary="bread", releases=[factories.release("1.0", created_date=date)])

    assert found(client, "bread") == ["of-2021", "of-2020", "of-2019"]


def test_result_shows_version_date_and_summary(client: FlaskClient) -> None:
    factories.package("Example", summary="Bakes bread", releases=["1.0", "1.1"])

    row = one(asked(client, "bread"), ".package-row")

    assert words(row) == "Example 1.1 2 Mar 2024 Bakes bread"
    assert links(row) == [("Example 1.1", "/project/example/")]


def test_empty_query_shows_the_newest_releases(client: FlaskClient) -> None:
    factories.package("one")
    factories.package("two", releases=[factories.release("1.0", created_date=datetime(2025, 1, 1, tzinfo=UTC))])

    for address in ("/search/", "/search/?q=", "/search/?q=%20%00"):
        page = read(client, address)

        assert words(one(page, "h1")) == "Newest releases"
        assert texts(page, ".package-name") == ["two", "one"]


def test_one_letter_finds_the_names_that_begin_with_it(client: FlaskClient) -> None:
    factories.package("example", summary="a and b")
    factories.package("bread")
    factories.package("b")

    assert found(client, "b") == ["b", "bread", "example"]


def test_nothing_found_says_so_and_leads_on(client: FlaskClient) -> None:
    factories.package("example")

    page = asked(client, "bread")

    assert words(one(page, ".page-head .muted")) == "0 projects"
    assert links(page, ".nothing a") == [("Browse all projects", "/projects/")]
    assert page.select(".pager") == []


def test_results_are_paged_and_the_query_stays(client: FlaskClient) -> None:
    factories.package("bread")
    for number in range(30):
        factories.package(f"bread-{number:02}")
    for number in range(14):
        factories.package(f"other-{number:02}", summary="bread & butter")

    pages = [read(client, f"/search/?q=bread&page={number}") for number in (1, 2, 3)]

    names = [name for page in pages for name in texts(page, ".package-name")]
    assert [len(page.select(".package-row")) for page in pages] == [20, 20, 5]
    assert names[:31] == ["bread", *(f"bread-{number:02}" for number in range(30))]
    assert names[31:] == [f"other-{number:02}" for number in range(14)]
    assert ("Next", "/search/?q=bread&page=3") in links(pages[1], ".pager a")


def test_page_past_the_end_is_not_found(client: FlaskClient) -> None:
    factories.package("bread")

    assert "This list has only one page." in words(read(client, "/search/?q=bread&page=2", 404))


@pytest.mark.parametrize(
    "query",
    [
        ".*",
        "b.*d",
        "^bread$",
        "(bread",
        "[a-z]+",
        "\\",
        "$where",
        '{"$gt": ""}',
        "bread' || '1'=='1",
        "%",
        "*",
        "?",
        "\x00",
    ],
)
def test_characters_with_a_meaning_elsewhere_are_text(client: FlaskClient, query: str) -> None:
    factories.package("example", summary="nothing of it")

    page = asked(client, query)

    if query != "\x00":
        assert words(one(page, "h1")) == f"Results for “{query}”"
        assert texts(page, ".package-name") == []


def test_signs_between_words_do_not_matter(client: FlaskClient) -> None:
    factories.package("one", summary="Bread, butter!")

    assert found(client, "(bread) + butter?") == ["one"]


def test_query_cannot_be_a_mapping(client: FlaskClient) -> None:
    factories.package("one")

    page = read(client, "/search/?q[$ne]=x&q[]=y")

    assert words(one(page, "h1")) == "Newest releases"


def test_nul_is_a_space(client: FlaskClient) -> None:
    factories.package("one", summary="Bread and butter")

    assert found(client, "bread\0butter") == ["one"]


@pytest.mark.parametrize(("length", "status"), [(1000, 200), (1001, 413), (100_000, 413)])
def test_query_has_at_most_a_thousand_characters(client: FlaskClient, length: int, status: int) -> None:
    page = asked(client, "x" * length, status)

    if status == 413:
        assert "A search can have at most 1,000 characters." in words(page)


def test_words_past_the_twelfth_are_passed_over(client: FlaskClient) -> None:
    factories.package("one", summary=" ".join(f"w{number}" for number in range(12)))

    assert found(client, " ".join(f"w{number}" for number in range(200))) == ["one"]


@pytest.mark.parametrize("query", ["q=bread", "license=MIT", "order=name", "page=2"])
def test_results_are_nothing_for_search_engines_but_the_search_itself_is(client: FlaskClient, query: str) -> None:
    for number in range(21):
        factories.package(f"bread-{number}", license="MIT")

    assert one(read(client, f"/search/?{query}"), "meta[name=robots]")["content"] == "noindex"
    search = read(client, "/search/")
    assert search.select("meta[name=robots]") == []
    assert "Search the projects" in one(search, "meta[name=description]")["content"]


def test_everything_is_listed_when_the_database_lost_its_number(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As MongoDB does when it is killed."""
    for name in ("one", "two"):
        factories.package(name)
    monkeypatch.setattr(type(SearchEntry._get_collection()), "estimated_document_count", lambda _: 0)

    assert set(found(client, "")) == {"one", "two"}


@pytest.mark.parametrize(
    "query",
    [
        "pip install flask",
        "pip install --index-url http://localhost/simple/ flask",
        "flask>=3",
        "Flask==3.1.3",
        "flask[async]",
        "flask 3.1",
        "uv add flask",
    ],
)
def test_pasted_requirement_finds_its_project_first(client: FlaskClient, query: str) -> None:
    factories.package("pip-install-flask-3-1", summary="Installs flask 3.1.3 with pip and async")
    factories.package("Flask-Login", summary="pip install flask")
    factories.package("Flask", summary="A framework")

    assert found(client, query)[0] == "Flask"


def test_words_with_a_number_are_words_where_no_project_is_called_so(client: FlaskClient) -> None:
    factories.package("requests", summary="Speaks http 1.1")
    factories.package("httpd", summary="A server")

    assert found(client, "http 1.1") == ["requests"]


def test_order_that_there_is_not_is_a_bad_request(client: FlaskClient) -> None:
    assert "Choose one of these orders:" in words(search(client, "q=x&order=best", 400))


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

        addresses = [f"/project/{name.lower()}/" for name in names]
        assert response.json == {"q": text, "names": names, "addresses": addresses}

    @pytest.mark.parametrize(
        "text", ["flask", "Flask>=3", "Flask==3.1.3", "pip install flask", "flask[async]", "falsk"]
    )
    def test_exact_name_comes_first_and_slips_and_pasted_requirements_find_it(
        self, client: FlaskClient, text: str
    ) -> None:
        factories.package("Flask")
        factories.package("flask-login", releases=["1.0", "2.0", "3.0"])

        response = client.get("/search/suggest", query_string={"q": text})

        assert response.json is not None
        assert (response.json["names"][0], response.json["addresses"][0]) == ("Flask", "/project/flask/")

    def test_there_are_eight_at_most(self, client: FlaskClient) -> None:
        for number in range(9):
            factories.package(f"bread-{number}")

        assert len(client.get("/search/suggest?q=b").json["names"]) == 8  # type: ignore[index]

    def test_too_long_a_text_is_refused(self, client: FlaskClient) -> None:
        assert client.get("/search/suggest?q=" + "x" * 1001).status_code == 413


def test_search_sets_off_what_catches_up_with_changes(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    catching_up = SimpleNamespace(in_background=asked.append)
    monkeypatch.setattr(views, "catching_up", lambda: catching_up)

    asked_ = client.get("/search/?q=bread")

    assert asked_.status_code == 200
    assert asked == [client.application.config["STATS_MAX_AGE_S"]]


@pytest.mark.parametrize(("few", "hints"), [(1, 0), (2, 1)])
def test_search_with_enough_results_is_not_corrected(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, few: int, hints: int
) -> None:
    factories.package("bread")
    looked: list[Any] = []
    monkeypatch.setattr(spelling, "FEW", few)
    monkeypatch.setattr(spelling, "hint", lambda query, *_, **__: looked.append(query))

    found(client, "bread")

    assert len(looked) == hints


@pytest.mark.parametrize("recent", [0, 3])
def test_activity_is_offered_if_it_narrows_and_was_not_chosen(recent: int) -> None:
    facets = dict[str, list[tuple[str, int]]](recent=[("1", recent)], license=[], language=[], classifier=[])
    page = Found([], 1, 1, 3, more=False, facets=facets, counted=3)

    with Flask(__name__).test_request_context("/search/"):
        offered, chosen = (
            [group["name"] for group in views._offered("bread", filters, "relevance", page)]
            for filters in (Filters(), Filters(recent=True))
        )

    assert offered == (["Activity"] if recent else [])
    assert chosen == []
