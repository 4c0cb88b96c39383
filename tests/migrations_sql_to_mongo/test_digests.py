"""Digests of what a move wrote."""

import hashlib
from datetime import UTC, datetime
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
    is_digest,
    is_renamed,
    unrendered,
)
from migrations_sql_to_mongo.target import open_target

DOCUMENT = {"_id": "jam", "description": "# Jam"}
RENDERED = {"description_html": "<h1>Jam</h1>", "description_problem": None, "description_renderer": "r 1"}


def test_rendering_does_not_change_the_digest_of_a_document_and_everything_else_does() -> None:
    plain = bson.encode(DOCUMENT)

    assert unrendered(plain) is plain
    assert unrendered(bson.encode(DOCUMENT | RENDERED)) == plain
    assert digest_of("packages", bson.encode(DOCUMENT | RENDERED)) == digest_of("packages", plain)
    assert digest_of("packages", bson.encode(DOCUMENT | {"description": "# Jar"})) != digest_of("packages", plain)
    assert len(digest_of("packages", plain)) == SIZE


def maintained(*names: str | None, date: int | None = 1, **more: Any) -> dict[str, Any]:
    """A package as a move writes it, with maintainers of these names."""
    people = [
        {"user_id": number, **({} if name is None else {"name": name}), "role": "owner"}
        for number, name in enumerate(names)
    ]
    dated = {} if date is None else {"updated_date": datetime.fromtimestamp(date, UTC)}
    return DOCUMENT | dated | {"maintainers": people, "releases": [{"version": "1"}], "legacy": {}} | more


@pytest.mark.parametrize(
    ("written", "stored", "only_renamed"),
    [
        (maintained("Ada"), maintained("Ada King"), True),
        (maintained("Ada"), maintained("Ada King", date=2), True),
        (maintained("Ada"), maintained("Ada", date=2), True),
        (maintained("Ada", "Bob"), maintained("Ada", "Rob", date=2), True),
        (maintained(None), maintained("Ada", date=2), True),
        (maintained("Ada", date=None), {**maintained("Ada King", date=None), "updated_date": datetime.now(UTC)}, True),
        (maintained("Ada"), maintained("Ada King", summary="edited"), False),
        (maintained("Ada"), maintained("Ada King", "Bob"), False),
        (maintained("Ada"), maintained("Ada King", releases=[]), False),
        (maintained("Ada"), maintained("Ada King", description="# Jar"), False),
        (maintained("Ada"), maintained("Ada King", maintainers="nobody"), False),
        (maintained("Ada"), maintained("Ada King", maintainers=[{"user_id": 0, "role": "maintainer"}]), False),
        (maintained("Ada"), DOCUMENT, False),
        (DOCUMENT, maintained("Ada"), False),
    ],
)
def test_changed_name_of_a_maintainer_is_told_from_an_edit(
    written: dict[str, Any], stored: dict[str, Any], *, only_renamed: bool
) -> None:
    digest = digest_of("packages", bson.encode(written))

    assert is_digest(digest, "packages", bson.encode(written | RENDERED))
    assert not is_digest(digest, "packages", bson.encode(stored))
    assert is_renamed(digest, bson.encode(stored | RENDERED)) == only_renamed


def test_digests_that_an_earlier_build_wrote_are_known() -> None:
    document = bson.encode(maintained("Ada"))

    earlier = hashlib.blake2b(document, digest_size=SIZE).digest()

    assert is_digest(earlier, "packages", document)
    assert not is_digest(earlier, "packages", bson.encode(maintained("Bob")))


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
    assert found["digests"] == digest_of("packages", documents[0]) + digest_of("packages", documents[1])
    assert found["rows"] == b"r" * SIZE + NONE


def test_runs_that_an_edit_by_hand_let_follow_from_each_other_are_each_named_once() -> None:
    runs: dict[str, dict[str, Any]] = {"1": {"_id": "1", "since": "2"}, "2": {"_id": "2", "since": "1"}}

    assert chain_of(cast("Any", SimpleNamespace(run=runs.get)), runs["2"]) == ["1", "2"]
