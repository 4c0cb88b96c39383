"""Rules for project names, versions and licences. Pure functions: no Flask, no MongoDB."""

import re
import sys
from collections.abc import Iterable
from typing import NamedTuple

from packaging.utils import NormalizedName
from packaging.version import InvalidVersion, Version

from webapp.rules.license_names import license_name

MAX_NAME_LENGTH = 200
MAX_VERSION_LENGTH = 200
MAX_LICENSE_ID_LENGTH = 64

_NAME = re.compile(r"[A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9]", re.IGNORECASE | re.ASCII)
_SEPARATORS = re.compile(r"[-_.]+")
_DIGITS = re.compile(r"[0-9]+")
# A requirement starts with a name; extras, versions, an address or a marker may follow (PEP 508).
_REQUIRED = re.compile(r"\s*([A-Z0-9](?:[A-Z0-9._-]*[A-Z0-9])?)\s*(?:$|[\[(<>=!~;@])", re.IGNORECASE | re.ASCII)
_EXTRA = re.compile(r"\bextra\b")
# What authors write instead of a licence's name: where to find it.
_NO_LICENSE = re.compile(
    r"\b(?:see|refer|classifiers?|licen[cs]e\.(?:txt|md|rst))\b|^(?:licen[cs]e|other|none)$", re.IGNORECASE
)
_LANGUAGE_PREFIX = "Programming Language :: "
_ALIKE = str.maketrans({"-": None, "_": None, ".": None, "l": "1", "i": "1", "o": "0"})
# Modules that were removed from Python (PEP 594, PEP 632, Python 3.12).
_GONE_MODULES = (
    *("aifc", "asynchat", "asyncore", "audioop", "cgi", "cgitb", "chunk", "crypt", "distutils", "imghdr", "imp"),
    *("lib2to3", "mailcap", "msilib", "nis", "nntplib", "ossaudiodev", "pipes", "smtpd", "sndhdr", "spwd", "sunau"),
    *("telnetlib", "uu", "xdrlib"),
)


class InvalidName(ValueError):
    """The text is not a valid project name. Source: the core metadata's `Name` field."""


def normalize_name(name: str) -> NormalizedName:
    """Return the comparison form of a project name: "Flask_Login" -> "flask-login".

    Source: PEP 503. Raises InvalidName unless the name consists of ASCII letters, digits, "-", "_" and
    ".", and starts and ends with a letter or digit.
    """
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidName(f"a project name has at most {MAX_NAME_LENGTH} characters")
    if not _NAME.fullmatch(name):
        raise InvalidName(f"{name!r} is not a project name")
    return NormalizedName(_SEPARATORS.sub("-", name).lower())


# The names of the standard library's modules, normalized like projects.
STANDARD_LIBRARY = frozenset(
    normalize_name(module.strip("_")) for module in (*sys.stdlib_module_names, *_GONE_MODULES) if module.strip("_")
)


def skeleton(name: str) -> str:
    """Return the same text for names that are easily confused: "Py-Oil" and "pyo1l" -> "py011".

    Without separators and case, and with 1 for the letters l and i and 0 for the letter o. Source: the function
    `ultranormalize_name` of Warehouse, the software of pypi.org, which refuses new projects by it.
    """
    return name.lower().translate(_ALIKE)


def required_names(requirements: Iterable[str]) -> list[str]:
    """Return the normalized names of the projects in some requirements, each once: ["Flask>=3"] -> ["flask"].

    Requirements of extras are left out, and so is invalid text. Only names are needed, so no parser is used: it would
    recurse into nested parentheses until it fails. Source: PEP 508.
    """
    always = (text for text in requirements if not is_of_an_extra(text.partition(";")[2]))
    found = map(_REQUIRED.match, always)
    names = (_SEPARATORS.sub("-", match[1]).lower() for match in found if match)
    return list(dict.fromkeys(name for name in names if len(name) <= MAX_NAME_LENGTH))


def is_of_an_extra(condition: str) -> bool:
    """Tell whether a marker depends on an extra: "extra == 'test'"."""
    return _EXTRA.search(condition) is not None


def parse_version(version: str) -> Version | None:
    """Return the version, or None if PEP 440 cannot parse it."""
    if len(version) > MAX_VERSION_LENGTH:
        return None
    try:
        return Version(version)
    except InvalidVersion:
        return None


