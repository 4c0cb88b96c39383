"""Valid documents; a test states only what matters to it."""

import hashlib
import io
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import bson

from webapp.changes.advisories import derived
from webapp.changes.pypi_json import store
from webapp.documents import Advisory, Package, Release, ReleaseFile, StoredFile, User, contents
from webapp.rules.naming import normalize_name

A_DAY = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)


def release(version: str = "1.0", **fields: Any) -> Release:
    """One release with a wheel, if no other files are given."""
    fields.setdefault("created_date", A_DAY)
    fields.setdefault("files", [release_file(version)])
    return Release(version=version, **fields)


def release_file(version: str = "1.0", **fields: Any) -> ReleaseFile:
    """A wheel of 1,234 bytes."""
    filename = f"example-{version}-py3-none-any.whl"
    values = {
        "filename": filename,
        "url": f"https://files.example.org/{filename}",
        "size": 1234,
        "packagetype": "bdist_wheel",
        "python_version": "py3",
        "sha256": "a" * 64,
        "md5": "b" * 32,
        "uploaded_at": A_DAY,
    }
    return ReleaseFile(**values | fields)


def package(name: str = "Example", *, releases: Iterable[Release | str] = ("1.0",), **fields: Any) -> Package:
    """A stored package. Releases given as versions are a day apart, in the order in which they are given."""
    made = [
        release(each, created_date=A_DAY + timedelta(days=number)) if isinstance(each, str) else each
        for number, each in enumerate(releases)
    ]
    fields.setdefault("summary", f"What {name} does")
    found = Package(normalized_name=normalize_name(name), name=name, releases=made, **fields)
    store(found)
    return Package.objects.get(pk=found.pk)


def stored_file(filename: str, content: bytes, **fields: Any) -> StoredFile:
    """A file that is kept here, whether a package lists it or not."""
    values = {
        "package": "example",
        "version": "1.0",
        "state": "stored",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "uploaded_at": A_DAY,
        "content_id": bson.ObjectId(),
    }
    found = StoredFile(filename=filename, **(values | fields))
    contents.put(found.content_id, filename, contents.chunks_of(io.BytesIO(content)))
    found.save(force_insert=True)
    return found


def user(name: str = "Ada Lovelace", **fields: Any) -> User:
    """A stored user."""
    fields.setdefault("created_date", A_DAY)
    found = User(name=name, **fields)
    found.save()
    return found


def record(advisory_id: str, name: str = "example", *, introduced: str = "0", **fields: Any) -> dict[str, Any]:
    """An OSV record about one project; `fixed`, `last_affected` and `versions` say which versions, the rest is its own.

    Without any of these, version 1.0 is affected, and 2.0 fixes it.
    """
    if not fields.keys() & {"fixed", "last_affected", "versions"}:
        fields["fixed"] = "2.0"
    ends = [{kind: fields.pop(kind)} for kind in ("fixed", "last_affected") if kind in fields]
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": introduced}, *ends]}] if ends else []
    package = {"name": name, "ecosystem": "PyPI", "purl": f"pkg:pypi/{name}"}
    values = {
        "id": advisory_id,
        "modified": "2026-11-01T10:00:00Z",
        "published": "2026-10-01T10:00:00Z",
        "summary": f"What is wrong with {name}",
        "details": f"What is wrong with {name}, at length.",
        "affected": [{"package": package, "ranges": ranges, "versions": fields.pop("versions", [])}],
    }
    return values | fields


def advisory(
    advisory_id: str, name: str = "example", *, imported_at: datetime = A_DAY, is_own: bool = False, **fields: Any
) -> Advisory:
    """A stored advisory."""
    made = record(advisory_id, name, **fields)
    Advisory.objects.raw().insert_one(derived(made) | {"record": made, "imported_at": imported_at, "is_own": is_own})
    return Advisory.objects.get(pk=advisory_id)
