"""Highlight the words of a search in its results."""

import re

from markupsafe import Markup, escape

from webapp.rules import wording

_WORD = re.compile(r"[^\W_]+")


def marked(text: str | None, words: list[str], letters: str = "") -> Markup:
    """Return a text as HTML, with these words in <mark>, or its start if that consists of these letters."""
    text = text or ""
    end = _end_of(text, letters) if letters else 0
    spans = [(0, end)] if end else _spans(text, words)
    parts: list[str] = []
    done = 0
    for start, stop in spans:
        parts += [escape(text[done:start]), "<mark>", escape(text[start:stop]), "</mark>"]
        done = stop
    if not parts:
        return escape(text)
    # Each part is escaped, or a tag. Adding Markup to Markup takes three times as long.
    return Markup("".join([*parts, escape(text[done:])]))  # noqa: S704 - see above


def _end_of(text: str, letters: str) -> int:
    """Return where the start of the text that consists of these letters ends; 0 if it starts otherwise."""
    missing = letters
    for place, character in enumerate(text):
        if folded := wording.letters(character):
            if not missing.startswith(folded):
                return 0
            missing = missing[len(folded) :]
        if not missing:
            return place + 1
    return 0


def _spans(text: str, words: list[str]) -> list[tuple[int, int]]:
    found = list(_WORD.finditer(text)) if words else []
    stems = wording.stems([match[0].casefold() for match in found])
    return [match.span() for match, stem in zip(found, stems, strict=True) if stem in words]
