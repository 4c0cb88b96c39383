"""What a web process remembers of the words that readers search for."""

import itertools

import pytest
from flask import Flask

from webapp.documents import SearchWord
from webapp.documents.search_word import SearchWordQuerySet
from webapp.search.frequencies import REMEMBERED, REMEMBERED_S, Frequencies


def test_words_are_asked_for_once_a_minute(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    ask = SearchWordQuerySet.frequencies

    def noted(of: SearchWordQuerySet, words: list[str]) -> dict[str, int]:
        asked.append(sorted(words))
        return ask(of, words)

    monkeypatch.setattr(SearchWordQuerySet, "frequencies", noted)
    now = 0.0
    frequencies = Frequencies(lambda: now)
    SearchWord.objects.raw().insert_many([{"_id": "jam", "packages": 7}, {"_id": "bread", "packages": 3}])

    assert frequencies.of(["jam", "rare", "jam"]) == {"jam": 7}
    SearchWord.objects.raw().update_one({"_id": "jam"}, {"$set": {"packages": 8}})
    now = REMEMBERED_S - 1.0
    assert frequencies.of(["jam", "rare", "bread"]) == {"jam": 7, "bread": 3}
    assert frequencies.of([]) == {}
    now = REMEMBERED_S + 1.0
    assert frequencies.of(["jam", "bread"]) == {"jam": 8, "bread": 3}

    assert asked == [["jam", "rare"], ["bread"], ["jam"]]


def test_word_that_expires_while_it_is_looked_up_is_asked_for_again(app: Flask) -> None:
    ticks = itertools.count(0.0, REMEMBERED_S / 7)
    frequencies = Frequencies(lambda: next(ticks))
    SearchWord.objects.raw().insert_one({"_id": "jam", "packages": 7})

    for _ in range(50):
        assert frequencies.of(["jam"]) == {"jam": 7}


def test_no_more_words_are_remembered_than_fit(app: Flask) -> None:
    frequencies = Frequencies()

    frequencies.of(f"word-{number}" for number in range(REMEMBERED + 100))

    assert len(frequencies._remembered) == REMEMBERED
