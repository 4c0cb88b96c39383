"""Rows that were rejected are compared with those that must be."""

from migrations_sql_to_mongo.copying import REJECTS
from migrations_sql_to_mongo.layout import Layout
from migrations_sql_to_mongo.tally import HIDDEN
from migrations_sql_to_mongo.target import Target
from migrations_sql_to_mongo.verify.rejected import Rejected
from tests.migrations_sql_to_mongo.verify.conftest import compared


def test_reject_that_nobody_rejected_is_found(target: Target, good_copy: str) -> None:
    target.db[REJECTS].insert_one({"_id": "releases/1", "table": "releases", "key": "1"})
    found = compared(good_copy, target, Layout())
    target.db[REJECTS].delete_many({})

    assert found.count > 0


def test_password_hash_is_hidden_and_nothing_else() -> None:
    rejected = Rejected([], {"users": ["id", "hashed_password", "name", "email"], "licenses": ["id"]})

    assert rejected._without_hash("users", (1, "secret", "Ada", "a@b.c", "more")) == (1, HIDDEN, "Ada", "a@b.c")
    assert rejected._without_hash("users", (1, None, "Ada", "a@b.c")) == (1, None, "Ada", "a@b.c")
    assert rejected._without_hash("licenses", ("MIT",)) == ("MIT",)
