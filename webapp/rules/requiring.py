"""What a project requires of another one: versions, and conditions.

Markers are shown as written: they are not evaluated here, so they need not be parsed.

Sources: PEP 508 (requirements), PEP 440 (the versions in a range).
"""

import re
from collections.abc import Iterable
from functools import lru_cache
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


# The part of a marker that names an extra, which tools write first or last, and the rest with or without parentheses.
_EXTRA = re.compile(r"""\(?\s*extra\s*==\s*["'](?P<extra>[^"']*)["']\s*\)?""")


def by_extra(requirements: Iterable[str]) -> dict[str, list[dict[str, str]]]:
    """Return the requirements of each extra, and under "" those of the project itself.

    ["Flask[async]>=2", "pytest>=7; python_version<'3.9' and extra == 'test'"] -> {"": [{name: "Flask", normalized_name:
    "flask", range: "[async] >=2", condition: ""}], "test": [{..., condition: "python_version<'3.9'"}]}. What is not a
    requirement has itself as its `name`, and no `normalized_name`.
    """
    found: dict[str, list[dict[str, str]]] = {}
    for requirement in requirements:
        subject, _, condition = requirement.partition(";")
        match = _REQUIREMENT.fullmatch(subject)
        extra, rest = _without_extra(" ".join(condition.split()))
        found.setdefault(extra, []).append(
            {
                "name": match["name"] if match else _shortened(subject.strip()),
                "normalized_name": (_normal(match["name"]) or "") if match else "",
                "range": _range_of(match) if match else "",
                "condition": _shortened(rest),
            }
        )
    return found


def _without_extra(condition: str) -> tuple[str, str]:
    """Return the extra that a marker names, and the rest of the marker.

    A marker that says more than "this extra, and the rest" stays whole.
    """
    parts = condition.split(" and ")
    extras = [match["extra"] for part in parts if (match := _EXTRA.fullmatch(part))]
    rest = " and ".join(part for part in parts if not _EXTRA.fullmatch(part))
    is_grouped = rest.startswith("(") and rest.find(")") == len(rest) - 1
    if (
        len(extras) != 1
        or naming.is_of_an_extra(rest)
        or rest.count("(") != rest.count(")")
        or (" or " in rest and not is_grouped)
    ):
        return "", condition
    return extras[0], rest[1:-1].strip() if is_grouped else rest


def _range_of(match: re.Match[str]) -> str:
    asked = match["range"].strip().removeprefix("(").removesuffix(")").strip()
    extras = f"[{match['extras'].strip()}]" if match["extras"] else ""
    return _shortened(f"{extras} {asked}".strip())


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
        found.append(
            {
                "range": _range_of(match),
                "condition": _shortened(" ".join(condition.split())),
                "excludes": version is not None and _excludes(asked, version),
            }
        )
    return found


def ranges_of(requirements: Iterable[str]) -> dict[str, list[str]]:
    """Return what is asked of each project: ["Flask>=2,<4", "pytest; extra == 'test'"] -> {"flask": [">=2,<4"]}.

    Requirements of extras are left out, as in `naming.required_names`.
    """
    found: dict[str, list[str]] = {}
    for requirement in requirements:
        subject, _, condition = requirement.partition(";")
        match = _REQUIREMENT.fullmatch(subject)
        if match and not naming.is_of_an_extra(condition) and (name := _normal(match["name"])):
            found.setdefault(name, []).append(match["range"].strip().removeprefix("(").removesuffix(")").strip())
    return found


def first_admitted(asked: str, versions: Iterable[str]) -> str | None:
    """Return the first of some versions that a range contains, or None.

    Pre-releases count. A range that nobody can read contains every version.
    """
    specifiers = _specifiers(asked)
    if specifiers is None:
        return next(iter(versions), None)
    return next((version for version in versions if _is_in(specifiers, version)), None)


def bounds_of(asked: str) -> list[str]:
    """Return the versions that a range names and may contain: ">=1.2,<2" -> ["1.2"]."""
    specifiers = _specifiers(asked) or ()
    return [
        each.version for each in specifiers if each.operator in (">=", "==", "<=", "~=") and "*" not in each.version
    ]


def _is_in(specifiers: SpecifierSet, version: str) -> bool:
    parsed = naming.parse_version(version)
    return parsed is not None and specifiers.contains(parsed, prereleases=True)


# Many projects ask the same.
@lru_cache(maxsize=5000)
def _specifiers(asked: str) -> SpecifierSet | None:
    if len(asked) > MAX_RANGE_LENGTH:
        return None
    try:
        return SpecifierSet(asked)
    except InvalidSpecifier:  # a direct reference, or a spelling from before PEP 440
        return None


def _normal(name: str) -> str | None:
    try:
        return naming.normalize_name(name)
    except naming.InvalidName:
        return None


def _excludes(asked: str, version: str) -> bool:
    specifiers = _specifiers(asked)
    return specifiers is not None and naming.parse_version(version) is not None and not _is_in(specifiers, version)


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_RANGE_LENGTH else text[: MAX_RANGE_LENGTH - 1] + "…"
