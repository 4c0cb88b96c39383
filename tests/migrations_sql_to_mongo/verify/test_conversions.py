"""verify reads what a map converts as the copy does."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations_sql_to_mongo import conversions
from migrations_sql_to_mongo.errors import BadValue
from migrations_sql_to_mongo.verify import conversions as verified

numbers = st.integers(-(10**14), 10**14) | st.floats(-1e13, 1e13) | st.decimals(-(10**13), 10**13, places=9)


@given(numbers, st.sampled_from(["unix seconds", "unix milliseconds", "julian day", "yyyymmdd"]))
def test_copy_and_verify_read_any_number_as_the_same_date(value: Any, form: str) -> None:
    copied, _ = conversions.date_reader(UTC, form)(value)

    try:
        found = verified.moment_in_form(value, form)
        compared = datetime.fromisoformat(found) if isinstance(found, str) else found
    except (ValueError, OverflowError):
        compared = None
    assert compared == copied


@given(st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([b"\0", b"\1", b"Y", "No", " t ", "", "maybe"]))
def test_copy_and_verify_read_the_same_flags(value: Any) -> None:
    try:
        copied: bool | None = conversions.flag("is_active", value)
    except BadValue:
        copied = None

    try:
        compared: bool | None = verified.flag(value)
    except ValueError:
        compared = None
    assert compared == copied


@pytest.mark.parametrize(
    ("value", "digest"),
    [
        ("A" * 64, "a" * 64),
        ("sha256=" + "a" * 64, "a" * 64),
        (b"\xaa" * 32, "aa" * 32),
        (b"a" * 64, "a" * 64),
        ("a" * 63, None),
        ("x" * 64, None),
    ],
)
def test_digest_has_as_many_hexadecimal_digits_as_its_kind(value: Any, digest: str | None) -> None:
    assert verified.digest(value, "sha256") == digest