def is_prerelease(version: str) -> bool:
    """Tell whether a version is an alpha, beta, candidate or development release (PEP 440)."""
    parsed = parse_version(version)
    return parsed is not None and parsed.is_prerelease


def sort_key(version: str) -> str:
    """Return text that sorts as PEP 440 orders versions: "1.10rc1" -> "a0!a1.b10-ra1.0z".

    A letter before each number says how many digits it has (a = 1, b = 2, ...), so that the order of text, which
    MongoDB's indexes have, is the order of the numbers. Versions that PEP 440 cannot parse get keys that start with "!"
    and sort before all others, ordered by their words and numbers. Equal versions ("1.0" and "1.0.0") have equal keys.
    Source of the order: PEP 440, "Summary of permitted suffixes and relative ordering".
    """
    parsed = parse_version(version)
    if parsed is None:
        return "!" + _DIGITS.sub(lambda run: _number(int(run[0])), version.lower()[:MAX_VERSION_LENGTH])
    segments = list(parsed.release)
    while len(segments) > 1 and segments[-1] == 0:
        segments.pop()
    if parsed.pre is not None:
        # The first letter is enough to tell "a", "b" and "rc" apart.
        pre = parsed.pre[0][0] + _number(parsed.pre[1])
    elif parsed.post is None and parsed.dev is not None:
        pre = "0"  # 1.0.dev1 comes before 1.0a1
    else:
        pre = "z"
    post = "0" if parsed.post is None else "p" + _number(parsed.post)
    dev = "z" if parsed.dev is None else "d" + _number(parsed.dev)
    release = ".".join(_number(segment) for segment in segments)
    return f"{_number(parsed.epoch)}!{release}-{pre}{post}{dev}{_local(parsed.local)}"


def _number(value: int) -> str:
    digits = str(value)
    if len(digits) < 26:
        return chr(ord("a") + len(digits) - 1) + digits
    return "z" + _number(len(digits)) + digits


def _local(local: str | None) -> str:
    """PEP 440: numbers sort above words, and a longer local version above its own prefix."""
    if local is None:
        return ""
    parts = (f"2{_number(int(p))}" if p.isdecimal() else f"1{p}" for p in local.split("."))
    return "+" + "".join(part + "." for part in parts)


class ReleaseRank(NamedTuple):
    """Decides which release is shown first; the greatest is the latest."""

    not_yanked: bool
    stable: bool
    sort_key: str
    version: str


def rank_release(version: str, key: str, *, yanked: bool, prerelease: bool) -> ReleaseRank:
    """Return the rank by which `latest` is chosen.

    Not yanked before yanked (PEP 592), stable before pre-release, then the highest version. Versions that PEP 440
    cannot parse come last and do not count as stable.
    """
    stable = not prerelease and not key.startswith("!")
    return ReleaseRank(not yanked, stable, key, version)


def license_id(license: str | None, expression: str | None, classifiers: Iterable[str]) -> str | None:
    """Return the short name under which a project's licence is listed, or None if there is none.

    The SPDX expression comes first (PEP 639), then the `License` text if it is a name rather than a whole licence, then
    the last part of a licence classifier. It is written as in `license_names`: "mit", "MIT License" -> "MIT".
    """
    texts = [expression or "", license or ""]
    texts += [c.rpartition(" :: ")[2] for c in classifiers if c.startswith("License :: ")]
    for text in texts:
        text = text.strip()
        if (
            0 < len(text) <= MAX_LICENSE_ID_LENGTH
            and text.isprintable()
            and text.upper() != "UNKNOWN"
            and not _NO_LICENSE.search(text)
        ):
            return license_name(text)
    return None


def language_id(classifier: str) -> str | None:
    """Return the id of a programming language: "Programming Language :: Python :: 3.4" -> "python-3.4".

    None for a classifier of any other kind. The signs in "C++" and "C#" are kept, because they distinguish languages.
    """
    if not classifier.startswith(_LANGUAGE_PREFIX):
        return None
    words = re.split(r"[^a-z0-9.+#]+", classifier.removeprefix(_LANGUAGE_PREFIX).lower())
    return "-".join(word for word in words if word) or None
