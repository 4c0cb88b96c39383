"""Installed distributions as Package documents, so that a new site shows real packages without a network."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path

from webapp.changes.core_metadata import package_from_metadata
from webapp.documents import Package, Release

log = logging.getLogger(__name__)

# Marks the packages with which a new site filled itself.
INSTALLED_HERE = "installed on the machine where this index was started"


def installed_packages() -> Iterator[Package]:
    """Yield a package, with its installed release, for each distribution in this Python environment.

    Source of the fields: the core metadata specification. Distributions with unreadable metadata, an invalid name or no
    version are skipped.
    """
    for distribution in distributions():
        try:
            yield package_from_distribution(distribution)
        except ValueError as error:
            log.info("an installed distribution is passed over: %s", error)


def package_from_distribution(distribution: Distribution) -> Package:
    """Return the package that an installed distribution describes. Raises ValueError, of which InvalidName is one."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    package = package_from_metadata(text)
    # Later versions of Python raise KeyError for what is missing.
    if "Version" not in distribution.metadata or not distribution.metadata["Version"]:
        raise ValueError(f"{package.name} has no version")
    package.releases = [
        Release(
            version=distribution.version,
            created_date=_installed_at(distribution),
            comment=INSTALLED_HERE,
            requires_python=package.requires_python,
        )
    ]
    return package


def _installed_at(distribution: Distribution) -> datetime | None:
    """The time at which the metadata was written, the only date that an installed distribution has."""
    for path in distribution.files or []:
        located = Path(path.locate())
        if path.name in ("METADATA", "PKG-INFO") and located.is_file():
            return datetime.fromtimestamp(int(located.stat().st_mtime), UTC)
    return None
