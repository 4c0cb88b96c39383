"""What the new site itself writes into moved documents does not count as an edit."""

import hashlib
from pathlib import Path
from typing import Any

import bson
import pytest
from pymongo import ReturnDocument

from migrations_sql_to_mongo import applying
from migrations_sql_to_mongo.carrying_over import maintainers_of, with_names
from migrations_sql_to_mongo.errors import Stopped
from tests.migrations_sql_to_mongo.conftest import (
    Db,
    Interruption,
    Make,
    Mover,
    old_site_goes_on,
    rename_here,
    site_documents,
)
from tests.migrations_sql_to_mongo.old_site import some_rows
from tests.migrations_sql_to_mongo.servers import old_database
from webapp.documents.base import utc_now
from webapp.documents.user import object_id_of_sql_id


def test_account_that_was_connected_to_the_identity_provider_stays_so(mover: Make, db: Db) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    for number in (1, 3):
        person = {"issuer": "https://login.example.org", "subject": f"person-{number}", "connected_at": utc_now()}
        db.users.update_one({"_id": object_id_of_sql_id(number)}, {"$set": {"identity": person}})
    before = {one["_id"]: one for one in db.users.find()}
    old_site_goes_on(
        move,
        "UPDATE users SET name = 'Ada', email = 'elsewhere@example.org' WHERE id = 1",
        "DELETE FROM users WHERE id = 3",
        "UPDATE users SET name = 'Not connected' WHERE id = 2",
    )

    done = move("catch-up", "--json")

    assert done.report["conflicts"] == ["users 3 (User 3): was edited on this site since it was moved"]
    after = {one["_id"]: one for one in db.users.find()}
    moved = {"name": "Ada", "email": "elsewhere@example.org", "email_folded": "elsewhere@example.org"}
    before[object_id_of_sql_id(1)] |= moved
    assert after.pop(object_id_of_sql_id(2))["name"] == "Not connected"
    assert after == {key: one for key, one in before.items() if key in after}
    assert len(after) == len(before) - 1


SIGN_IN = {
    "last_login": utc_now(),
    "sessions": [{"session_id": "here", "created_date": utc_now(), "expires_at": utc_now()}],
}


def rehashed(new_hash: str, noted: str) -> dict[str, Any]:
    """What a sign-in writes that replaces the hash of `some_rows`; `noted` is the hash that it notes."""
    before, after = (
        hashlib.blake2b(each.encode(), digest_size=16).hexdigest() for each in ("$6$rounds=171204$abc$def", noted)
    )
    return {"hashed_password": new_hash, "rehashed": {"before": before, "after": after}}


EDITED_NOTE = rehashed("new here", "new here")
EDITED_NOTE["rehashed"]["before"] = "not a digest"


WITH_RIGHTS = "ALTER TABLE users ADD COLUMN is_active INTEGER DEFAULT 1"


def signed_in(db: Db, number: int, **more: Any) -> dict[str, Any]:
    """Let a user sign in on the new site, and return the document after that."""
    found = db.users.find_one_and_update(
        {"_id": object_id_of_sql_id(number)}, {"$set": SIGN_IN | more}, return_document=ReturnDocument.AFTER
    )
    assert found
    return found


@pytest.mark.parametrize(
    ("here", "change", "expected"),
    [
        ({}, "is_active = 0", {"is_disabled": True, "sessions": None}),
        ({"hashed_password": "new hash"}, "is_active = 0", {"is_disabled": True, "sessions": None}),
        (
            {"second_factors": [{"factor_id": "one", "kind": "app"}], "teams": [{"team": "core"}]},
            "is_active = 0",
            {"is_disabled": True, "sessions": None},
        ),
        ({"second_factor_due": utc_now()}, "profile_image_url = 'ada.png'", {"profile_image_url": "ada.png"}),
        ({"hashed_password": "new hash"}, "email = NULL", {"email": None, "email_folded": None}),
        ({}, "last_login = '2026-01-01 00:00:00'", {}),
        ({}, "hashed_password = 'from there'", {"hashed_password": "from there", "sessions": None}),
        (
            rehashed("better", "better"),
            "hashed_password = 'from there'",
            {"hashed_password": "from there", "rehashed": None, "sessions": None},
        ),
        (rehashed("better", "better"), "is_active = 0", {"is_disabled": True, "sessions": None}),
        (rehashed("better", "better"), "profile_image_url = 'ada.png'", {"profile_image_url": "ada.png"}),
    ],
)
def test_sign_in_is_no_edit(mover: Make, db: Db, here: Any, change: str, expected: dict[str, Any]) -> None:
    move = mover(some_rows())
    old_site_goes_on(move, WITH_RIGHTS)
    assert move("run").code == 0
    before = signed_in(db, 1, **here)
    old_site_goes_on(move, f"UPDATE users SET {change} WHERE id = 1")

    planned = move("catch-up", "--dry-run", "--json")
    done = move("catch-up", "--json")

    assert planned.code == done.code == 0, done.out
    assert planned.report["changes"] == done.report["changes"] == {"users": {"changed": 1}}
    after = db.users.find_one({"_id": before["_id"]})
    assert after == {name: value for name, value in (before | expected).items() if value is not None}
    assert move("catch-up", "--json").report["changes"] == {}
    assert move("undo").code == move("undo").code == 0
    assert db.users.find_one({"_id": before["_id"]}) == before


