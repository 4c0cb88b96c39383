"""Encoded documents: the expected one, the stored one, and how they differ."""

import struct
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import bson

from migrations_sql_to_mongo.tally import HIDDEN
from migrations_sql_to_mongo.target import decoded
from migrations_sql_to_mongo.values import shown
from migrations_sql_to_mongo.verify.findings import Expected


class Wanted(NamedTuple):
    """An expected document."""

    encoded: bytes
    needs_html: bool  # it has a description, so that rendering has added fields at its end


def encode(expected: Expected) -> Wanted:
    """Encode a document. Raises ValueError for values that BSON cannot hold."""
    expected = {key: value for key, value in expected.items() if value is not None}
    try:
        return Wanted(bson.encode(expected), "release_count" in expected and bool(expected.get("description")))
    except OverflowError as error:
        raise ValueError(str(error)) from None


def encode_with(expected: Expected, name: str, encoded: list[bytes], last: Expected) -> Wanted:
    """Encode a document with an array of encoded documents after its fields, and other fields after that."""
    head = encode(expected)
    fields = [head.encoded[4:-1]]
    if encoded:
        # Source: bsonspec.org. An array is a document with the numbers of its elements as their names.
        array = b"".join([b"\x03%d\0%b" % numbered for numbered in enumerate(encoded)])
        fields += b"\x04%b\0" % name.encode(), struct.pack("<i", len(array) + 5), array, b"\0"
    body = b"".join([*fields, encode(last).encoded[4:]])
    return Wanted(struct.pack("<i", len(body) + 4) + body, head.needs_html)


def stored_name(document: bytes | None) -> str | None:
    """Return the `name` of a package's encoded document: the second field."""
    if document is None:
        return None
    start = 4 + 9 + struct.unpack_from("<i", document, 9)[0]
    if document[start : start + 6] == b"\x02name\0":
        return document[start + 10 : start + 9 + struct.unpack_from("<i", document, start + 6)[0]].decode()
    return decoded(document).get("name")


def tail(encoded: bytes, document: bytes) -> dict[str, Any] | None:
    """Return the fields of a stored document after the expected ones, or None if those differ."""
    end = len(encoded) - 1
    if document[4:end] != encoded[4:end]:
        return None
    rest = document[end:]
    return decoded(struct.pack("<i", len(rest) + 4) + rest)


def differences(expected: Any, stored: Any, path: str) -> Iterator[str]:
    """Yield what differs between two values, with the path of each field."""
    if isinstance(expected, dict) and isinstance(stored, dict):
        for key in {**expected, **stored}:
            where = f"{path}.{key}" if path else key
            if key not in stored:
                yield f"{where} is missing: {_said(key, expected[key])} in the source"
            elif key not in expected:
                yield f"{where} is not in the source: {_said(key, stored[key])}"
            else:
                yield from differences(expected[key], stored[key], where)
    elif isinstance(expected, list) and isinstance(stored, list):
        if len(expected) != len(stored):
            yield f"{path} has {_entries(stored)}, {len(expected)} in the source"
        for index, (one, other) in enumerate(zip(expected, stored, strict=False)):
            yield from differences(one, other, f"{path}[{index}]")
    elif type(expected) is not type(stored) or expected != stored:
        name = path.rpartition(".")[2]
        yield f"{path} is {_said(name, stored)}, {_said(name, expected)} in the source"


def _said(name: str, value: Any) -> str:
    if isinstance(value, dict | list):
        # What the site nests in documents may be secret: sessions, second factors, recovery codes, invitations.
        return _entries(value)
    is_readable = isinstance(value, str | datetime)
    return HIDDEN if name == "hashed_password" else shown(str(value) if is_readable else repr(value))


def _entries(value: dict[str, Any] | list[Any]) -> str:
    return "1 entry" if len(value) == 1 else f"{len(value)} entries"
