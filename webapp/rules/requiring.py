"""What a project requires of another one: versions, and conditions.

Markers are shown as written: they are not evaluated here, so they need not be parsed.

Sources: PEP 508 (requirements), PEP 440 (the versions in a range).
"""

import re
from collections.abc import Iterable
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import NormalizedName

from webapp.rules import naming

# Longer text is shown in part, and not compared with any version.
MAX_RANGE_LENGTH = 200
_REQUIREMENT = re.compile(
    r"\s*(?P<name>[A-Z0-9](?:[A-Z0-9._-]*[A-Z0-9])?)\s*(?:\[(?P<extras>[^\]]*)\])?\s*(?P<range>.*)",
    re.IGNORECASE | re.ASCII | re.DOTALL,
)


def asked_of(requirements: Iterable[str], normalized_name: NormalizedName, version: str | None) -> list[dict[str, Any]]:
    """Return what some requirements ask of one project: [{range: ">=2", condition: "python_version<'3.8'", excludes}].

    One for each requirement; `range` and `condition` may be empty. `excludes` says whether the range does not contain
    this version. A pre-release counts like any other, because whoever asks about it means it. It is False if nobody can
    tell.
    """
    found = []
    for requirement in requirements:
        subject, _, condition = requirement.partition(";")
        match = _REQUIREMENT.fullmatch(subject)
        if match is None or _normal(match["name"]) != normalized_name:
            continue
        asked = match["range"].strip().removeprefix("(").removesuffix(")").strip()
        extras = f"[{match['extras'].strip()}]" if match["extras"] else ""
        found.append(
            {
                "range": _shortened(f"{extras} {asked}".strip()),
                "condition": _shortened(" ".join(condition.split())),
                "excludes": version is not None and _excludes(asked, version),
            }
        )
    return found


def _normal(name: str) -> str | None:
    try:
        return naming.normalize_name(name)
    except naming.InvalidName:
        return None


def _excludes(asked: str, version: str) -> bool:
    parsed = naming.parse_version(version)
    if parsed is None or len(asked) > MAX_RANGE_LENGTH:
        return False
    try:
        return not SpecifierSet(asked).contains(parsed, prereleases=True)
    except InvalidSpecifier:  # a direct reference, or a spelling from before PEP 440
        return False


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_RANGE_LENGTH else text[: MAX_RANGE_LENGTH - 1] + "…"
