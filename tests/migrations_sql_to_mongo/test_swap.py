"""What takes the place of the old documents, and how undo gives them back."""

from collections.abc import Callable
from typing import Any

import bson
import pytest

from migrations_sql_to_mongo import swap
from migrations_sql_to_mongo.errors import Stopped
from tests.migrations_sql_to_mongo.conftest import Db, Make, Mover, site_documents
from tests.migrations_sql_to_mongo.old_site import (
    release,
    some_rows,
)
from webapp.documents import DOCUMENTS, ensure_validators
from webapp.documents.validators import validator_of


def test_indexes_stand_before_the_swap(mover: Make, db: Db) -> None:
    mover(some_rows())("run")

    assert "one_user_an_email" in db.users.index_information()
    assert "by_license" in db.packages.index_information()
    moved = {name: db[name].index_information() for name in ("users", "packages", "downloads", "auditing")}
    for document_type in DOCUMENTS:
        for spec in document_type._meta["index_specs"]:
            # As mongoengine builds it; the server refuses one of the same name that is another one.
            options = {key: value for key, value in spec.items() if key != "fields"}
            db[document_type._meta["collection"]].create_index(spec["fields"], **options)
    assert moved == {name: db[name].index_information() for name in moved}


def test_rules_of_the_collections_stand_after_the_swap_and_after_undo(mover: Make, db: Db) -> None:
    ensure_validators(db, DOCUMENTS)
    db.users.insert_one({"_id": bson.ObjectId(), "name": "Member of before"})
    before = {name: db[name].options() for name in site_documents(db)}
    move = mover(some_rows())
    move("run", "--replace-existing")

    moved = {name: db[name].options() for name in before}
    broken = [each for each in DOCUMENTS if db[each._meta["collection"]].find_one({"$nor": [validator_of(each)]})]
    move("undo")

    assert broken == []
    assert moved == before
    assert db.users.options() == before["users"]


def test_undo_gives_back_an_empty_site(mover: Make, db: Db) -> None:
    move = mover(some_rows())
    move("run")

    assert move("undo").code == 0

    assert set(db.list_collection_names()) <= {"migrations", "site_stats", "download_counts", "known_names"}
    assert move("undo").code == 2


def test_undo_gives_back_what_stood_there(mover: Make, db: Db) -> None:
    db.packages.insert_one({"_id": "mine", "name": "mine"})
    db.packages.create_index("name", name="mine_too")
    db.pages.insert_one({"_id": "about", "title": "About"})
    before = site_documents(db)
    move = mover(some_rows())
    move("run", "--replace-existing")

    assert move("undo").code == 0

    assert site_documents(db) == before
    assert "mine_too" in db.packages.index_information()
    assert db.pages.count_documents({}) == 1


def test_undo_refuses_to_lose_a_change(mover: Make, db: Db) -> None:
    move = mover(some_rows())
    move("run")
    db.users.insert_one({"_id": bson.ObjectId(), "email": "new@example.org"})

    refused = move("undo")

    assert (refused.code, db.users.count_documents({})) == (3, 4)
    assert "users was changed since the run" in refused.err
    assert move("undo", "--discard-changes").code == 0
    assert db.users.count_documents({}) == 0


def test_runs_are_taken_back_in_their_order(mover: Make, db: Db) -> None:
    move = mover(some_rows())
    move("run")
    first = site_documents(db)
    again = mover(some_rows() | {"packages": []})
    assert again("run").code == 1
    runs = [entry["_id"] for entry in db.migrations.find({"state": "done"}).sort("_id", 1)]

    assert move("undo", "--run", runs[0]).code == 3
    assert move("undo").code == 0
    assert site_documents(db) == first
    assert move("undo").code == 0


def test_documents_of_others_are_not_replaced(mover: Make, db: Db) -> None:
    db.users.insert_one({"_id": bson.ObjectId(), "email": "somebody@example.org"})
    db.packages.insert_one(
        {"_id": "pip", "releases": [{"comment": "installed on the machine where this index was started"}]}
    )
    move = mover(some_rows())

    refused = move("run")

    assert refused.code == 3
    assert "users holds 1 document that no migration wrote (somebody@example.org)" in refused.err
    assert "packages holds the 1 package that this site filled itself with at its first start" in refused.err
    assert "--replace-existing" in refused.err
    assert move("plan").code == 3
    assert move("run", "--replace-existing").code == 0


def test_edited_documents_of_a_move_are_not_replaced(mover: Make, db: Db) -> None:
    move = mover(some_rows())
    move("run")
    assert move("run").code == 0  # untouched ones are
    db.users.update_one({}, {"$set": {"name": "Countess"}})

    refused = move("run")

    assert refused.code == 3
    assert "users holds 3 documents of an earlier move, edited since" in refused.err


def test_undo_of_a_run_that_swapped_nothing_in_says_so(mover: Make) -> None:
    move = mover(some_rows() | {"releases": [release(1, "nowhere")]})
    move.max_reject_share = "5"
    assert move("run").code == 3

    undone = move("undo").out

    assert "which changed nothing, was undone." in undone
    assert "before the run" not in undone


def test_staging_is_gone_after_undo_of_an_interrupted_run(mover: Make, db: Db) -> None:
    move = mover(some_rows() | {"releases": [release(1, "nowhere")]})
    move("run", "--on-error", "stop")
    assert any("staging" in name for name in db.list_collection_names())

    assert move("undo").code == 0

    assert db.list_collection_names() == ["migrations"] or set(db.list_collection_names()) == {
        "migrations",
        "site_stats",
    }


