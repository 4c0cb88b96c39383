"""Ranking, fields, filters, orders, hints: what a reader gets on `/search/`."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import NotFound

from tests import factories
from tests.counting import counted
from tests.reading import one, texts, words
from tests.search.results_page import search
from webapp.changes import search_index
from webapp.documents import DownloadCount, SearchEntry, SearchWord
from webapp.documents.base import Plain, utc_now
from webapp.search import finding
from webapp.search.finding import Search
from webapp.search.frequencies import Frequencies, frequencies
from webapp.search.parsing import parse
from webapp.search.terms import Filters


def found(client: FlaskClient, query: str) -> list[str]:
    """The names that the page of `?query` lists."""
    return texts(search(client, query), ".package-name")


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


def test_rare_word_is_looked_for_at_once_and_a_frequent_one_field_by_field(client: FlaskClient) -> None:
    factories.package("text", description="Bakes bread.", releases=["1.0", "2.0", "3.0"])
    factories.package("summary", summary="For bread")
    factories.package("breadth", releases=["1.0", "2.0"])
    factories.package("bread-a")
    factories.package("bread")
    factories.package("cake")
    expected = ["bread", "breadth", "bread-a", "summary", "text"]

    assert found(client, "q=bread") == expected
    for count in (5, finding.FEW, finding.FEW + 1):
        frequencies.set(client.application, Frequencies())
        SearchWord.objects.raw().replace_one({"_id": "bread"}, {"packages": count}, upsert=True)
        assert found(client, "q=bread") == expected


@pytest.mark.parametrize(
    ("query", "packages", "asked"),
    [("bread", 0, 1), ("bread", finding.FEW, 1), ("bread", finding.FEW + 1, 4), ("bread butter", 3, 3)],
)
def test_entries_of_a_word_that_few_have_are_one_question(
    app: Flask, monkeypatch: pytest.MonkeyPatch, query: str, packages: int, asked: int
) -> None:
    factories.package("bread", summary="and butter")
    SearchWord.objects.raw().insert_many({"_id": word, "packages": packages} for word in ("bread", "butter"))
    questions, read = 0, Search._read

    def counted_read(*parts: Any) -> list[Plain]:
        nonlocal questions
        questions += 1
        return read(*parts)

    monkeypatch.setattr(Search, "_read", counted_read)

    assert [each["name"] for each in Search(parse(query), Filters()).page(1).items] == ["bread"]
    assert questions == asked


def test_exact_name_is_found_however_many_names_begin_so(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "RANKED", 4)
    factories.package("bread", summary="The least established of all")
    for name in ("bread-a", "bread-b", "bread-c", "bread-d", "bread-e"):
        factories.package(name, releases=["1.0", "2.0"])

    assert found(client, "q=bread")[:4] == ["bread", "bread-a", "bread-b", "bread-c"]


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


def test_projects_are_ordered_by_their_downloads_of_the_last_weeks(shelf: FlaskClient) -> None:
    today = utc_now().date()
    long_ago = today - timedelta(days=91)  # of the thirteen weeks, the day before the first
    counted(f"cake 1.0 {today}", f"cake 1.0 {today}", f"bread-c 1.0 {today}", *[f"bread-a 1.0 {long_ago}"] * 5)
    search_index.count_downloads()

    assert found(shelf, "q=bread&order=downloads") == ["bread-c", "bread-a", "bread-b"]
    page = search(shelf, "order=downloads")
    assert texts(page, ".package-name") == ["cake", "bread-c", "bread-a", "bread-b"]
    assert texts(page, ".package-date") == ["2 downloads", "1 download", "0 downloads", "0 downloads"]
    search_index.count_words()  # now "does" is a frequent word, and is looked for along the order
    assert found(shelf, "q=does&order=downloads") == ["cake", "bread-c", "bread-a", "bread-b"]


def test_downloads_stay_when_an_entry_is_written_again_and_go_when_they_are_long_ago(shelf: FlaskClient) -> None:
    counted(f"cake 1.0 {utc_now().date()}")
    search_index.count_downloads()

    factories.package("cake", summary="Sweeter")
    assert search_index.write_entry("cake")
    assert found(shelf, "order=downloads")[0] == "cake"
    assert "license:MIT" not in SearchEntry.objects.get(pk="cake").labels
    search_index.rebuild()
    assert SearchEntry.objects.get(pk="cake").downloads == 1

    DownloadCount.objects.delete()
    search_index.count_downloads()
    assert SearchEntry.objects.get(pk="cake").downloads is None


def test_frequent_words_are_found_in_every_order_too(shelf: FlaskClient) -> None:
    search_index.count_words()

    assert found(shelf, "q=does&order=name") == ["bread-a", "bread-b", "bread-c", "cake"]
    assert found(shelf, "q=does&order=updated&license=MIT") == ["bread-b", "cake", "bread-a"]


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


def test_name_that_begins_so_is_found_by_a_part_of_its_first_word_alone(client: FlaskClient) -> None:
    for name in ("breadmaker", "breadmakers-and-more", "other-bread"):
        factories.package(name)

    assert set(found(client, "q=breadm")) == {"breadmaker", "breadmakers-and-more"}
    assert set(found(client, "q=breadmakersa")) == {"breadmakers-and-more"}


def test_pages_of_everything_follow_each_other(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(41):
        factories.package(f"p{number:02}")
    everything = [f"p{number:02}" for number in range(41)]

    for ranked in (100, 20):  # further pages are read by their keys
        monkeypatch.setattr(finding, "RANKED", ranked)
        pages = [found(client, f"order=name&page={page}") for page in (1, 2, 3)]
        assert pages == [everything[:20], everything[20:40], everything[40:]]


def page_of(total: int | None, number: int) -> str:
    """Why a page past the end of a list is not found."""
    with pytest.raises(NotFound) as refused:
        finding._page_of([], number, total)
    return str(refused.value.description)


def test_page_past_the_end_says_how_many_there_are() -> None:
    assert page_of(20, 2) == "This list has only one page."
    assert page_of(21, 3) == "This list has only 2 pages."


def test_site_without_projects_lists_none_in_any_order(app: Flask) -> None:
    for order in finding.ORDERS:
        assert Search(parse(""), Filters(), order).page(1).total == 0


@pytest.mark.parametrize(("query", "known"), [("bread", 500), ("bread jam", None), ("bread -jam", None), ("jam", None)])
def test_number_of_results_is_known_for_one_frequent_word_alone(app: Flask, query: str, known: int | None) -> None:
    counted = {"bread": 500, "jam": finding.RANKED}
    SearchWord.objects.raw().insert_many({"_id": word, "packages": count} for word, count in counted.items())

    assert Search(parse(query), Filters())._known_total() == known
