"""What tells rows apart, and how they are ordered."""

import math
from decimal import Decimal
from typing import Any

import pytest

from migrations_sql_to_mongo.rows import forms, key_of, number_in, position


def test_row_is_called_by_its_key() -> None:
    assert key_of("users", (63, "ann")) == "63"
    assert key_of("maintainers", (63, "flask", None)) == "63/flask"
    assert key_of("users", (b"\x00\xff",)) == "00ff"


def test_keys_are_in_the_order_of_the_servers() -> None:
    keys = [None, -3, Decimal("1.5"), 2, 1e30, math.inf, "", "Z", "a", "\u00e4", b"\x00", b"\x01"]

    assert sorted(keys[6:] + keys[:6], key=position) == keys
    assert position(math.nan) == position(Decimal("NaN")) == position(math.inf)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("64", Decimal(64)),
        ("-2.50", Decimal("-2.5")),
        (".5", Decimal("0.5")),
        ("1E+30", Decimal("1e30")),
        ("-Infinity", Decimal("-Infinity")),
        *((text, text) for text in ("inf", "nan", "1_000", " 64 ", "sNaN", "", "1e9999999", "0x10", "ann")),
    ],
)
def test_number_is_only_what_is_written_like_one(text: str, number: Any) -> None:
    assert number_in(text) == number


def test_reference_is_found_as_a_double_and_as_a_decimal() -> None:
    assert list(forms(0.1)) == [0.1, Decimal("0.1")]
    assert list(forms(Decimal("0.1"))) == [Decimal("0.1"), 0.1]
    assert list(forms("0.1")) == ["0.1"]
    assert list(forms(math.inf)) == [math.inf]
