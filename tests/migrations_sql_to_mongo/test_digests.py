"""Digests of what a move wrote."""

from types import SimpleNamespace
from typing import Any, cast

import bson
import pytest
from pymongo.database import Database

from migrations_sql_to_mongo.digests import (
    NONE,
    SIZE,
    Written,
    chain_of,
    chunk,
    chunk_of,
    digest_of,
    digest_of_rendering,
    digests_collection,
    unrendered,
)
from migrations_sql_to_mongo.target import open_target

DOCUMENT = {"_id": "jam", "description": "# Jam"}
RENDERED = {"description_html": "<h1>Jam</h1>", "description_problem": None, "description_renderer": "r 1"}


def test_rendering_does_not_change_the_digest_of_a_document_and_everything_else_does() -> None:
    plain = bson.encode(DOCUMENT)

    assert unrendered(plain) is plain
    assert unrendered(bson.encode(DOCUMENT | RENDERED)) == plain
    assert digest_of(bson.encode(DOCUMENT | RENDERED)) == digest_of(plain)
    assert digest_of(bson.encode(DOCUMENT | {"description": "# Jar"})) != digest_of(plain)
    assert len(digest_of(plain)) == SIZE


@pytest.mark.parametrize("change", [*RENDERED])
def test_digest_of_a_rendering_is_of_the_text_and_of_every_field_that_came_of_it(change: str) -> None:
    digest = digest_of_rendering("# Jam", RENDERED)

    assert digest_of_rendering("# Jam", dict(RENDERED)) == digest
    assert digest_of_rendering("# Jam", RENDERED | {change: "other"}) != digest
    assert digest_of_rendering("# Jar", RENDERED) != digest
    assert len(digest) == SIZE


def test_what_was_written_is_found_and_taken_once_and_later_chunks_count(target_uri: str, db: Database) -> None:  # type: ignore[type-arg]
    key = bson.ObjectId("5" * 24)
    one, two, three = b"1" * SIZE, b"2" * SIZE, b"3" * SIZE
    first = bson.decode(chunk("01", "packages", ["jam", "bread", "salt"], [one, two, NONE], [three, None, None]))
    db[digests_collection("a")].insert_many([first, bson.decode(chunk("02", "users", [key], [two]))])
    db[digests_collection("b")].insert_one(bson.decode(chunk("01", "packages", ["bread"], [three])))

    target = open_target(target_uri)
    with Written(target, ["a", "b"], ["packages", "users"]) as written:
        written.recognize_rows()
        assert written.find("packages", "jam") == one
        assert written.find("packages", "bread") == three
        assert written.find("packages", "salt") is None
        assert written.find("packages", "pepper") is None
        assert written.find("users", key) == two
        assert list(written.left("packages")) == [("bread", three), ("jam", one)]
        assert not written.take_rows("users", three)
        assert written.take_rows("packages", three)
        assert not written.take_rows("packages", three)
        assert written.take("packages", "jam") is None
        assert written.take("packages", "bread") == three
        assert written.take("packages", "bread") is None
        assert list(written.left("packages")) == []
        assert list(written.left("users")) == [(key, two)]
    with Written(target, ["a", "b"], ["users"]) as written:
        assert (written.find("packages", "jam"), written.find("users", key)) == (None, two)
    target.close()


def test_chunk_of_documents_has_their_keys_and_digests() -> None:
    documents = [bson.encode({"_id": "jam"}), bson.encode({"_id": 5})]

    found = bson.decode(chunk_of("01", "packages", documents, [b"r" * SIZE, None]))

    assert (found["_id"], found["collection"], found["ids"]) == ("01", "packages", ["jam", 5])
    assert found["digests"] == digest_of(documents[0]) + digest_of(documents[1])
    assert found["rows"] == b"r" * SIZE + NONE


def test_runs_that_an_edit_by_hand_let_follow_from_each_other_are_each_named_once() -> None:
    runs: dict[str, dict[str, Any]] = {"1": {"_id": "1", "since": "2"}, "2": {"_id": "2", "since": "1"}}

    assert chain_of(cast("Any", SimpleNamespace(run=runs.get)), runs["2"]) == ["1", "2"]
