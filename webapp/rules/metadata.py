"""Validate core metadata of a new file, as strictly as its version requires.

Metadata of version 2.4 and later must be valid. Older metadata was written by tools that knew no better, such as
`Metadata-Version: 2.0` by `wheel`, or `Classifier` before its version by distutils, and installers do not mind. So old
metadata is refused only if it keeps installers from working; anything else causes a warning.

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
# How many warnings one file gets.
MAX_WARNINGS = 20
MAX_WARNING_LENGTH = 300

# Names that MongoDB does not allow for a field.
NO_KEY = re.compile(r"\A\$|\0")

STRICT_SINCE = Version("2.4")
_NEWEST_MAJOR = 2
# The fields that installers need of any file, and of a wheel; they build an sdist and use the result.
_NEEDED = ("name", "version")
_NEEDED_OF_WHEEL = ("metadata-version", *_NEEDED, "requires-dist")

# A requirement that uv still accepts: "six (>=1.*)", "a >=1<2", "a >=3.6,", "a !=~5.0", "a >='2'". Each part is
# possessive, so no text takes long.
_VERSION = r"['\"]?+(?:\d++!(?!=))?+[A-Za-z0-9][A-Za-z0-9.+_-]*+\*?+['\"]?+"
_CLAUSE = rf"\s*+(?:===?+|!=~?+|~=|<=?+|>=?+)\s*+{_VERSION}\s*+"
_CLAUSES = rf"{_CLAUSE}(?:,?+{_CLAUSE})*+,?+\s*+"
_OLD_REQUIREMENT = re.compile(
    rf"\s*+[A-Za-z0-9][A-Za-z0-9._-]*+\s*+(?:\[[A-Za-z0-9._,\s-]*+\]\s*+)?+(?:\({_CLAUSES}\)|{_CLAUSES})\s*+"
)


class Checked(NamedTuple):
    """Metadata that was accepted."""

    raw: RawMetadata
    warnings: list[str]  # oddities, one sentence each


def check_metadata(text: str, *, is_wheel: bool) -> Checked:
    """Return the parsed metadata. Raises BadDistribution."""
    raw, _ = parse_email(text)
    is_strict = _is_strict(raw)
    errors = [error for error in _errors(text) if not _is_everywhere(error, is_strict=is_strict)]
    needed = _NEEDED_OF_WHEEL if is_wheel else _NEEDED
    refused = errors if is_strict else [error for error in errors if _is_fatal(error, raw, needed)]
    if refused:
        raise BadDistribution(f"The metadata is not valid: {'; '.join(map(_reason, refused[:5]))}")
    too_much = _too_much(raw)
    if too_much and is_strict:
        raise BadDistribution(" ".join(too_much))
    warnings = [f"Metadata: {_reason(error)}." for error in errors]
    if raw.get("license_expression") and (old := _license_classifiers(raw)):
        warnings.append(f"Next to License-Expression, the classifier {shown(old[0])} has no meaning (PEP 639).")
    return Checked(raw, warnings + [f"{each} The rest is left out." for each in too_much])


def check_licenses(raw: RawMetadata, folder: str, paths: set[str]) -> None:
    """Refuse new metadata that violates PEP 639. Raises BadDistribution.

    `folder` contains the licence files: `<name>.dist-info/licenses` of a wheel, the only folder of an sdist.
    """
    if not _is_strict(raw):
        return
    if raw.get("license") and raw.get("license_expression"):
        raise BadDistribution("The metadata has both License and License-Expression; PEP 639 allows only one of them.")
    for path in raw.get("license_files", []):
        place = f"{folder}/{path}".lstrip("/")
        if place not in paths:
            raise BadDistribution(f"The metadata names a License-File that is not in the archive: {shown(place)}")


def _is_strict(raw: RawMetadata) -> bool:
    version = metadata_version(raw)
    return version is not None and version >= STRICT_SINCE


def metadata_version(raw: RawMetadata) -> Version | None:
    """Return the version of the metadata, or None if it is missing or invalid."""
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
    """Tell whether a warning is pointless: tools add fields, and setuptools wrote License-File for years."""
    is_early_license = not is_strict and isinstance(error, InvalidMetadata) and error.field == "license-file"
    return is_early_license or str(error).startswith("unrecognized field")


def _is_fatal(error: Exception, raw: RawMetadata, needed: tuple[str, ...]) -> bool:
    """Tell whether this error in old metadata keeps installers from working."""
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
    """Tell whether installers understand a requirement, including old spellings."""
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
    """Return which limits the metadata exceeds, one sentence each. In old metadata, such fields are not shown."""
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
    """Return the keywords of a `Keywords` field, separated by commas if there are any, otherwise by white space."""
    words = text.split(",") if "," in text else text.split()
    return list(dict.fromkeys(word.strip() for word in words if word.strip()))


# How tools indent the lines of a description in a header: distutils and setuptools with eight spaces, the specification
# with seven and "|".
_FOLDED = (re.compile(r"(?: {7}\|.*|\s*)"), re.compile(r"(?: {8}.*|\s*)"))


def unfolded(description: str, metadata: str | bytes) -> str:
    """Return a description without the indentation that it needs in a header of the metadata.

    In the body, where modern tools write it, the text needs none.
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
