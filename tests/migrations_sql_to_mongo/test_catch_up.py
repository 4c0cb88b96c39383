"""catch-up: what changed in the old site since the last move, and nothing that people did on the new one."""

import itertools
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from migrations_sql_to_mongo import changes, mapping
from migrations_sql_to_mongo.target import Target
from tests.migrations_sql_to_mongo.conftest import Mover, site_documents
from tests.migrations_sql_to_mongo.old_site import Rows, package, release, some_rows, user

Make = Callable[[Rows], Mover]
Db = Database[dict[str, Any]]


def old_site_goes_on(move: Mover, *statements: str) -> None:
    """Change the source."""
    with sqlite3.connect(move.source.removeprefix("sqlite:///")) as db:
        for statement in statements:
            db.execute(statement)
    db.close()


CHANGES = (
    "UPDATE packages SET summary = 'Another summary', description = 'It *is*.' WHERE id = 'flask'",
    "INSERT INTO packages (id, summary, description) VALUES ('new-one', 'It is new', 'Hello.')",
    "INSERT INTO releases (id, package_id, major_ver, minor_ver, build_ver) VALUES (77, 'new-one', 2, 0, 0)",
    "DELETE FROM releases WHERE package_id = 'Zope.Interface'",
    "DELETE FROM packages WHERE id = 'Zope.Interface'",
    "UPDATE users SET name = 'Ada' WHERE id = 1",
    "DELETE FROM users WHERE id = 3",
    "INSERT INTO downloads (id, package_id) VALUES (3, 'flask')",
)


def test_catch_up_makes_what_a_run_would_make(mover: Make, db: Db) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    old_site_goes_on(move, *CHANGES)

    planned = move("catch-up", "--dry-run", "--json")
    before = site_documents(db)
    done = move("catch-up", "--json")

    assert planned.code == done.code == 0, done.err
    assert planned.report["changes"] == done.report["changes"]
    assert planned.report["tally"] == done.report["tally"]
    assert done.report["changes"] == {
        "packages": {"changed": 1, "gone": 1, "new": 1},
        "users": {"changed": 1, "gone": 1},
        "downloads": {"new": 1},
    }
    assert site_documents(db) != before
    assert move("verify").code == 0
    caught_up = site_documents(db)
    assert "<em>is</em>" in caught_up["packages"][0]["description_html"]
    assert caught_up["packages"][0]["maintainers"][0]["name"] == "Ada"
    assert move("run").code == 0
    assert site_documents(db) == caught_up


def test_nothing_changed_nothing_is_written(mover: Make, db: Db) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    before = site_documents(db)

    done = move("catch-up", "--json")

    assert done.code == 0, done.err
    assert done.report["changes"] == {}
    assert site_documents(db) == before


def test_catch_up_follows_a_catch_up_and_each_is_undone(mover: Make, db: Db) -> None:
    move = mover(some_rows())
    states = []
    assert move("run").code == 0
    for number in range(3):
        states.append(site_documents(db))
        old_site_goes_on(move, CHANGES[number], f"UPDATE users SET name = 'Ada {number}' WHERE id = 2")
        assert move("catch-up").code == 0

    assert move("verify").code == 0
    for state in states[::-1]:
        assert move("undo").code == 0
        assert site_documents(db) == state
    assert move("undo").code == 0
    assert not any(site_documents(db).values())
    assert not [name for name in db.list_collection_names() if name.startswith(("packages_", "migrations_"))]


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
        f"users 000000000000000000000009: {changes.TAKEN}",
    ]
    after = {one["_id"]: one for one in db.packages.find()}
    assert after.pop("kept")["summary"] == "changed there"
    assert after == {key: one for key, one in here.items() if key != "kept"}
    assert db.users.count_documents({"email_folded": "new@example.org"}) == 1
    # They are told of again, until somebody settles them.
    assert sorted(move("catch-up", "--json").report["conflicts"]) == sorted(done.report["conflicts"])


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


