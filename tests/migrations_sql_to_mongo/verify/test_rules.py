"""What verify makes of single values."""

import decimal
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from migrations_sql_to_mongo.verify.rules import facts, in_utc, is_parsed, moment, name_of, whole

BERLIN = ZoneInfo("Europe/Berlin")
D = decimal.Decimal
naive = partial(datetime, tzinfo=None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("5", 5),
        ("-5", -5),
        (str(-(2**63)), -(2**63)),
        (0, 0),
        (-5, -5),
        (2**80, 2**80),
        (5.0, 5),
        (D("7.00"), 7),
        (float(2**53 - 1), 2**53 - 1),
        (D(2**63 - 1), 2**63 - 1),
    ],
)
def test_whole_number_is_read_from_any_number(value: Any, expected: int | None) -> None:
    assert whole(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        True,
        1.5,
        D("1.5"),
        float(2**53),
        D(2**63),
        float("nan"),
        float("inf"),
        D("NaN"),
        b"5",
        "",
        "-",
        "5.0",
        " 5",
        "+5",
        "\u0665",
        str(2**63),
        "0" * 20,
    ],
    ids=ascii,
)
def test_anything_else_is_no_whole_number(value: Any) -> None:
    with pytest.raises(ValueError, match="is not a whole number"):
        whole(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-03-01 12:30:00", naive(2024, 3, 1, 11, 30)),
        ("2024-07-01 12:30:00", naive(2024, 7, 1, 10, 30)),
        ("2024-03-01T12:30:00+00:00", naive(2024, 3, 1, 12, 30)),
        (" 20240301 ", naive(2024, 2, 29, 23)),
        (datetime(2024, 3, 1, 12, tzinfo=UTC), naive(2024, 3, 1, 12)),
        (naive(2024, 3, 1, 12), naive(2024, 3, 1, 11)),
        (20_240_301, naive(2024, 2, 29, 23)),
        (19_700_101, naive(1969, 12, 31, 23)),
        (20_240_301_123_015, naive(2024, 3, 1, 11, 30, 15)),
        (2_460_370.5, naive(2024, 3, 1)),
        (2_440_587.5, naive(1970, 1, 1)),
        (0, naive(1970, 1, 1)),
        ("0", naive(1970, 1, 1)),
        (1_709_296_200, naive(2024, 3, 1, 12, 30)),
        (1_709_296_200_000, naive(2024, 3, 1, 12, 30)),
        (1_709_296_200_000_000, naive(2024, 3, 1, 12, 30)),
        (1_709_296_200_000_000_000, naive(2024, 3, 1, 12, 30)),
        ("1709296200.25", naive(2024, 3, 1, 12, 30, 0, 250_000)),
        (-1, naive(1969, 12, 31, 23, 59, 59)),
        (19_700_100, naive(1970, 8, 17, 0, 15)),
    ],
    ids=str,
)
def test_date_is_read_from_text_and_numbers(value: Any, expected: datetime) -> None:
    assert moment(value, BERLIN) == expected


@pytest.mark.parametrize("value", [None, True, "", "soon", "2024-13-01", 20_241_301, float("nan"), b"2024"], ids=str)
def test_what_is_no_date_is_refused(value: Any) -> None:
    with pytest.raises((ValueError, OverflowError)):
        moment(value, BERLIN)


def test_time_of_a_zone_becomes_one_of_utc() -> None:
    assert in_utc(naive(2024, 3, 1, 12), BERLIN) == naive(2024, 3, 1, 11)
    assert in_utc(datetime(2024, 3, 1, 12, tzinfo=UTC), BERLIN) == naive(2024, 3, 1, 12)


@pytest.mark.parametrize(("value", "expected"), [("Flask_Login", "flask-login"), ("-", None), ("", None), (5, None)])
def test_name_is_normalized_or_there_is_none(value: Any, expected: str | None) -> None:
    assert name_of(value) == expected


def test_version_is_parsed_as_pep_440_does() -> None:
    assert is_parsed("1.0")
    assert not is_parsed("0.9-ivysaur")
    assert [facts(version)[1] for version in ("1.0", "1.0rc1", "1.0.dev2")] == [False, True, True]
    assert facts("1.9")[0] < facts("1.10")[0]
