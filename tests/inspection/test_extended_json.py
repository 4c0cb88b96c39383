import json

import bson
import pytest
from bson import json_util
from hypothesis import HealthCheck, example, given, settings

from tests.inspection.odd_documents import EVERY_TYPE, WITHOUT_WORDS, made_documents
from webapp.inspection.extended_json import UnreadableLine, document_of, is_in_base64, line_of


# A busy machine is no failure.
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(made_documents)
@example(EVERY_TYPE)
def test_every_document_comes_back_as_the_same_bytes(document: dict[str, object]) -> None:
    encoded = bson.encode(document)

    line = line_of(encoded)

    assert b"\n" not in line
    assert document_of(line) == encoded


@pytest.mark.parametrize("name", WITHOUT_WORDS)
def test_what_has_no_words_is_kept_in_base64(name: str) -> None:
    line = line_of(WITHOUT_WORDS[name])

    assert is_in_base64(line)
    assert document_of(line) == WITHOUT_WORDS[name]


def test_usual_document_is_extended_json_that_other_programs_read() -> None:
    usual = {"_id": "flask", "size": bson.Int64(5), "count": 3, "ratio": 0.5}

    line = line_of(bson.encode(usual))

    assert json.loads(line) == {
        "_id": "flask",
        "size": {"$numberLong": "5"},
        "count": 3,
        "ratio": 0.5,
    }
    assert json_util.loads(line.decode()) == usual


@pytest.mark.parametrize("value", [1.0, -0.0, 5e-324, 1e308, 2.0**53, float("inf"), float("-inf"), 2**31 - 1, 2**31])
def test_number_keeps_its_type_and_stays_readable(value: float) -> None:
    encoded = bson.encode({"_id": 1, "value": value})

    line = line_of(encoded)

    assert document_of(line) == encoded
    assert not is_in_base64(line)


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"5", b'"text"', b'{"a": {"$numberInt": "x"}}', b"\xff", b"null"])
def test_what_is_no_document_is_refused(line: bytes) -> None:
    with pytest.raises(UnreadableLine):
        document_of(line)
