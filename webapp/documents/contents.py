"""The bytes of files, in MongoDB's GridFS: collections `contents.files` and `contents.chunks`.

The format follows the GridFS specification, so `mongofiles --prefix contents` can read it. The module `gridfs` is not
used: its writer holds 32 MB of each file in memory and checks its indexes in every upload, and its reader fetches
batches of 16 MB. Here only one chunk of each transfer is in memory.
"""

import errno
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from heapq import merge
from itertools import groupby, islice
from typing import IO, Any, NamedTuple, Self

import bson
import mongoengine as me

from webapp.documents.base import ReadingQuerySet, utc_now
from webapp.mongodb import db

# With GridFS's default chunks of 255 KiB, a 200 MB file was written at 220-280 MB/s and read at 380-440; with these, at
# 330-410 and 520-1,000; 4 MiB were no faster. Never change it: stored files have chunks of this size.
CHUNK_BYTES = 1024 * 1024
# How many files are checked together when looking for bytes without an owner.
_SWEPT = 1000


class MissingBytes(Exception):
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


def chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the bytes of a file, from its start, in chunks as `put` takes them."""
    file.seek(0)
    while data := file.read(CHUNK_BYTES):
        yield data


def put(content_id: bson.ObjectId, filename: str, chunks: Iterable[bytes]) -> int:
    """Store a file of these chunks, each of CHUNK_BYTES except the last; return its length in bytes."""
    length = 0
    for number, data in enumerate(chunks):
        Chunk.objects.raw().insert_one({"files_id": content_id, "n": number, "data": data})
        length += len(data)
    describe(content_id, filename, length)
    return length


def describe(content_id: bson.ObjectId, filename: str, length: int) -> None:
    """Store the document that makes chunks a file."""
    described = {"length": bson.Int64(length), "chunkSize": CHUNK_BYTES, "uploadDate": utc_now(), "filename": filename}
    Contents.objects.raw().insert_one({"_id": content_id, **described})


def store_passing(
    content_id: bson.ObjectId, filename: str, source: Iterable[bytes], keep: Callable[[int], bool]
) -> Iterator[bytes]:
    """Store the bytes of a file while passing them on.

    `keep` gets their number before the last ones are passed on, and tells whether they stay. If not, or if `source`
    raises an exception, they are removed.
    """
    chunks = Chunk.objects.raw()
    length = number = 0
    held = b""
    stays = False
    try:
        for data in _pieces(source):
            chunks.insert_one({"files_id": content_id, "n": number, "data": data})
            if number:
                yield held
            held, length, number = data, length + len(data), number + 1
        describe(content_id, filename, length)
        stays = keep(length)
        if number:
            yield held
    finally:
        if not stays:
            delete(content_id)


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
        data = self.chunk(number)[offset:]
        if len(data) != min(self._length - self._position, CHUNK_BYTES - offset):
            raise MissingBytes(f"chunk {number} of contents {self._content_id} is not there, or not whole")
        self._position += len(data)
        return data

    def chunk(self, number: int) -> bytes:
        """Return a chunk, or nothing if it is missing."""
        found = Chunk.objects.raw().find_one({"files_id": self._content_id, "n": number}, {"data": 1})
        data: bytes = found["data"] if found else b""
        return data


class Seekable(io.RawIOBase):
    """The bytes of a file in the form that `zipfile` and `gzip` read: from any position, one chunk in memory."""

    def __init__(self, content_id: bson.ObjectId, length: int) -> None:
        super().__init__()
        self._reader = Reader(content_id, length)
        self._length = length
        self._position = 0
        self._first, self._chunk = 0, b""  # the position of the bytes that were read last

    def readable(self) -> bool:
        """Tell that `read` works."""
        return True

    def seekable(self) -> bool:
        """Tell that `seek` works."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Continue at this position. Raises OSError if it is before the start."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._length}[whence]
        if start + offset < 0:
            raise OSError(errno.EINVAL, "a position before the start of the file")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read what is left of a chunk, at most. Raises MissingBytes."""
        if not self._first <= self._position < self._first + len(self._chunk):
            self._first = self._position - self._position % CHUNK_BYTES
            self._reader.seek(self._first)
            self._chunk = next(self._reader, b"") if self._position < self._length else b""
        start = self._position - self._first
        part = self._chunk[start : start + len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)


class Held(NamedTuple):
    """What is there of the bytes of a file."""

    described: int | None = None  # the length that their document names
    chunks: int = 0
    whole: int = 0  # chunks of CHUNK_BYTES
    last: int = -1  # the number of the last chunk
    length: int = 0


def held(content_ids: list[bson.ObjectId]) -> dict[bson.ObjectId, Held]:
    """Count and sum the chunks of these files. The server does that; no bytes are sent."""
    is_binary = {"$eq": [{"$type": "$data"}, "binData"]}
    length = {"$cond": [is_binary, {"$binarySize": {"$cond": [is_binary, "$data", ""]}}, 0]}
    counted = {
        "_id": "$files_id",
        "chunks": {"$sum": 1},
        "whole": {"$sum": {"$cond": [{"$eq": ["$length", CHUNK_BYTES]}, 1, 0]}},
        "last": {"$max": "$n"},
        "length": {"$sum": "$length"},
    }
    which = {"files_id": {"$in": content_ids}}
    rows = Chunk.objects.raw().aggregate(
        [{"$match": which}, {"$project": {"files_id": 1, "n": 1, "length": length}}, {"$group": counted}]
    )
    found = {row.pop("_id"): Held(**row) for row in rows}
    for son in Contents.objects.raw().find({"_id": {"$in": content_ids}}, {"length": 1}):
        found[son["_id"]] = found.get(son["_id"], Held())._replace(described=son.get("length"))
    return found


def damage(there: Held | None, length: int) -> str | None:
    """Return what is missing of bytes that should have this length, or None."""
    there, chunks = there or Held(), -(-length // CHUNK_BYTES)
    if there.chunks == 0 and there.described is None and length:
        return "its bytes are missing"
    if there.chunks != chunks or there.last != chunks - 1:
        return f"{there.chunks:,} of {chunks:,} chunks of its bytes are there"
    if there.length != length or there.whole != length // CHUNK_BYTES:
        return f"its chunks have {there.length:,} of {length:,} bytes, or a wrong length"
    if there.described != length:
        return f"`contents.files` says {there.described} bytes instead of {length:,}"
    return None


def ids_before(content_id: bson.ObjectId) -> Iterator[bson.ObjectId]:
    """Yield the ids of all bytes that were started before this id was made, in order; complete or not."""
    which = {"$lt": content_id}
    chunks = Chunk.objects.raw().find({"files_id": which}, {"files_id": 1, "_id": 0}, batch_size=_SWEPT)
    described = Contents.objects.raw().find({"_id": which}, {"_id": 1}, batch_size=_SWEPT).sort("_id", 1)
    begun = (chunk["files_id"] for chunk in chunks.sort([("files_id", 1), ("n", 1)]))
    for found, _ in groupby(merge(begun, (each["_id"] for each in described))):
        yield found


def is_described(content_id: bson.ObjectId, length: int) -> bool:
    """Tell whether the document of some bytes is there, and names this length."""
    return Contents.objects.raw().count_documents({"_id": content_id, "length": length}, limit=1) == 1


def check_length(content_id: bson.ObjectId, length: int) -> None:
    """Raise MissingBytes if a reader of this length would stop early without noticing.

    It notices unless it stops where a chunk ends, so the others need no query.
    """
    if (length <= 0 or length % CHUNK_BYTES == 0) and not is_described(content_id, length):
        raise MissingBytes(f"contents {content_id} do not have {length:,} bytes")


def sha256_of(content_id: bson.ObjectId, length: int) -> str | None:
    """Return the SHA-256 of stored bytes, or None if a chunk is missing or not whole."""
    digest = hashlib.sha256()
    try:
        for data in Reader(content_id, length):
            digest.update(data)
    except MissingBytes:
        return None
    return digest.hexdigest()


def delete_unowned(owned: Callable[[list[bson.ObjectId]], set[bson.ObjectId]], before: datetime) -> int:
    """Delete bytes without an owner that were started before this time; return the number of files.

    A killed upload can leave such bytes: its last chunk came after its claim had been settled by another.
    """
    found = 0
    # The id contains the time at which they were started.
    ids = ids_before(bson.ObjectId.from_datetime(before))
    while batch := list(islice(ids, _SWEPT)):
        for content_id in set(batch) - owned(batch):
            delete(content_id)
            found += 1
    return found


def delete(content_id: bson.ObjectId) -> None:
    """Delete the bytes of a file, complete or not."""
    Contents.objects.raw().delete_one({"_id": content_id})
    Chunk.objects.raw().delete_many({"files_id": content_id})
