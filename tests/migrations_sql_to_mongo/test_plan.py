"""plan: what it counts and names, without a write."""

import sqlite3
from pathlib import Path

from tests.migrations_sql_to_mongo.conftest import Db, Make
from tests.migrations_sql_to_mongo.old_site import (
    release,
    some_rows,
)


def test_plan_writes_nothing_and_says_what_run_does(mover: Make, db: Db) -> None:
    move = mover(some_rows() | {"releases": [release(1), release(2, "nowhere")]})

    planned = move("plan", "--json")
    assert db.list_collection_names() == []
    done = move("run", "--json")

    assert planned.code == done.code == 1
    assert planned.report["tally"] == done.report["tally"]
    assert move("run", "--dry-run", "--json").report["tally"] == planned.report["tally"]


def test_plan_names_what_has_no_place(mover: Make, tmp_path: Path) -> None:
    move = mover(some_rows())
    with sqlite3.connect(move.source.removeprefix("sqlite:///")) as old:
        old.execute("CREATE TABLE sessions (id)")
        old.execute("ALTER TABLE users ADD COLUMN shoe_size")
    old.close()

    planned = move("plan", "--json").report

    assert planned["unknown_tables"] == ["sessions"]
    assert planned["unknown_columns"] == {"users": ["shoe_size"]}
