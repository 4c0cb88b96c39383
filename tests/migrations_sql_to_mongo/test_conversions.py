"""What a map converts is read alike by copy and verify."""

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from migrations_sql_to_mongo import conversions
from migrations_sql_to_mongo.errors import BadValue
from migrations_sql_to_mongo.verify import conversions as verified


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        ("unix seconds", 1609459200, datetime(2021, 1, 1)),  # noqa: DTZ001 -- these are naive in UTC
        ("unix seconds", "1609459200.5", datetime(2021, 1, 1, 0, 0, 0, 500_000)),  # noqa: DTZ001
        ("unix seconds", Decimal(-1), datetime(1969, 12, 31, 23, 59, 59)),  # noqa: DTZ001
        ("unix seconds", Decimal("-0.0005"), datetime(1969, 12, 31, 23, 59, 59, 999_000)),  # noqa: DTZ001
        ("unix milliseconds", 1609459200123, datetime(2021, 1, 1, 0, 0, 0, 123_000)),  # noqa: DTZ001
        ("julian day", 2459215.5, datetime(2021, 1, 1)),  # noqa: DTZ001
        ("julian day", 2440588, datetime(1970, 1, 1, 12)),  # noqa: DTZ001
        ("yyyymmdd", 20210304, datetime(2021, 3, 4)),  # noqa: DTZ001
        ("yyyymmdd", "20210304050607", datetime(2021, 3, 4, 5, 6, 7)),  # noqa: DTZ001
        ("yyyymmdd", 20210230, None),
        ("unix seconds", "soon", None),
        ("julian day", float("nan"), None),
        ("unix seconds", 10**20, None),
    ],
)
def test_dates_in_other_forms(form: str, value: Any, expected: datetime | None) -> None:
    when, remark = conversions.date_reader(UTC, form)(value)

    assert when == expected
    assert remark == (None if expected else "bad")


@pytest.mark.parametrize("value", [True, 1, "1", "Yes", "t", b"\1", b"y", "ACTIVE"])
def test_yes(value: Any) -> None:
    assert conversions.flag("is_active", value) is True
    assert conversions.flag("is_active", value, "negated") is False


@pytest.mark.parametrize("value", [None, False, 0, "0", "no", "", b"\0", "f", "Off", "null"])
def test_no_and_null(value: Any) -> None:
    assert conversions.flag("is_active", value) is False
    assert verified.flag(value) is False


@pytest.mark.parametrize("value", [2, -1, 0.5, float("nan"), Decimal(2), "2", "maybe", b"\2"])
def test_neither_yes_nor_no(value: Any) -> None:
    with pytest.raises(BadValue, match="is_active is neither yes nor no"):
        conversions.flag("is_active", value)
    with pytest.raises(ValueError, match="is neither yes nor no"):
        verified.flag(value)


@pytest.mark.parametrize(
    ("value", "form", "expected"),
    [
        (" a, b ,,a", None, ["a", "b"]),
        ("a  b\na", "space list", ["a", "b"]),
        ('["a", "b c"]', "json list", ["a", "b c"]),
        (["x", ""], None, ["x"]),
        (None, None, []),
        (b"a,b", "comma list", ["a", "b"]),
        ("[]", None, []),
        (" [ ] ", None, []),
        ('["a"]', None, ["a"]),
        (b'["k1","k2"]', None, ["k1", "k2"]),
        ('["a, b", "c", ""]', None, ["a, b", "c"]),
        ("a, b", None, ["a", "b"]),
        ("[broken", None, ["[broken"]),
        ("[a], b", None, ["[a]", "b"]),
        ('["a", 1]', None, ['["a"', "1]"]),
        ('"a"', None, ['"a"']),
        ('["a"]', "comma list", ['["a"]']),
        ('["a"]', "space list", ['["a"]']),
        ("[" * 100_000, None, ["[" * 100_000]),
        (["b", "a", None], None, ["b", "a"]),
        ([None], None, []),
        ('["a", null, "b"]', None, ["a", "b"]),
        ("[null]", None, []),
        ('["a", null]', "json list", ["a"]),
        (b'["a"]', "json list", ["a"]),
        ("null", None, []),
        (" null\n", None, []),
        ("null", "json list", []),
        ("", "json list", []),
        (" ", "json list", []),
        ("null", "comma list", ["null"]),
        ("a, null", None, ["a", "null"]),
        ("\u00a0null", None, ["null"]),
        ("nullable", None, ["nullable"]),
    ],
)
def test_lists(value: Any, form: str | None, expected: list[str]) -> None:
    def text(value: Any) -> str | None:
        return value.decode() if isinstance(value, bytes) else value

    assert conversions.words("keywords", value, form) == expected
    assert verified.words(text, value, form) == expected


