"""The floors of `benchmarks.migration` and `benchmarks.migration_beside`: the least work in Python that does the same.

They believe every value and know two tables only: no users, no rejects, no report, no swap.
"""

import hashlib
import marshal
import resource
import sqlite3
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.collection import Collection

from migrations_sql_to_mongo.rendering import renderer

FLOOR_BATCH = 1000
COMPARED_BATCH = 500
PACKAGES = (
    "id", "created_date", "summary", "description", "home_page", "docs_url", "package_url", "author_name",
    "author_email", "license",
)  # fmt: skip
RELEASES = ("id", "major_ver", "minor_ver", "build_ver", "created_date", "comment", "url", "size", "package_id")
TEXTS = {*PACKAGES, "comment", "url", "package_id"}
Row = tuple[Any, ...]
Rows = tuple[Row, list[Row]]  # of a package, and of its releases


def floor(source: Path, uri: str) -> dict[str, Any]:
    """Read packages and releases in key order, assemble the dicts and insert them, nothing else."""
    db = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    collection = MongoClient[Any](uri).get_default_database()["packages"]
    releases = iter(db.execute("SELECT * FROM releases ORDER BY package_id, id"))
    row = next(releases, None)
    started, used = time.monotonic(), time.process_time()
    batch: list[dict[str, Any]] = []
    count = 0
    for package in db.execute("SELECT * FROM packages ORDER BY id"):
        name = package[0]
        embedded = []
        while row is not None and row[8] == name:
            embedded.append(floor_release(row))
            row = next(releases, None)
        batch.append(floor_package(package, embedded))
        if len(batch) == FLOOR_BATCH:
            collection.insert_many(batch)
            count += len(batch)
            batch = []
    if batch:
        collection.insert_many(batch)
        count += len(batch)
    return {"seconds": time.monotonic() - started, "cpu": time.process_time() - used, "packages": count}


def floor_of_both(source: Path, uri: str) -> dict[str, Any]:
    """What `run` and `verify` together cannot do without.

    Copy; read the texts again, as bytes, and compare each document with what they must have become; render the
    descriptions; then read all again, and compare digests of the rows and of the documents with those of before.
    """
    copied = floor(source, uri)
    db = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    collection = MongoClient[Any](uri, document_class=RawBSONDocument).get_default_database()["packages"]
    digests = {}
    for package, releases, stored in _both_sides(db, collection):
        wanted = bson.encode(floor_package(package, [floor_release(row) for row in releases]))
        if wanted != stored:
            raise SystemExit(f"{package[0]} differs")
        digests[package[0]] = _digest(stored), _digest(marshal.dumps([package, releases], 2))
    described = db.execute("SELECT id, description FROM packages WHERE description > ''")
    with renderer() as render:
        rendered = sum(1 for _ in render(described))
    for package, releases, stored in _both_sides(db, collection):
        if digests[package[0]] != (_digest(stored), _digest(marshal.dumps([package, releases], 2))):
            raise SystemExit(f"{package[0]} has changed")
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return copied | {"rendered": rendered, "cpu": sum(each.ru_utime + each.ru_stime for each in used)}


def _both_sides(db: sqlite3.Connection, collection: Collection[Any]) -> Iterator[tuple[Row, list[Row], bytes]]:
    """Yield each package, its releases, and the stored document."""
    rows = _read(db)
    while batch := list(islice(rows, COMPARED_BATCH)):
        found = collection.find({"_id": {"$in": [package[0] for package, _ in batch]}}, batch_size=100)
        stored = {document["_id"]: document.raw for document in found}
        for package, releases in batch:
            yield package, releases, stored[package[0]]


def _read(db: sqlite3.Connection) -> Iterator[Rows]:
    """Read texts as bytes and decode them, as `verify` does."""
    releases = map(_decoded, db.execute(f"SELECT {_as_bytes(RELEASES)} FROM releases ORDER BY package_id, id"))
    row = next(releases, None)
    for package in map(_decoded, db.execute(f"SELECT {_as_bytes(PACKAGES)} FROM packages ORDER BY id")):
        own = []
        while row is not None and row[8] == package[0]:
            own.append(row)
            row = next(releases, None)
        yield package, own


def _as_bytes(columns: tuple[str, ...]) -> str:
    is_text = TEXTS - {"id"} if "size" in columns else TEXTS
    return ", ".join(f"CAST({name} AS BLOB)" if name in is_text else name for name in columns)


def _decoded(row: Row) -> Row:
    return tuple([value.decode() if type(value) is bytes else value for value in row])


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def floor_release(row: tuple[Any, ...]) -> dict[str, Any]:
    """Return the entry that a row becomes."""
    sql_id, major, minor, build, created, comment, url, size, _ = row
    version, when = f"{major}.{minor}.{build}", datetime.fromisoformat(created)
    filename = url.rpartition("/")[2]
    return {
        "version": version,
        "sort_key": f"a0!a{major}.a{minor}.a{build}-z0z",
        "created_date": when,
        "comment": comment,
        "url": url,
        "size": bson.Int64(size),
        "is_prerelease": False,
        "yanked": False,
        "file_count": 1,
        "files": [
            {
                "filename": filename,
                "url": url,
                "size": bson.Int64(size),
                "packagetype": "sdist",
                "uploaded_at": when,
                "yanked": False,
            }
        ],
        "legacy": {"sql_id": sql_id, "major_ver": major, "minor_ver": minor, "build_ver": build},
    }


def floor_package(row: tuple[Any, ...], releases: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the document that a row and its releases become."""
    name, created, summary, description, home_page, _, package_url, author, email, license_text = row
    when, last = datetime.fromisoformat(created), releases[-1] if releases else None
    return {
        "_id": name,
        "name": name,
        "summary": summary,
        "description": description,
        "home_page": home_page,
        "package_url": package_url,
        "author_name": author,
        "author_email": email,
        "license": license_text,
        "license_id": license_text,
        "created_date": when,
        "updated_date": when,
        "latest": last and {key: last[key] for key in ("version", "created_date", "size")},
        "newest_release": last and {key: last[key] for key in ("version", "created_date")},
        "release_count": len(releases),
        "releases": releases,
        "legacy": {"sql_id": name},
    }
