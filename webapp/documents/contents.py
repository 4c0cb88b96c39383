"""The bytes of files, in MongoDB's GridFS: collections `contents.files` and `contents.chunks`.

The form is that of the GridFS specification, so `mongofiles --prefix contents` reads it, too. It is written here and
not by `gridfs`, whose writer holds 32 MB of each file in memory and looks for its indexes in every upload, and whose
reader gets batches of 16 MB: here one chunk of each transfer is in memory at a time.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import IO, Self

import bson
import mongoengine as me

from webapp.documents.base import ReadingQuerySet, utc_now
from webapp.mongodb import db

# In GridFS's usual pieces of 255 KiB a file of 200 MB was written at 220-280 MB/s and read at 380-440, in these at
# 330-410 and 520-1,000, in pieces of 4 MiB no faster. Never change it: what is stored is in pieces of this size.
CHUNK_BYTES = 1024 * 1024
# So many files' bytes are looked at together when those are sought that nobody owns.
_SWEPT = 1000


class MissingBytes(RuntimeError):
    """A part of a file is not there, or not as long as it must be."""


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
            # What `mongofiles` asks.
            {"fields": ["filename", "uploaded_at"], "name": "by_filename"},
        ],
    }


class Chunk(db.Document):
    """A piece of such bytes, 1 MiB at most."""

    id = me.ObjectIdField(primary_key=True)
    files_id = me.ObjectIdField()
    n = me.IntField()
    data = me.BinaryField()

    meta = {
        "collection": "contents.chunks",
        "queryset_class": ReadingQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Which is the n-th piece of these bytes?
            {"fields": ["files_id", "n"], "name": "pieces_in_order", "unique": True},
        ],
    }


def put(content_id: bson.ObjectId, filename: str, source: IO[bytes], alive: Callable[[], None]) -> int:
    """Keep the bytes of a file; return how many. `alive` is called before each chunk, and may raise to stop it."""
    chunks = Chunk.objects.raw()
    length = number = 0
    while data := source.read(CHUNK_BYTES):
        alive()
        chunks.insert_one({"files_id": content_id, "n": number, "data": data})
        length, number = length + len(data), number + 1
    _described(content_id, filename, length)
    return length


def _described(content_id: bson.ObjectId, filename: str, length: int) -> None:
    described = {"length": bson.Int64(length), "chunkSize": CHUNK_BYTES, "uploadDate": utc_now(), "filename": filename}
    Contents.objects.raw().insert_one({"_id": content_id, **described})


def keep_passing(
    content_id: bson.ObjectId, filename: str, source: Iterable[bytes], finish: Callable[[int], None]
) -> Iterator[bytes]:
    """Keep the bytes of a file while they are passed on; `finish` is told their number before the last are passed on.

    What `source` raises comes through, and the pieces that are kept by then stay: `delete` removes them.
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
    """The bytes of a file, a chunk at a time, from any place on: what werkzeug wants of a file that it sends.

    One question a chunk: a cursor would hold 16 MB, and time out under a reader who pauses.
    """

    def __init__(self, content_id: bson.ObjectId, length: int) -> None:
        self._content_id = content_id
        self._length = length
        self._position = 0

    def seekable(self) -> bool:
        """Say that `seek` works."""
        return True

    def seek(self, position: int) -> None:
        """Go on from here."""
        self._position = position

    def tell(self) -> int:
        """Return where it goes on."""
        return self._position

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        """Return what is left of a chunk. Raises MissingBytes."""
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
    """Remove bytes that nobody owns and that were begun before this time; return of how many files.

    A killed upload can leave some whose claim is gone: its last chunk came after the claim was settled by another.
    """
    chunks = Chunk.objects.raw()
    # The id of contents holds the time at which they were begun.
    begun = {"files_id": {"$lt": bson.ObjectId.from_datetime(before)}, "n": 0}
    found = 0
    ids = (chunk["files_id"] for chunk in chunks.find(begun, {"files_id": 1, "_id": 0}, batch_size=_SWEPT))
    while batch := list(islice(ids, _SWEPT)):
        for content_id in set(batch) - is_owned(batch):
            delete(content_id)
            found += 1
    return found


def delete(content_id: bson.ObjectId) -> None:
    """Remove the bytes of a file, whether they are whole or not."""
    Contents.objects.raw().delete_one({"_id": content_id})
    Chunk.objects.raw().delete_many({"files_id": content_id})
