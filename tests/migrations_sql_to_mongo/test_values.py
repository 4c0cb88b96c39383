"""What single values become."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from migrations_sql_to_mongo.errors import BadValue
from migrations_sql_to_mongo.values import as_json, date_reader, integer, shown, text


def naive(*parts: int) -> datetime:
    """A time in UTC as the move has it before it is encoded."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("value", "zone", "expected", "remark"),
    [
        ("2020-01-02 03:04:05.000000", "UTC", naive(2020, 1, 2, 3, 4, 5), None),
        ("2020-01-02T03:04:05Z", "UTC", naive(2020, 1, 2, 3, 4, 5), None),
        ("2020-01-02 03:04:05+00", "Europe/Berlin", naive(2020, 1, 2, 3, 4, 5), None),
        ("2020-01-02 03:04:05", "Europe/Berlin", naive(2020, 1, 2, 2, 4, 5), None),
        ("2020-07-02 03:04:05", "Europe/Berlin", naive(2020, 7, 2, 1, 4, 5), None),
        ("2020-10-25 02:30:00", "Europe/Berlin", naive(2020, 10, 25, 0, 30), "ambiguous"),
        ("2020-03-29 02:30:00", "Europe/Berlin", naive(2020, 3, 29, 1, 30), "ambiguous"),
        ("2020-01-02", "UTC", naive(2020, 1, 2), None),
        ("20200102", "UTC", naive(2020, 1, 2), None),
        ("2020-01-02 03:04:05.123456", "UTC", naive(2020, 1, 2, 3, 4, 5, 123456), "microseconds"),
        (1_577_934_245, "Europe/Berlin", naive(2020, 1, 2, 3, 4, 5), "epoch"),
        (1_577_934_245_000, "UTC", naive(2020, 1, 2, 3, 4, 5), "epoch"),
        (-86_400.0, "UTC", naive(1969, 12, 31), "epoch"),
        (datetime(2020, 1, 2, tzinfo=UTC), "Europe/Berlin", naive(2020, 1, 2), None),
        (None, "UTC", None, None),
        ("yesterday", "UTC", None, "bad"),
        ("0000-00-00 00:00:00", "UTC", None, "bad"),
        ("10000-01-01 00:00:00", "UTC", None, "bad"),
        ("9999-12-31 23:59:59", "America/New_York", None, "bad"),
        (10**30, "UTC", None, "bad"),
        (float("nan"), "UTC", None, "bad"),
        (b"2020", "UTC", None, "bad"),
        (True, "UTC", None, "bad"),
    ],
)
def test_date_is_read_by_its_rule(value: Any, zone: str, expected: datetime | None, remark: str | None) -> None:
    read = date_reader(UTC if zone == "UTC" else ZoneInfo(zone))

    assert read(value) == (expected, remark)


@pytest.mark.parametrize("value", [None, 0, -5, 2**63 - 1])
def test_whole_number_stays(value: int | None) -> None:
    assert integer("size", value) == value


def test_number_of_another_type_becomes_whole() -> None:
    assert integer("size", 12.0) == 12
    assert integer("size", "-12") == -12
    assert integer("size", str(2**63 - 1)) == 2**63 - 1
    assert integer("size", Decimal(9007199254740993)) == 9007199254740993


@pytest.mark.parametrize(
    "value",
    [
        "12 MB",
        "",
        "-",
        "+1",
        " 1",
        "1_0",
        "١",
        "9" * 19,
        "9" * 20,
        1.5,
        True,
        b"1",
        float("nan"),
        2**63,
        2.0**63,
        Decimal("1.5"),
    ],
)
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(BadValue, match="size"):
        integer("size", value)


@pytest.mark.parametrize("value", [5, 1.5, b"\xff", "\udcff"])
def test_what_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(BadValue, match="name"):
        text("name", value)


def test_bytes_are_text_in_the_named_codec() -> None:
    assert text("name", b"caf\xc3\xa9") == "café"
    assert text("name", b"caf\xe9", "latin-1") == "café"


def test_bad_text_is_shown_in_hex() -> None:
    assert as_json("a\udcff") == {"hex": "61ff"}
    assert as_json("\ud800") == {"hex": "eda080"}
    assert as_json(b"\xff") == {"hex": "ff"}
    assert as_json(2**70) == str(2**70)
    assert shown("x\n" * 100) == ("x " * 100)[:97] + "..."


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (10**11 - 1, (5138, 11, 16, 9, 46, 39)),
        (10**11, (1973, 3, 3, 9, 46, 40)),
        (10**14, (1973, 3, 3, 9, 46, 40)),
        (10**17, (1973, 3, 3, 9, 46, 40)),
        (10**20 - 10**11, (5138, 11, 16, 9, 45, 0)),
        (-(10**11), (1966, 10, 31, 14, 13, 20)),
    ],
)
def test_time_since_1970_is_in_seconds_or_smaller_units_by_its_size(number: int, expected: tuple[int, ...]) -> None:
    assert date_reader(UTC)(number)[0] == naive(*expected)


@pytest.mark.parametrize(
    ("day", "expected"), [(2_440_587.5, (1970, 1, 1)), (2_440_588.5, (1970, 1, 2)), (2_440_587.75, (1970, 1, 1, 6))]
)
def test_julian_day_counts_from_noon_4713_years_before_christ(day: float, expected: tuple[int, ...]) -> None:
    assert date_reader(UTC)(day)[0] == naive(*expected)


@pytest.mark.parametrize("text", ["1577934245.5", " 1577934245.5 "])
def test_number_with_a_fraction_that_is_text_is_a_time(text: str) -> None:
    assert date_reader(UTC)(text)[0] == naive(2020, 1, 2, 3, 4, 5, 500_000)
