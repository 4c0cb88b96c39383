"""What has changed in the source since the last move.

Each change is a document of `migrations_changes_<run>`, in the order of the stream. It goes through these states, each
written down before the next begins: none yet; "going", when what the site holds is kept for `undo`; "applied", or
"conflict", when the site holds something else than the last move wrote. What is "same" was on the site already.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import bson

from migrations_sql_to_mongo.batching import Encoded
from migrations_sql_to_mongo.carrying_over import carried_over
from migrations_sql_to_mongo.copying import REJECTS
from migrations_sql_to_mongo.digests import (
    EDITABLE,
    PACKAGES,
    Written,
    digest_of,
    digests_of_user,
    is_digest,
    is_renamed,
    unrendered,
)
from migrations_sql_to_mongo.ledger import Entry
from migrations_sql_to_mongo.target import Target, bson_id

NEW, CHANGED, GONE = "new", "changed", "gone"
GOING, APPLIED, CONFLICT, SAME = "going", "applied", "conflict", "same"
MOST, MOST_BYTES = 200, 4_000_000  # of documents that are written together

EDITED = "was edited on this site since it was moved"
REGISTERED = "was registered on this site, too"
REMOVED = "was removed from this site since it was moved"
TAKEN = "another user of this site has the username or email address"


@dataclass
class Change:
    """A document that is new in the source, has changed, or is gone."""

    collection: str
    id: Any
    was: bytes | None  # the digest of what the last migration wrote
    document: bytes | None  # the present state, not yet rendered
    rows: bytes | None = None  # the digest of the rows that it is made of
    of_user: tuple[bytes, bytes] | None = None  # what `digests_of_user` says of what the last migration wrote

    @property
    def kind(self) -> str:
        """The kind of change."""
        if self.document is None:
            return GONE
        return NEW if self.was is None else CHANGED


def changes_collection(run_id: str) -> str:
    """Return the collection of a catch-up's changes."""
    return f"migrations_changes_{run_id}"


class Unchanged(NamedTuple):
    """A document that is the same as before, although its rows were not recognized."""

    collection: str
    id: Any
    digest: bytes
    rows: bytes


def found_changes(
    stream: Iterable[Encoded], written: Written, collections: list[str]
) -> Iterator[Change | Unchanged | Encoded]:
    """Yield what differs from what was written, and the rejects as they occur."""
    for encoded in stream:
        if encoded.collection == REJECTS:
            yield encoded
            continue
        document_id = bson_id(encoded.bson)
        was = written.take(encoded.collection, document_id)
        if was is None or not is_digest(was, encoded.collection, encoded.bson):
            of_user = written.find_both(EDITABLE, document_id) if encoded.collection == "users" else None
            yield Change(encoded.collection, document_id, was, encoded.bson, encoded.rows, of_user)
        elif encoded.rows:
            digest = digest_of(encoded.collection, encoded.bson)  # an earlier build may have written another kind
            yield Unchanged(encoded.collection, document_id, digest, encoded.rows)
    for collection in collections:
        for document_id, was in written.left(collection):
            yield Change(collection, document_id, was, None)


def refused(change: Change, stored: bytes | None) -> str | None:
    """Return why a change may not be made to the site's document; None if it may, or if there is nothing to do."""
    if is_same(stored, change.document):
        return None
    if stored is None:
        return None if change.was is None else REMOVED
    if change.was is None:
        return REGISTERED
    is_edited = not is_digest(change.was, change.collection, stored)
    if is_edited and change.collection == PACKAGES:
        is_edited = not is_renamed(change.was, stored)
    elif is_edited and change.document and change.of_user:
        is_edited = carried_over(change.document, stored, change.of_user) is None
    return EDITED if is_edited else None


def is_same(stored: bytes | None, document: bytes | None) -> bool:
    """Tell whether a stored document is this one, apart from what rendering adds."""
    if stored is None or document is None:
        return stored is document
    return unrendered(stored) == unrendered(document)


def kept_change(number: int, change: Change) -> bytes:
    """Return a change as stored in its collection; the document itself is in the staging collection."""
    size = len(change.document or b"")
    fields = {"_id": number, "collection": change.collection, "id": change.id, "kind": change.kind, "size": size}
    fields |= {"was": change.was, "rows": change.rows, "of_user": change.of_user}
    if change.document:
        # What is written may contain more, see `carrying_over`.
        fields["digest"] = digest_of(change.collection, change.document)
    if change.document and change.collection == "users":
        fields["is_user"] = digests_of_user(change.document)
    return bson.encode(fields)


def groups(target: Target, entry: Entry, collection: str, states: list[str | None]) -> Iterator[list[Entry]]:
    """Yield the changes in these states, in batches that can be written together."""
    last, held, group = -1, 0, []
    while True:
        query = {"collection": collection, "state": {"$in": states}, "_id": {"$gt": last}}
        found = target.patiently(_sorted, target, changes_collection(entry["_id"]), query)
        for change in found:
            group.append(change)
            held += change["size"]
            if len(group) >= MOST or held >= MOST_BYTES:
                yield group
                held, group = 0, []
        if len(found) < MOST:
            break
        last = found[-1]["_id"]
    if group:
        yield group


def _sorted(target: Target, collection: str, query: dict[str, Any]) -> list[Entry]:
    return list(target.db[collection].find(query).sort("_id", 1).limit(MOST))


def changed_ids(target: Target, entry: Entry, collection: str) -> Iterator[Any]:
    """Yield the `_id` of every document in a collection that a catch-up changes."""
    query = {"collection": collection}
    for one in target.db[changes_collection(entry["_id"])].find(query, {"id": 1}):
        yield one["id"]


def changed_collections(target: Target, entry: Entry) -> list[str]:
    """Return the collections in which a catch-up changed something, or a row that was corrected after it."""
    query = {"state": {"$in": [GOING, APPLIED]}}
    return list(target.db[changes_collection(entry["_id"])].distinct("collection", query))


def forget_search_entries(target: Target, entry: Entry, collection: str) -> None:
    """Let the site rebuild the search entries of the packages that a catch-up changes."""
    if collection == "packages":
        target.patiently(target.forget_search_entries, list(changed_ids(target, entry, collection)))
