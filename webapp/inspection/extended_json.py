"""One document as one line of text, in MongoDB's canonical Extended JSON, which converts back to the same BSON.

Source: https://github.com/mongodb/specifications/blob/master/source/extended-json.md
"""

import hashlib
from collections.abc import Callable
from typing import Any

import bson
import bsonjs
import orjson
from bson import json_util
from bson.codec_options import CodecOptions, DatetimeConversion, TypeDecoder, TypeRegistry
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument

_JSON = json_util.JSONOptions(
    json_mode=json_util.JSONMode.CANONICAL, datetime_conversion=DatetimeConversion.DATETIME_MS
)


class _AsExtendedJson(TypeDecoder):
    """Makes the driver return the Extended JSON of a type of values while it decodes a document."""

    bson_type: Any = None

    def __init__(self, bson_type: type, convert: Callable[[Any], dict[str, Any]]) -> None:
        self.bson_type, self._convert = bson_type, convert

    def transform_bson(self, value: Any) -> dict[str, Any]:
        """Return the Extended JSON of a value."""
        return self._convert(value)


def _converted(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else json_util.default(value, _JSON)


# Frequent types are converted here, the others by json_util. A dump of packages takes a third of the time that
# `json_util.dumps` and `loads` need.
_CODEC = CodecOptions[dict[str, object]](
    # Dates stay the number that BSON stores, because Python's dates end with the year 9999.
    datetime_conversion=DatetimeConversion.DATETIME_MS,
    type_registry=TypeRegistry(
        [
            _AsExtendedJson(int, lambda value: {"$numberInt": str(value)}),
            _AsExtendedJson(bson.Int64, lambda value: {"$numberLong": str(value)}),
            _AsExtendedJson(float, _converted),
            _AsExtendedJson(bson.DatetimeMS, lambda value: {"$date": {"$numberLong": str(int(value))}}),
            _AsExtendedJson(bson.ObjectId, lambda value: {"$oid": str(value)}),
        ]
    ),
)
# What the driver and bsonjs raise for invalid text or BSON.
_UNREADABLE = (BSONError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

# Documents as the bytes that the server sends. Invalid UTF-8 in them must not stop a dump.
RAW = CodecOptions[RawBSONDocument](document_class=RawBSONDocument, unicode_decode_error_handler="replace")


class UnreadableLine(ValueError):
    """The text is not a document in Extended JSON."""


def line_of(document: bytes) -> bytes:
    """Return a document's line, without the line break.

    Extended JSON cannot express some BSON: a field that occurs twice, the outdated types "symbol" and "undefined", a
    field that is itself called "$date", invalid UTF-8. So each line is parsed again, and if the bytes differ, the line
    contains the BSON itself, in base64. No document looks like that, because each has an `_id`.
    """
    try:
        decoded = bson.decode(document, _CODEC)
        line = orjson.dumps(decoded, _converted, orjson.OPT_PASSTHROUGH_SUBCLASS)
        if document_of(line) == document:
            return line
    except _UNREADABLE:
        pass
    return json_util.dumps(document, json_options=_JSON).encode()


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
