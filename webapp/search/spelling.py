"""Suggest what a reader may have meant: a name or a word similar to what they typed."""

from collections.abc import Container

from webapp.documents import SearchEntry, SearchWord
from webapp.documents.hidden import hidden_names
from webapp.documents.search_entry import similarly_written
from webapp.rules import wording
from webapp.search.parsing import Query

# A search that finds at least this many results is not a typo.
FEW = 20
# How many words of a query are corrected.
MOST_WORDS = 4
# A project with exactly this name gives way to a similar name with this many times its releases.
FAR_MORE = 20
# The name of a project with this many releases is not a typo.
WELL_KNOWN = 5
# Shorter ones have too many neighbours: "lists" may be meant as it is.
SHORTEST_WORD = 5


def hint(query: Query, known: Container[str], exact_releases: int | None, *, begins: bool) -> str | None:
    """Return the text that a reader may have meant instead, or None.

    `known` contains those of its words that several projects have. `exact_releases` is the number of releases of the
    project with exactly this name, or None. If `begins`, the first result's name starts with the text, so its words are
    not corrected.
    """
    if query.excluded or query.fields or query.phrases or not query.words:
        return None
    if exact_releases is not None and exact_releases >= WELL_KNOWN:
        return None
    letters = wording.letters(query.text)
    name = SearchEntry.objects.nearest_name(letters, is_taken=exact_releases is not None)
    if name and exact_releases is not None and -name.rank < FAR_MORE * exact_releases:
        return None
    written = " ".join(wording.written_words(query.text))
    meant = name.text if name else None if begins else _with_near_words(query, known, written)
    is_same = meant is None or " ".join(wording.written_words(meant)) == written
    return None if is_same or (exact_releases is not None and not name) else meant


def _with_near_words(query: Query, known: Container[str], text: str) -> str | None:
    """Return the text, with each rare word replaced by a similar frequent one."""
    rare = [word for stem, word in zip(query.words, query.written, strict=True) if stem not in known]
    meant = text.split()
    for word in rare[:MOST_WORDS]:
        near = _nearest_word(word) or (SearchEntry.objects.nearest_name(word) if len(query.words) > 1 else None)
        if near and near.distance:
            meant = [near.text if each == word else each for each in meant]
    return " ".join(meant)


def _nearest_word(word: str) -> wording.Near | None:
    # A word may be in the name of a hidden project only.
    if len(word) < SHORTEST_WORD or hidden_names():
        return None
    rows = similarly_written(SearchWord.objects.raw(), word, {"written": 1, "packages": 1}, "packages")
    return wording.nearest(word, ((row.get("written"), row.get("packages"), row.get("written")) for row in rows))
