"""The rules of single values, in other words than in `values` and `mapping`."""

import decimal
import functools
import math
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from migrations_sql_to_mongo.values import shown
from webapp.rules import naming


def whole(value: Any) -> int | None:
    """Return a whole number. Raises ValueError for anything else."""
    if value is None or type(value) is int:
        return value
    if isinstance(value, decimal.Decimal | float) and math.isfinite(value):
        number = int(value)
        if number == value and abs(number) < (2**63 if isinstance(value, decimal.Decimal) else 2**53):
            return number
    raise ValueError(f"{shown(value)} is no whole number")


def moment(value: Any, zone: tzinfo) -> datetime:
    """Return a date, naive in UTC, that is a number or a datetime. Raises ValueError for anything else."""
    if isinstance(value, int | float | decimal.Decimal) and not isinstance(value, bool):
        number = float(value)
        seconds = number / 1000 if abs(number) >= 1e11 else number
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    if isinstance(value, datetime):
        return in_utc(value, zone)
    raise ValueError("no date")


def in_utc(when: datetime, zone: tzinfo) -> datetime:
    """Return a time of this zone, naive in UTC."""
    if when.tzinfo is None:
        when = when.replace(tzinfo=zone)
    return when.astimezone(UTC).replace(tzinfo=None)


@functools.lru_cache(maxsize=4000)
def name_of(name: Any) -> str | None:
    """Return the normalized name of a package's id, None if it has none."""
    try:
        return naming.normalize_name(name) if isinstance(name, str) else None
    except naming.InvalidName:
        return None


@functools.lru_cache(maxsize=10_000)
def facts(version: str) -> tuple[str, bool]:
    """Return a version's sort key, and whether it is a pre-release."""
    return naming.sort_key(version), naming.is_prerelease(version)


def is_parsed(version: str) -> bool:
    """Tell whether PEP 440 parses a version."""
    return facts(version)[0][0] != "!"
