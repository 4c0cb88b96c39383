"""Keys, flags, lists, digests and dates of other sites, implemented independently of the copy's `conversions`.

`text` returns the text of a value, or raises ValueError.
"""

import contextlib
import decimal
import hashlib
import json
import math
import string
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import bson

Text = Callable[[Any], str | None]

_TRUE, _FALSE = "1 t true y yes on enabled active", "0 f false n no off disabled inactive null"
_DIGITS = {"sha256": 64, "md5": 32}


def key(text: Text, value: Any) -> Any:
    """Return a key as stored in documents. Raises ValueError."""
    if isinstance(value, bytes | bytearray | memoryview):
        return "".join(f"{byte:02x}" for byte in bytes(value))
    if isinstance(value, float):
        value = int(value) if math.isfinite(value) and value % 1 == 0 else decimal.Decimal(f"{value}")
    if isinstance(value, decimal.Decimal):
        digits = f"{value:f}"
        head, _, tail = digits.partition(".")
        digits = f"{head}.{tail.rstrip('0')}" if tail.strip("0") else head
        value = int(digits) if len(digits) < 20 and not value.is_nan() and digits.lstrip("-").isdigit() else digits
    if type(value) is int:
        return value if -(2**63) <= value < 2**63 else f"{value}"
    return value if value is None else text(f"{value}")


def id_of_key(text: Text, value: Any) -> bson.ObjectId | None:
    """Return the `_id` for a key, or None if it has none."""
    found = key(text, value)
    if found in (None, ""):
        return None
    is_number, digits = isinstance(value, int | float | decimal.Decimal) and value == value, f"{found}"
    if is_number and digits.isdigit() and len(digits) <= 24:
        return bson.ObjectId(digits.rjust(24, "0"))
    digest = hashlib.blake2b(digits.encode(), digest_size=11).hexdigest()
    return bson.ObjectId(f"00{'e' if is_number else 'f'}{digest[:-1]}")


def flag(value: Any) -> bool:
    """Return a flag; NULL means no. Raises ValueError."""
    if isinstance(value, bytes | bytearray | memoryview):
        value = bytes(value).decode("latin-1").translate({0: "0", 1: "1"})
    if not isinstance(value, str):
        if value is not None and value != 0 and value != 1:
            raise ValueError(f"{value} is neither yes nor no")
        return value == 1
    word = value.strip().lower()
    if word and word not in f"{_TRUE} {_FALSE}".split():
        raise ValueError(f"{word} is neither yes nor no")
    return word in _TRUE.split()


def words(text: Text, value: Any, form: str | None) -> list[str]:
    """Return a list of texts. Raises ValueError."""
    if not isinstance(value, list | tuple):
        written = text(value) or ""
        value = written.split(None if form == "space list" else ",")
        if form in (None, "json list"):
            value = _in_json(written, None if form else value)
    if value is None:
        raise ValueError("it is not a list")
    found = [""]
    for word in value:
        if word is None:
            continue
        if not isinstance(word, str):
            raise ValueError(f"{word} is not text")
        if word.strip() not in found:
            found.append(word.strip())
    return found[1:]


def _in_json(written: str, otherwise: list[str] | None) -> list[str | None] | list[str] | None:
    """Return the texts of a JSON list, none for JSON's null or a blank text, and `otherwise` for any other text."""
    bare = written.strip(" \t\r\n")
    if bare == "null" or not bare.strip():
        return []
    if bare.startswith("["):
        with contextlib.suppress(ValueError, RecursionError):
            found: list[str | None] = json.loads(bare)
            if {type(one) for one in found} <= {str, type(None)}:
                return found
    return otherwise


def digest(value: Any, kind: str) -> str | None:
    """Return a digest in hex, or None if it is invalid."""
    if isinstance(value, bytes | bytearray | memoryview):
        raw = bytes(value)
        is_hex = all(chr(byte) in string.hexdigits for byte in raw)
        value = raw.decode("latin-1") if is_hex or len(raw) not in (16, 32) else raw.hex()
    text = str(value).strip().lower()
    text = text[len(kind) :].lstrip("=: $") if text.startswith(kind) else text
    return text if len(text) == _DIGITS[kind] and {*text} <= {*string.hexdigits.lower()} else None


def moment_in_form(value: Any, form: str) -> datetime | str:
    """Return a date, naive and in UTC, or as text that has no time zone yet. Raises ValueError."""
    text = str(value).strip()
    if form == "yyyymmdd":
        if len(text) not in (8, 14) or {*text} - {*string.digits}:
            raise ValueError("no date")
        return f"{text[:4]}-{text[4:6]}-{text[6:8]}" + (f" {text[8:10]}:{text[10:12]}:{text[12:]}" if text[8:] else "")
    if value is None or isinstance(value, bytes):
        raise ValueError("no date")
    exact = decimal.Context(prec=60)
    try:
        number = decimal.Decimal(text) if isinstance(value, str) else decimal.Decimal(value)
        if form == "julian day":
            milliseconds = exact.multiply(exact.subtract(number, decimal.Decimal("2440587.5")), 86_400_000)
            milliseconds = milliseconds.to_integral_value(decimal.ROUND_HALF_EVEN)
        else:
            milliseconds = exact.multiply(number, 1000 if form == "unix seconds" else 1)
            milliseconds = milliseconds.to_integral_value(decimal.ROUND_FLOOR)
        return datetime(1970, 1, 1) + int(milliseconds) * timedelta(milliseconds=1)  # noqa: DTZ001 -- naive in UTC
    except (decimal.InvalidOperation, TypeError) as error:
        raise ValueError("no date") from error
