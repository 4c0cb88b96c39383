"""What somebody who mistyped may have meant."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.reading import links, one, read, texts, words
from tests.search.results_page import search
from webapp.documents import SearchEntry, SearchWord
from webapp.documents.search_entry import TYPO_LETTERS
from webapp.rules import wording
from webapp.search.parsing import parse
from webapp.search.spelling import hint


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


def name(text: str, releases: int = 1) -> None:
    """Let searches know a project."""
    letters = wording.letters(text)
    typos = wording.deletions(letters, TYPO_LETTERS)
    entry = {"_id": text.lower(), "name": text, "letters": letters, "release_count": releases, "typos": typos}
    SearchEntry._get_collection().insert_one(entry)


def word(text: str, packages: int) -> None:
    """Let searches know a word of several projects."""
    [stem] = wording.stems([text])
    typos = wording.deletions(text, TYPO_LETTERS)
    SearchWord._get_collection().insert_one({"_id": stem, "written": text, "packages": packages, "typos": typos})


def meant(text: str, exact_releases: int | None = None, *, begins: bool = False) -> str | None:
    query = parse(text)
    return hint(query, SearchWord.objects.frequencies(list(query.words)), exact_releases, begins=begins)


@pytest.mark.parametrize("text", ["-flask quart", "author:flaskk", '"flask login"', "", "!?"])
def test_search_for_more_than_words_is_no_typo(app: Flask, text: str) -> None:
    name("Flask")
    name("Flask-Logins")

    assert meant(text) is None


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("lint", "list"),
        ("lis", None),
        ("requsts", "requests"),
        ("reqsts", None),
        ("reqoests-toolbeltz", "requests-toolbelt"),
        ("rquestsz", "requests"),
        ("rquesz", None),
    ],
)
def test_short_name_may_have_no_typo_one_of_seven_letters_one_and_a_longer_one_two(
    app: Flask, typed: str, expected: str | None
) -> None:
    for each in ("list", "requests", "requests-toolbelt"):
        name(each)

    assert meant(typed) == expected


def test_nearest_name_is_meant_and_of_equally_near_ones_the_most_established(app: Flask) -> None:
    name("requester", 500)
    name("requests", 2)
    name("requestz", 3)

    assert meant("requestx") == "requestz"
    assert meant("requestes") == "requester"


@pytest.mark.parametrize(
    ("own", "other", "expected"), [(4, 80, "flask"), (4, 79, None), (5, 1000, None), (0, 1, "flask")]
)
def test_project_of_that_name_gives_way_only_to_a_far_better_known_one(
    app: Flask, own: int, other: int, expected: str | None
) -> None:
    name("flasc", own)
    name("flask", other)

    assert meant("flasc", own) == expected


def test_rare_words_are_corrected_by_frequent_ones_unless_a_name_begins_so(app: Flask) -> None:
    word("weather", 9)
    word("forecast", 7)

    assert meant("waether forecst") == "weather forecast"
    assert meant("weather forecst") == "weather forecast"
    assert meant("waether forecst", begins=True) is None
    assert meant("weather forecast") is None


def test_word_of_four_letters_is_not_corrected_and_one_of_five_is(app: Flask) -> None:
    word("maps", 9)
    word("charts", 9)

    assert meant("mapz tools") is None
    assert meant("chart tools") is None  # the same stem
    assert meant("chxrts tools") == "charts tools"


def test_no_more_than_four_words_are_corrected(app: Flask) -> None:
    for each in ("alphas", "bravos", "delhis", "quebec", "yankee"):
        word(each, 2)

    assert meant("alphxs bravxs delhxs quebxc yankxe") == "alphas bravos delhis quebec yankxe"


def test_word_is_corrected_to_the_name_of_a_project_where_there_are_several(app: Flask) -> None:
    name("pandas", 9)

    assert meant("pandsa dataframe") == "pandas dataframe"


def test_documents_that_were_edited_by_hand_are_passed_over(app: Flask) -> None:
    name("flask")
    SearchEntry._get_collection().update_one({"_id": "flask"}, {"$set": {"release_count": "many"}})

    assert meant("flaks") is None
