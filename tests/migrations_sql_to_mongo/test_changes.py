"""What catch-up writes, and what it leaves alone."""

import itertools
from typing import Any

import bson
import pytest

from migrations_sql_to_mongo import changes
from migrations_sql_to_mongo.errors import Stopped
from migrations_sql_to_mongo.target import Target
from tests.migrations_sql_to_mongo.conftest import CHANGES, Db, Interruption, Make, old_site_goes_on, site_documents
from tests.migrations_sql_to_mongo.old_site import package, some_rows, user
from webapp.documents.user import object_id_of_sql_id


@pytest.mark.parametrize("verify", ["changed", "all"])
def test_what_people_did_on_the_new_site_is_never_overwritten(mover: Make, db: Db, verify: str) -> None:
    rows = some_rows()
    rows["packages"] += [package("kept"), package("removed-here"), package("untouched")]
    move = mover(rows)
    assert move("run").code == 0
    db.packages.update_one({"_id": "flask"}, {"$set": {"summary": "Edited here"}})
    db.packages.update_one({"_id": "untouched"}, {"$set": {"summary": "Edited here, not there"}})
    db.packages.delete_one({"_id": "removed-here"})
    db.packages.update_one({"_id": "zope-interface"}, {"$set": {"home_page": "https://here.example.org"}})
    db.packages.insert_one({"_id": "new-one", "name": "New_One", "release_count": 0})
    db.users.insert_one({"email": "new@example.org", "email_folded": "new@example.org"})
    old_site_goes_on(
        move,
        *CHANGES,
        "UPDATE packages SET summary = 'changed there' WHERE id IN ('kept', 'removed-here')",
        "INSERT INTO users (id, name, email) VALUES (9, 'Same address', 'NEW@example.org')",
    )
    here = {one["_id"]: one for one in db.packages.find()}

    planned = move("catch-up", "--dry-run", "--json")
    done = move("catch-up", "--verify", verify, "--json")

    assert planned.code == done.code == 1, done.err
    assert planned.report["conflicts"] == done.report["conflicts"]
    assert planned.report["changes"] == done.report["changes"]
    assert sorted(done.report["conflicts"]) == [
        "packages flask: was edited on this site since it was moved",
        "packages new-one: was registered on this site, too",
        "packages removed-here: was removed from this site since it was moved",
        "packages zope-interface: was edited on this site since it was moved",
        "users 9: another user of this site (new@example.org) has the email address new@example.org",
    ]
    after = {one["_id"]: one for one in db.packages.find()}
    assert after.pop("kept")["summary"] == "changed there"
    assert after == {key: one for key, one in here.items() if key != "kept"}
    assert db.users.count_documents({"email_folded": "new@example.org"}) == 1
    # They are told of again, until somebody settles them.
    assert sorted(move("catch-up", "--json").report["conflicts"]) == sorted(done.report["conflicts"])


def test_date_past_9999_stops_no_catch_up(mover: Make, db: Db) -> None:
    """A person has written it into one user's document; the others are brought up to date as ever."""
    move = mover(some_rows())
    assert move("run").code == 0
    db.users.update_one(
        {"_id": object_id_of_sql_id(1)}, {"$set": {"last_login": bson.DatetimeMS(2**48), "sessions": []}}
    )
    old_site_goes_on(move, "UPDATE users SET profile_image_url = 'new.png'")

    done = move("catch-up")

    assert done.code == 0, done.out
    pictures = {one.get("profile_image_url") for one in db.users.find({}, {"profile_image_url": 1})}
    assert pictures == {"new.png"}
    assert move("verify").code == 3  # it tells of who has signed in


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
    take_back = changes._take_back_group

    def stop_at_packages(target: Target, collection: Any, group: Any) -> None:
        if collection["name"] == "packages":
            raise Stopped("the test stops it here")
        take_back(target, collection, group)

    with monkeypatch.context() as interrupted:
        interrupted.setattr(changes, "_take_back_group", stop_at_packages)
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
    for stop in itertools.count(1, 2):
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
