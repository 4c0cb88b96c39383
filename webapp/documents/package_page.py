"""Read a package for its pages: the release shown, and what it states."""

from collections.abc import Iterable
from typing import NamedTuple

from webapp.documents.base import Plain, as_declared
from webapp.documents.package import Package
from webapp.documents.release import Release
from webapp.documents.release_facts import STATED, ReleaseDescription, ReleaseFacts
from webapp.rules import naming

# What `$slice` takes at most.
MAX_INT32 = 2**31 - 1


class PackagePage(NamedTuple):
    """A package as its page shows it, and the release that the page is about, if there is one."""

    package: Plain  # with a part of its releases, these without files
    release: Plain | None  # with its files


def package_page(normalized_name: str, version: str | None, *, first: int, count: int) -> PackagePage | None:
    """Return what a project page shows, or None when there is no such package.

    `version` is the release asked for, in any spelling (PEP 440); None asks for the latest. With it come `count`
    releases of the history from the `first` on, without their files: the cost hardly grows with those not shown.
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
    shown = [as_declared(Release, son) for son in raw.get("shown", [])]
    candidates = [release for release in shown if "version" in release]
    exact = [release for release in candidates if release["version"] == version]
    package, release = as_declared(Package, raw), next(iter(exact or candidates), None)
    return PackagePage(release_states(package, release), release)


def package_with_releases(normalized_name: str, versions: Iterable[str]) -> Plain | None:
    """Return a package with its description's text and those of its releases alone that are asked for, or None.

    The versions may be in any spelling (PEP 440); `chosen_of` finds each again.
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
    return None if raw is None else as_declared(Package, raw)


def _is_version(version: str) -> Plain:
    """Return the expression that holds for a release of this version, in any spelling (PEP 440)."""
    return {
        "$or": [
            # A version of the reader's own is no expression, even if it begins with "$".
            {"$eq": ["$$release.version", {"$literal": version}]},
            {"$eq": ["$$release.sort_key", naming.sort_key(version)]},
        ]
    }


def chosen_of(releases: Iterable[Plain], version: str) -> Plain | None:
    """Return the release of a version: the one that is written just so, or one that PEP 440 takes for the same."""
    candidates = [release for release in releases if release.get("version")]
    exact = [release for release in candidates if release["version"] == version]
    key = naming.sort_key(version)
    return next(iter(exact or [release for release in candidates if release.get("sort_key") == key]), None)


def release_states(
    package: Plain, release: Plain | None, facts: Plain | None = None, *, as_text: bool = False
) -> Plain:
    """Return a package that says what one of its releases states, and nothing where that is unknown.

    `facts` are those of the release, where they were read already. `as_text` asks for the description's text, not for
    its HTML. The package itself says what its latest release states.
    """
    latest = package.get("latest", {}).get("version")
    if release is None or latest is None or release["version"] == latest:
        return package
    facts = facts or ReleaseFacts.of(package["normalized_name"], release["version"]) or {}
    license_id = naming.license_id(facts.get("license"), facts.get("license_expression"), facts.get("classifiers", []))
    others = {name: value for name, value in package.items() if name not in _STATED}
    stated = {name: value for name, value in facts.items() if name in STATED} | {"license_id": license_id or ""}
    if (description_id := facts.get("description_id")) is None:
        return others | stated
    field = "description" if as_text else "description_html"
    if description_id == package.get("description_id"):
        return others | stated | {field: package.get(field, "")}
    kept = ReleaseDescription.of(package["normalized_name"], description_id) or {}
    return others | stated | {field: kept.get("text" if as_text else "html", "")}


# What a package says for its latest release.
_STATED = frozenset({*STATED, "description", "description_html", "description_renderer", "license_id", "requires"})
