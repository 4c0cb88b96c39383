"""Parse the text of a search."""

import re
from typing import NamedTuple

from webapp.documents.search_entry import AUTHOR, CLASSIFIER, LICENSE
from webapp.rules import pasted, wording

# More words do not improve a search, and each has a cost.
MAX_WORDS = 12
MAX_PHRASES = 4

_PREFIXES = {"author": AUTHOR, "license": LICENSE, "licence": LICENSE, "classifier": CLASSIFIER}
# A part is an optional "-", an optional field, and a quoted text or a run of characters other than white space.
_PART = re.compile(
    r'(?P<no>(?<!\S)-(?=[\w"]))?(?:(?P<field>[a-z]+):)?(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]+))', re.IGNORECASE
)


class Query(NamedTuple):
    """A parsed search text. Words are stems unless stated otherwise (`wording.stems`)."""

    text: str = ""  # the plain words as written, which may be a name
    words: tuple[str, ...] = ()  # all required
    written: tuple[str, ...] = ()  # the same words as written, to suggest corrections
    phrases: tuple[tuple[str, ...], ...] = ()  # words as written, in sequence
    excluded: tuple[str, ...] = ()  # not allowed
    fields: tuple[str, ...] = ()  # such as "author:ronach"; all required
    only_stop_words: bool = False
    project: str = ""  # the first word, where a version follows that makes it a project: "flask 3.1"

    @property
    def is_empty(self) -> bool:
        """Tell whether the query asks for nothing, and so matches everything."""
        return not (self.text or self.words or self.excluded or self.fields)


def parse(text: str) -> Query:
    """Parse a text: words, "phrases", -excluded, author:, license: and classifier:.

    A pasted command or requirement, such as `pip install "flask>=3"`, asks for the project that it names. Anything else
    is text. Words that nearly every project has ("the", "of") count only if there are no others.
    """
    text = pasted.required_name(text) or text
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
    significant = [word for word in written if word not in wording.STOP_WORDS] or written
    unique: dict[str, str] = {}
    for stem, word in zip(wording.stems(significant), significant, strict=True):
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
        project=pasted.name_before_version(text) or "",
    )
