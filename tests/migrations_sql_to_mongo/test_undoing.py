"""What the site had before a catch-up is restored, and no edit is lost."""

import itertools
from typing import Any

import pytest

from migrations_sql_to_mongo import undoing
from migrations_sql_to_mongo.errors import Stopped
from migrations_sql_to_mongo.target import Target
from tests.migrations_sql_to_mongo.conftest import CHANGES, Db, Interruption, Make, old_site_goes_on, site_documents
from tests.migrations_sql_to_mongo.old_site import some_rows, user


def test_undo_of_a_catch_up_refuses_to_lose_an_edit(mover: Make, db: Db) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    before = site_documents(db)
    old_site_goes_on(move, *CHANGES)
    assert move("catch-up").code == 0
    db.packages.update_one({"_id": "flask"}, {"$set": {"summary": "Edited here"}})

    refused, discarded = move("undo"), move("undo", "--discard-changes")

    assert refused.code == 3
    assert "packages flask was changed since the run" in refused.err
    assert discarded.code == 0
    assert site_documents(db) == before


def test_repeated_undo_of_a_catch_up_refuses_to_lose_an_edit(
    mover: Make, db: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    before = site_documents(db)
    old_site_goes_on(move, *CHANGES)
    assert move("catch-up").code == 0
    take_back = undoing._take_back_group

    def stop_at_packages(target: Target, collection: Any, group: Any) -> None:
        if collection["name"] == "packages":
            raise Stopped("the test stops it here")
        take_back(target, collection, group)

    with monkeypatch.context() as interrupted:
        interrupted.setattr(undoing, "_take_back_group", stop_at_packages)
        assert move("undo").code == 3
    db.packages.update_one({"_id": "flask"}, {"$set": {"summary": "Edited here"}})

    refused = move("undo")

    assert refused.code == 3
    assert "packages flask was changed since the run" in refused.err
    assert (db.packages.find_one("flask") or {})["summary"] == "Edited here"
    assert move("undo", "--discard-changes").code == 0
    assert site_documents(db) == before


@pytest.mark.parametrize("dropped", range(8))
def test_undo_of_a_catch_up_that_was_killed_while_it_tidied_up_goes_on(
    mover: Make, db: Db, monkeypatch: pytest.MonkeyPatch, dropped: int
) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    before = site_documents(db)
    old_site_goes_on(move, *CHANGES)
    assert move("catch-up").code == 0
    patiently, drops = Target.patiently, []

    def stop(target: Target, action: Any, *arguments: Any, **options: Any) -> Any:
        if getattr(action, "__name__", "") == "drop_collection":
            drops.append(arguments)
            if len(drops) > dropped:
                raise Stopped("the test stops it here")
        return patiently(target, action, *arguments, **options)

    with monkeypatch.context() as interrupted:
        interrupted.setattr(Target, "patiently", stop)
        assert move("undo").code == 3
    db.packages.update_one({"_id": "flask"}, {"$set": {"summary": before["packages"][0]["summary"]}})

    assert move("undo").code == 0

    assert site_documents(db) == before


def test_undo_of_a_catch_up_goes_on_wherever_it_was_stopped(mover: Make, db: Db, interruption: Interruption) -> None:
    """Until then, the other commands say what to do."""
    move = mover(some_rows() | {"users": [user(1), user(2), user(3), user(4)]})
    assert move("run").code == 0
    before = site_documents(db)
    old_site_goes_on(move, *CHANGES, "UPDATE users SET email = 'user' || (id % 4 + 1) || '@example.org'")
    for stop in itertools.count(1, 5):
        assert move("catch-up").code == 0
        interruption.after = stop
        stopped = move("undo")
        interruption.after = 0
        if stopped.code == 0:
            break
        if db.migrations.count_documents({"state": "undoing"}):
            for command in ("run", "catch-up", "verify"):
                refused = move(command)
                assert (refused.code, "was interrupted: `undo` ends it" in refused.err) == (3, True), refused
            undone = move("undo")
            assert (undone.code, "which changed nothing" in undone.out) == (0, False)
        elif site_documents(db) != before:
            assert move("undo").code == 0
        assert site_documents(db) == before, stop
        assert not [name for name in db.list_collection_names() if "changes" in name]
    assert stop > 20
