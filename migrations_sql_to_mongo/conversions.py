"""Conversions of keys, flags, lists, digests, and the dates of other sites. Pure functions."""

import decimal
import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from fractions import Fraction
from typing import Any, TypeGuard

import bson

from migrations_sql_to_mongo import values
from migrations_sql_to_mongo.errors import BadValue
from migrations_sql_to_mongo.layout import Kind
from migrations_sql_to_mongo.values import EPOCH, MAX_INT64, MIN_INT64, DateReader
from webapp.documents.user import object_id_of_sql_id

Key = int | decimal.Decimal | str

# An ObjectId has 24 digits.
LONGEST = 24
FIRST_TOO_LARGE = 10**LONGEST
# With what the `_id` starts where it is a digest of the key.
TEXT_STARTS, NUMBER_STARTS = "00f", "00e"
# Half a day after it starts: Julian days change at noon.
_EPOCH_JULIAN_DAY = Fraction(4881175, 2)
_YES = frozenset({"1", "t", "true", "y", "yes", "on", "enabled", "active"})
_NO = frozenset({"", "0", "f", "false", "n", "no", "off", "disabled", "inactive", "null"})  # null in JSON
_DIGEST = {"sha256": re.compile(r"[0-9a-f]{64}"), "md5": re.compile(r"[0-9a-f]{32}")}


def key(column: str, value: Any) -> Key | None:
    """Return a key: a number, or text for anything else, with bytes in hex. Raises BadValue."""
    if value is None or type(value) is int:
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, float):
        value = int(value) if value.is_integer() else decimal.Decimal(repr(value))
    if isinstance(value, decimal.Decimal):
        if value.is_nan():
            return "NaN"  # which equals nothing, not even itself
        # Python writes no whole number of more than 4300 digits.
        is_whole = value.is_finite() and value.adjusted() < LONGEST and value == value.to_integral_value()
        value = int(value) if is_whole else value
    is_number = isinstance(value, int | decimal.Decimal) and not isinstance(value, bool)
    return value if is_number else values.text(column, str(value))


def kept_key(value: Key | None) -> int | str | None:
    """Return a key for BSON: fractions, and numbers of more than 64 bits, become text."""
    if isinstance(value, decimal.Decimal):
        digits = f"{value:f}"
        return digits.rstrip("0").rstrip(".") if "." in digits else digits
    return value if not isinstance(value, int) or MIN_INT64 <= value <= MAX_INT64 else str(value)


def object_id(column: str, value: Key | None) -> bson.ObjectId:
    """Return the `_id` of a row with this key: 63 -> ObjectId("000000000000000000000063"). Raises BadValue.

    For text it is a digest that starts with 00f, and for numbers that are not 0 to 24 digits, one that starts with 00e.
    No digits lead there, and no id from MongoDB, which starts with the seconds since 1970.
    """
    if value is None or value == "":
        raise BadValue(f"{column} is NULL" if value is None else f"{column} is empty")
    if is_written_out(value):
        return object_id_of_sql_id(value)
    start = TEXT_STARTS if isinstance(value, str) else NUMBER_STARTS
    return bson.ObjectId(start + hashlib.blake2b(str(kept_key(value)).encode(), digest_size=11).hexdigest()[:21])


def is_written_out(value: Key | None) -> TypeGuard[int]:
    """Tell whether a key is a number that its `_id` shows."""
    return isinstance(value, int) and 0 <= value < FIRST_TOO_LARGE


def flag(column: str, value: Any, form: str | None = None) -> bool:
    """Return a flag; NULL means no. Raises BadValue for anything that is neither yes nor no."""
    if isinstance(value, bytes | bytearray | memoryview):
        raw = bytes(value)
        # MySQL's BIT(1), or text.
        found = raw == b"\1" if raw in (b"\0", b"\1") else _word(column, raw.decode("utf-8", "replace"))
    elif isinstance(value, str):
        found = _word(column, value)
    elif value is None or value in (0, 1):
        found = bool(value)
    else:
        raise BadValue(f"{column} is neither yes nor no")
    return not found if form == "negated" else found


def _word(column: str, text: str) -> bool:
    word = text.strip().casefold()
    if word not in _YES | _NO:
        raise BadValue(f"{column} is neither yes nor no")
    return word in _YES


def words(column: str, value: Any, form: str | None = None) -> list[str]:
    """Return a list of texts, without NULLs, empty ones and duplicates. Raises BadValue."""
    found: Any = value
    if not isinstance(value, list | tuple):
        text = values.text(column, value) or ""
        # MariaDB and SQLite keep JSON as text.
        found = _json(text) if form in (None, "json list") else text
        if found is None:
            return []
        if form != "json list" and not _is_list_of_texts(found):
            found = text.split() if form == "space list" else text.split(",")
    if not _is_list_of_texts(found):
        raise BadValue(f"{column} is not a list of texts")
    there = [one for one in found if one is not None]
    for one in there:
        values.text(column, one)
    return list(dict.fromkeys(stripped for one in there if (stripped := one.strip())))


def _json(text: str) -> Any:
    """Return what a text means as JSON, None for a blank one, and the text itself if it is not JSON."""
    try:
        return json.loads(text) if text.strip() else None
    except (ValueError, RecursionError):
        return text


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(one is None or isinstance(one, str) for one in value)


def digest(kind: Kind, value: Any) -> str | None:
    """Return a file's digest in hex, with or without "sha256=" in front; None for anything else."""
    if isinstance(value, bytes | bytearray | memoryview):
        raw = bytes(value)
        text = raw.hex() if len(raw) in (16, 32) and not raw.isalnum() else raw.decode("latin-1")
    else:
        text = str(value)
    text = text.strip().lower().removeprefix(kind).lstrip(":=$ ")
    return text if _DIGEST[kind].fullmatch(text) else None


def date_reader(zone: tzinfo, form: str | None) -> DateReader:
    """Return a function that reads dates in one of `layout.FORMS`; see `values.date_reader`."""
    usual = values.date_reader(zone)
    if form is None:
        return usual
    read = _READERS[form]

    def reader(value: Any) -> tuple[datetime | None, str | None]:
        if value is None:
            return None, None
        try:
            found = read(value)
        except (ValueError, ArithmeticError, TypeError):
            return None, "bad"
        return usual(found) if form == "yyyymmdd" else (found, None)

    return reader


def _after_epoch(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)


def _number(value: Any) -> Fraction:
    return Fraction(value.strip()) if isinstance(value, str) else Fraction(value)


def _year_month_day(value: Any) -> datetime:
    digits = str(value).strip()
    if not re.fullmatch(r"[0-9]{8}(?:[0-9]{6})?", digits):
        raise ValueError(digits)
    return datetime.strptime(digits, "%Y%m%d%H%M%S" if len(digits) == 14 else "%Y%m%d")  # noqa: DTZ007 -- the zone comes later


# A double holds a Julian day to about 40 microseconds, so it is rounded; other numbers are truncated.
_READERS: dict[str, Callable[[Any], datetime]] = {
    "unix seconds": lambda value: _after_epoch(int(_number(value) * 1000 // 1)),
    "unix milliseconds": lambda value: _after_epoch(int(_number(value) // 1)),
    "julian day": lambda value: _after_epoch(round((_number(value) - _EPOCH_JULIAN_DAY) * 86_400_000)),
    "yyyymmdd": _year_month_day,
}