def test_what_a_user_removed_before_a_repeated_catch_up_stays_removed(
    mover: Make, db: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = mover(some_rows())
    old_site_goes_on(move, WITH_RIGHTS)
    assert move("run").code == 0
    identity = {"issuer": "https://id.example.org", "subject": "1", "connected_at": utc_now()}
    signed_in(db, 1, identity=identity, teams=[{"team": "core"}])
    old_site_goes_on(move, "UPDATE users SET profile_image_url = 'new.png' WHERE id = 1")

    def stop(*_: Any) -> None:
        raise Stopped("the test stops it here")

    with monkeypatch.context() as interrupted:
        interrupted.setattr(applying, "write_all", stop)
        assert move("catch-up").code == 3
    removed = {"$unset": {"identity": "", "sessions": ""}}
    db.users.update_one({"_id": object_id_of_sql_id(1)}, removed)

    assert move("catch-up").code == 0
    after = db.users.find_one({"_id": object_id_of_sql_id(1)})
    assert after
    assert after.keys().isdisjoint(("identity", "sessions"))
    assert (after["profile_image_url"], after["teams"]) == ("new.png", [{"team": "core"}])


@pytest.mark.parametrize(
    ("here", "change"),
    [
        ({"name": "Edited"}, "is_active = 0"),
        ({"hashed_password": "new here"}, "hashed_password = 'new there'"),
        (rehashed("new here", "better"), "hashed_password = 'new there'"),
        (EDITED_NOTE, "hashed_password = 'new there'"),
    ],
)
def test_edit_of_somebody_who_has_signed_in_is_kept(mover: Make, db: Db, here: Any, change: str) -> None:
    move = mover(some_rows())
    old_site_goes_on(move, WITH_RIGHTS)
    assert move("run").code == 0
    before = signed_in(db, 1, **here)
    old_site_goes_on(move, f"UPDATE users SET {change} WHERE id = 1")

    done = move("catch-up", "--json")

    assert done.report["conflicts"] == [f"users 1 ({before['name']}): was edited on this site since it was moved"]
    assert db.users.find_one({"_id": before["_id"]}) == before


def test_people_go_on_signing_in_between_catch_ups(mover: Make, db: Db) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    for name in ("Ada", "Ada L.", "Ada Lovelace"):
        before = signed_in(db, 1)
        old_site_goes_on(move, f"UPDATE users SET name = '{name}' WHERE id = 1")

        assert move("catch-up").code == 0

        assert db.users.find_one({"_id": before["_id"]}) == before | {"name": name}


RENAMED = "Ada Lovelace"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE packages SET summary = 'changed there' WHERE id = 'flask'",
        "UPDATE releases SET created_date = '2030-01-01 00:00:00' WHERE id = 1",
        "DELETE FROM releases WHERE package_id = 'flask'",
        "DELETE FROM maintainers WHERE user_id = 2",
        "INSERT INTO maintainers VALUES (3, 'flask')",
    ],
)
def test_projects_of_a_user_who_changes_their_name_here_are_still_caught_up_with(
    mover: Make, db: Db, tmp_path: Path, change: str
) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    old_site_goes_on(move, change)
    assert move("catch-up").code == 0
    wanted = db.packages.find_one("flask") or {}
    assert move("undo").code == 0
    rename_here(db, 1, RENAMED)
    before = site_documents(db)

    planned, done = move("catch-up", "--dry-run", "--json"), move("catch-up", "--json")

    assert (planned.code, done.code) == (0, 0), done.out
    assert planned.report["changes"] == done.report["changes"]
    assert done.report["changes"]["packages"] == {"changed": 1}
    after = db.packages.find_one("flask") or {}
    assert (after["maintainers"][0].pop("name"), wanted["maintainers"][0].pop("name")) == (RENAMED, "User 1")
    renamed_date = before["packages"][0]["updated_date"]
    assert after.pop("updated_date") == max(wanted.pop("updated_date"), renamed_date)
    assert after == wanted
    assert move("undo").code == 0
    assert site_documents(db) == before
    assert move("catch-up").code == 0
    # Once more, both here and there.
    rename_here(db, 1, "Countess of Lovelace")
    old_site_goes_on(move, "UPDATE packages SET home_page = 'https://new.example.org' WHERE id = 'flask'")
    assert move("catch-up").code == 0
    after = db.packages.find_one("flask") or {}
    assert (after["home_page"], after["maintainers"][0]["name"]) == ("https://new.example.org", "Countess of Lovelace")
    assert move("undo").code == move("undo").code == 0
    flask = db.packages.find_one("flask") or {}
    assert [one["name"] for one in flask["maintainers"]] == ["Countess of Lovelace", "User 2"]
    assert flask["releases"] == before["packages"][0]["releases"]


