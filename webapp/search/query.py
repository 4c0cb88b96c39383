"""What a reader's text asks for. A pure function of the text."""

import re
from typing import NamedTuple

from webapp.documents.search_entry import AUTHOR, CLASSIFIER, LICENSE
from webapp.rules import wording

# More words than this make no search better, and each costs.
MAX_WORDS = 12
MAX_PHRASES = 4

_PREFIXES = {"author": AUTHOR, "license": LICENSE, "licence": LICENSE, "classifier": CLASSIFIER}
# A part is an optional "-", an optional field, and a quoted text or a run of anything but white space. Whatever is no
# such part is white space.
_PART = re.compile(
    r'(?P<no>(?<!\S)-(?=[\w"]))?(?:(?P<field>[a-z]+):)?(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]+))', re.IGNORECASE
)


class Query(NamedTuple):
    """A reader's text, taken apart. All words are as a search compares them (`wording.stems`)."""

    text: str = ""  # the plain words as they were written: what may be a name
    words: tuple[str, ...] = ()  # must all be there
    written: tuple[str, ...] = ()  # the same as they were written, for a hint at a slip of the finger
    phrases: tuple[tuple[str, ...], ...] = ()  # words as written that must follow one another
    excluded: tuple[str, ...] = ()  # must not be there
    fields: tuple[str, ...] = ()  # "author:ronach": must be there
    only_stop_words: bool = False

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is asked for, so that everything is the answer."""
        return not (self.text or self.words or self.excluded or self.fields)


def parse(text: str) -> Query:
    """Take a reader's text apart: words, "phrases", -excluded, author:, license: and classifier:.

    Whatever means nothing is text. A word that nearly every project has ("the", "of") counts only where no other does.
    """
    plain: list[str] = []
    phrases: list[tuple[str, ...]] = []
    excluded: list[str] = []
    fields: list[str] = []
    for part in _PART.finditer(text):
        content = part["quoted"] if part["quoted"] is not None else part["plain"]
        prefix = _PREFIXES.get((part["field"] or "").casefold())
        written = wording.written_words(content)
        if part["no"]:
            excluded += wording.stems(written)
        elif prefix and written:
            fields += [prefix + word for word in wording.stems(written)]
        else:
            plain.append(content if not part["field"] else part[0])
            if part["quoted"] is not None and len(written) > 1:
                phrases.append(tuple(written))
    written = wording.written_words(" ".join(plain))
    telling = [word for word in written if word not in wording.STOP_WORDS] or written
    unique: dict[str, str] = {}
    for stem, word in zip(wording.stems(telling), telling, strict=True):
        unique.setdefault(stem, word)
    words = list(unique)[:MAX_WORDS]
    return Query(
        text=" ".join(plain),
        words=tuple(words),
        written=tuple(unique[word] for word in words),
        phrases=tuple(phrases[:MAX_PHRASES]),
        excluded=tuple(dict.fromkeys(excluded))[:MAX_WORDS],
        fields=tuple(dict.fromkeys(fields))[:MAX_WORDS],
        only_stop_words=bool(written) and all(word in wording.STOP_WORDS for word in written),
    )
