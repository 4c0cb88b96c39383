"""Read a package for its pages: the release shown, and what it states."""

from collections.abc import Iterable
from typing import NamedTuple, cast

from packaging.utils import NormalizedName

from webapp.documents.base import Plain, as_declared
from webapp.documents.package import Package
from webapp.documents.plain_fields import PackageFields, ReleaseFields
from webapp.documents.release import Release
from webapp.documents.release_facts import STATED, ReleaseDescription, ReleaseFacts
from webapp.rules import naming

# The largest number that `$slice` takes.
MAX_INT32 = 2**31 - 1


class PackagePage(NamedTuple):
    """A package and the release that its page shows, if any."""

    package: PackageFields  # with a part of its releases, without their files
    release: ReleaseFields | None  # with its files


def package_page(normalized_name: NormalizedName, version: str | None, *, first: int, count: int) -> PackagePage | None:
    """Return what a project page shows, or None if there is no such package.

    `version` is the release to show, in any spelling (PEP 440), or None for the latest. The package has `count`
    releases of its history from `first` on, without their files; the others hardly affect the cost.
    """
    latest = {"$eq": ["$$release.version", "$latest.version"]}
    wanted: Plain = latest if version is None else _is_version(version)
    releases = {"$cond": [{"$isArray": "$releases"}, "$releases", []]}
    found = Package.objects.raw().aggregate(
        [
            {"$match": {"_id": normalized_name}},
            {
                "$addFields": {
                    "shown": {"$filter": {"input": releases, "as": "release", "cond": wanted}},
                    "releases": {"$slice": [releases, min(first, MAX_INT32), count]},
                }
            },
            {
                "$project": {
                    "description": 0,
                    "requires": 0,
                    "invitations": 0,
                    "releases.files": 0,
                }
            },
        ]
    )
    raw = next(iter(found), None)
    if raw is None:
        return None
    shown = [cast("ReleaseFields", as_declared(Release, son)) for son in raw.get("shown", [])]
    candidates = [release for release in shown if "version" in release]
    exact = [release for release in candidates if release["version"] == version]
    package, release = cast("PackageFields", as_declared(Package, raw)), next(iter(exact or candidates), None)
    return PackagePage(release_states(package, release), release)


def package_with_releases(normalized_name: NormalizedName, versions: Iterable[str]) -> PackageFields | None:
    """Return a package with the text of its description and only these of its releases, or None.

    The versions may be in any spelling (PEP 440); `chosen_of` finds each of them.
    """
    releases = {"$cond": [{"$isArray": "$releases"}, "$releases", []]}
    wanted = {"$or": [_is_version(version) for version in versions]}
    found = Package.objects.raw().aggregate(
        [
            {"$match": {"_id": normalized_name}},
            {"$addFields": {"releases": {"$filter": {"input": releases, "as": "release", "cond": wanted}}}},
            {"$project": {"description_html": 0, "requires": 0, "invitations": 0}},
        ]
    )
    raw = next(iter(found), None)
    return None if raw is None else cast("PackageFields", as_declared(Package, raw))


def _is_version(version: str) -> Plain:
    """Return the expression that matches a release of this version, in any spelling (PEP 440)."""
    return {
        "$or": [
            # A reader's version is literal text, even if it starts with "$".
            {"$eq": ["$$release.version", {"$literal": version}]},
            {"$eq": ["$$release.sort_key", naming.sort_key(version)]},
        ]
    }


def chosen_of(releases: Iterable[ReleaseFields], version: str) -> ReleaseFields | None:
    """Return the release with this version: written exactly so or, failing that, equal according to PEP 440."""
    candidates = [release for release in releases if release.get("version")]
    exact = [release for release in candidates if release["version"] == version]
    key = naming.sort_key(version)
    return next(iter(exact or [release for release in candidates if release.get("sort_key") == key]), None)


def release_states(
    package: PackageFields, release: ReleaseFields | None, facts: PackageFields | None = None, *, as_text: bool = False
) -> PackageFields:
    """Return the package with the metadata that one of its releases states, without fields that are unknown.

    `facts` are those of the release, if already read. `as_text` asks for the description's text instead of its HTML.
    The package itself has the metadata of its latest release.
    """
    latest = package.get("latest", {}).get("version")
    if release is None or latest is None or release["version"] == latest:
        return package
    facts = facts or ReleaseFacts.of(package["normalized_name"], release["version"]) or PackageFields()
    license_id = naming.license_id(facts.get("license"), facts.get("license_expression"), facts.get("classifiers", []))
    shown: Plain = {name: value for name, value in package.items() if name not in _STATED}
    shown |= {name: value for name, value in facts.items() if name in STATED} | {"license_id": license_id or ""}
    if (description_id := facts.get("description_id")) is not None:
        field = "description" if as_text else "description_html"
        if description_id == package.get("description_id"):
            shown[field] = package.get(field, "")
        else:
            text = ReleaseDescription.of(package["normalized_name"], description_id) or {}
            shown[field] = text.get("text" if as_text else "html", "")
    return cast("PackageFields", shown)


# The fields in which a package describes its latest release.
_STATED = frozenset({*STATED, "description", "description_html", "description_renderer", "license_id", "requires"})