def test_names_that_changed_here_and_in_the_source_are_told_apart(mover: Make, db: Db) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    rename_here(db, 1, RENAMED)
    old_site_goes_on(move, "UPDATE users SET name = 'Grace' WHERE id = 2")

    assert move("catch-up").code == 0

    flask = db.packages.find_one("flask") or {}
    assert [one["name"] for one in flask["maintainers"]] == [RENAMED, "Grace"]
    # A user whom both sites have renamed is a conflict, but the projects are not.
    old_site_goes_on(move, "UPDATE users SET name = 'Ada there' WHERE id = 1")
    conflicts = move("catch-up", "--json").report["conflicts"]
    assert conflicts == [f"users 1 ({RENAMED}): was edited on this site since it was moved"]
    assert (db.packages.find_one("flask") or {})["maintainers"][0]["name"] == RENAMED


@pytest.mark.parametrize(
    ("here", "there", "names"),
    [
        # The profile was saved with the same name, or with the old one again.
        ("User 1", "UPDATE packages SET summary = 'changed there' WHERE id = 'flask'", ["User 1", "User 2"]),
        (RENAMED, f"UPDATE users SET name = '{RENAMED}' WHERE id = 1", [RENAMED, "User 2"]),
        (RENAMED, "DELETE FROM maintainers WHERE user_id = 1", ["User 2"]),
        (RENAMED, "DELETE FROM maintainers", None),
        (RENAMED, "DELETE FROM packages WHERE id = 'flask'", None),
    ],
)
def test_changed_name_stands_in_the_way_of_nothing(
    mover: Make, db: Db, here: str, there: str, names: list[str] | None
) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    rename_here(db, 1, here)
    before = site_documents(db)
    old_site_goes_on(move, there)

    planned, done = move("catch-up", "--dry-run", "--json"), move("catch-up", "--json")

    assert planned.report["changes"] == done.report["changes"]
    assert planned.report["conflicts"] == done.report["conflicts"] == []
    flask = db.packages.find_one("flask") or {}
    assert [one["name"] for one in flask.get("maintainers", [])] == (names or [])
    assert move("undo").code == 0
    assert site_documents(db) == before


def test_new_links_of_a_user_have_the_name_that_they_have_here(mover: Make, db: Db) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    rename_here(db, 1, RENAMED)
    old_site_goes_on(
        move,
        "INSERT INTO packages (id, summary) VALUES ('new-one', 'It is new')",
        "INSERT INTO maintainers VALUES (1, 'new-one'), (1, 'Zope.Interface')",
    )

    assert move("catch-up").code == 0

    for name in ("new-one", "zope-interface"):
        assert [one["name"] for one in (db.packages.find_one(name) or {})["maintainers"]] == [RENAMED]


def test_maintainers_without_a_name_keep_that_of_the_source(target_uri: str, db: Db, tmp_path: Path) -> None:
    """It is their username there."""
    tables = [
        "CREATE TABLE users (id integer, username text, name text)",
        "INSERT INTO users VALUES (1, 'ada', NULL), (2, 'ADA', NULL), (3, 'bob', 'Bob')",
        "CREATE TABLE packages (id text, summary text)",
        "INSERT INTO packages VALUES ('flask', 'old')",
        "CREATE TABLE maintainers (user_id integer, package_id text)",
        "INSERT INTO maintainers VALUES (1, 'flask'), (2, 'flask'), (3, 'flask')",
    ]
    with old_database("sqlite", tmp_path, tables) as (url, execute):
        move = Mover(url, target_uri)
        assert move("run").code == 0
        before = site_documents(db)
        execute("UPDATE packages SET summary = 'new'")
        execute("UPDATE users SET username = 'countess' WHERE id = 1")

        assert move("catch-up").code == 0

        [flask] = db.packages.find()
        assert (flask["summary"], [one["name"] for one in flask["maintainers"]]) == ("new", ["countess", "ADA", "Bob"])
        assert move("verify").code == 0
        assert move("undo").code == 0
        assert site_documents(db) == before


