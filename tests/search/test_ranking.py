"""How results are ranked."""

from typing import Any

import pytest

from webapp.search.parsing import parse
from webapp.search.ranking import WEIGHTS, Ranking

ENTRY = {"name_words": ["bread", "bake"], "summary_words": ["butter", "jam"], "text_words": ["salt"]}


def weight(entry: dict[str, Any], words: str) -> int:
    return Ranking(set(words.split()), "", "").weight(entry)


def test_word_counts_ten_in_the_name_five_in_the_summary_and_one_in_the_text() -> None:
    assert WEIGHTS == {"name_words": 10, "summary_words": 5, "text_words": 1}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", 0),
        ("bread", 10),
        ("butter", 5),
        ("salt", 1),
        ("bread bake", 20),
        ("butter jam", 10),
        ("bread butter", 15),
        ("bread salt", 11),
        ("butter salt", 6),
        ("bread bake butter jam salt", 31),
    ],
)
def test_weights_of_the_words_are_added(words: str, expected: int) -> None:
    assert weight(ENTRY, words) == expected


def test_word_in_name_and_summary_counts_once_as_one_of_the_name() -> None:
    assert weight({"name_words": ["bread"], "summary_words": ["bread", "jam"]}, "bread jam") == 15


@pytest.mark.parametrize("odd", [None, 5, "bread", {"bread": 1}, [5, None, ["bread"]]])
def test_fields_that_are_no_lists_of_texts_weigh_as_if_they_were_empty(odd: Any) -> None:
    assert weight({"name_words": odd, "summary_words": odd}, "bread") == 1


def test_exact_name_comes_first_then_names_that_begin_so_then_the_heaviest() -> None:
    entries: list[dict[str, Any]] = [
        {"_id": "heavy", "letters": "heavy", "name_words": ["jam"]},
        {"_id": "jam-jar", "letters": "jamjar"},
        {"_id": "light", "letters": "light", "text_words": ["jam"]},
        {"_id": "j-am", "letters": "jam"},
        {"_id": "jam", "letters": "jam"},
    ]

    ranked = Ranking.by(parse("jam")).ranked(entries)

    assert [each["_id"] for each in ranked] == ["jam", "j-am", "jam-jar", "heavy", "light"]


@pytest.mark.parametrize("letters", [None, 5, ["jam"], ""])
def test_letters_edited_by_hand_begin_with_nothing(letters: Any) -> None:
    assert not Ranking.by(parse("jam")).begins({"_id": "x", "letters": letters})
