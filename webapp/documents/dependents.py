"""Which packages here require a range of versions that admits an affected one, directly and through others."""

from collections.abc import Mapping
from itertools import chain
from typing import Any, NamedTuple

from webapp.documents.base import Plain
from webapp.documents.hidden import shown
from webapp.documents.package import Package
from webapp.documents.upstream import UpstreamProject
from webapp.rules import osv
from webapp.rules.requiring import bounds_of, first_admitted, ranges_of

# No more are looked for: with this many, a page helps nobody.
MOST = 5000
BATCH = 1000


class Dependents(NamedTuple):
    """Packages that are reached, nearest first, and whether there may be more.

    Each is {normalized_name, name, through, range, version, is_direct}: the package it requires, which is affected or
    reached itself, the range it asks for, and a version that this range admits.
    """

    found: list[Plain]
    more: bool


def dependents_of(affects: list[Plain], record: Mapping[str, Any]) -> Dependents:
    """Return the packages that are reached by an advisory. `affects` and `record` are fields of it."""
    affected = {each["package"]: each for each in affects if "package" in each}
    reached = _affected_versions(affected, record)
    found: list[Plain] = []
    seen, is_direct = set(affected), True
    while reached:
        following: dict[str, list[str]] = {}
        for son in _requiring(list(reached)):
            admitting = _admitting(son, reached, affected if is_direct else {}) if son["_id"] not in seen else None
            if admitting is None:
                continue
            if len(found) == MOST:
                return Dependents(found, more=True)
            through, asked, version = admitting
            seen.add(son["_id"])
            latest = (son.get("latest") or {}).get("version")
            following[son["_id"]] = [latest] if isinstance(latest, str) else []
            shown = {"normalized_name": son["_id"], "name": son.get("name") or son["_id"], "through": through}
            found.append(shown | {"range": asked, "version": version, "is_direct": is_direct})
        reached, is_direct = following, False
    return Dependents(found, more=False)


def _admitting(
    son: Plain, reached: Mapping[str, list[str]], affected: Mapping[str, Plain]
) -> tuple[str, str, str] | None:
    """Return which reached project a package requires, in which range, and a version that this range admits, or None.

    An affected version that only the range names counts as well: "==1.2.7".
    """
    for name, asked in _asked(son, reached):
        named = (
            each for each in bounds_of(asked) if name in affected and osv.affects(affected[name], osv.sort_key(each))
        )
        if version := first_admitted(asked, chain(reached[name], named)):
            return name, asked, version
    return None


def _asked(son: Plain, reached: Mapping[str, Any]) -> list[tuple[str, str]]:
    texts = [text for text in son.get("requires_dist") or [] if isinstance(text, str)]
    return [(name, asked) for name, ranges in ranges_of(texts).items() if name in reached for asked in ranges]


def _requiring(names: list[str]) -> Any:
    """Return the packages that require some of these, in no order: only the few fields that are needed."""
    fields = {"name": 1, "requires_dist": 1, "latest.version": 1}
    # The driver's own batches of 16 MB hold all 20,000 that require the most popular project, though 5,000 are enough.
    found = Package.objects.raw().find({"requires": {"$in": names}} | shown(), fields, batch_size=BATCH)
    return (son for son in found if isinstance(son["_id"], str))


def _affected_versions(affected: Mapping[str, Plain], record: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the known affected versions of each project: released here or upstream, or named by the record."""
    known: dict[str, list[str]] = {name: [] for name in affected}
    for package in Package.objects(pk__in=list(affected)).only("releases.version").plain():
        known[package["normalized_name"]] += [
            each["version"] for each in package.get("releases", []) if "version" in each
        ]
    for project in UpstreamProject.objects(pk__in=list(affected)).only("versions").plain():
        known[project["id"]] += project.get("versions", [])
    for name, versions in osv.named_versions(record).items():
        known.setdefault(name, []).extend(versions)
    return {
        name: [version for version in dict.fromkeys(known[name]) if osv.affects(affected[name], osv.sort_key(version))]
        for name in affected
    }
