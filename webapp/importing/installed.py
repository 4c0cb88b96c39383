"""Installed distributions -> Package documents, so that a new site shows real packages without a network."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import Distribution, PackageMetadata, distributions
from pathlib import Path

from webapp import naming
from webapp.documents import Package, Release
from webapp.importing.pypi_json import NO_KEY, split_keywords

log = logging.getLogger(__name__)

# Tells the packages with which a new site filled itself from all others.
INSTALLED_HERE = "installed on the machine where this index was started"


def installed_packages() -> Iterator[Package]:
    """Yield a package, with its one installed release, for each distribution of this Python environment.

    Source of the fields: the core metadata specification. A distribution whose metadata cannot be read, or has no
    usable name or no version, is passed over.
    """
    for distribution in distributions():
        try:
            yield package_from_distribution(distribution)
        except ValueError as error:
            log.info("an installed distribution is passed over: %s", error)


def package_from_distribution(distribution: Distribution) -> Package:
    """Return the package that an installed distribution describes. Raises ValueError, InvalidName among them."""
    metadata = distribution.metadata
    name = _text(metadata, "Name")
    if not _text(metadata, "Version"):
        raise ValueError(f"{name} has no version")
    author_name, author_email = _author(metadata)
    return Package(
        normalized_name=naming.normalize_name(name),
        name=name,
        summary=_text(metadata, "Summary"),
        # The description is the message's body since metadata 2.1, a field before.
        description=_text(metadata, "Description") or str(metadata.json.get("description", "")),
        description_content_type=_text(metadata, "Description-Content-Type") or None,
        home_page=_text(metadata, "Home-page"),
        project_urls=_project_urls(metadata),
        author_name=author_name,
        author_email=author_email,
        license=_text(metadata, "License"),
        license_expression=_text(metadata, "License-Expression") or None,
        keywords=split_keywords(_text(metadata, "Keywords")),
        classifiers=list(dict.fromkeys(metadata.get_all("Classifier") or [])),
        requires_python=_text(metadata, "Requires-Python") or None,
        requires_dist=metadata.get_all("Requires-Dist") or [],
        provides_extra=metadata.get_all("Provides-Extra") or [],
        releases=[_release(distribution)],
    )


def _release(distribution: Distribution) -> Release:
    metadata = distribution.metadata
    return Release(
        version=distribution.version,
        created_date=_installed_at(distribution),
        comment=INSTALLED_HERE,
        requires_python=_text(metadata, "Requires-Python") or None,
    )


def _text(metadata: PackageMetadata, key: str) -> str:
    text = str(metadata[key]).strip() if key in metadata else ""
    return "" if text == "UNKNOWN" else text


def _author(metadata: PackageMetadata) -> tuple[str, str]:
    """Name and address; since PEP 621 both may stand in the address field: "Ada <ada@example.org>"."""
    name = _text(metadata, "Author") or _text(metadata, "Maintainer")
    address = _text(metadata, "Author-email") or _text(metadata, "Maintainer-email")
    if not name and "<" in address:
        people = [person.rpartition("<") for person in address.split(",")]
        name = ", ".join(before.strip(' "') for before, sign, _ in people if sign and before.strip(' "'))
        address = ", ".join(after.strip(" >") for _, _, after in people)
    return name, address


def _project_urls(metadata: PackageMetadata) -> dict[str, str]:
    pairs = (line.partition(",") for line in metadata.get_all("Project-URL") or [])
    links = {label.strip(): url.strip() for label, _, url in pairs}
    return {label: url for label, url in links.items() if label and url and not NO_KEY.search(label)}


def _installed_at(distribution: Distribution) -> datetime | None:
    """The time at which the metadata was written: the only date that an installed distribution knows of itself."""
    for path in distribution.files or []:
        located = Path(path.locate())
        if path.name in ("METADATA", "PKG-INFO") and located.is_file():
            return datetime.fromtimestamp(int(located.stat().st_mtime), UTC)
    return None
