"""Read advisories in the OSV format, and tell which versions of a PyPI project they affect.

Versions are compared as `naming.sort_key` orders them, so each affected range becomes two texts: a version is in it if
`start <= sort_key(version) < end`. MongoDB can then compare versions as well. Source:
https://ossf.github.io/osv-schema/, "Evaluation".
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from webapp.rules import naming
from webapp.rules.severity import Severity, severity_of

ECOSYSTEM = "PyPI"
MAX_ID_LENGTH = 200
# Before every version, and after every version.
START, END = "", "~"

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]*", re.ASCII)
# RFC 3339 in UTC, which the schema asks for.
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z", re.ASCII)
_FIRST = re.compile(r"[.!?](?:\s|$)|\n")
# The longest summary that is made from an advisory's details.
MADE_SUMMARY = 200

# Dumps repeat the same versions in many advisories.
sort_key: Callable[[str], str] = lru_cache(maxsize=50_000)(naming.sort_key)


class BadAdvisory(ValueError):
    """The record cannot be used; the message says why, as a phrase."""


class AffectedRange(NamedTuple):
    """Affected versions of one project: from `start` up to, but without, `end`."""

    start: str
    end: str
    introduced: str  # as written
    fixed: str | None = None
    last_affected: str | None = None


class Affected(NamedTuple):
    """What a record affects of one project. `versions` are sort keys of listed versions that are in no range."""

    package: str
    ranges: list[AffectedRange]
    versions: list[str]
    fixed_in: list[str]


class Advisory(NamedTuple):
    """The parts of a record that the site compares and shows."""

    id: str
    modified: str  # as written, because clients compare it
    modified_at: datetime
    published_at: datetime | None
    withdrawn_at: datetime | None
    summary: str
    aliases: list[str]
    severity: Severity
    affected: list[Affected]


def read(record: Any) -> Advisory:
    """Return what an OSV record says about projects of PyPI. Raises BadAdvisory."""
    if not isinstance(record, dict):
        raise BadAdvisory("it is not a JSON object")
    advisory_id = record.get("id")
    if not (isinstance(advisory_id, str) and len(advisory_id) <= MAX_ID_LENGTH and _ID.fullmatch(advisory_id)):
        raise BadAdvisory("it has no usable `id`")
    modified_at = _timestamp(record, "modified")
    if modified_at is None:
        raise BadAdvisory("`modified` is missing")
    if str(record.get("schema_version", "1")).partition(".")[0] != "1":
        raise BadAdvisory(f"its schema_version is {record['schema_version']!r}; version 1 is supported")
    affected = _affected(record)
    if not affected:
        raise BadAdvisory(f"it affects no package of the ecosystem {ECOSYSTEM}")
    return Advisory(
        advisory_id,
        record["modified"],
        modified_at,
        _timestamp(record, "published"),
        _timestamp(record, "withdrawn"),
        _summary(record),
        [each for each in _list(record, "aliases") if isinstance(each, str)],
        severity_of(record),
        affected,
    )


def affects(affected: Mapping[str, Any], key: str) -> bool:
    """Tell whether the version with this sort key is affected. `affected` has the fields of Affected, as stored."""
    ranges = (each for each in affected.get("ranges", []) if "start" in each and "end" in each)
    in_a_range = any(each["start"] <= key < each["end"] for each in ranges)
    return in_a_range or key in affected.get("versions", [])


def first_fixed(affected: Mapping[str, Any], key: str) -> str | None:
    """Return the lowest version that is higher than this one and fixes the problem, or None."""
    higher = [(sort_key(each), each) for each in affected.get("fixed_in", []) if sort_key(each) > key]
    return min(higher, default=(None, None))[1]


def without(record: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return a record without what it lists about these projects; `names` are normalized. Its text stays as it is."""
    entries = record.get("affected")
    if not isinstance(entries, list):
        return dict(record)
    return {**record, "affected": [entry for entry in entries if _project_of(entry) not in names]}


