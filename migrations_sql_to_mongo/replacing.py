"""Replace documents of the site, but only those that are still as they were read."""

from typing import Any

import pymongo
from pymongo.errors import BulkWriteError

from migrations_sql_to_mongo.target import DUPLICATE_KEY, Target, bson_id, raw

# A statement contains the expected and the new document; MongoDB accepts at most 16 MB.
COMPARED_BYTES = 15_000_000


def documents(target: Target, collection: str, ids: list[Any]) -> dict[Any, bytes]:
    """Return the stored documents with these ids."""

    def attempt() -> dict[Any, bytes]:
        found = target.raw_documents(collection, {"_id": {"$in": ids}})
        return {bson_id(document): document for document in found}

    return target.patiently(attempt)


def write(document_id: Any, live: dict[Any, bytes], staged: dict[Any, bytes]) -> Any:
    """Return the statement that makes a change, if the document is still the one that was read."""
    old, new = live.get(document_id), staged.get(document_id)
    if old is None:
        return pymongo.InsertOne(raw(new or b""))
    expected: dict[str, Any] = {"_id": document_id}
    if len(old) + len(new or b"") < COMPARED_BYTES:
        expected["$expr"] = {"$eq": ["$$ROOT", {"$literal": raw(old)}]}
    return pymongo.ReplaceOne(expected, raw(new)) if new else pymongo.DeleteOne(expected)


def write_all(target: Target, collection: str, writes: list[Any]) -> None:
    """Make changes. Refused ones are found afterwards, when the documents are read again."""
    if not writes:
        return
    try:
        target.db[collection].bulk_write(writes, ordered=False)
    except BulkWriteError as error:
        details = error.details or {}
        others = [one for one in details.get("writeErrors", []) if one["code"] != DUPLICATE_KEY]
        if details.get("writeConcernErrors") or others:
            raise
