"""The `vulnerabilities` of a release in PyPI's JSON API, field by field as Warehouse answers.

Warehouse lists withdrawn ones, too, with the time, by which pip-audit leaves them out. The links of imported advisories
lead to osv.dev, as PyPI's do; those of an operator's own lead to this site.
"""

from datetime import datetime

import orjson
from bson.raw_bson import RawBSONDocument

from webapp.documents import Advisory
from webapp.documents.base import RAW, Plain
from webapp.rules import osv
from webapp.serving.affected_releases import there_are_any
from webapp.serving.filters import absolute_url

_OSV_PAGE = "https://osv.dev/vulnerability/"
_FIELDS = (
    "aliases",
    "affects.package",
    "affects.fixed_in",
    "withdrawn_at",
    "is_own",
    "record.summary",
    "record.details",
)


def of_release(normalized_name: str, version: str) -> list[Plain]:
    """Return the vulnerabilities of a release, ordered by their ids."""
    if not there_are_any():
        return []
    found = Advisory.objects.affecting(normalized_name, osv.sort_key(version)).order_by("pk").only(*_FIELDS)
    return [_as_warehouse(each, normalized_name) for each in found.plain()]


def of_latest_release(normalized_name: str, package: bytes) -> list[Plain]:
    """Return the vulnerabilities of the latest release of a package in BSON."""
    if not there_are_any():
        return []
    latest = RawBSONDocument(package, RAW).get("latest")
    version = latest.get("version") if isinstance(latest, RawBSONDocument) else None
    return of_release(normalized_name, version) if isinstance(version, str) else []


def digestible(vulnerabilities: list[Plain]) -> bytes:
    """Return bytes that differ if the vulnerabilities do; none without any."""
    return orjson.dumps(vulnerabilities) if vulnerabilities else b""


def _as_warehouse(advisory: Plain, normalized_name: str) -> Plain:
    affected: Plain = next((each for each in advisory.get("affects", []) if each.get("package") == normalized_name), {})
    own_page = absolute_url("advisories.advisory", advisory_id=advisory["id"])
    return {
        "id": advisory["id"],
        "source": "osv",
        "link": own_page if advisory.get("is_own") else _OSV_PAGE + advisory["id"],
        "aliases": advisory.get("aliases", []),
        "details": _text(advisory, "details"),
        "summary": _text(advisory, "summary"),
        "fixed_in": affected.get("fixed_in", []),
        "withdrawn": _time(advisory.get("withdrawn_at")),
    }


def _text(advisory: Plain, field: str) -> str | None:
    value = advisory.get("record", {}).get(field)
    return value if isinstance(value, str) else None


def _time(when: datetime | None) -> str | None:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ") if when else None
