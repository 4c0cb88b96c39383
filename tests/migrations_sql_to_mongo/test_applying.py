"""Changes are written unless somebody was faster."""

import pytest

from migrations_sql_to_mongo.target import Target
from tests.migrations_sql_to_mongo.conftest import CHANGES, Db, Make, old_site_goes_on
from tests.migrations_sql_to_mongo.old_site import some_rows


def test_edit_that_comes_between_reading_and_writing_wins(mover: Make, db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    old_site_goes_on(move, CHANGES[0])
    insert = Target.insert

    def edit_first(target: Target, collection: str, documents: list[bytes]) -> None:
        if collection.startswith("packages_before"):
            db.packages.update_one({"_id": "flask"}, {"$set": {"summary": "Edited here"}})
        insert(target, collection, documents)

    monkeypatch.setattr(Target, "insert", edit_first)

    done = move("catch-up", "--json")

    assert done.report["conflicts"] == ["packages flask: was edited on this site since it was moved"]
    assert (db.packages.find_one("flask") or {})["summary"] == "Edited here"


def test_two_people_can_pass_an_address_on(mover: Make, db: Db) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    old_site_goes_on(
        move,
        "UPDATE users SET email = 'later@example.org' WHERE id = 1",
        "INSERT INTO users (id, email) VALUES (0, 'user1@example.org')",
    )

    assert move("catch-up").code == 0

    assert move("verify").code == 0