@pytest.mark.parametrize(
    ("value", "form"),
    [
        *[(each, "json list") for each in ('["a", 1]', "{}", '"ab"', "1", "a", "[" * 100_000)],
        ('["\\ud800"]', None),
        (["a", 1], None),
    ],
)
def test_lists_of_something_else_are_refused(value: Any, form: str | None) -> None:
    with pytest.raises(BadValue):
        conversions.words("keywords", value, form)
    if "ud800" not in value:  # whose document could not be encoded
        with pytest.raises(ValueError, match="is not"):
            verified.words(lambda text: str(text), value, form)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("A" * 64, "a" * 64),
        ("sha256=" + "b" * 64, "b" * 64),
        ("SHA256:" + "b" * 64, "b" * 64),
        (b"\xab" * 32, "ab" * 32),
        (b"c" * 64, "c" * 64),
        ("d" * 63, None),
        ("md5=" + "d" * 32, None),
    ],
)
def test_digests(value: Any, expected: str | None) -> None:
    assert conversions.digest("sha256", value) == expected
    assert verified.digest(value, "sha256") == expected


@pytest.mark.parametrize(("key", "expected"), [(0, "0" * 24), (63, "0" * 22 + "63")])
def test_number_is_written_into_its_id(key: int, expected: str) -> None:
    assert str(conversions.object_id("users.id", key)) == expected


@pytest.mark.parametrize("key", ["ada", "0"])
def test_text_leads_to_an_id_that_starts_as_no_other_does(key: str) -> None:
    digest = hashlib.blake2b(key.encode(), digest_size=11).hexdigest()

    assert str(conversions.object_id("users.id", key)) == f"00f{digest}"[:24]


@pytest.mark.parametrize(
    ("key", "reason"),
    [(None, "users.id is NULL"), ("", "users.id is empty")],
)
def test_key_that_is_none_is_refused_with_the_reason(key: str | None, reason: str) -> None:
    with pytest.raises(BadValue, match=f"^{reason}$"):
        conversions.object_id("users.id", key)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (None, None),
        (7, 7),
        (7.0, 7),
        (1e24, 999999999999999983222784),  # what the double holds
        (Decimal(12345678901234567890), 12345678901234567890),
        (b"\x00\xff", "00ff"),
        ("ann", "ann"),
    ],
)
def test_key_is_a_whole_number_or_text(value: Any, key: Any) -> None:
    assert conversions.key("id", value) == key


@pytest.mark.parametrize("value", [Decimal("NaN"), float("nan")])
def test_what_is_not_a_number_is_text(value: Any) -> None:
    assert conversions.key("id", value) == verified.key(str, value) == "NaN"
    assert conversions.object_id("id", "NaN") == verified.id_of_key(str, value)


def test_numbers_may_be_longer_than_python_writes() -> None:
    value = Decimal("-" + "9" * 5000)
    kept = conversions.kept_key(conversions.key("id", value))

    assert kept == verified.key(str, value) == "-" + "9" * 5000
    assert conversions.object_id("id", value) == verified.id_of_key(str, value)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (-1, -1),
        (Decimal("-5.00"), -5),
        (Decimal("1.50"), "1.5"),
        (1.5, "1.5"),
        (-0.25, "-0.25"),
        (1e-7, "0.0000001"),
        (10**24, "1000000000000000000000000"),
        (Decimal("1E+30"), "1000000000000000000000000000000"),
        (-(2**70), "-1180591620717411303424"),
        (Decimal("Infinity"), "Infinity"),
        (float("-inf"), "-Infinity"),
    ],
)
def test_numbers_that_an_id_cannot_show_become_its_digest(value: Any, kept: int | str) -> None:
    key = conversions.key("id", value)
    digest = hashlib.blake2b(f"{kept}".encode(), digest_size=11).hexdigest()
    expected = f"00e{digest}"[:24]

    def text(value: Any) -> str:
        return str(value)

    assert conversions.kept_key(key) == kept
    assert str(conversions.object_id("id", key)) == expected
    assert verified.key(text, value) == kept
    assert str(verified.id_of_key(text, value)) == expected
