"""What a search may ask for."""

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from tests.reading import words
from tests.search.results_page import search
from webapp.search.forms import MAX_FILTER_LENGTH, MAX_FILTERS, filters_of
from webapp.search.terms import Filters


@pytest.mark.parametrize("query", ["license=" + "x" * 201, "&".join(f"classifier=c{n}" for n in range(11))])
def test_filters_that_are_too_long_or_too_many_are_refused(client: FlaskClient, query: str) -> None:
    assert "Use at most 10 filters" in words(search(client, query, 413))


def test_filters_are_read_from_an_address() -> None:
    arguments: MultiDict[str, str] = MultiDict(
        [
            ("license", "MIT"),
            ("license", "ISC"),
            ("language", "Python :: 3"),
            ("classifier", " Topic :: A "),
            ("classifier", "Topic :: A"),
            ("classifier", ""),
            ("classifier", "Topic :: B"),
            ("recent", "1"),
        ]
    )

    filters = filters_of(arguments)

    assert filters == Filters("MIT", ("Topic :: A", "Topic :: B"), ("Python :: 3",), recent=True)


@pytest.mark.parametrize("recent", ["", "0", "11", "true"])
def test_only_a_one_asks_for_recent_releases(recent: str) -> None:
    assert filters_of(MultiDict({"recent": recent})) == Filters()


@pytest.mark.parametrize("kind", ["license", "language", "classifier"])
def test_so_many_filters_of_such_a_length_are_taken_and_no_more(kind: str) -> None:
    most = [("x" * (MAX_FILTER_LENGTH - len(str(n))) + str(n)) for n in range(MAX_FILTERS)]
    filters_of(MultiDict((kind, value) for value in most))

    for too_many in ([*most, "y"], ["x" * (MAX_FILTER_LENGTH + 1)]):
        with pytest.raises(RequestEntityTooLarge):
            filters_of(MultiDict((kind, value) for value in too_many))


def test_query_of_a_thousand_characters_is_taken_and_a_longer_one_refused(client: FlaskClient) -> None:
    search(client, "q=" + "x" * 1000)

    assert "at most 1,000 characters" in words(search(client, "q=" + "x" * 1001, 413))
