"""The words of a text as searches compare them. Pure functions: no Flask, no MongoDB."""

import re
import threading
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import Stemmer
from rapidfuzz.distance import OSA

# Nobody searches for longer runs of letters.
MAX_WORD_LENGTH = 60

_WORD = re.compile(r"[^\W_]+")
# Addresses, options of reStructuredText and HTML tags are not words of a description.
_NO_PROSE = re.compile(r"https?://\S+|^[ \t]*:[\w-]+:.*$|^[ \t]*\.\. [\w-]+::.*$|<[^<>]{1,200}>", re.MULTILINE)

# Words that nearly every text has. They count in names ("the-fuck") and in a query that has no others.
_STOP_WORDS = """
    a about all an and any are as at be but by can do for from get has have how i if in into is it its like me my need
    no not of on one or our so some such that the their them then there these this to up use used uses using want was we
    what when where which will with you your
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


class _Stems(threading.local):
    """A stemmer stores its current word in itself, so each thread has its own."""

    def __init__(self) -> None:
        self.stemmer = Stemmer.Stemmer("english")


_stems = _Stems()


def written_words(text: str | None) -> list[str]:
    """Return the words of a text in order, with folded case: "Flask-Login" -> ["flask", "login"]."""
    return [word for word in _WORD.findall((text or "").casefold()) if len(word) <= MAX_WORD_LENGTH]


def stems(words: Iterable[str]) -> list[str]:
    """Return the form in which words are compared: "parsing", "parses" and "parsed" all become "pars".

    Source: Snowball's English stemmer, which leaves words of other alphabets unchanged.
    """
    found: list[str] = _stems.stemmer.stemWords(list(words))
    return found


def search_words(*texts: str | None) -> list[str]:
    """Return the different words of some texts as searches compare them, in the order of their first occurrence."""
    return list(dict.fromkeys(stems(word for text in texts for word in written_words(text))))


def telling_words(*texts: str | None) -> list[str]:
    """Return the words without those that nearly every text has."""
    words = (word for text in texts for word in written_words(text) if word not in STOP_WORDS)
    return list(dict.fromkeys(stems(words)))


def name_words(name: str) -> list[str]:
    """Return the words of a project's name, and common variants: "pyyaml" is also "yaml"."""
    words = written_words(name)
    called = [word[2:] for word in words if word.startswith("py") and len(word) >= 5]
    return list(dict.fromkeys(stems([*words, *called, *_without_numbers(words)])))


def summary_words(*texts: str | None) -> list[str]:
    """Return the significant words of a summary or of keywords; "SSH2" is also "SSH"."""
    words = [word for text in texts for word in written_words(text) if word not in STOP_WORDS]
    return list(dict.fromkeys(stems([*words, *_without_numbers(words)])))


def _without_numbers(words: Iterable[str]) -> Iterator[str]:
    return (bare for word in words if len(bare := word.rstrip("0123456789")) >= 3 and bare != word)


def prose(description: str | None, most: int) -> str:
    """Return the first `most` characters of a description, without addresses and markup."""
    return _NO_PROSE.sub(" ", (description or "")[:most])


def letters(text: str) -> str:
    """Return a text without separators: "scikit-learn", "Scikit Learn" and "scikitlearn" become the same."""
    return "".join(_WORD.findall(text.casefold()))


def deletions(word: str, most: int) -> list[str]:
    """Return the first `most` letters of a word, and all variants of them with one letter left out.

    Two words that differ by a letter added, missing or replaced, or by two swapped letters, share one of them. Source:
    the symmetric delete algorithm (SymSpell), limited to the start of the words.
    """
    start = word[:most]
    return list(dict.fromkeys([start, *(start[:place] + start[place + 1 :] for place in range(len(start)))]))


class Near(NamedTuple):
    """A name or a word that is similar to another."""

    distance: int
    rank: int  # minus the number of releases, or of packages
    text: str


def nearest(word: str, rows: Iterable[tuple[Any, Any, Any]]) -> Near | None:
    """Return the most similar of some (letters, rank, text), if it differs by one letter, or by two in a long word."""
    allowed = 1 if len(word) < 8 else 2
    near = [
        Near(distance, -rank, text)
        for letters, rank, text in rows
        if isinstance(letters, str) and isinstance(rank, int) and isinstance(text, str)
        if (distance := OSA.distance(word, letters, score_cutoff=allowed)) <= allowed
    ]
    return min(near, default=None)
