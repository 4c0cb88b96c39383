"""Digests of all documents that migrations wrote, stored next to the ledger.

With them `catch-up` finds what has changed in the source, and what on the site is still as it was moved.
"""

import hashlib
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import bson

from migrations_sql_to_mongo.ledger import Entry, Ledger
from migrations_sql_to_mongo.target import Target, bson_id, decoded
from webapp.documents.user import digest_of_hash

# The fields that rendering adds to a package.
RENDERED_FIELDS = ("description_html", "description_problem", "description_renderer")
# The digests of rendered descriptions are stored with those of documents, as if they were a collection of this name.
RENDERED = "rendered"
# So are, under this name, those of the packages that were compared, and of their rows.
COMPARED = "compared"
# So are, under this name, those of the fields of users that change by an edit only, and of their password hashes. A
# sign-in changes others, and so do second factors, teams and the identity provider.
EDITABLE = "editable"
EDITABLE_FIELDS = (
    *("username", "name", "email", "email_folded", "profile_image_url"),
    *("is_admin", "is_disabled", "created_date", "legacy"),
)
SIZE = 16
NONE = bytes(SIZE)  # for a document that no longer belongs to the migration
HALF = SIZE // 2
PACKAGES = "packages"
_LAST_FIELD = RENDERED_FIELDS[-1].encode()
# The fields of a package that change if a maintainer changes their name, in this order. Source: bsonspec.org.
_DATE, _MAINTAINERS = b"\x09updated_date\0", b"\x04maintainers\0"
_DATE_SIZE = len(_DATE) + 8
_INT32 = struct.Struct("<i").unpack_from


def digests_collection(run_id: str) -> str:
    """Return the collection with the digests of what a run wrote."""
    return f"migrations_digests_{run_id}"


def chain_of(ledger: Ledger, entry: Entry) -> list[str]:
    """Return the ids of the run and the catch-ups that a state of the site comes from, the run first."""
    chain = [entry["_id"]]
    since = entry.get("since")
    # An edit by hand may have made a circle of them.
    while since and since not in chain and (earlier := ledger.run(since)):
        chain.append(earlier["_id"])
        since = earlier.get("since")
    return chain[::-1]


def digest_of_rendering(text: str, fields: Mapping[str, Any]) -> bytes:
    """Return the digest of a description and of what rendering made of it."""
    values = [text, *(fields.get(name) for name in RENDERED_FIELDS)]
    return hashlib.blake2b(bson.encode({"of": values}), digest_size=SIZE).digest()


def digest_of(collection: str, document: bytes) -> bytes:
    """Return the digest of an encoded document, without what rendering adds to it.

    A package's digest has two halves: the second covers what changes when a maintainer changes their name.
    """
    document = unrendered(document)
    if collection == PACKAGES and (halves := _halves(document)):
        return b"".join(hashlib.blake2b(half, digest_size=HALF).digest() for half in halves)
    return hashlib.blake2b(document, digest_size=SIZE).digest()


def is_digest(digest: bytes, collection: str, document: bytes) -> bool:
    """Tell whether this is the digest of a document. Earlier builds did not split those of packages in two."""
    return digest in (digest_of(collection, document), digest_of("", document))


def is_renamed(digest: bytes, document: bytes) -> bool:
    """Tell whether a package differs from the one with this digest in maintainers' names and its date at most."""
    return digest_of(PACKAGES, document)[:HALF] == digest[:HALF]


def _halves(document: bytes) -> tuple[bytes, bytes] | None:
    """Split a package into what only an edit changes, and what a maintainer's new name changes.

    Returns None if there are no maintainers. The fields stand side by side, so they are found without decoding the
    package, which takes several times as long.
    """
    at = document.find(_MAINTAINERS)
    value = at + len(_MAINTAINERS)
    if at < 0 or len(document) < value + 4:
        return None
    ends, dated, last = value + _INT32(document, value)[0], at - _DATE_SIZE, len(document) - 1
    begins = dated if document.startswith(_DATE, dated) else at
    if begins == at and document.startswith(_DATE, last - _DATE_SIZE):
        dated = last = last - _DATE_SIZE  # a package without a date, until the site wrote one at its end
    try:
        people = decoded(document[value:ends])
    except bson.errors.InvalidBSON:
        return None
    names = [one.pop("name", None) if isinstance(one, dict) else None for one in people.values()]
    own = bson.encode({"names": names})
    if begins != at or last < len(document) - 1:
        own += document[dated : dated + _DATE_SIZE]
    return b"".join((document[4:begins], bson.encode(people), document[ends:last])), own


def digests_of_user(document: bytes) -> tuple[bytes, bytes]:
    """Return the digests of the EDITABLE_FIELDS of an encoded user, and of the password hash."""
    fields = decoded(document)
    editable = {name: fields[name] for name in EDITABLE_FIELDS if name in fields}
    return digest_of("", bson.encode(editable)), bytes.fromhex(digest_of_hash(str(fields.get("hashed_password") or "")))


