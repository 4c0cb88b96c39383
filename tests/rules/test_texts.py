import json

import pytest

from webapp.rules.texts import counted, is_encodable


@pytest.mark.parametrize(
    ("text", "is_it"),
    [("", True), ("Žižka 🚀", True), ("\0", True), ("\ud800", False), ("a\udcffb", False), ("\ud83d\ude80", False)],
    ids=ascii,
)
def test_lone_surrogates_cannot_be_encoded(text: str, *, is_it: bool) -> None:
    assert is_encodable(text) == is_it


def test_pair_of_surrogates_in_json_is_one_character() -> None:
    assert is_encodable(json.loads('"\\ud83d\\ude80"'))


@pytest.mark.parametrize(
    ("number", "names", "said"),
    [
        (0, "files", "0 files"),
        (1, "files", "1 file"),
        (2000, "files", "2,000 files"),
        (1, "journal entries", "1 journal entry"),
        (2, "advisories", "2 advisories"),
    ],
)
def test_one_thing_is_called_by_its_singular(number: int, names: str, said: str) -> None:
    assert counted(number, names) == said
