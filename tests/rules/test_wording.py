import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.rules import wording


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Flask-Login", ["flask", "login"]),
        ("zope.interface_x", ["zope", "interface", "x"]),
        ("ÜBER Straße", ["über", "strasse"]),
        ("x" * 61, []),
        (" -_. ", []),
        (None, []),
    ],
)
def test_words_are_runs_of_letters_and_digits_in_small_letters(text: str | None, expected: list[str]) -> None:
    assert wording.written_words(text) == expected


def test_forms_of_a_word_are_the_same_word() -> None:
    assert len(set(wording.stems(["parse", "parses", "parsed", "parsing"]))) == 1


def test_words_that_every_text_has_tell_nothing() -> None:
    assert wording.telling_words("What is in the box?") == ["box"]


@pytest.mark.parametrize(
    ("name", "called"), [("pyyaml", "yaml"), ("httplib2", "httplib"), ("PyOpenSSL", "openssl"), ("py", "py")]
)
def test_names_are_known_by_what_people_call_them_too(name: str, called: str) -> None:
    assert called in wording.name_words(name)


def test_addresses_and_markup_of_a_description_are_no_words() -> None:
    text = '.. image:: badge\n:target: here\n<img src="x"> See https://example.org/docs for more'

    assert wording.written_words(wording.prose(text, 1000)) == ["see", "for", "more"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("flaks", "flask"), ("reqeusts", "requests"), ("fask", "flask"), ("flaask", "flask"), ("flusk", "flask")],
)
def test_words_that_differ_by_one_slip_share_a_deletion(written: str, meant: str) -> None:
    assert set(wording.deletions(written, 10)) & set(wording.deletions(meant, 10))


@given(st.text())
def test_every_text_has_words_that_mongodb_can_keep(text: str) -> None:
    for word in [*wording.search_words(text), *wording.deletions(wording.letters(text), 10)]:
        assert "\0" not in word
        word.encode()