@pytest.mark.parametrize("gone", ["DELETE FROM packages WHERE id = 'flask'", "DELETE FROM maintainers"])
def test_undo_brings_nobody_back_under_a_name_that_they_have_changed_since(mover: Make, db: Db, gone: str) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    old_site_goes_on(move, gone)
    assert move("catch-up", "--max-reject-share", "100").code in (0, 1)
    rename_here(db, 1, RENAMED)

    assert move("undo").code == 0

    flask = db.packages.find_one("flask") or {}
    assert [one["name"] for one in flask["maintainers"]] == [RENAMED, "User 2"]


def test_undo_keeps_a_name_that_was_changed_after_the_catch_up(mover: Make, db: Db) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    before = site_documents(db)
    old_site_goes_on(move, "UPDATE packages SET summary = 'changed there' WHERE id = 'flask'")
    assert move("catch-up").code == 0
    rename_here(db, 1, RENAMED)
    renamed = db.packages.find_one("flask") or {}

    assert (move("undo", "--dry-run").code, move("undo").code) == (0, 0)

    flask = db.packages.find_one("flask") or {}
    assert flask["summary"] == before["packages"][0]["summary"]
    assert [one["name"] for one in flask["maintainers"]] == [RENAMED, "User 2"]
    assert flask["updated_date"] == renamed["updated_date"]
    assert (db.users.find_one({"legacy.sql_id": 1}) or {})["name"] == RENAMED


def test_name_that_was_changed_back_during_an_interruption_is_written_nowhere(
    mover: Make, db: Db, interruption: Interruption
) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    old_site_goes_on(move, "UPDATE packages SET summary = 'changed there' WHERE id = 'flask'")
    for stop in range(1, 80, 7):
        rename_here(db, 1, RENAMED)
        interruption.after = stop
        stopped = move("catch-up")
        interruption.after = 0
        rename_here(db, 1, "User 1")
        rename_here(db, 2, f"User 2, {stop}")
        assert move("catch-up").code == 0
        flask = db.packages.find_one("flask") or {}
        assert [one["name"] for one in flask["maintainers"]] == ["User 1", f"User 2, {stop}"], stop
        assert flask["summary"] == "changed there"
        if stopped.code == 0:
            break
        while db.migrations.count_documents({"state": "done"}) > 1:
            assert move("undo").code == 0
    assert stop > 30


def test_undo_restores_the_name_that_a_user_had_chosen_here(mover: Make, db: Db) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    rename_here(db, 1, RENAMED)
    before = site_documents(db)
    old_site_goes_on(move, "UPDATE packages SET summary = 'changed there' WHERE id = 'flask'")
    assert move("catch-up").code == 0

    assert move("undo").code == 0

    assert site_documents(db) == before


@pytest.mark.parametrize(
    "edit",
    [
        {"summary": "Edited here"},
        {"maintainers.0.role": "owner"},
        {"maintainers.0.user_id": "somebody"},
        {"maintainers": "nobody"},
        {"created_date": "yesterday"},
        {"releases.0.created_date": "yesterday"},
    ],
)
def test_project_that_was_also_edited_here_is_a_conflict(mover: Make, db: Db, edit: dict[str, Any]) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    rename_here(db, 1, RENAMED)
    db.packages.update_one({"_id": "flask"}, {"$set": edit}, bypass_document_validation=True)
    before = site_documents(db)
    old_site_goes_on(move, "UPDATE packages SET summary = 'changed there' WHERE id = 'flask'")

    done = move("catch-up", "--json")

    assert done.report["conflicts"] == ["packages flask: was edited on this site since it was moved"]
    assert site_documents(db) == before


def test_what_an_edit_by_hand_left_among_maintainers_stays() -> None:
    ada = object_id_of_sql_id(1)
    maintainers = ["nobody", None, {"user_id": "somebody"}, {"role": "owner", "user_id": ada, "name": "Ada"}]
    package, odd = bson.encode({"_id": "flask", "maintainers": maintainers}), bson.encode({"maintainers": "nobody"})

    assert maintainers_of([package, odd]) == [ada]
    assert with_names(package, {ada: "Ada"}, None, None) == package
    assert with_names(odd, {ada: "Ada"}, None, None) == odd
    renamed = bson.decode(with_names(package, {ada: RENAMED}, None, None))
    assert renamed["maintainers"] == [*maintainers[:3], {"role": "owner", "user_id": ada, "name": RENAMED}]
