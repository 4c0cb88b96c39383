"""Load a dump into an empty database."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymongo
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database
from pymongo.errors import PyMongoError

from webapp.documents.base import utc_now
from webapp.inspection.dump import LOADING, READ
from webapp.inspection.extended_json import RAW, Digest, UnreadableLine, documents_in
from webapp.inspection.manifest import BadDump, DumpedCollection, Manifest

# Limits of one insert.
_MOST_DOCUMENTS = 1000
_MOST_BYTES = 4_000_000


class CannotLoad(RuntimeError):
    """The dump cannot be loaded into this database."""


def load(database: Database[Any], folder: Path, report: Callable[[str], None]) -> Manifest:
    """Load a dump into a database without documents: the same bytes, indexes, views and validators.

    Everything is read back and compared. If anything fails, what was written is removed again; after a kill, the next
    load removes it first. Raises BadDump and CannotLoad, usually before anything is written, and PyMongoError.
    """
    manifest = Manifest.read(folder)
    with pymongo.timeout(0):
        _remove_leftovers(database)
        _refuse_full(database)
        # Empty collections may have other options or indexes.
        for name in database.list_collection_names(filter={"name": {"$not": {"$regex": r"^system\."}}}):
            database.drop_collection(name)
        names = [collection.name for collection in manifest.collections]
        database[LOADING].insert_one({"_id": LOADING, "since": utc_now(), "folder": str(folder), "collections": names})
        try:
            # A view may be based on one that does not exist yet; the server does not check.
            for collection in manifest.collections:
                _load_one(database, folder, collection)
                if collection.documents:
                    report(f"{collection.name}: {collection.documents:,}")
        except BaseException:  # including Ctrl-C: leave nothing half done
            # If the server is away, the next load removes it.
            with contextlib.suppress(PyMongoError):
                _remove_leftovers(database)
            raise
        database.drop_collection(LOADING)
    return manifest


def _remove_leftovers(database: Database[Any]) -> None:
    """Remove what an unfinished load has written."""
    loading = database[LOADING].find_one({"_id": LOADING})
    if loading and isinstance(loading.get("collections"), list):
        for name in loading["collections"]:
            database.drop_collection(name)
        database.drop_collection(LOADING)


def _refuse_full(database: Database[Any]) -> None:
    infos = [info for info in database.list_collections() if not info["name"].startswith("system.")]
    full = [
        info["name"]
        for info in infos
        if info["type"] == "view" or database[info["name"]].find_one({}, {"_id": 1}) is not None
    ]
    if full:
        raise CannotLoad(f"{database.name} is not empty: it contains {', '.join(sorted(full))}")


def _load_one(database: Database[Any], folder: Path, collection: DumpedCollection) -> None:
    database.command({"create": collection.name, **collection.options})
    if collection.is_view:
        return
    documents = database.get_collection(collection.name, RAW)
    for batch in _batches(_documents(folder / collection.file)):
        # Documents may be older than the validator of their collection.
        documents.insert_many(batch, bypass_document_validation="validator" in collection.options or None)
    digest = Digest()
    for document in documents.find({}, batch_size=READ):
        digest.add(document.raw)
    if str(digest) != collection.digest:
        raise BadDump(f"{collection.name}: the loaded documents differ from the dump")
    # Indexes inherit the collation of their collection, unless they say that they have none.
    plain = {"collation": {"locale": "simple"}} if "collation" in collection.options else {}
    indexes = [plain | index for index in collection.indexes if index["name"] != "_id_" and not index.get("clustered")]
    if indexes:
        database.command({"createIndexes": collection.name, "indexes": indexes})


def verify(folder: Path) -> Manifest:
    """Read a whole dump, and compare every document with the manifest, without a database. Raises BadDump."""
    manifest = Manifest.read(folder)
    for collection in manifest.collections:
        if collection.is_view:
            continue
        digest = Digest()
        for document in _documents(folder / collection.file):
            digest.add(bytes(document.raw))
        if (str(digest), digest.documents) != (collection.digest, collection.documents):
            raise BadDump(f"{collection.name}: the documents differ from those that were dumped")
    return manifest


def _documents(path: Path) -> Iterator[RawBSONDocument]:
    try:
        for document in documents_in(path):
            yield RawBSONDocument(document, RAW)
    except UnreadableLine as error:
        raise BadDump(f"{path}, {error}") from None


def _batches(documents: Iterator[RawBSONDocument]) -> Iterator[list[RawBSONDocument]]:
    batch: list[RawBSONDocument] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document.raw)
        if len(batch) == _MOST_DOCUMENTS or size >= _MOST_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
