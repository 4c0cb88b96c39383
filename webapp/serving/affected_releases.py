"""Mark the releases on a page that advisories affect, with one question, or none while there are no advisories."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Flask

from webapp.documents import Advisory
from webapp.documents.base import Plain
from webapp.rules import osv, severity
from webapp.rules.advisory_sources import source_of
from webapp.serving.per_app import PerApp

# What is compared and shown; the record itself is many times as large.
_FIELDS = (
    *("summary", "severity", "is_own", "aliases", "affects.package", "affects.versions", "affects.fixed_in"),
    *("affects.ranges.start", "affects.ranges.end"),
)

# The advisories about each project, by its normalized name. Each has its `id`, the fields above and, instead of
# `affects`, the part of it that is about the project as `affected`.
About = dict[str, list[Plain]]


# How long it is believed that there are no advisories. The first ones show as soon as an edit by hand does.
NONE_S = 3


class AnyAdvisories:
    """Whether there are any advisories. The server is asked until there are, and only after some seconds again."""

    def __init__(self, max_age_s: int) -> None:
        self._max_age_s = max_age_s
        self._there_are = False
        self._asked_at: float | None = None

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        is_known = self._asked_at is not None and time.monotonic() - self._asked_at < self._max_age_s
        if not self._there_are and not is_known:
            # MongoDB's own count may be 0 after it was killed.
            self._there_are = Advisory.objects.raw().find_one({"_id": {"$gte": ""}}, {"_id": 1}) is not None
            self._asked_at = time.monotonic()
        return self._there_are


any_advisories = PerApp[AnyAdvisories]("any_advisories")


def init_app(app: Flask) -> None:
    """Remember for some seconds that there are no advisories, and for good that there are some."""
    app.add_template_global(source_of, "advisory_source")
    any_advisories.set(app, AnyAdvisories(min(NONE_S, app.config["STATS_MAX_AGE_S"])))


def there_are_any() -> bool:
    """Tell whether there are advisories; cheap to ask."""
    return bool(any_advisories())


def about(names: Iterable[str]) -> About:
    """Return the advisories about some projects that were not withdrawn."""
    wanted, found = set(names), About()
    if not wanted or not there_are_any():
        return found
    for advisory in Advisory.objects.about(wanted).standing().only(*_FIELDS).plain():
        for affected in advisory.pop("affects", []):
            if affected.get("package") in wanted:
                found.setdefault(affected["package"], []).append(advisory | {"affected": affected})
    return found


def affecting(advisories: Iterable[Plain], version: str) -> list[Plain]:
    """Return what affects a version, worst first: [{id, others, severity, summary, fixed_in}].

    Several databases describe the same problem: advisories that share an id or alias become one, that of the best known
    severity, and `others` has the ids of the rest. `fixed_in` may be absent.
    """
    key = osv.sort_key(version)
    merged: list[Plain] = []
    for each in sorted((each for each in advisories if osv.affects(each["affected"], key)), key=rank):
        names = {each["id"], *each.get("aliases", [])}
        same = next((one for one in merged if one["names"] & names), None)
        fixed_in = osv.first_fixed(each["affected"], key)
        if same is None:
            shown = {"id": each["id"], "others": [], "severity": level(each), "summary": each.get("summary", "")}
            shown["is_own"] = each.get("is_own", False)
            merged.append(shown | {"fixed_in": fixed_in, "names": names})
        else:
            same["others"].append(each["id"])
            same["names"] |= names
            same["fixed_in"] = same["fixed_in"] or fixed_in
    return [{key: value for key, value in one.items() if key != "names" and value is not None} for one in merged]


def mark(advisories: Iterable[Plain], version: str | None) -> Plain | None:
    """Return the number of advisories that affect a version, and the worst severity among them, or None."""
    found = affecting(advisories, version) if version else []
    return {"count": len(found), "severity": found[0]["severity"]} if found else None


def marks_of_releases(advisories: list[Plain], releases: Iterable[Mapping[str, Any]]) -> dict[str, Plain]:
    """Return the mark of each affected release of one project, by its version."""
    if not advisories:
        return {}
    versions = [release["version"] for release in releases if "version" in release]
    found = {version: mark(advisories, version) for version in versions}
    return {version: each for version, each in found.items() if each}


def marks(packages: Iterable[Mapping[str, Any]], release: str = "latest") -> dict[str, Plain]:
    """Return the mark of each package in a list, by its normalized name, for the release that the list shows."""
    versions = {package["normalized_name"]: package.get(release, {}).get("version") for package in packages}
    known = about(versions)
    found = {name: mark(advisories, versions[name]) for name, advisories in known.items()}
    return {name: each for name, each in found.items() if each}


def level(advisory: Mapping[str, Any]) -> str:
    """Return the severity of an advisory, which a manual edit may have spoilt."""
    found = advisory.get("severity")
    return found if found in severity.LEVELS else severity.UNKNOWN


def rank(advisory: Mapping[str, Any]) -> tuple[int, str]:
    """Return the sort key that puts the most severe advisories first."""
    return -severity.LEVELS.index(level(advisory)), advisory["id"]
