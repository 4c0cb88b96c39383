"""The versions of projects that are known here: released here, or listed by the other index."""

from collections.abc import Iterable, Mapping

from webapp.documents.package import Package
from webapp.documents.upstream import UpstreamProject
from webapp.rules import naming
from webapp.rules.requiring import first_admitted

# A project and the range of versions that is asked of it.
Asked = tuple[str, str]


def known_versions(names: Iterable[str]) -> dict[str, list[str]]:
    """Return all known versions of some projects."""
    wanted = list(names)
    if not wanted:
        return {}
    found = {
        each["id"]: each.get("versions", []) for each in UpstreamProject.objects(pk__in=wanted).only("versions").plain()
    }
    for package in Package.objects(pk__in=wanted).only("releases.version").plain():
        found[package["normalized_name"]] = [
            each["version"] for each in package.get("releases", []) if "version" in each
        ]
    return found


def newest_admitted(asked: Iterable[Asked], latest: Mapping[str, str | None]) -> dict[Asked, str]:
    """Return the newest version that each range admits: the latest release, if it does, or another one.

    `latest` has the latest releases of the projects that are here. Final releases come before pre-releases.
    """
    found: dict[Asked, str] = {}
    others: list[Asked] = []
    for name, wanted in asked:
        version = latest.get(name)
        if version is not None and first_admitted(wanted, [version]):
            found[name, wanted] = version
        else:
            others.append((name, wanted))
    versions = known_versions({name for name, _ in others})
    for name, wanted in others:
        ordered = sorted(versions.get(name, []), key=_preference, reverse=True)
        if version := first_admitted(wanted, ordered):
            found[name, wanted] = version
    return found


def _preference(version: str) -> tuple[bool, str]:
    return not naming.is_prerelease(version), naming.sort_key(version)
