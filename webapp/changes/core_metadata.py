"""Core metadata, as METADATA and PKG-INFO hold it -> Package documents.

Source of the fields: the core metadata specification.
"""

from typing import Any

from packaging.metadata import RawMetadata, parse_email

from webapp.changes.pypi_json import NO_KEY, split_keywords
from webapp.documents import Package
from webapp.rules import naming
from webapp.rules.metadata import MAX_CLASSIFIER_LENGTH, MAX_CLASSIFIERS, MAX_KEYWORDS, MAX_SUMMARY_LENGTH

# The fields of a package that come from its metadata; all others are what the index knows.
FIELDS = (
    *("name", "summary", "description", "description_content_type", "home_page", "download_url", "project_urls"),
    *("author_name", "author_email", "maintainer_name", "maintainer_email"),
    *("license", "license_expression", "license_files", "keywords", "platform", "dynamic", "classifiers"),
    *("requires_python", "requires_dist", "provides_extra"),
)


def package_from_metadata(text: str | bytes) -> Package:
    """Return the package that core metadata describe, without releases. Raises InvalidName.

    What `packaging` cannot make sense of is left out, and so is what is more than a new file may have.
    """
    raw, _ = parse_email(text)
    name = _text(raw, "name")
    author_name, author_email = _author(raw)
    return Package(
        normalized_name=naming.normalize_name(name),
        name=name,
        summary=_text(raw, "summary")[:MAX_SUMMARY_LENGTH],
        description=raw.get("description") or "",
        description_content_type=_text(raw, "description_content_type") or None,
        home_page=_text(raw, "home_page"),
        download_url=_text(raw, "download_url") or None,
        project_urls=_project_urls(raw),
        author_name=author_name,
        author_email=author_email,
        maintainer_name=_text(raw, "maintainer") or None,
        maintainer_email=_text(raw, "maintainer_email") or None,
        license=_text(raw, "license"),
        license_expression=_text(raw, "license_expression") or None,
        license_files=raw.get("license_files", []),
        keywords=split_keywords(", ".join(raw.get("keywords", [])))[:MAX_KEYWORDS],
        platform=", ".join(each for each in raw.get("platforms", []) if each != "UNKNOWN") or None,
        dynamic=raw.get("dynamic", []),
        classifiers=_classifiers(raw),
        requires_python=_text(raw, "requires_python") or None,
        requires_dist=raw.get("requires_dist", []),
        provides_extra=raw.get("provides_extra", []),
    )


def _classifiers(raw: RawMetadata) -> list[str]:
    short = [each for each in raw.get("classifiers", []) if len(each) <= MAX_CLASSIFIER_LENGTH]
    return list(dict.fromkeys(short))[:MAX_CLASSIFIERS]


def _text(raw: RawMetadata, key: str) -> str:
    value: Any = raw.get(key)
    text = value.strip() if isinstance(value, str) else ""
    return "" if text == "UNKNOWN" else text


def _author(raw: RawMetadata) -> tuple[str, str]:
    """Name and address; since PEP 621 both may stand in the address field: "Ada <ada@example.org>"."""
    name = _text(raw, "author") or _text(raw, "maintainer")
    address = _text(raw, "author_email") or _text(raw, "maintainer_email")
    if not name and "<" in address:
        people = [person.rpartition("<") for person in address.split(",")]
        name = ", ".join(before.strip(' "') for before, sign, _ in people if sign and before.strip(' "'))
        address = ", ".join(after.strip(" >") for _, _, after in people)
    return name, address


def _project_urls(raw: RawMetadata) -> dict[str, str]:
    links = {label.strip(): url.strip() for label, url in raw.get("project_urls", {}).items()}
    return {label: url for label, url in links.items() if label and url and not NO_KEY.search(label)}
