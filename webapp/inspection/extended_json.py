"""One document as one line of text: MongoDB's Extended JSON in its canonical mode, from which its BSON comes back.

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


class _Worded(TypeDecoder):
    """Lets the driver give Extended JSON's words for a type of values as it takes a document apart."""

    bson_type: Any = None

    def __init__(self, bson_type: type, words: Callable[[Any], dict[str, Any]]) -> None:
        self.bson_type, self._words = bson_type, words

    def transform_bson(self, value: Any) -> dict[str, Any]:
        """Return the words for a value."""
        return self._words(value)


def _words(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else json_util.default(value, _JSON)


# The types of which a document has many are worded here; json_util is asked for the others. A dump of packages takes a
# third of the time that `json_util.dumps` and `loads` need.
_CODEC = CodecOptions[dict[str, object]](
    # Dates as the number that BSON keeps, because Python's end with the year 9999.
    datetime_conversion=DatetimeConversion.DATETIME_MS,
    type_registry=TypeRegistry(
        [
            _Worded(int, lambda value: {"$numberInt": str(value)}),
            _Worded(bson.Int64, lambda value: {"$numberLong": str(value)}),
            _Worded(float, _words),
            _Worded(bson.DatetimeMS, lambda value: {"$date": {"$numberLong": str(int(value))}}),
            _Worded(bson.ObjectId, lambda value: {"$oid": str(value)}),
        ]
    ),
)
# What the driver and bsonjs raise for text or BSON that is not what it should be.
_UNREADABLE = (BSONError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

# Documents as the bytes that the server sends. Text in them that is no UTF-8 must not stop a dump.
RAW = CodecOptions[RawBSONDocument](document_class=RawBSONDocument, unicode_decode_error_handler="replace")


class UnreadableLine(ValueError):
    """The text is no document in Extended JSON."""


def line_of(document: bytes) -> bytes:
    """Return a document's line, without its end.

    Extended JSON has no words for some BSON: a field that occurs twice, the outdated types "symbol" and "undefined",
    a field that is itself called "$date", text that is no UTF-8. So each line is read again, and where that does not
    give the same bytes the line holds the BSON itself, in base64. No document looks like this, for each has an `_id`.
    """
    try:
        worded = bson.decode(document, _CODEC)
        line = orjson.dumps(worded, _words, orjson.OPT_PASSTHROUGH_SUBCLASS)
        if document_of(line) == document:
            return line
    except _UNREADABLE:
        pass
    return json_util.dumps(document, json_options=_JSON).encode()


def document_of(line: bytes) -> bytes:
    """Return the BSON that a line stands for. Raises UnreadableLine."""
    try:
        if is_in_base64(line):
            return bytes(json_util.loads(line, json_options=_JSON))
        if not line.startswith(b"{"):
            raise ValueError("a document begins with {")
        return bytes(bsonjs.loads(line.decode()))
    except _UNREADABLE as error:
        raise UnreadableLine(str(error)) from None


def is_in_base64(line: bytes) -> bool:
    """Tell whether a line holds the BSON itself: a document begins with its `_id`."""
    return line.startswith(b'{"$binary"')


class Digest:
    """Sums up documents, whatever their order: two sets of documents with one digest are the same bytes."""

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
