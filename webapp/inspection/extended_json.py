"""One document as one line of text, in MongoDB's Extended JSON, which converts back to the same BSON.

Source: https://github.com/mongodb/specifications/blob/master/source/extended-json.md
"""

import hashlib
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bson
import bsonjs
import orjson
from bson import json_util
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument

from webapp.inspection.manifest import LINES

_JSON = json_util.JSONOptions(
    json_mode=json_util.JSONMode.CANONICAL, datetime_conversion=DatetimeConversion.DATETIME_MS
)


# Dates stay the number that BSON stores, because Python's dates end with the year 9999.
_CODEC = CodecOptions[dict[str, object]](datetime_conversion=DatetimeConversion.DATETIME_MS)


# Frequent types, whose values orjson does not know.
_WRITERS: dict[type, Callable[[Any], dict[str, str] | dict[str, dict[str, str]]]] = {
    bson.DatetimeMS: lambda value: {"$date": {"$numberLong": str(int(value))}},
    bson.Int64: lambda value: {"$numberLong": int.__repr__(value)},
    bson.ObjectId: lambda value: {"$oid": str(value)},
}


def _converted(value: Any) -> Any:
    """Return the Extended JSON of a value that orjson does not know."""
    if write := _WRITERS.get(type(value)):
        return write(value)
    return dict(value) if isinstance(value, dict) else json_util.default(value, _JSON)


# What the driver and bsonjs raise for invalid text or BSON.
_UNREADABLE = (BSONError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

# Documents as the bytes that the server sends. Invalid UTF-8 in them must not stop a dump.
RAW = CodecOptions[RawBSONDocument](document_class=RawBSONDocument, unicode_decode_error_handler="replace")


# What a BSON document begins with. Source: https://bsonspec.org/spec.html
_LENGTH = struct.Struct("<i")


class UnreadableLine(ValueError):
    """The text is not a document in Extended JSON, or the bytes are not one in BSON."""


def line_of(document: bytes) -> bytes:
    """Return a document's line, without the line break.

    Extended JSON cannot express some BSON: a field that occurs twice, the outdated types "symbol" and "undefined", a
    field that is itself called "$date", invalid UTF-8. So each line is parsed again, and if the bytes differ, the line
    contains the BSON itself, in base64. No document looks like that, because each has an `_id`.
    """
    for write in (_short_line_of, _canonical_line_of):
        try:
            line = write(document)
            if document_of(line) == document:
                return line
        except _UNREADABLE:
            continue
    return json_util.dumps(document, json_options=_JSON).encode()


def _short_line_of(document: bytes) -> bytes:
    """Return a line in which numbers of the most frequent types, int and double, are written as in JSON."""
    return orjson.dumps(bson.decode(document, _CODEC), _converted, orjson.OPT_PASSTHROUGH_SUBCLASS)


def _canonical_line_of(document: bytes) -> bytes:
    """Return a line in which the type of every number is written out, such as those that JSON cannot express."""
    return json_util.dumps(bson.decode(document, _CODEC), json_options=_JSON).encode()


def document_of(line: bytes) -> bytes:
    """Return the BSON of a line. Raises UnreadableLine."""
    try:
        if is_in_base64(line):
            return bytes(json_util.loads(line, json_options=_JSON))
        if not line.startswith(b"{"):
            raise ValueError("a document starts with {")
        return bytes(bsonjs.loads(line.decode()))
    except _UNREADABLE as error:
        raise UnreadableLine(str(error)) from None


def documents_in(path: Path, word: bytes = b"") -> Iterator[bytes]:
    """Yield the BSON documents in a file of a dump, of lines only those with this word. Raises UnreadableLine."""
    with path.open("rb") as file:
        if path.suffix == LINES:
            for number, line in enumerate(file, 1):
                if word and word not in line and not is_in_base64(line):
                    continue
                try:
                    yield document_of(line)
                except UnreadableLine as error:
                    raise UnreadableLine(f"line {number}: {error}") from None
            return
        while head := file.read(_LENGTH.size):
            length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
            rest = file.read(length - _LENGTH.size) if length > _LENGTH.size else b""
            if len(rest) + _LENGTH.size != length:
                raise UnreadableLine(f"the document that ends at byte {file.tell():,} is not whole")
            yield head + rest


def is_in_base64(line: bytes) -> bool:
    """Tell whether a line contains BSON in base64; other lines start with an `_id`."""
    return line.startswith(b'{"$binary"')


class Digest:
    """A digest of documents in any order: two sets of documents with the same digest are identical."""

    def __init__(self) -> None:
        self.documents = 0
        self.bytes = 0
        self._sum = 0

    def add(self, document: bytes) -> None:
        """Add one document's BSON."""
        self.documents += 1
        self.bytes += len(document)
        self._sum += int.from_bytes(hashlib.blake2b(document, digest_size=32).digest(), "big")

    def __str__(self) -> str:
        return f"{self._sum % 2**256:064x}"
