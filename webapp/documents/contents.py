"""The bytes of files, in MongoDB's GridFS: collections `contents.files` and `contents.chunks`.

The format follows the GridFS specification, so `mongofiles --prefix contents` can read it. The module `gridfs` is not
used: its writer holds 32 MB of each file in memory and checks its indexes in every upload, and its reader fetches
batches of 16 MB. Here only one chunk of each transfer is in memory.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import IO, Self

import bson
import mongoengine as me

from webapp.documents.base import ReadingQuerySet, utc_now
from webapp.mongodb import db

# With GridFS's default chunks of 255 KiB, a 200 MB file was written at 220-280 MB/s and read at 380-440; with these, at
# 330-410 and 520-1,000; 4 MiB were no faster. Never change it: stored files have chunks of this size.
CHUNK_BYTES = 1024 * 1024
# How many files are checked together when looking for bytes without an owner.
_SWEPT = 1000


class MissingBytes(RuntimeError):
    """A chunk of a file is missing, or has the wrong length."""


class Contents(db.Document):
    """The bytes of one file, as GridFS describes them."""

    id = me.ObjectIdField(primary_key=True)
    length = me.LongField()
    chunk_size = me.IntField(db_field="chunkSize")
    uploaded_at = me.DateTimeField(db_field="uploadDate")
    filename = me.StringField()

    meta = {
        "collection": "contents.files",
        "queryset_class": ReadingQuerySet,
        "auto_create_index": False,
        "indexes": [
            # For `mongofiles`.
            {"fields": ["filename", "uploaded_at"], "name": "by_filename"},
        ],
    }


class Chunk(db.Document):
    """A chunk of such bytes, at most 1 MiB."""

    id = me.ObjectIdField(primary_key=True)
    files_id = me.ObjectIdField()
    n = me.IntField()
    data = me.BinaryField()

    meta = {
        "collection": "contents.chunks",
        "queryset_class": ReadingQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Which is the n-th chunk of these bytes?
            {"fields": ["files_id", "n"], "name": "pieces_in_order", "unique": True},
        ],
    }


def put(content_id: bson.ObjectId, filename: str, source: IO[bytes], heartbeat: Callable[[], None]) -> int:
    """Store the bytes of a file; return how many. `heartbeat` is called before each chunk, and may raise to stop it."""
    chunks = Chunk.objects.raw()
    length = number = 0
    while data := source.read(CHUNK_BYTES):
        heartbeat()
        chunks.insert_one({"files_id": content_id, "n": number, "data": data})
        length, number = length + len(data), number + 1
    _described(content_id, filename, length)
    return length


def _described(content_id: bson.ObjectId, filename: str, length: int) -> None:
    described = {"length": bson.Int64(length), "chunkSize": CHUNK_BYTES, "uploadDate": utc_now(), "filename": filename}
    Contents.objects.raw().insert_one({"_id": content_id, **described})


def store_passing(
    content_id: bson.ObjectId, filename: str, source: Iterable[bytes], finish: Callable[[int], None]
) -> Iterator[bytes]:
    """Store the bytes of a file while passing them on. `finish` gets their number before the last ones are passed on.

    Exceptions of `source` are raised, and the chunks stored so far stay: `delete` removes them.
    """
    chunks = Chunk.objects.raw()
    length = number = 0
    held = b""
    for data in _pieces(source):
        chunks.insert_one({"files_id": content_id, "n": number, "data": data})
        if number:
            yield held
        held, length, number = data, length + len(data), number + 1
    _described(content_id, filename, length)
    finish(length)
    if number:
        yield held


def _pieces(source: Iterable[bytes]) -> Iterator[bytes]:
    waiting = bytearray()
    for part in source:
        waiting += part
        while len(waiting) >= CHUNK_BYTES:
            yield bytes(waiting[:CHUNK_BYTES])
            del waiting[:CHUNK_BYTES]
    if waiting:
        yield bytes(waiting)


class Reader:
    """The bytes of a file, one chunk at a time from any position, in the form that werkzeug sends.

    Each chunk is one query: a cursor would hold 16 MB, and time out while a reader pauses.
    """

    def __init__(self, content_id: bson.ObjectId, length: int) -> None:
        self._content_id = content_id
        self._length = length
        self._position = 0

    def seekable(self) -> bool:
        """Tell that `seek` works."""
        return True

    def seek(self, position: int) -> None:
        """Continue at this position."""
        self._position = position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        """Return the rest of a chunk. Raises MissingBytes."""
        if self._position >= self._length:
            raise StopIteration
        number, offset = divmod(self._position, CHUNK_BYTES)
        chunk = Chunk.objects.raw().find_one({"files_id": self._content_id, "n": number}, {"data": 1})
        data: bytes = chunk["data"][offset:] if chunk else b""
        if len(data) != min(self._length - self._position, CHUNK_BYTES - offset):
            raise MissingBytes(f"chunk {number} of contents {self._content_id} is not there, or not whole")
        self._position += len(data)
        return data


def delete_unowned(is_owned: Callable[[list[bson.ObjectId]], set[bson.ObjectId]], before: datetime) -> int:
    """Delete bytes without an owner that were started before this time; return the number of files.

    A killed upload can leave such bytes: its last chunk came after its claim had been settled by another.
    """
    chunks = Chunk.objects.raw()
    # The id contains the time at which they were started.
    begun = {"files_id": {"$lt": bson.ObjectId.from_datetime(before)}, "n": 0}
    found = 0
    ids = (chunk["files_id"] for chunk in chunks.find(begun, {"files_id": 1, "_id": 0}, batch_size=_SWEPT))
    while batch := list(islice(ids, _SWEPT)):
        for content_id in set(batch) - is_owned(batch):
            delete(content_id)
            found += 1
    return found


def delete(content_id: bson.ObjectId) -> None:
    """Delete the bytes of a file, complete or not."""
    Contents.objects.raw().delete_one({"_id": content_id})
    Chunk.objects.raw().delete_many({"files_id": content_id})
