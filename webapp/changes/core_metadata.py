"""Core metadata, from METADATA and PKG-INFO files, to Package documents.

Source of the fields: the core metadata specification.
"""

from typing import Any

from packaging.metadata import RawMetadata, parse_email

from webapp.documents import Package
from webapp.rules import naming
from webapp.rules.metadata import (
    MAX_CLASSIFIER_LENGTH,
    MAX_CLASSIFIERS,
    MAX_KEYWORDS,
    MAX_SUMMARY_LENGTH,
    NO_KEY,
    split_keywords,
    unfolded,
)


def package_from_metadata(text: str | bytes) -> Package:
    """Return the package that core metadata describe, without releases. Raises InvalidName.

    Whatever `packaging` cannot parse is left out, and so is what exceeds the limits of a new file.
    """
    raw, _ = parse_email(text)
    name = _text(raw, "name")
    return Package(
        normalized_name=naming.normalize_name(name),
        name=name,
        summary=_text(raw, "summary")[:MAX_SUMMARY_LENGTH],
        description=unfolded(raw.get("description") or "", text),
        description_content_type=_text(raw, "description_content_type") or None,
        home_page=_text(raw, "home_page"),
        download_url=_text(raw, "download_url") or None,
        project_urls=_project_urls(raw),
        author_name=_text(raw, "author"),
        author_email=_text(raw, "author_email"),
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


def _project_urls(raw: RawMetadata) -> dict[str, str]:
    links = {label.strip(): url.strip() for label, url in raw.get("project_urls", {}).items()}
    return {label: url for label, url in links.items() if label and url and not NO_KEY.search(label)}
