"""What searches read of a project, made from its package."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from tests.factories import A_DAY
from webapp.documents import SearchEntry
from webapp.documents.search_entry import (
    MAX_CLASSIFIER,
    MAX_FIELD_WORDS,
    MAX_LABELS,
    MAX_SUMMARY_WORDS,
    MAX_TEXT_WORDS,
    entry_of,
)


def test_entry_has_the_words_of_each_field_once_in_the_weightiest() -> None:
    entry = entry_of(
        {
            "_id": "jam-maker",
            "name": "Jam-Maker",
            "summary": "Makes jam and bread",
            "keywords": ["butter", "bread"],
            "description": "Jam, bread and salt",
            "author_name": "Ada Baker",
            "author_email": "Ada <ada@example.org>",
            "license_id": "MIT",
            "release_count": 3,
            "updated_date": A_DAY,
        }
    )

    assert entry["letters"] == "jammaker"
    assert entry["name_words"][:2] == ["jam", "maker"]
    assert entry["summary_words"] == ["make", "bread", "butter"]
    assert entry["text_words"] == ["ada", "baker", "salt"]
    assert entry["field_words"] == ["author:ada", "author:baker", "license:mit"]
    assert entry["labels"] == ["license:MIT"]
    assert entry["prefixes"] == ["j", "ja", "jam", "jamm", "jamma", "jammak", "jammake", "jammaker"]
    assert (entry["release_count"], entry["made_from"]) == (3, A_DAY)


def test_what_a_package_lacks_is_absent_from_its_entry() -> None:
    entry = entry_of({"_id": "jam"})

    assert (entry["_id"], entry["name"], entry["release_count"]) == ("jam", "jam", 0)
    assert not {"summary", "latest", "newest_release", "created_date", "status", "made_from"} & set(entry)
    assert (entry["labels"], entry["summary_words"], entry["text_words"], entry["field_words"]) == ([], [], [], [])


def test_classifier_is_listed_under_its_parents_but_not_under_its_first_word() -> None:
    entry = entry_of({"_id": "x", "classifiers": ["Framework :: Django :: 4.0", "Framework :: Django", "Typed"]})

    assert entry["labels"] == [
        "classifier:Framework :: Django",
        "classifier:Framework :: Django :: 4.0",
        "classifier:Typed",
    ]
    assert entry["field_words"][:3] == ["classifier:framework", "classifier:django", "classifier:4"]


def test_lists_without_an_end_are_cut() -> None:
    entry = entry_of(
        {
            "_id": "x",
            "keywords": [f"k{number}" for number in range(300)],
            "description": " ".join(f"w{number}" for number in range(300)),
            "classifiers": [f"Topic :: {number}" for number in range(300)] + ["y" * 300],
        }
    )

    assert len(entry["summary_words"]) == MAX_SUMMARY_WORDS == 60
    assert len(entry["text_words"]) == MAX_TEXT_WORDS == 60
    assert len(entry["labels"]) == MAX_LABELS == 150
    assert len(entry["field_words"]) == MAX_FIELD_WORDS == 100
    assert entry_of({"_id": "x", "classifiers": ["y" * 300]})["labels"] == ["classifier:" + "y" * MAX_CLASSIFIER]


def test_words_of_a_description_that_are_known_are_not_looked_for_again() -> None:
    assert entry_of({"_id": "x", "description": "salt"}, ["pepper"])["text_words"] == ["pepper"]


@pytest.mark.parametrize(
    ("kept", "new", "is_written"),
    [
        (None, A_DAY, True),
        (A_DAY, A_DAY, True),
        (A_DAY, A_DAY + timedelta(1), True),
        (A_DAY, A_DAY - timedelta(1), False),
    ],
)
def test_entry_gives_way_to_one_of_a_later_state(app: Flask, kept: Any, new: Any, is_written: bool) -> None:  # noqa: FBT001 - a parametrized value
    if kept:
        SearchEntry.store({"_id": "jam", "name": "old", "made_from": kept})

    SearchEntry.store({"_id": "jam", "name": "new", "made_from": new})

    assert SearchEntry.objects.get().name == ("new" if is_written else "old")


def test_names_that_begin_so_come_the_most_established_first_and_after_long_texts_by_name(app: Flask) -> None:
    for name, count in (("jam", 1), ("jam-maker-a", 2), ("jam-maker-b", 9), ("bread", 50)):
        SearchEntry.store(entry_of({"_id": name, "release_count": count}))

    def names(text: str, count: int = 9) -> list[str]:
        return SearchEntry.objects.names_beginning(text, count)

    assert names("JA") == ["jam-maker-b", "jam-maker-a", "jam"]
    assert names("ja", 2) == ["jam-maker-b", "jam-maker-a"]
    assert names("jam-make") == ["jam-maker-b", "jam-maker-a", "jam"][:2]
    assert names("jam-maker-") == ["jam-maker-b", "jam-maker-a"]
    assert names("jam-maker-a") == ["jam-maker-a"]
    assert names("-.") == names("z") == []


def test_project_of_exactly_this_name_comes_first_whatever_its_rank(app: Flask) -> None:
    for name, count in (("jam", 1), ("jam-maker-a", 2), ("jam-maker-b", 9)):
        SearchEntry.store(entry_of({"_id": name, "name": name.title(), "release_count": count}))

    assert SearchEntry.objects.names_beginning("jam", 2) == ["Jam", "Jam-Maker-B"]


@pytest.mark.parametrize(
    ("name", "typed", "near"),
    [
        ("jams", "jamz", "jams"),
        ("jam", "jan", None),
        ("j" * 200, "j" * 199 + "k", "j" * 200),
        ("j" * 201, "j" * 201, None),
    ],
)
def test_names_of_four_to_two_hundred_letters_are_compared(app: Flask, name: str, typed: str, near: str | None) -> None:
    SearchEntry.store(entry_of({"_id": name, "name": name, "release_count": 1}))

    found = SearchEntry.objects.nearest_name(typed)

    assert (found.text if found else None) == near
