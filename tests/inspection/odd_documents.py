"""Documents that are hard to write down: every type of BSON, and what Extended JSON has no words for."""

import struct
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import bson
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument
from hypothesis import strategies as st

ID = bson.ObjectId("650000000000000000000000")

# What a person, a shell or an older driver may have written; `_id` is added to each.
EVERY_TYPE: dict[str, Any] = {
    "text": "Größe \N{SNOWMAN} \U0001f40d \0 \u2028 \\ \" '",
    "empty": "",
    "int32": 5,
    "int64": bson.Int64(5),
    "largest": 2**63 - 1,
    "double": 5.0,
    "doubles": [-0.0, 1e300, 5e-324, 0.1, float("inf"), float("-inf"), float("nan")],
    "decimal": [bson.Decimal128(text) for text in ("1.10", "1.1", "NaN", "-Infinity", "-0", "1E+6000", "0E-6176")],
    "date": datetime(2026, 11, 20, 12, 0, 0, 123_000, tzinfo=UTC),
    "dates": [DatetimeMS(number) for number in (-1, 0, 2**62, -(2**62), 253_402_300_800_000)],
    "timestamp": bson.Timestamp(5, 7),
    "id": ID,
    "binary": [bson.Binary(b"\x00\xff", subtype) for subtype in (0, 1, 2, 5, 6, 8, 128, 255)],
    "uuid": bson.Binary.from_uuid(UUID(int=7)),
    "old_uuid": bson.Binary(b"0123456789abcdef", 3),
    "regex": [bson.Regex("^a.*", "imsx"), bson.Regex("(", "")],
    "code": [bson.Code("f()"), bson.Code("f(x)", {"x": bson.Int64(1)})],
    "null": None,
    "bool": [True, False],
    "ends": [bson.MinKey(), bson.MaxKey()],
    "reference": bson.DBRef("users", ID, "larder", extra=1),
    "order": {"z": 1, "a": {"y": [], "b": {}}},
    "": {"": ""},
    "a.b": {"$c": 1, "$d.e": 2},
    "like_a_date": {"$date": "2026-11-20T12:00:00Z"},
    "like_a_number": {"$numberLong": "x"},
    "like_a_binary": {"$binary": {"base64": "AA==", "subType": "00"}},
    "like_a_reference": {"$ref": "users", "$id": 1},
}


def _element(kind: int, name: bytes, value: bytes) -> bytes:
    return bytes([kind]) + name + b"\0" + value


def _document(*elements: bytes) -> bytes:
    body = b"".join(elements)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def _text(value: bytes) -> bytes:
    return struct.pack("<i", len(value) + 1) + value + b"\0"


def _number(value: int) -> bytes:
    return struct.pack("<i", value)


# What this driver reads otherwise than it stands there. Source of the types' numbers: https://bsonspec.org/spec.html
WITHOUT_WORDS: dict[str, bytes] = {
    "a field twice": _document(
        _element(0x10, b"_id", _number(1)), _element(0x10, b"a", _number(1)), _element(0x10, b"a", _number(2))
    ),
    # The driver gives documents of 4 kB and more as another type.
    "a field twice, and 5 kB": _document(
        _element(0x10, b"_id", _number(8)),
        _element(0x02, b"a", _text(b"x" * 5000)),
        _element(0x10, b"a", _number(2)),
    ),
    "undefined": _document(_element(0x10, b"_id", _number(2)), _element(0x06, b"a", b"")),
    "symbol": _document(_element(0x10, b"_id", _number(3)), _element(0x0E, b"a", _text(b"x"))),
    "pointer": _document(_element(0x10, b"_id", _number(4)), _element(0x0C, b"a", _text(b"users") + ID.binary)),
    "no UTF-8": _document(_element(0x10, b"_id", _number(5)), _element(0x02, b"a", _text(b"\xff\xfe"))),
    "another NaN": _document(_element(0x10, b"_id", _number(6)), _element(0x01, b"a", b"\x01\0\0\0\0\0\xf8\xff")),
    "odd array": _document(
        _element(0x10, b"_id", _number(7)), _element(0x04, b"a", _document(_element(0x10, b"5", _number(1))))
    ),
}


def odd_documents() -> list[RawBSONDocument]:
    """One document for each odd value, and one with all that have words."""
    plain = [{"_id": name, "value": value} for name, value in EVERY_TYPE.items()]
    encoded = [bson.encode(document) for document in [{"_id": "all", **EVERY_TYPE}, *plain]]
    lax = bson.CodecOptions[RawBSONDocument](document_class=RawBSONDocument, unicode_decode_error_handler="replace")
    return [RawBSONDocument(document, lax) for document in [*encoded, *WITHOUT_WORDS.values()]]


_leaves = st.one_of(
    st.sampled_from(list(EVERY_TYPE.values())),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-(2**63), 2**63 - 1).map(bson.Int64),
    st.floats(),
    st.binary().map(bson.Binary),
    st.builds(bson.Binary, st.binary(), st.sampled_from([4, 7, 9, 200])),
    st.integers(-(2**63), 2**63 - 1).map(DatetimeMS),
    st.builds(bson.Timestamp, st.integers(1, 2**32 - 1), st.integers(0, 2**32 - 1)),
)
_names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | st.sampled_from(
    ["$date", "$oid", "$binary", "$numberInt", "$uuid", "$regex", "$ref", "$id", "$type", "$undefined", "$code"]
)
made_documents = st.dictionaries(
    _names,
    st.recursive(
        _leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_names, inner, max_size=4),
        max_leaves=8,
    ),
    max_size=6,
)
