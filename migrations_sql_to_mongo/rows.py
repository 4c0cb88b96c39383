"""Rows of the source: what tells them apart, how they are ordered, and how the servers hold their keys."""

import decimal
import math
import re
from collections.abc import Iterator
from typing import Any

from migrations_sql_to_mongo.layout import TABLES
from migrations_sql_to_mongo.values import shown

Row = tuple[Any, ...]

# What a download needs of its release, to tell which version it was.
RELEASE_OF_DOWNLOAD = ("package_id", "url", "major_ver", "minor_ver", "build_ver", "version", "filename")
# What tells a row from the others of its table.
KEYS = dict.fromkeys(TABLES, ("id",)) | {"maintainers": ("user_id", "package_id")}
PACKAGE_COLUMN = {table: list(TABLES[table]).index("package_id") for table in ("releases", "maintainers", "files")}


def key_of(table: str, row: Row) -> str:
    """Return what a row is called in reports: its id, or "user id/package id" of a maintainer."""
    return "/".join(shown(row[index]) for index in range(len(KEYS[table])))


def position(key: Any) -> tuple[int, Any]:
    """Return what sorts as the servers sort: NULL, numbers (SQLite has them anywhere), text by bytes."""
    if key is None:
        return 0, 0
    if isinstance(key, str):
        return 2, key.encode("utf-8", "surrogateescape")
    if isinstance(key, bytes | bytearray | memoryview):
        return 3, bytes(key)
    return 1, key if key == key else math.inf  # PostgreSQL holds NaN greater than all other numbers


# What JSON holds as text, because it is exact or infinite.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?|-?Infinity|NaN")


def number_in(text: str) -> Any:
    """Return the number that a text holds, and any other text unchanged."""
    return decimal.Decimal(text) if _NUMBER.fullmatch(text) else text


def forms(key: Any) -> Iterator[Any]:
    """Yield a key, and how the other type of number holds it: 0.1 is a double here and a decimal there."""
    yield key
    if isinstance(key, decimal.Decimal) and key.is_finite():
        yield float(key)
    elif isinstance(key, float) and math.isfinite(key):
        yield decimal.Decimal(repr(key))
