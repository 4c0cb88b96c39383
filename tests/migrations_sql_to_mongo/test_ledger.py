"""One run at a time, and what is known of earlier ones."""

import json
from datetime import UTC, datetime

import pytest

from migrations_sql_to_mongo.errors import Stopped
from migrations_sql_to_mongo.ledger import Ledger
from migrations_sql_to_mongo.target import open_target
from tests.migrations_sql_to_mongo.conftest import Db, Make
from tests.migrations_sql_to_mongo.old_site import (
    some_rows,
)


def test_second_run_is_refused_while_the_first_works(mover: Make, target_uri: str, db: Db) -> None:
    move = mover(some_rows())
    target = open_target(target_uri)
    with Ledger(target).lock("run"):
        refused = move("run")
    target.close()

    assert refused.code == 3
    assert "`run` of process" in refused.err
    assert move("run").code == 0


def test_lock_of_a_dead_process_is_taken_over(mover: Make, target_uri: str, db: Db) -> None:
    target = open_target(target_uri)
    with Ledger(target).lock("run"):
        lock = db.migrations.find_one({"_id": "lock"}) or {}
    target.close()
    db.migrations.insert_one(lock | {"pid": 2**22 + 1})
    move = mover(some_rows())

    assert move("run").code == 0


def test_lock_of_a_silent_machine_is_taken_over(mover: Make, target_uri: str, db: Db) -> None:
    target = open_target(target_uri)
    with Ledger(target).lock("run"):
        lock = db.migrations.find_one({"_id": "lock"}) or {}
    target.close()
    db.migrations.insert_one(lock | {"host": "elsewhere"})
    move = mover(some_rows())

    assert move("run").code == 3
    db.migrations.update_one({"_id": "lock"}, {"$set": {"heartbeat_at": datetime(2020, 1, 1, tzinfo=UTC)}})
    assert move("run").code == 0


def test_holder_that_lost_its_lock_stops(target_uri: str, db: Db) -> None:
    target = open_target(target_uri)
    ledger = Ledger(target)
    entry = ledger.begin({}, lambda _: [])
    with ledger.lock("run"):
        ledger._lost.set()
        with pytest.raises(Stopped, match="taken over"):
            ledger.note(entry, state="copying")
    target.close()


def test_status_tells_of_runs(mover: Make) -> None:
    move = mover(some_rows())
    assert "has seen no move" in move("status").out
    move("run")

    assert "done" in move("status").out
    assert json.loads(move("status", "--json").out)["runs"][0]["state"] == "done"


def test_status_tells_whether_the_holder_of_the_lock_is_alive(mover: Make, target_uri: str, db: Db) -> None:
    move = mover(some_rows())
    target = open_target(target_uri)
    with Ledger(target).lock("run"):
        working = move("status")
        lock = db.migrations.find_one({"_id": "lock"}) or {}
    target.close()
    db.migrations.insert_one(lock | {"pid": 2**22 + 1})

    assert "at work: run, process " in working.out
    assert "interrupted: run, process 4194305 on " in move("status").out
    assert json.loads(move("status", "--json").out)["lock"]["is_alive"] is False


def test_runs_are_in_their_order_also_if_many_begin_in_a_second(target_uri: str) -> None:
    target = open_target(target_uri)
    ledger = Ledger(target)

    begun = [ledger.begin({}, lambda _: [])["_id"] for _ in range(15)]

    assert [one["_id"] for one in reversed(ledger.runs())] == begun
    target.close()