def chunk_of_users(number: str, users: dict[Any, tuple[bytes, bytes]]) -> bytes:
    """Return what `digests_of_user` says of some users, by their ids, as `chunk` does."""
    digests = users.values()
    return chunk(f"{number}/{EDITABLE}", EDITABLE, [*users], (one for one, _ in digests), (one for _, one in digests))


def unrendered(document: bytes) -> bytes:
    """Return an encoded document without what rendering adds to it."""
    if _LAST_FIELD not in document:
        return document
    fields = decoded(document)
    for name in RENDERED_FIELDS:
        fields.pop(name, None)
    return bson.encode(fields)


def chunk(
    number: str, collection: str, ids: list[Any], digests: Iterable[bytes], rows: Iterable[bytes | None] = ()
) -> bytes:
    """Return some digests as an encoded document. Higher numbers override lower ones.

    `rows` are the digests of the rows that the documents were made of, where they may be recognized by them.
    """
    kept = {"digests": b"".join(digests), "rows": b"".join(each or NONE for each in rows)}
    return bson.encode({"_id": number, "collection": collection, "ids": ids} | kept)


class Written:
    """The digests of what a run, and what followed it, wrote into some collections.

    They are stored in a temporary file, so that little memory is used. Use it as a context manager.
    """

    def __init__(self, target: Target, run_ids: Iterable[str], collections: list[str]) -> None:
        """`run_ids` are in the order of writing. RENDERED and the like count as collections."""
        self._file = sqlite3.connect("")  # a temporary file that SQLite removes
        self._file.execute(
            "CREATE TABLE written (collection, id, digest BLOB, rows BLOB, PRIMARY KEY (collection, id)) WITHOUT ROWID"
        )
        for run_id in run_ids:
            chosen = {"collection": {"$in": collections}}
            for one in target.db[digests_collection(run_id)].find(chosen).sort("_id", 1):
                name, digests, rows = one["collection"], one["digests"], one.get("rows", b"")
                places = range(0, len(digests), SIZE)
                self._file.executemany(
                    "INSERT OR REPLACE INTO written VALUES (?, ?, ?, ?)",
                    (
                        (name, _key(each), digests[at : at + SIZE], rows[at : at + SIZE] or NONE)
                        for each, at in zip(one["ids"], places, strict=True)
                    ),
                )

    def __enter__(self) -> Self:
        """Load the digests."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Remove the file."""
        self._file.close()

    def find(self, collection: str, document_id: Any) -> bytes | None:
        """Return the digest of a document, or None if no migration wrote it."""
        row = self._file.execute(
            "SELECT digest FROM written WHERE collection = ? AND id = ?", (collection, _key(document_id))
        ).fetchone()
        return None if row is None or row[0] == NONE else row[0]

    def find_both(self, collection: str, document_id: Any) -> tuple[bytes, bytes] | None:
        """Return the digests of a document and of its rows, or, of EDITABLE, of the password hash."""
        statement = "SELECT digest, rows FROM written WHERE collection = ? AND id = ?"
        found: tuple[bytes, bytes] | None = self._file.execute(statement, (collection, _key(document_id))).fetchone()
        return found

    def take(self, collection: str, document_id: Any) -> bytes | None:
        """Return the digest of a document, and remove it."""
        row = self._file.execute(
            "DELETE FROM written WHERE collection = ? AND id = ? RETURNING digest", (collection, _key(document_id))
        ).fetchone()
        return None if row is None or row[0] == NONE else row[0]

    def recognize_rows(self) -> None:
        """Prepare for `take_rows`."""
        self._file.execute("CREATE INDEX by_rows ON written (rows)")

    def take_rows(self, collection: str, rows: bytes) -> bool:
        """Tell whether a document was made of the rows with this digest, and remove its digest."""
        statement = "DELETE FROM written WHERE rows = ? AND collection = ?"
        return self._file.execute(statement, (rows, collection)).rowcount > 0

    def left(self, collection: str) -> Iterator[tuple[Any, bytes]]:
        """Yield the id and digest of every document that was not taken."""
        rows = self._file.execute("SELECT id, digest FROM written WHERE collection = ? ORDER BY id", (collection,))
        for key, digest in rows:
            if digest != NONE:
                yield bson.ObjectId(key) if isinstance(key, bytes) else key, digest


def chunk_of(number: str, collection: str, documents: list[bytes], rows: list[bytes | None]) -> bytes:
    """Return the digests of some encoded documents, and of their rows, as `chunk` does."""
    return chunk(
        number,
        collection,
        [bson_id(document) for document in documents],
        (digest_of(collection, document) for document in documents),
        rows,
    )


def _key(document_id: Any) -> Any:
    return document_id.binary if isinstance(document_id, bson.ObjectId) else document_id
