"""Documents as bytes, and how two of them differ."""

from datetime import UTC, datetime
from typing import Any

import bson
import pytest

from migrations_sql_to_mongo.verify.encoding import differences, encode, stored_name, tail


def test_fields_without_a_value_are_absent_and_only_packages_with_a_description_are_rendered() -> None:
    wanted = encode({"_id": "jam", "name": None, "release_count": 0, "description": "# Jam"})

    assert bson.decode(wanted.encoded) == {"_id": "jam", "release_count": 0, "description": "# Jam"}
    assert wanted.needs_html
    assert not encode({"_id": "jam", "release_count": 0, "description": ""}).needs_html
    assert not encode({"_id": "MIT", "description": "A licence"}).needs_html


def test_number_that_bson_cannot_hold_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="8-byte ints"):
        encode({"_id": 2**63})


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"_id": "jam", "name": "Jäm"}, "Jäm"),
        ({"_id": "a-longer-key", "name": ""}, ""),
        ({"_id": "jam", "summary": "x", "name": "Jam"}, "Jam"),
        ({"_id": "jam"}, None),
    ],
)
def test_name_is_read_from_the_bytes(document: dict[str, Any], expected: str | None) -> None:
    assert stored_name(bson.encode(document)) == expected


def test_no_document_has_no_name() -> None:
    assert stored_name(None) is None


def test_what_stands_behind_the_expected_fields_is_returned_unless_these_differ() -> None:
    expected = bson.encode({"_id": "jam", "size": 5})

    assert tail(expected, expected) == {}
    assert tail(expected, bson.encode({"_id": "jam", "size": 5, "html": "<p>"})) == {"html": "<p>"}
    assert tail(expected, bson.encode({"_id": "jam", "size": 6, "html": "<p>"})) is None
    assert tail(expected, bson.encode({"_id": "jam"})) is None


@pytest.mark.parametrize(
    ("expected", "stored", "said"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {}, ["a is missing: 1 in the source"]),
        ({}, {"a": "x"}, ["a is not in the source: x"]),
        ({"a": 1}, {"a": 2}, ["a is 2, 1 in the source"]),
        ({"a": 1}, {"a": True}, ["a is True, 1 in the source"]),
        ({"a": 1}, {"a": 1.0}, ["a is 1.0, 1 in the source"]),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 3}]}}, ["a.b[1].c is 3, 2 in the source"]),
        ({"a": [1, 2]}, {"a": [1]}, ["a has 1 entry, 2 in the source"]),
        ({"hashed_password": "x"}, {"hashed_password": "y"}, ["hashed_password is (hidden), (hidden) in the source"]),
        ({}, {"sessions": [{"session_id": "s"}]}, ["sessions is not in the source: 1 entry"]),
        ({}, {"identity": {"issuer": "i", "subject": "s"}}, ["identity is not in the source: 2 entries"]),
        ({"a": [1, 2]}, {}, ["a is missing: 2 entries in the source"]),
        ({"a": "x"}, {"a": ["y"]}, ["a is 1 entry, x in the source"]),
        ({"u": {"hashed_password": "x"}}, {"u": {}}, ["u.hashed_password is missing: (hidden) in the source"]),
    ],
)
def test_differences_name_the_field_and_both_values_but_no_hash(expected: Any, stored: Any, said: list[str]) -> None:
    assert list(differences(expected, stored, "")) == said


def test_dates_differ_by_their_zone_or_moment() -> None:
    moment = datetime(2024, 3, 1, tzinfo=UTC)

    assert list(differences(moment, moment, "at")) == []
    assert len(list(differences(moment, moment.replace(hour=1), "at"))) == 1
