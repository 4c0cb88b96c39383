"""Whether core metadata are good enough for a new file of an index: as strict as their version says.

Metadata of version 2.4 and later must be valid. Older ones were written by tools that knew no better, for instance
`Metadata-Version: 2.0` by `wheel` and `Classifier` before its version by distutils, and installers do not mind; so of
these only that is refused which keeps installers from working, and the rest is warned about.

Sources: the core metadata specification, PEP 639 (licences), PEP 440 and PEP 508 (requirements).
"""

import re
import textwrap
from typing import NamedTuple

from packaging.markers import InvalidMarker, Marker
from packaging.metadata import InvalidMetadata, Metadata, RawMetadata, parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from webapp.rules.archives import BadDistribution, shown

MAX_SUMMARY_LENGTH = 1000
MAX_CLASSIFIERS = 200
MAX_CLASSIFIER_LENGTH = 200
MAX_KEYWORDS = 500
# What is told of one file.
MAX_WARNINGS = 20
MAX_WARNING_LENGTH = 300

# What the name of a field in MongoDB cannot be.
NO_KEY = re.compile(r"\A\$|\0")

STRICT_SINCE = Version("2.4")
_NEWEST_MAJOR = 2
# What installers need of any file, and of a wheel; they build an sdist and read what comes of that.
_NEEDED = ("name", "version")
_NEEDED_OF_WHEEL = ("metadata-version", *_NEEDED, "requires-dist")

# A requirement as uv still reads it: "six (>=1.*)", "a >=1<2", "a >=3.6,", "a !=~5.0", "a >='2'". Each part takes all
# that it can and gives nothing back, so that no text takes long.
_VERSION = r"['\"]?+(?:\d++!(?!=))?+[A-Za-z0-9][A-Za-z0-9.+_-]*+\*?+['\"]?+"
_CLAUSE = rf"\s*+(?:===?+|!=~?+|~=|<=?+|>=?+)\s*+{_VERSION}\s*+"
_CLAUSES = rf"{_CLAUSE}(?:,?+{_CLAUSE})*+,?+\s*+"
_OLD_REQUIREMENT = re.compile(
    rf"\s*+[A-Za-z0-9][A-Za-z0-9._-]*+\s*+(?:\[[A-Za-z0-9._,\s-]*+\]\s*+)?+(?:\({_CLAUSES}\)|{_CLAUSES})\s*+"
)


class Checked(NamedTuple):
    """Metadata that are good enough."""

    raw: RawMetadata
    warnings: list[str]  # what is odd, a sentence each


def check_metadata(text: str, *, is_wheel: bool) -> Checked:
    """Return what metadata say. Raises BadDistribution."""
    raw, _ = parse_email(text)
    is_strict = _is_strict(raw)
    errors = [error for error in _errors(text) if not _is_everywhere(error, is_strict=is_strict)]
    needed = _NEEDED_OF_WHEEL if is_wheel else _NEEDED
    refused = errors if is_strict else [error for error in errors if _is_fatal(error, raw, needed)]
    if refused:
        raise BadDistribution(f"The metadata are not valid: {'; '.join(map(_reason, refused[:5]))}")
    too_much = _too_much(raw)
    if too_much and is_strict:
        raise BadDistribution(" ".join(too_much))
    warnings = [f"Metadata: {_reason(error)}." for error in errors]
    if raw.get("license_expression") and (old := _license_classifiers(raw)):
        warnings.append(f"Beside License-Expression the classifier {shown(old[0])} says nothing (PEP 639).")
    return Checked(raw, warnings + [f"{each} The rest is left out." for each in too_much])


def check_licenses(raw: RawMetadata, folder: str, paths: set[str]) -> None:
    """Refuse new metadata that break the rules of PEP 639. Raises BadDistribution.

    `folder` is where the licence files stand: `<name>.dist-info/licenses` of a wheel, the only folder of an sdist.
    """
    if not _is_strict(raw):
        return
    if raw.get("license") and raw.get("license_expression"):
        raise BadDistribution("The metadata have License beside License-Expression; PEP 639 allows one of them.")
    for path in raw.get("license_files", []):
        place = f"{folder}/{path}".lstrip("/")
        if place not in paths:
            raise BadDistribution(f"The metadata name a License-File that is not in the archive: {shown(place)}")


