"""catch-up: what changed in the old site since the last move, and nothing that people did on the new one."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from migrations_sql_to_mongo import mapping
from migrations_sql_to_mongo.target import Target
from tests.migrations_sql_to_mongo.conftest import (
    CHANGES,
    Db,
    Interruption,
    Make,
    old_site_goes_on,
    rename_here,
    site_documents,
)
from tests.migrations_sql_to_mongo.old_site import release, some_rows, user
from webapp.documents.base import utc_now
from webapp.documents.user import object_id_of_sql_id


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


def test_catch_up_goes_on_wherever_it_was_stopped(mover: Make, db: Db, interruption: Interruption) -> None:
    """It is stopped after its first, second, third ... conversation with the server, until it gets through."""
    move = mover(some_rows() | {"users": [user(1), user(2), user(3), user(4)]})
    assert move("run").code == 0
    # Somebody has signed in.
    signed_in = {"last_login": utc_now(), "sessions": []}
    db.users.update_one({"_id": object_id_of_sql_id(4)}, {"$set": signed_in})
    rename_here(db, 2, "Chosen here")
    before = site_documents(db)
    old_site_goes_on(move, *CHANGES, "UPDATE users SET name = 'Carried over' WHERE id = 4")
    assert move("catch-up").code == 0
    wanted = site_documents(db)
    assert wanted["users"][-1] == before["users"][-1] | {"name": "Carried over"}
    assert [one["name"] for one in wanted["packages"][0]["maintainers"]] == ["Ada", "Chosen here"]
    for stop in itertools.count(1, 5):
        while site_documents(db) != before:
            assert move("undo").code == 0
        interruption.after = stop
        stopped = move("catch-up")
        is_through = interruption.after > 0
        interruption.after = 0
        assert move("catch-up").code == 0, stop
        assert site_documents(db) == wanted, stop
        assert "\n## 5 differences\n" in move("verify").out
        assert stopped.code == (0 if is_through else 3)
        if is_through:
            break
    assert stop > 30


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
    assert f"the source ({one.source}, not {other.source}) must be the same as for run " in refused.err
    refused = one("catch-up", "--encoding", "latin-1", "--timezone", "Europe/Berlin")
    assert refused.code == 2
    assert "Error: the time zones and encoding must be the same as for run " in refused.err


def test_runs_and_catch_ups_are_told_apart(mover: Make) -> None:
    move = mover(some_rows())
    assert [move("run").code, move("catch-up").code] == [0, 0]
    old_site_goes_on(move, CHANGES[0])
    assert move("catch-up").code == 0

    listed = move("status").out.splitlines()

    assert [line.split()[1:3] for line in listed] == [["catch-up", "done"]] * 2 + [["run", "done"]]
    undone = [move("undo", "--dry-run").out, *(move("undo").out for _ in range(3))]
    ids = [line.split()[0] for line in listed]
    assert [text.strip().splitlines()[-1] for text in undone] == [
        f"catch-up {ids[0]} would be undone.",
        f"catch-up {ids[0]} was undone.",
        f"catch-up {ids[1]}, which changed nothing, was undone.",
        f"run {ids[2]} was undone.",
    ]
    assert "packages: what the catch-up changed is as it was before" in undone[1]
    assert "users: what" not in undone[1]
    assert "what the catch-up changed" not in undone[2]


def test_users_whose_address_or_name_is_taken_are_caught_up_with(mover: Make, db: Db) -> None:
    move = mover(some_rows() | {"users": [user(1, email="e@x.org"), user(2, email="E@x.org")]})
    assert move("run").code == 0
    old_site_goes_on(
        move,
        "UPDATE users SET name = 'Grace' WHERE id = 2",
        "INSERT INTO users (id, name, email) VALUES (3, 'Ada', 'e@X.org')",
    )

    caught_up = [move("catch-up"), move("catch-up"), move("verify")]

    assert [one.code for one in caught_up] == [0, 0, 0], caught_up
    users = {one["name"]: one.get("email_folded") for one in db.users.find()}
    assert users == {"User 1": "e@x.org", "Grace": None, "Ada": None}


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


def test_undo_takes_back_what_was_corrected_after_a_catch_up(mover: Make, db: Db, tmp_path: Path) -> None:
    """Also of documents that the catch-up itself had changed, had made, or had left alone."""
    rows = some_rows()
    rows["releases"] += [release(8, "nowhere", "3.0.0"), release(9, "Zope.Interface", size="12 MB")]
    move = mover(rows)
    assert move("run", "--max-reject-share", "100").code == 1
    before = site_documents(db)
    old_site_goes_on(move, *CHANGES[:3], "INSERT INTO releases (id, package_id, size) VALUES (10, 'new-one', 'x')")
    assert move("catch-up", "--report", str(tmp_path), "--max-reject-share", "100").code == 1
    caught_up = site_documents(db)
    path = tmp_path / "rejects-releases.jsonl"
    text = path.read_text().replace('"package_id": "nowhere"', '"package_id": "flask"')
    path.write_text(text.replace('"12 MB"', "12").replace('"size": "x"', '"size": 1'))
    assert move("rejects", "replay", str(path)).code == 0
    corrected = site_documents(db)
    assert [one["release_count"] for one in corrected["packages"]] == [3, 2, 2]
    assert move("verify").code == 0

    assert move("undo").code == 0

    assert site_documents(db) == caught_up
    assert move("undo").code == 0
    assert site_documents(db) == before
    assert move("catch-up", "--max-reject-share", "100").code == 1
    assert site_documents(db) == caught_up
    assert move("undo").code == move("undo").code == 0
    assert not any(site_documents(db).values())


def test_catch_up_allows_as_many_rejects_as_the_run_did(mover: Make) -> None:
    releases = [release(number, "flask" if number > 2 else "nowhere") for number in range(1, 21)]
    move = mover(some_rows() | {"releases": releases})
    move.max_reject_share = None
    assert move("run").code == 3
    assert move("run", "--max-reject-share", "10").code == 1

    assert move("catch-up").code == 1

    planned, refused = (move("catch-up", "--max-reject-share", "5", *option) for option in (["--dry-run"], []))
    assert (planned.code, refused.code) == (3, 3)
    assert "catch-up would stop: too many rows are rejected: 2 of 20 releases" in planned.out
    assert move("catch-up").code == 1


def test_one_document_was_changed(mover: Make) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    old_site_goes_on(move, "UPDATE packages SET summary = 'Another' WHERE id = 'flask'")

    assert "\n1 document would be changed, of " in move("catch-up", "--dry-run").out
    assert "\n1 document was changed, of " in move("catch-up").out
