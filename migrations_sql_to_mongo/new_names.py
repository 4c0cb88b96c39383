"""The names that a move brings to the site's `known_names`, so that `undo` can take them away again."""

import itertools
from collections.abc import Iterable

import bson

from migrations_sql_to_mongo.ledger import Entry
from migrations_sql_to_mongo.target import READ, Target
from webapp.documents import JournalEntry, KnownName, Package


def names_collection(run_id: str) -> str:
    """Return the collection with the names that the site did not know before a run."""
    return f"migrations_names_{run_id}"


def note_staged(target: Target, entry: Entry) -> None:
    """Store which names of staged packages are new, before the site can read and remember them."""
    for collection in entry["collections"]:
        if collection["name"] == "packages":
            staged = target.db[collection["staging"]].find({}, {"_id": 1}, batch_size=READ)
            note(target, entry, (one["_id"] for one in staged))


def note(target: Target, entry: Entry, names: Iterable[str]) -> None:
    """Store which of these names are new."""
    for batch in _batches(names):
        known = _there(target, KnownName, "_id", batch)
        if new := [bson.encode({"_id": name}) for name in batch if name not in known]:
            target.insert(names_collection(entry["_id"]), new)


def forget(target: Target, entry: Entry) -> None:
    """Take away the names that a run brought, but not those that the site itself has used since."""
    noted = target.db[names_collection(entry["_id"])]
    for batch in _batches(one["_id"] for one in noted.find()):
        used = _there(target, Package, "_id", batch) | _there(target, JournalEntry, "package", batch)
        unused = {"_id": {"$in": [name for name in batch if name not in used]}}
        target.patiently(target.db[KnownName._meta["collection"]].delete_many, unused)
    target.patiently(target.db.drop_collection, noted.name)


def _there(
    target: Target, document_type: type[KnownName | Package | JournalEntry], field: str, names: list[str]
) -> set[str]:
    collection = target.db[document_type._meta["collection"]]
    return {*target.patiently(collection.distinct, field, {field: {"$in": names}})}


def _batches(names: Iterable[str]) -> Iterable[list[str]]:
    left = iter(names)
    return iter(lambda: list(itertools.islice(left, READ)), [])
