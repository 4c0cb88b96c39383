"""What catch-up writes, and what it leaves alone."""

import hashlib
from typing import Any

import bson
import pytest
from pymongo import ReturnDocument

from migrations_sql_to_mongo import changes
from migrations_sql_to_mongo.errors import Stopped
from migrations_sql_to_mongo.target import Target
from tests.migrations_sql_to_mongo.conftest import CHANGES, Db, Make, old_site_goes_on, site_documents
from tests.migrations_sql_to_mongo.old_site import package, some_rows
from webapp.documents.base import utc_now
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
        f"users 9: {changes.TAKEN}",
    ]
    after = {one["_id"]: one for one in db.packages.find()}
    assert after.pop("kept")["summary"] == "changed there"
    assert after == {key: one for key, one in here.items() if key != "kept"}
    assert db.users.count_documents({"email_folded": "new@example.org"}) == 1
    # They are told of again, until somebody settles them.
    assert sorted(move("catch-up", "--json").report["conflicts"]) == sorted(done.report["conflicts"])


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
        interrupted.setattr(changes, "write_all", stop)
        assert move("catch-up").code == 3
    removed = {"$unset": {"identity": "", "sessions": ""}}
    db.users.update_one({"_id": object_id_of_sql_id(1)}, removed)

    assert move("catch-up").code == 0
    after = db.users.find_one({"_id": object_id_of_sql_id(1)})
    assert after
    assert after.keys().isdisjoint(("identity", "sessions"))
    assert (after["profile_image_url"], after["teams"]) == ("new.png", [{"team": "core"}])


def test_date_past_9999_stops_no_catch_up(mover: Make, db: Db) -> None:
    """A person has written it into one user's document; the others are brought up to date as ever."""
    move = mover(some_rows())
    assert move("run").code == 0
    db.users.update_one({"_id": object_id_of_sql_id(1)}, {"$set": SIGN_IN | {"last_login": bson.DatetimeMS(2**48)}})
    old_site_goes_on(move, "UPDATE users SET profile_image_url = 'new.png'")

    done = move("catch-up")

    assert done.code == 0, done.out
    pictures = {one.get("profile_image_url") for one in db.users.find({}, {"profile_image_url": 1})}
    assert pictures == {"new.png"}
    assert move("verify").code == 3  # it tells of who has signed in


EDITED_NOTE = rehashed("new here", "new here")
EDITED_NOTE["rehashed"]["before"] = "not a digest"


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

    def stop_at_packages(target: Target, collection: Any, group: Any, *, is_bare: bool) -> None:
        if collection["name"] == "packages":
            raise Stopped("the test stops it here")
        take_back(target, collection, group, is_bare=is_bare)

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