def named_versions(record: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return all versions that a record names, by the normalized name of the project."""
    found: dict[str, list[str]] = {}
    for entry in _dicts(record.get("affected")):
        name = _project_of(entry)
        if name is None:
            continue
        events = [event for each in _dicts(entry.get("ranges")) for event in _dicts(each.get("events"))]
        listed = entry.get("versions")
        versions = [
            *(listed if isinstance(listed, list) else []),
            *(version for event in events for version in event.values()),
        ]
        found.setdefault(name, []).extend(version for version in versions if isinstance(version, str))
    return found


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _project_of(entry: Any) -> str | None:
    """Return the normalized name of the project that an entry is about, or None."""
    if not (isinstance(entry, dict) and _is_of_pypi(entry)):
        return None
    try:
        return naming.normalize_name(str(entry["package"].get("name")))
    except naming.InvalidName:  # edited by hand
        return None


def _is_of_pypi(entry: dict[str, Any]) -> bool:
    package = entry.get("package")
    return isinstance(package, dict) and package.get("ecosystem") == ECOSYSTEM


def _timestamp(record: dict[str, Any], field: str) -> datetime | None:
    text = record.get(field)
    if text is None:
        return None
    match = _TIMESTAMP.fullmatch(text) if isinstance(text, str) else None
    try:
        moment = datetime.fromisoformat(match[1]).replace(tzinfo=UTC) if match else None
    except ValueError:
        moment = None
    if match is None or moment is None:
        raise BadAdvisory(f'`{field}` is {text!r}; expected a time such as "2026-11-28T12:00:00Z"')
    # MongoDB keeps milliseconds.
    return moment.replace(microsecond=int((match[2] or "0")[:3].ljust(3, "0")) * 1000)


def _list(parent: dict[str, Any], field: str) -> list[Any]:
    found = parent.get(field) or []
    if not isinstance(found, list):
        raise BadAdvisory(f"`{field}` is not a list")
    return found


def _summary(record: dict[str, Any]) -> str:
    """Return the summary, or the first sentence of the details: PyPA's advisories have no summary."""
    summary, details = record.get("summary"), record.get("details")
    if isinstance(summary, str) and summary.strip():
        return " ".join(summary.split())
    text = details.strip() if isinstance(details, str) else ""
    end = _FIRST.search(text)
    sentence = " ".join((text[: end.start()] if end else text).lstrip("# ").split())
    return sentence if len(sentence) <= MADE_SUMMARY else f"{sentence[: MADE_SUMMARY - 1]}…"


def _affected(record: dict[str, Any]) -> list[Affected]:
    """Return what is affected, once for each project. Records may have several entries for one."""
    found: dict[str, Affected] = {}
    listed: dict[str, set[str]] = {}
    for entry in _list(record, "affected"):
        if not (isinstance(entry, dict) and _is_of_pypi(entry)):
            continue
        try:
            name = naming.normalize_name(str(entry["package"].get("name")))
        except naming.InvalidName as error:
            raise BadAdvisory(str(error)) from None
        affected = found.setdefault(name, Affected(name, [], [], []))
        for each in _list(entry, "ranges"):
            if isinstance(each, dict) and each.get("type") == "ECOSYSTEM":
                affected.ranges.extend(_ranges(_list(each, "events")))
        versions = _list(entry, "versions")
        if not all(isinstance(version, str) for version in versions):
            raise BadAdvisory("`versions` has something other than text")
        listed.setdefault(name, set()).update(map(sort_key, versions))
    for package_name, affected in found.items():
        stored = {"ranges": [each._asdict() for each in affected.ranges]}
        affected.versions.extend(sorted(key for key in listed.get(package_name, ()) if not affects(stored, key)))
        affected.fixed_in.extend(_in_order(each.fixed for each in affected.ranges if each.fixed))
    return list(found.values())


def _in_order(versions: Iterable[str]) -> list[str]:
    return sorted(set(versions), key=lambda version: (sort_key(version), version))


def _ranges(events: list[Any]) -> Iterator[AffectedRange]:
    """Yield the ranges that events make. They need not be in order.

    Between an event that ends a range and one that starts a range at the same version, nothing changes: two ranges that
    touch become one, and an empty range stays empty.
    """
    starts, ends, limits = _versions(events, "introduced"), _versions(events, "fixed"), _versions(events, "limit")
    last = {_after(key): version for key, version in _versions(events, "last_affected").items()}
    limit = END if not limits or "*" in limits.values() else max(limits)
    begun: str | None = None
    for key in sorted({*starts, *ends, *last}):
        is_end = key in ends or key in last
        if key in starts and not is_end and begun is None:
            begun = key
        elif is_end and key not in starts and begun is not None:
            if begun < limit:
                yield AffectedRange(begun, min(key, limit), starts[begun], ends.get(key), last.get(key))
            begun = None
    if begun is not None and begun < limit:
        yield AffectedRange(begun, limit, starts[begun])


def _versions(events: list[Any], kind: str) -> dict[str, str]:
    """Return the versions of one kind of event by their sort keys; "0" means before every version."""
    found = [event[kind] for event in events if isinstance(event, dict) and kind in event]
    if not all(isinstance(version, str) for version in found):
        raise BadAdvisory("an event has something other than text")
    return {START if kind == "introduced" and version == "0" else sort_key(version): version for version in found}


def _after(key: str) -> str:
    """Return the end of a range whose last version has this key: "!" comes before all that may continue a key."""
    return f"{key}!"
