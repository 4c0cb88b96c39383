"""The rules for single values, implemented independently of `values` and `mapping`."""

import decimal
import functools
import math
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from migrations_sql_to_mongo.values import shown
from webapp.rules import naming

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def whole(value: Any) -> int | None:
    """Return a whole number. Raises ValueError for anything else."""
    if value is None or type(value) is int:
        return value
    if isinstance(value, decimal.Decimal | float) and math.isfinite(value):
        number = int(value)
        if number == value and abs(number) < (2**63 if isinstance(value, decimal.Decimal) else 2**53):
            return number
    if isinstance(value, str):
        digits = value.removeprefix("-")
        if digits.isascii() and digits.isdigit() and len(digits) <= 19 and -(2**63) <= int(value) < 2**63:
            return int(value)
    raise ValueError(f"{shown(value)} is not a whole number")


def moment(value: Any, zone: tzinfo) -> datetime:
    """Return a date, naive and in UTC, from ISO text, a datetime, or a number that means a date.

    Raises ValueError or OverflowError for anything else.
    """
    if isinstance(value, str):
        text = value.strip()
        head, _, tail = text.removeprefix("-" if text[:1] == "-" else "+").partition(".")
        if not (head.isascii() and head.isdigit() and (not tail or (tail.isascii() and tail.isdigit()))):
            return in_utc(datetime.fromisoformat(text), zone)
        if len(text) == 8 and head == text and head[:4] != "0000":
            return in_utc(datetime(int(text[:4]), int(text[4:6]), int(text[6:]), tzinfo=zone), zone)
        value = decimal.Decimal(text)
    if isinstance(value, datetime):
        return in_utc(value, zone)
    if isinstance(value, bool) or not isinstance(value, int | float | decimal.Decimal) or not math.isfinite(value):
        raise ValueError("no date")
    return _of_number(decimal.Decimal(value), zone)


def _of_number(number: decimal.Decimal, zone: tzinfo) -> datetime:
    """Return the date that a number means: YYYYMMDD, a Julian day, or a time since 1970."""
    is_whole = number == int(number)
    if is_whole and 19_700_101 <= number <= 21_001_231:
        year, rest = divmod(int(number), 10_000)
        return in_utc(datetime(year, rest // 100, rest % 100, tzinfo=zone), zone)
    if is_whole and 19_700_101_000_000 <= number <= 21_001_231_235_959:
        day, time = divmod(int(number), 1_000_000)
        clock = time // 10_000, time // 100 % 100, time % 100
        return in_utc(datetime(day // 10_000, day // 100 % 100, day % 100, *clock, tzinfo=zone), zone)
    days = number - decimal.Decimal("2440587.5")
    if 0 <= days < 47_847:
        milliseconds = (days * 86_400_000).to_integral_value(decimal.ROUND_HALF_EVEN)
        return in_utc(_EPOCH + timedelta(milliseconds=int(milliseconds)), UTC)
    size = abs(number)
    unit = next((10**power for power in (0, 3, 6) if size < 10 ** (11 + power)), 10**9)
    microseconds = (number * 1_000_000 / unit).to_integral_value(decimal.ROUND_HALF_EVEN)
    return in_utc(_EPOCH + timedelta(microseconds=int(microseconds)), UTC)


def in_utc(when: datetime, zone: tzinfo) -> datetime:
    """Return a time in this zone as a naive one in UTC."""
    if when.tzinfo is None:
        when = when.replace(tzinfo=zone)
    return when.astimezone(UTC).replace(tzinfo=None)


@functools.lru_cache(maxsize=4000)
def name_of(name: Any) -> str | None:
    """Return the normalized name for a package's id, or None if there is none."""
    try:
        return naming.normalize_name(name) if isinstance(name, str) else None
    except naming.InvalidName:
        return None


@functools.lru_cache(maxsize=10_000)
def facts(version: str) -> tuple[str, bool]:
    """Return a version's sort key, and whether it is a pre-release."""
    return naming.sort_key(version), naming.is_prerelease(version)


@functools.lru_cache(maxsize=10_000)
def is_parsed(version: str) -> bool:
    """Tell whether PEP 440 parses a version."""
    return facts(version)[0][0] != "!"
