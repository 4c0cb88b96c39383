"""One document as one line of text: MongoDB's Extended JSON in its canonical mode, from which its BSON comes back.

Source: https://github.com/mongodb/specifications/blob/master/source/extended-json.md
"""

import hashlib

import bson
from bson import json_util
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument

# Dates as the number that BSON keeps, because Python's end with the year 9999.
_CODEC = CodecOptions[dict[str, object]](datetime_conversion=DatetimeConversion.DATETIME_MS)
_JSON = json_util.JSONOptions(
    json_mode=json_util.JSONMode.CANONICAL, datetime_conversion=DatetimeConversion.DATETIME_MS
)
# What the driver raises for text or BSON that is not what it should be.
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
        text = json_util.dumps(bson.decode(document, _CODEC), json_options=_JSON, ensure_ascii=False)
        line = text.encode()
        if document_of(line) == document:
            return line
    except _UNREADABLE:
        pass
    return json_util.dumps(document, json_options=_JSON).encode()


def document_of(line: bytes) -> bytes:
    """Return the BSON that a line stands for. Raises UnreadableLine."""
    try:
        found = json_util.loads(line, json_options=_JSON)
        return found if isinstance(found, bytes) else bson.encode(found, codec_options=_CODEC)
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
