"""What takes the place of the old documents, and how undo gives them back."""

import bson

from tests.migrations_sql_to_mongo.conftest import Db, Make, site_documents
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


def test_staging_is_gone_after_undo_of_an_interrupted_run(mover: Make, db: Db) -> None:
    move = mover(some_rows() | {"releases": [release(1, "nowhere")]})
    move("run", "--on-error", "stop")
    assert any("staging" in name for name in db.list_collection_names())

    assert move("undo").code == 0

    assert db.list_collection_names() == ["migrations"] or set(db.list_collection_names()) == {
        "migrations",
        "site_stats",
    }