def test_wrong_document_ends_the_catch_up_before_anything_is_written(
    mover: Make, db: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    old_site_goes_on(move, *CHANGES)
    before = site_documents(db)
    insert = Target.insert

    def spoil(target: Target, collection: str, documents: list[bytes]) -> None:
        insert(target, collection, [one.replace(b"Another summary", b"another summary") for one in documents])

    monkeypatch.setattr(Target, "insert", spoil)

    done = move("catch-up")

    assert done.code == 3
    assert "summary is another summary, Another summary in the source" in done.err
    assert site_documents(db) == before


def test_verify_all_compares_what_did_not_change_too(mover: Make, db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip of the copy that the run's own verification would have found, if it had not been left out."""
    move = mover(some_rows())
    run_document = mapping.package_document

    def spoilt(*arguments: Any) -> dict[str, Any]:
        document = run_document(*arguments)
        return document | {"summary": document["summary"].upper()}

    monkeypatch.setattr(mapping, "package_document", spoilt)
    with monkeypatch.context() as patched:
        patched.setattr("migrations_sql_to_mongo.run._verify", _fingerprints)
        assert move("run").code == 0

    changed, everything = move("catch-up"), move("catch-up", "--verify", "all")

    assert changed.code == 0
    assert everything.code == 3
    assert "the copy differs from the source in 2 places" in everything.err
    assert "summary is WHAT ZOPE.INTERFACE DOES, What Zope.Interface does in the source" in everything.err


def _fingerprints(_: Any, target: Any, __: Any, entry: Any, ___: Any) -> dict[str, Any]:
    for collection in entry["collections"]:
        collection["is"] = target.fingerprint(collection["staging"])
    return {"collections": entry["collections"]}


def test_catch_up_goes_on_wherever_it_was_stopped(mover: Make, db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is stopped after its first, second, third ... conversation with the server, until it gets through."""
    move = mover(some_rows())
    assert move("run").code == 0
    before = site_documents(db)
    old_site_goes_on(move, *CHANGES)
    assert move("catch-up").code == 0
    wanted = site_documents(db)
    patiently = Target.patiently
    talks = 0

    def stop_after(target: Target, action: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        nonlocal talks
        talks -= 1
        found = patiently(target, action, *arguments, **options)
        if talks == 0:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(Target, "patiently", stop_after)
    for stop in itertools.count(1, 5):
        while site_documents(db) != before:
            assert move("undo").code == 0
        talks = stop
        stopped = move("catch-up")
        is_through = talks > 0
        talks = 0
        assert move("catch-up").code == 0, stop
        assert site_documents(db) == wanted, stop
        assert move("verify").code == 0
        assert stopped.code == (0 if is_through else 3)
        if is_through:
            break
    assert stop > 30


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


def test_rejects_of_a_catch_up_are_all_that_the_source_has(mover: Make, db: Db) -> None:
    rows = some_rows()
    rows["releases"].append(release(8, "nowhere"))
    move = mover(rows)
    assert move("run").code == 1
    old_site_goes_on(move, "UPDATE releases SET size = '12 MB' WHERE id = 1")

    done = move("catch-up", "--json", "--max-reject-share", "100")

    assert done.code == 1
    assert done.report["tally"]["tables"]["releases"]["rejected"] == 2
    assert move("verify").code == 0
    flask = db.packages.find_one("flask") or {}
    assert [one["version"] for one in flask["releases"]] == ["1.10.0"]


def test_catch_up_needs_a_run_of_the_same_source(mover: Make) -> None:
    one, other = mover(some_rows()), mover({"users": [user(1)]})

    assert "start with `run`" in one("catch-up").err
    assert one("run").code == 0
    refused = other("catch-up")
    assert refused.code == 2
    assert "had another source" in refused.err


def test_corrected_row_stays_corrected(mover: Make, db: Db, tmp_path: Path) -> None:
    rows = some_rows()
    rows["releases"].append(release(8, "nowhere", "3.0.0"))
    move = mover(rows)
    assert move("run", "--report", str(tmp_path)).code == 1
    path = tmp_path / "rejects-releases.jsonl"
    path.write_text(path.read_text().replace('"package_id": "nowhere"', '"package_id": "flask"'))
    assert move("rejects", "replay", str(path)).code == 0
    old_site_goes_on(move, CHANGES[5])

    done = move("catch-up", "--json")

    assert done.code == 0, done.err
    assert move("verify").code == 0
    flask = db.packages.find_one("flask") or {}
    assert flask["releases"][0]["version"] == "3.0.0"
    assert flask["maintainers"][0]["name"] == "Ada"