def _is_strict(raw: RawMetadata) -> bool:
    version = metadata_version(raw)
    return version is not None and version >= STRICT_SINCE


def metadata_version(raw: RawMetadata) -> Version | None:
    """Return the version of metadata, or None when there is none, or no real one."""
    try:
        return Version(raw.get("metadata_version", ""))
    except InvalidVersion:
        return None


def _errors(text: str) -> list[Exception]:
    try:
        Metadata.from_email(text, validate=True)
    except ExceptionGroup as group:
        return sorted(group.exceptions, key=str)
    return []


def _is_everywhere(error: Exception, *, is_strict: bool) -> bool:
    """Tell whether nobody needs to hear of this: tools add fields, and setuptools wrote License-File for years."""
    is_early_license = not is_strict and isinstance(error, InvalidMetadata) and error.field == "license-file"
    return is_early_license or str(error).startswith("unrecognized field")


def _is_fatal(error: Exception, raw: RawMetadata, needed: tuple[str, ...]) -> bool:
    """Tell whether installers cannot do without what this error of old metadata is about."""
    field = error.field if isinstance(error, InvalidMetadata) else ""
    if field not in needed:
        return False
    if "introduced in" in str(error):
        return False
    if field == "metadata-version":
        version = metadata_version(raw)
        return version is None or version.major > _NEWEST_MAJOR
    if field == "requires-dist":
        return not all(map(_can_be_read, raw.get("requires_dist", [])))
    return True


def _can_be_read(requirement: str) -> bool:
    """Tell whether installers make sense of a requirement, old spellings included."""
    try:
        Requirement(requirement)
    except InvalidRequirement:
        asked, semicolon, condition = requirement.partition(";")
    else:
        return True
    try:
        return bool(_OLD_REQUIREMENT.fullmatch(asked) and (not semicolon or Marker(condition)))
    except InvalidMarker:
        return False


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:MAX_WARNING_LENGTH]


def _license_classifiers(raw: RawMetadata) -> list[str]:
    return [each for each in raw.get("classifiers", []) if each.startswith("License :: ")]


def _too_much(raw: RawMetadata) -> list[str]:
    """Return which limits metadata pass, a sentence each; what passes them in old metadata is not shown."""
    classifiers = raw.get("classifiers", [])
    found = []
    if len(raw.get("summary") or "") > MAX_SUMMARY_LENGTH:
        found.append(f"The summary has more than {MAX_SUMMARY_LENGTH:,} characters.")
    if len(classifiers) > MAX_CLASSIFIERS or any(len(each) > MAX_CLASSIFIER_LENGTH for each in classifiers):
        found.append(f"At most {MAX_CLASSIFIERS} classifiers of {MAX_CLASSIFIER_LENGTH} characters, please.")
    if len(raw.get("keywords", [])) > MAX_KEYWORDS:
        found.append(f"At most {MAX_KEYWORDS} keywords, please.")
    return found


def split_keywords(text: str) -> list[str]:
    """Return the keywords of a `Keywords` field: by comma where there is one, else by white space."""
    words = text.split(",") if "," in text else text.split()
    return list(dict.fromkeys(word.strip() for word in words if word.strip()))


# How tools write the lines of a description after the first, where it stands in a header: distutils and setuptools
# put eight spaces before each, the specification seven and "|".
_FOLDED = (re.compile(r"(?: {7}\|.*|\s*)"), re.compile(r"(?: {8}.*|\s*)"))


def unfolded(description: str, metadata: str | bytes) -> str:
    """Return a description without what was put before its lines because it stands in a header of the metadata.

    In the body, where today's tools write it, the text stands as it is.
    """
    first, newline, rest = description.partition("\n")
    if not newline or not _is_in_header(metadata):
        return description
    lines = rest.split("\n")
    for form in _FOLDED:
        if all(map(form.fullmatch, lines)):
            return "\n".join([first, *(line[8:] for line in lines)])
    return "\n".join([first, *textwrap.dedent(rest).split("\n")])


def _is_in_header(metadata: str | bytes) -> bool:
    text = metadata.decode(errors="replace") if isinstance(metadata, bytes) else metadata
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    return not body.strip() and bool(re.search(r"^Description:", head, re.IGNORECASE | re.MULTILINE))