Stop = Callable[..., None]


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Stop:
    """Return a function that lets a command end before or after a step of the swap for `packages`."""

    def stop(move: Mover, step: str, *command: str, after: bool = False) -> None:
        original = getattr(swap, step)

        def attempt(*arguments: Any) -> None:
            is_here = any("packages" in (one, isinstance(one, dict) and one.get("name")) for one in arguments)
            if not is_here or after:
                original(*arguments)
            if is_here:
                raise Stopped("the test stops it here")

        with monkeypatch.context() as patched:
            patched.setattr(swap, step, attempt)
            done = move(*command)
        assert (done.code, done.err) == (3, "Error: the test stops it here\n")

    return stop


PUBLISHED = {"_id": "meanwhile", "name": "meanwhile", "release_count": 0}


@pytest.mark.parametrize("step", ["_keep", "_copy", "_rename"])
def test_what_is_published_between_a_kill_and_the_repetition_is_not_lost(
    mover: Make, db: Db, stopped: Stop, step: str
) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    before = site_documents(db)
    move = mover(some_rows())
    stopped(move, step, "run")
    db.packages.insert_one(dict(PUBLISHED))

    refused = move("run")

    assert refused.code == 3
    assert "packages was changed on the site while the run was at work" in refused.err
    assert db.packages.find_one("meanwhile") == PUBLISHED
    assert move("undo").code == 0
    assert site_documents(db) == before | {"packages": [before["packages"][0], PUBLISHED, before["packages"][1]]}


@pytest.mark.parametrize("step", ["_keep", "_copy", "_rename"])
def test_undo_gives_back_what_was_published_between_a_kill_and_the_repetition(
    mover: Make, db: Db, stopped: Stop, step: str
) -> None:
    ensure_validators(db, DOCUMENTS)
    db.packages.insert_one({"_id": "mine", "name": "mine"})
    move = mover(some_rows())
    stopped(move, step, "run", "--replace-existing")
    # As somebody may write it by hand who has turned the rule off.
    db.packages.insert_one({"_id": "odd", "name": 1}, bypass_document_validation=True)

    assert move("run", "--replace-existing").code == 0

    assert db.packages.distinct("_id") == ["flask", "zope-interface"]
    assert move("undo").code == 0
    assert list(db.packages.find().sort("_id", 1)) == [{"_id": "mine", "name": "mine"}, {"_id": "odd", "name": 1}]


def test_run_that_was_killed_right_after_a_rename_goes_on(mover: Make, db: Db, stopped: Stop) -> None:
    move = mover(some_rows())
    stopped(move, "_rename", "run", after=True)
    db.packages.insert_one(dict(PUBLISHED))

    assert move("run").code == 0

    assert db.packages.distinct("_id") == ["flask", "meanwhile", "zope-interface"]
    assert move("undo").code == 3
    assert db.packages.distinct("_id") == ["flask", "meanwhile", "zope-interface"]


def test_undo_of_a_run_that_was_killed_right_after_a_rename_refuses_to_lose_a_change(
    mover: Make, db: Db, stopped: Stop
) -> None:
    move = mover(some_rows())
    stopped(move, "_rename", "run", after=True)
    db.packages.insert_one(dict(PUBLISHED))

    refused = move("undo")

    assert refused.code == 3
    assert "packages was changed since the run" in refused.err
    assert db.packages.find_one("meanwhile") == PUBLISHED


def test_repeated_undo_refuses_to_lose_a_change(mover: Make, db: Db, stopped: Stop) -> None:
    db.packages.insert_one({"_id": "mine", "name": "mine"})
    move = mover(some_rows())
    assert move("run", "--replace-existing").code == 0
    stopped(move, "_restore", "undo")
    db.packages.insert_one(dict(PUBLISHED))

    refused = move("undo")

    assert refused.code == 3
    assert "packages was changed since the run" in refused.err
    assert db.packages.find_one("meanwhile") == PUBLISHED
    assert move("undo", "--discard-changes").code == 0
    assert list(db.packages.find()) == [{"_id": "mine", "name": "mine"}]


@pytest.mark.parametrize("step", ["_rename", "_restore"])
def test_undo_that_was_killed_before_it_noted_what_it_had_restored_goes_on(
    mover: Make, db: Db, stopped: Stop, step: str
) -> None:
    db.packages.insert_one({"_id": "mine", "name": "mine"})
    move = mover(some_rows())
    assert move("run", "--replace-existing").code == 0
    stopped(move, step, "undo", after=True)
    db.packages.insert_one(dict(PUBLISHED))

    assert move("undo").code == 0

    assert list(db.packages.find()) == [{"_id": "mine", "name": "mine"}, PUBLISHED]


def test_undo_that_was_killed_after_it_removed_a_collection_goes_on(mover: Make, db: Db, stopped: Stop) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    stopped(move, "_restore", "undo", after=True)

    assert move("undo").code == 0

    assert db.packages.count_documents({}) == 0


@pytest.mark.parametrize("kept", [[], [{"_id": "mine", "name": "mine"}]])
def test_undo_of_an_interrupted_run_does_not_take_what_was_only_kept_for_swapped(
    mover: Make, db: Db, stopped: Stop, kept: list[dict[str, Any]]
) -> None:
    if kept:
        db.packages.insert_many(kept)
    move = mover(some_rows())
    stopped(move, "_rename", "run", "--replace-existing")
    stopped(move, "_restore", "undo", after=True)
    db.packages.insert_one(dict(PUBLISHED))

    assert move("undo", "--discard-changes").code == 0

    assert list(db.packages.find()) == [*kept, PUBLISHED]
