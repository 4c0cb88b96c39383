"""Where a result has the words that were asked for."""

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.reading import one, texts, words
from tests.search.results_page import search
from webapp.search.marking import marked


def test_match_is_marked_in_name_and_summary(client: FlaskClient) -> None:
    factories.package("Flask-Login", summary="Log in <people> of flask's")

    page = search(client, "q=flaskl")
    assert texts(page, ".package-name mark") == ["Flask-L"]
    assert texts(search(client, "q=login+flask"), "mark") == ["Flask", "Login", "flask"]
    assert words(one(page, ".package-summary")) == "Log in <people> of flask's"


@pytest.mark.parametrize(
    ("text", "words", "letters", "expected"),
    [
        (None, ["jam"], "", ""),
        ("Bread and jam", [], "", "Bread and jam"),
        ("Bread and jam", ["jam"], "", "Bread and <mark>jam</mark>"),
        ("jam, Jam; JAMS", ["jam"], "", "<mark>jam</mark>, <mark>Jam</mark>; <mark>JAMS</mark>"),
        ("jam_pot jammed", ["jam"], "", "<mark>jam</mark>_pot <mark>jammed</mark>"),
        ("a < b & jam", ["jam"], "", "a &lt; b &amp; <mark>jam</mark>"),
        ("Flask-Login", [], "flask", "<mark>Flask</mark>-Login"),
        ("Flask-Login", [], "flasklog", "<mark>Flask-Log</mark>in"),
        ("-Flask", [], "flask", "<mark>-Flask</mark>"),
        ("Flask", [], "flaskx", "Flask"),
        ("Flask", ["flask"], "other", "<mark>Flask</mark>"),
        ("Flask jam", ["jam"], "flask", "<mark>Flask</mark> jam"),
    ],
)
def test_words_are_marked_or_the_start_of_a_name(
    text: str | None, words: list[str], letters: str, expected: str
) -> None:
    assert str(marked(text, words, letters)) == expected
