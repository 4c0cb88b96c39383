"""Suggest what a reader may have meant: a name or a word similar to what they typed."""

from typing import Any, NamedTuple

from rapidfuzz.distance import OSA

from webapp.documents import SearchEntry, SearchWord
from webapp.documents.search_entry import TYPO_LETTERS
from webapp.rules import wording
from webapp.search.query import Query

# A search that finds at least this many results is not a typo.
FEW = 20
# How many similar names and words are compared, most established first.
COMPARED = 200
# How many words of a query are corrected.
MOST_WORDS = 4
# A project with exactly this name gives way to a similar name with this many times its releases.
FAR_MORE = 20
# The name of a project with this many releases is not a typo.
WELL_KNOWN = 5
# Shorter ones have too many neighbours: "lint" is not a typo for "list".
SHORTEST_NAME, SHORTEST_WORD = 4, 5


class Near(NamedTuple):
    """A name or a word that is similar to another."""

    distance: int
    rank: int  # minus the number of releases, or of packages
    text: str


def hint(query: Query, exact_releases: int | None, *, begins: bool) -> str | None:
    """Return the text that a reader may have meant instead, or None.

    `exact_releases` is the number of releases of the project with exactly this name, or None. If `begins`, the first
    result's name starts with the text, so its words are not corrected.
    """
    if query.excluded or query.fields or query.phrases or not query.words:
        return None
    if exact_releases is not None and exact_releases >= WELL_KNOWN:
        return None
    letters = wording.letters(query.text)
    name = _nearest_name(letters, is_taken=exact_releases is not None)
    if name and exact_releases is not None and -name.rank < FAR_MORE * exact_releases:
        return None
    written = " ".join(wording.written_words(query.text))
    meant = name.text if name else None if begins else _with_near_words(query, written)
    is_same = meant is None or " ".join(wording.written_words(meant)) == written
    return None if is_same or (exact_releases is not None and not name) else meant


def _with_near_words(query: Query, text: str) -> str | None:
    """Return the text, with each rare word replaced by a similar frequent one."""
    found = SearchWord.objects.raw().find({"_id": {"$in": list(query.words)}}, {"_id": 1})
    known = {word["_id"] for word in found}
    rare = [word for stem, word in zip(query.words, query.written, strict=True) if stem not in known]
    meant = text.split()
    for word in rare[:MOST_WORDS]:
        near = _nearest_word(word) or (_nearest_name(word) if len(query.words) > 1 else None)
        if near and near.distance:
            meant = [near.text if each == word else each for each in meant]
    return " ".join(meant)


def _nearest_name(letters: str, *, is_taken: bool = False) -> Near | None:
    """Return the most established of the most similar names, except the name itself if it `is_taken`."""
    if len(letters) < SHORTEST_NAME:
        return None
    rows = _near(SearchEntry, letters, {"_id": 0, "name": 1, "letters": 1, "release_count": 1}, "release_count")
    rows = [row for row in rows if not (is_taken and row.get("letters") == letters)]
    return _nearest(letters, ((row.get("letters"), row.get("release_count"), row.get("name")) for row in rows))


def _nearest_word(word: str) -> Near | None:
    if len(word) < SHORTEST_WORD:
        return None
    rows = _near(SearchWord, word, {"written": 1, "packages": 1}, "packages")
    return _nearest(word, ((row.get("written"), row.get("packages"), row.get("written")) for row in rows))


def _near(document_type: Any, word: str, read: dict[str, int], rank: str) -> list[dict[str, Any]]:
    near = {"typos": {"$in": wording.deletions(word, TYPO_LETTERS)}}
    found = document_type.objects.raw().find(near, read, batch_size=COMPARED + 1)
    return list(found.sort(rank, -1).limit(COMPARED))


def _nearest(word: str, rows: Any) -> Near | None:
    allowed = 1 if len(word) < 8 else 2
    near = [
        Near(distance, -rank, text)
        for letters, rank, text in rows
        if isinstance(letters, str) and isinstance(rank, int) and isinstance(text, str)
        if (distance := OSA.distance(word, letters, score_cutoff=allowed)) <= allowed
    ]
    return min(near, default=None)
