"""The differences between two releases of a project: requirements, lists, files and descriptions."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from webapp.rules import naming

Plain = dict[str, Any]

# difflib takes some seconds for a few thousand lines that repeat one another. Lines around a change are not counted.
MAX_LINES = 1000
MAX_LINE_LENGTH = 1000
_NAMED = re.compile(r"\s*[A-Za-z0-9._-]+\s*(?P<extras>\[[^\]]*\])?(?P<versions>[^\[\]]*)", re.DOTALL)
# How many unchanged lines are shown around each change.
CONTEXT = 3


def added_and_removed(old: Iterable[str], new: Iterable[str]) -> Plain:
    """Return what only one of two lists contains: {added: [...], removed: [...]}, in order."""
    before, after = list(dict.fromkeys(old)), list(dict.fromkeys(new))
    return {
        "added": [each for each in after if each not in set(before)],
        "removed": [each for each in before if each not in set(after)],
    }


def requirements(old: Iterable[str], new: Iterable[str]) -> Plain:
    """Return how requirements differ: {added, removed, changed: [{before: "click>=7", after: "click>=8"}]}.

    A requirement counts as changed if one for the same project and the same environments replaces another. The same
    one in another spelling, "idna (<4,>=2.5)" instead of "idna>=2.5,<4", has not changed: tools write them differently.
    """
    before_by, after_by = ({_meaning(each): _spaced(each) for each in side} for side in (old, new))
    difference: dict[str, list[Any]] = {
        "added": [text for meaning, text in after_by.items() if meaning not in before_by],
        "removed": [text for meaning, text in before_by.items() if meaning not in after_by],
    }
    changed = []
    for before in list(difference["removed"]):
        after = next((each for each in difference["added"] if _subject(each) == _subject(before)), None)
        if after:
            difference["removed"].remove(before)
            difference["added"].remove(after)
            changed.append({"before": before, "after": after})
    return difference | {"changed": changed}


def _spaced(requirement: str) -> str:
    return " ".join(requirement.split())


def _meaning(requirement: str) -> tuple[str, str, frozenset[str]]:
    """Return a form that all spellings of a requirement share, or the text unchanged if it is not a requirement."""
    subject, marker = _subject(requirement)
    specifier = requirement.partition(";")[0]
    match = _NAMED.fullmatch(specifier)
    if match is None:
        return specifier, marker, frozenset()
    versions = match["versions"].strip().removeprefix("(").removesuffix(")")
    return subject + _close(match["extras"] or ""), marker, frozenset(map(_close, versions.split(",")))


def _close(text: str) -> str:
    return "".join(text.split())


def _subject(requirement: str) -> tuple[str, str]:
    """Return the project and the condition of a requirement: "Click>=8; extra == 'x'" -> ("click", "extra=='x'")."""
    specifier, _, marker = requirement.partition(";")
    names = naming.required_names([specifier])
    return (names[0] if names else specifier), marker.replace(" ", "").replace('"', "'")


def files(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Plain]:
    """Return the files of two releases side by side: [{filename, before, after}], sizes in bytes.

    Files whose names differ only in the version are paired. `before` or `after` is absent if there is no such file, and
    None if its size is unknown.
    """
    rows: dict[str, Plain] = {}
    for side, release in (("before", old), ("after", new)):
        for file in release.get("files", []):
            if filename := file.get("filename"):
                row = rows.setdefault(filename.replace(release["version"], "", 1), {})
                row |= {"filename": filename, side: file.get("size")}
    return [rows[key] for key in sorted(rows)]


def description_lines(old: str, new: str) -> list[Plain] | None:
    """Return the lines in which two texts differ, with some context: [{kind, text}], or None if there are too many.

    A kind is "added", "removed", "same", or "gap" where lines are left out.
    """
    before, after = old.splitlines(), new.splitlines()
    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    head = max(0, start - CONTEXT)
    before, after = before[head : _kept(before, end)], after[head : _kept(after, end)]
    if max(len(before), len(after)) > MAX_LINES:
        return None
    kinds = {"+": "added", "-": "removed", " ": "same", "@": "gap"}
    # The first two lines name files, and the third says where the first change is.
    lines = list(difflib.unified_diff(before, after, n=CONTEXT, lineterm=""))[3:]
    return [{"kind": kinds[line[0]], "text": "" if line[0] == "@" else line[1 : MAX_LINE_LENGTH + 1]} for line in lines]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many lines two texts have in common at the start."""
    alike = (number for number, (mine, theirs) in enumerate(zip(one, other, strict=False)) if mine != theirs)
    return next(alike, min(len(one), len(other)))


def _kept(lines: Sequence[str], same_at_the_end: int) -> int:
    return len(lines) - max(0, same_at_the_end - CONTEXT)
