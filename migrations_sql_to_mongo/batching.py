"""Encoded documents on their way from the source's rows to the server, in batches."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from migrations_sql_to_mongo.errors import Stopped


class TooManyRejects(Stopped):
    """More rows were rejected than the operator allows."""


class Encoded(NamedTuple):
    """A document that fits into MongoDB, and its collection; or a reject."""

    collection: str
    bson: bytes
    rows: bytes | None = None  # the digest of the rows that it was made of, if it may be recognized by them


class Batch(NamedTuple):
    """Documents of one collection that are written together."""

    collection: str
    documents: list[bytes]
    rows: list[bytes | None]
    is_last: bool = False  # gathered when the stream ended: how much it holds depends on where that was


def batches(stream: Iterable[Encoded], size: int, max_bytes: int = 4_000_000) -> Iterator[Batch]:
    """Collect documents into batches, each of one collection and limited in number and approximate size.

    If the stream stops with TooManyRejects, the last batches come before the exception.
    """
    waiting: dict[str, Batch] = {}
    held: dict[str, int] = {}
    stopped = None
    try:
        for collection, encoded, rows in stream:
            batch = waiting.get(collection)
            if batch is None:
                batch = waiting[collection] = Batch(collection, [], [])
            batch.documents.append(encoded)
            batch.rows.append(rows)
            held[collection] = held.get(collection, 0) + len(encoded)
            if len(batch.documents) >= size or held[collection] >= max_bytes:
                yield waiting.pop(collection)
                held[collection] = 0
    except TooManyRejects as error:
        stopped = error
    for batch in waiting.values():
        yield batch._replace(is_last=True)
    if stopped:
        raise stopped
