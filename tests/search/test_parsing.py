import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.rules import wording
from webapp.search.parsing import MAX_WORDS, Query, parse


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("flask", ["flask"]),
        ("Flask-Login", ["flask", "login"]),
        ("zope.interface zope", ["zope", "interface"]),
        ("the parser of json", ["parser", "json"]),
        ("to be", ["to", "be"]),
        ("c", ["c"]),
        ("c++", ["c"]),
        ("(bread) + butter?", ["bread", "butter"]),
        ("http OR https", ["http", "https"]),
        ('un"closed', ["un", "closed"]),
        ("foo:bar", ["foo", "bar"]),
        ("author:", ["author"]),
        ("http://example.org", ["http", "example", "org"]),
        ("--flag", ["flag"]),
        ("", []),
        ("*?$.\\", []),
    ],
)
def test_plain_words_must_all_be_there(text: str, words: list[str]) -> None:
    query = parse(text)

    assert query.words == tuple(wording.stems(words))
    assert (query.excluded, query.fields, query.phrases) == ((), (), ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-flask", {"excluded": ("flask",)}),
        ('web -"server side"', {"excluded": ("server", "side")}),
        ("author:Ronacher", {"fields": ("author:ronach",)}),
        ('AUTHOR:"Armin Ronacher"', {"fields": ("author:armin", "author:ronach")}),
        ("licence:mit", {"fields": ("license:mit",)}),
        ("classifier:django", {"fields": ("classifier:django",)}),
        ('"web server"', {"phrases": (("web", "server"),)}),
        ('"web"', {"phrases": ()}),
        ("", {"is_empty": True}),
        ("flask", {"is_empty": False}),
        ("-flask", {"is_empty": False}),
        ("the", {"only_stop_words": True}),
        ("the web", {"only_stop_words": False}),
    ],
)
def test_what_is_asked_of_fields_phrases_and_other_words(text: str, expected: dict[str, object]) -> None:
    query = parse(text)

    assert {name: getattr(query, name) for name in expected} == expected


def test_words_past_the_limit_are_passed_over() -> None:
    assert len(parse(" ".join(f"word{number}" for number in range(50))).words) == MAX_WORDS


@given(st.text(alphabet=st.sampled_from('ab -":._\\$*(author:license:\0é')) | st.text())
def test_every_text_is_a_query(text: str) -> None:
    query = parse(text)

    assert isinstance(query, Query)
    assert len(query.words) == len(query.written) <= MAX_WORDS
    assert all(wording.written_words(word) for word in (*query.words, *query.excluded))


def test_phrases_and_excluded_words_past_the_limit_are_passed_over() -> None:
    query = parse(" ".join([*(f'"a b{number}"' for number in range(6)), *(f"-w{number}" for number in range(20))]))

    assert query.phrases == tuple(("a", f"b{number}") for number in range(4))
    assert query.excluded == tuple(f"w{number}" for number in range(12))
    assert len(parse(" ".join(f"author:w{number}" for number in range(20))).fields) == 12


def test_query_of_nothing_asks_for_no_word() -> None:
    assert parse("") == Query()
    assert Query() == ("", (), (), (), (), (), False, "")
    assert Query().is_empty
