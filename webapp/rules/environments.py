"""Which requirements apply to a Python version and a platform.

Sources: PEP 508 and the dependency specifiers specification; `packaging` reads and evaluates them.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement

from webapp.rules import naming

PYTHONS = ("3.15", "3.14", "3.13", "3.12", "3.11", "3.10", "3.9", "3.8")
DEFAULT_PYTHON = "3.14"
LINUX, MACOS, WINDOWS = "linux", "macos", "windows"
PLATFORMS = {LINUX: "Linux", MACOS: "macOS", WINDOWS: "Windows"}
_OF_PLATFORM = {
    LINUX: {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
    MACOS: {"os_name": "posix", "sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
    WINDOWS: {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64"},
}
# Longer requirements, or conditions with more parentheses, are not read: `packaging` recurses into them.
MAX_LENGTH, MAX_PARENTHESES = 1000, 30

Environment = dict[str, str]


class Needed(NamedTuple):
    """A requirement that was read."""

    name: str  # normalized
    asked: str  # ">=2,<3", or empty
    extras: frozenset[str]  # normalized
    condition: str  # "python_version < '3.11'", or empty
    marker: Marker | None


def environment_of(python: str, platform: str) -> Environment:
    """Return the values of all markers for CPython of this version on a platform: one of PYTHONS and PLATFORMS."""
    return {
        **_OF_PLATFORM[platform],
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_version": "",
    }


@lru_cache(maxsize=10_000)
def read(text: str) -> Needed | None:
    """Return a requirement, or None if it cannot be read."""
    if len(text) > MAX_LENGTH or text.count("(") > MAX_PARENTHESES:
        return None
    try:
        found = Requirement(text)
        name = naming.normalize_name(found.name)
        extras = frozenset(naming.normalize_name(extra) for extra in found.extras)
    except (InvalidRequirement, naming.InvalidName, RecursionError):
        return None
    asked = f"@ {found.url}" if found.url else str(found.specifier)
    return Needed(name, asked, extras, str(found.marker or ""), found.marker)


def applies(needed: Needed, environment: Environment, extras: Iterable[str]) -> bool:
    """Tell whether a requirement applies to an environment, or to one of the chosen extras there.

    One whose condition cannot be evaluated does.
    """
    if needed.marker is None:
        return True
    try:
        return any(needed.marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras))
    except (ValueError, TypeError, KeyError, RecursionError):
        return True
