"""Documents are replaced only if they are still as they were read."""

import bson

from migrations_sql_to_mongo.replacing import documents, write, write_all
from migrations_sql_to_mongo.target import open_target
from tests.migrations_sql_to_mongo.conftest import Db


def test_only_what_is_still_as_it_was_read_is_replaced(db: Db, target_uri: str) -> None:
    db.users.insert_many([{"_id": number, "name": "before"} for number in range(4)])
    target = open_target(target_uri)
    try:
        live = documents(target, "users", [0, 1, 2, 3, 4])
        staged = {number: bson.encode({"_id": number, "name": "after"}) for number in (0, 1, 4)}
        db.users.update_many({"_id": {"$in": [1, 3]}}, {"$set": {"name": "edited"}})

        write_all(target, "users", [write(number, live, staged) for number in range(5)])
        write_all(target, "users", [])
    finally:
        target.close()

    found = {one["_id"]: one["name"] for one in db.users.find()}
    assert found == {0: "after", 1: "edited", 3: "edited", 4: "after"}
