"""Convert the values of columns, or refuse them. Pure functions."""

import decimal
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from fractions import Fraction
from typing import Any

from migrations_sql_to_mongo.errors import BadValue

MIN_INT64, MAX_INT64 = -(2**63), 2**63 - 1
SHOWN = 100  # characters of a bad value
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- see `date_reader`
# Seconds since 1970 have passed this in the year 5138; larger numbers are milliseconds, microseconds, nanoseconds.
FIRST_MILLISECONDS = 100_000_000_000
# What other numbers mean dates of the years 1970 to 2100. As seconds, Julian days and YYYYMMDD would all lie in 1970.
_JULIAN_DAYS = 2440587.5, 2488434.5
_YEAR_MONTH_DAY = 19700101, 21001231
_WITH_TIME = 19700101_000000, 21001231_235959
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?\Z", re.ASCII)

DateReader = Callable[[Any], "tuple[datetime | None, str | None]"]


def text(column: str, value: Any, encoding: str | None = None) -> str | None:
    """Return the text of a text column. Raises BadValue for anything else, and for invalid UTF-8."""
    if value is None:
        return None
    if isinstance(value, bytes | bytearray | memoryview):
        raw = bytes(value)
        for codec in ("utf-8", encoding or "utf-8"):
            try:
                return raw.decode(codec)
            except UnicodeDecodeError:
                continue
        raise BadValue(f"{column} is not UTF-8")
    if not isinstance(value, str):
        raise BadValue(f"{column} is not text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadValue(f"{column} is not UTF-8") from None
    return value


# A number in a column of text. More digits are no 64 bits.
_WHOLE = re.compile(r"-?[0-9]{1,19}")


def integer(column: str, value: Any) -> int | None:
    """Return the number of an integer column. Raises BadValue for anything but a whole number of 64 bits."""
    if value is None:
        return None
    whole: int
    if isinstance(value, int) and not isinstance(value, bool):
        whole = value
    elif (
        (isinstance(value, float) and value.is_integer() and abs(value) < 2**53)
        or (isinstance(value, decimal.Decimal) and value.is_finite() and value == value.to_integral_value())
        or (isinstance(value, str) and _WHOLE.fullmatch(value))
    ):
        whole = int(value)
    elif isinstance(value, float) and abs(value) >= 2**53:
        raise BadValue(f"{column} does not fit into 64 bits")
    else:
        raise BadValue(f"{column} is not a whole number")
    if not MIN_INT64 <= whole <= MAX_INT64:
        raise BadValue(f"{column} does not fit into 64 bits")
    return whole


def date_reader(zone: tzinfo) -> DateReader:
    """Return the function that reads a column of dates whose naive times are of this zone.

    It returns a naive datetime in UTC, which BSON encodes in half the time of an aware one, and a remark: "epoch",
    "julian" or "digits" for a number, see `_from_number`; "bad", with None, for what is not a date of the years 1 to
    9999; "ambiguous" for a local time that the clocks show twice or never (the first one is taken); "microseconds" for
    a time of which BSON, that keeps milliseconds, loses a part.
    """
    is_utc = zone is UTC

    def read(value: Any) -> tuple[datetime | None, str | None]:
        remark = None
        try:
            when = datetime.fromisoformat(value)
            if value[4:5] != "-" and len(value) != 8 and value.isdigit():
                raise ValueError(value)  # the digits of a number, not of a date and a time
        except (TypeError, ValueError):
            if value is None:
                return None, None
            found, remark = _from_other(value)
            if found is None:
                return None, "bad"
            when = found
        if remark in (None, "digits") and (when.tzinfo is not None or not is_utc):
            try:
                if when.tzinfo is None:
                    when = when.replace(tzinfo=zone)
                    if when.utcoffset() != when.replace(fold=1).utcoffset():
                        remark = "ambiguous"
                when = when.astimezone(UTC).replace(tzinfo=None)
            except OverflowError:
                return None, "bad"
        if remark is None and when.microsecond % 1000:
            remark = "microseconds"
        return when, remark

    return read


def _from_other(value: Any) -> tuple[datetime | None, str | None]:
    """Return the date in something other than ISO text, and how it was read; None if it is not a date."""
    if isinstance(value, datetime):
        return value, None
    try:
        if isinstance(value, str):
            value = value.strip()
            if not _NUMBER.match(value):
                return datetime.fromisoformat(value), None
            value = decimal.Decimal(value) if "." in value else int(value)
        if isinstance(value, bool) or not isinstance(value, int | float | decimal.Decimal):
            return None, None
        return _from_number(value)
    except (OverflowError, ValueError, ArithmeticError):
        return None, None


def _from_number(value: float | decimal.Decimal) -> tuple[datetime, str]:
    """Return the date of a number, and how it was read: YYYYMMDD, a Julian day, or time since 1970."""
    for first, last in (_YEAR_MONTH_DAY, _WITH_TIME):
        if first <= value <= last and value == int(value):
            digits = str(int(value))
            return datetime.strptime(digits, "%Y%m%d" if len(digits) == 8 else "%Y%m%d%H%M%S"), "digits"  # noqa: DTZ007 -- the zone comes later
    # As fractions: dividing a double by 1000 may lose a millisecond.
    number = Fraction(value)
    if _JULIAN_DAYS[0] <= value < _JULIAN_DAYS[1]:
        # A double holds a Julian day to about 40 microseconds.
        return EPOCH + timedelta(milliseconds=round((number - Fraction(_JULIAN_DAYS[0])) * 86_400_000)), "julian"
    unit = 1
    while abs(number) >= FIRST_MILLISECONDS * unit and unit < 10**9:
        unit *= 1000
    return EPOCH + timedelta(microseconds=round(number * 1_000_000 / unit)), "epoch"


def shown(value: Any) -> str:
    """Return a bad value for a report: one short line, with invalid UTF-8 in hex."""
    value = as_json(value)
    line = str(value["hex"] if isinstance(value, dict) else value)
    line = re.sub(r"\s+", " ", line)
    return line if len(line) <= SHOWN else line[: SHOWN - 3] + "..."


def as_json(value: Any) -> Any:
    """Return a value of a row for JSON and BSON: invalid UTF-8 becomes {"hex": "ff00"}, also in lists."""
    if isinstance(value, list | tuple):
        return [as_json(one) for one in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return {"hex": bytes(value).hex()}
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return {
                "hex": value.encode("utf-8", "surrogatepass" if _has_true_surrogate(value) else "surrogateescape").hex()
            }
        return value
    if isinstance(value, int) and MIN_INT64 <= value <= MAX_INT64:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(decimal.Decimal(value))  # "Infinity"
    return str(value)


def _has_true_surrogate(value: str) -> bool:
    """Python's own escapes for invalid UTF-8 are in this range; other surrogates come from the data."""
    return any("\ud800" <= sign <= "\udfff" and not "\udc80" <= sign <= "\udcff" for sign in value)
