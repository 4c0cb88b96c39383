"""Rows that an operator corrected and gives to `replay`."""

from pathlib import Path
from typing import Any

import pytest

from tests.migrations_sql_to_mongo.conftest import Db, Make, old_site_goes_on, reasons, replay, site_documents
from tests.migrations_sql_to_mongo.old_site import (
    Raw,
    maintainer,
    package,
    release,
    some_rows,
    user,
)
from webapp.documents.base import utc_now


def test_corrected_rows_are_moved_after_all(mover: Make, db: Db, tmp_path: Path) -> None:
    rows = {
        "users": [user(1), user(2, name=Raw(b"\xff"), hashed_password="$6$kept")],
        "packages": [package(), package("Foo_Bar", description="*hi*"), package("foo.bar")],
        "releases": [release(1), release(2, version="9.0.0", size="12 MB"), release(3, "Foo_Bar")],
        "maintainers": [maintainer(1), maintainer(2)],
    }
    move = mover(some_rows() | rows)
    assert move("run", "--report", str(tmp_path)).code == 1
    before = [entry["collections"] for entry in db.migrations.find({"state": "done"})]

    def call_it_grace(row: dict[str, Any]) -> None:
        row["name"] = "Grace"

    assert replay(move, tmp_path, "users", call_it_grace, "--dry-run").code == 1
    assert db.users.count_documents({}) == 1
    assert replay(move, tmp_path, "users", call_it_grace).code == 1
    grace = db.users.find_one({"name": "Grace"}) or {}
    assert grace["hashed_password"] == "$6$kept"
    # The link that was rejected with its user comes back by itself.
    assert [one["name"] for one in (db.packages.find_one({"_id": "flask"}) or {})["maintainers"]] == ["User 1", "Grace"]
    assert move("verify").code == 0

    assert replay(move, tmp_path, "releases", lambda row: row.update(size=12) if row["id"] == 2 else None).code == 1
    assert (db.packages.find_one({"_id": "flask"}) or {})["latest"]["version"] == "9.0.0"

    def rename(row: dict[str, Any]) -> None:
        row["id"] = {"foo.bar": "foo-other"}.get(row["id"], row["id"])

    assert replay(move, tmp_path, "packages", rename, "--report", str(tmp_path)).code == 0
    assert "hi" in (db.packages.find_one({"_id": "foo-bar"}) or {})["description_html"]
    assert db.packages.count_documents({}) == 3
    assert move("verify").code == 0
    assert [entry["collections"] for entry in db.migrations.find({"state": "done"})] != before
    assert move("undo").code == 0


@pytest.mark.parametrize(
    ("table", "rows", "first", "second"),
    [
        ("packages", [package("bad name!"), package()], {"id": "still bad!"}, {"id": "good"}),
        ("users", [user(1), user(2, name=Raw(b"\xff"))], {"id": ""}, {"id": 7, "name": "Grace"}),
        ("maintainers", [maintainer(1), maintainer(99)], {"user_id": 98}, {"user_id": 2}),
        ("maintainers", [maintainer(1), maintainer(99)], {"user_id": 1}, {"user_id": 2}),
    ],
)
def test_second_correction_takes_the_place_of_the_first(
    mover: Make, db: Db, tmp_path: Path, table: str, rows: list[dict[str, Any]], first: Any, second: Any
) -> None:
    move = mover(some_rows() | {"users": [user(1), user(2)], table: rows})
    assert move("run", "--report", str(tmp_path)).code == 1
    assert replay(move, tmp_path, table, lambda row: row.update(first), "--report", str(tmp_path)).code == 1

    replayed = replay(move, tmp_path, table, lambda row: row.update(second), "--json")

    assert replayed.report["tally"]["tables"][table]["rejected"] == 0
    assert move("verify", "--compare", "all").code == 0
    [correction] = db[f"migrations_corrected_{db.migrations.find_one({'state': 'done'})['_id']}"].find()  # type: ignore[index]
    assert second.items() <= correction["row"].items()
    corrected = site_documents(db)
    assert move("run", "--replace-existing").code == replayed.code
    assert site_documents(db) == corrected


def test_what_somebody_registered_here_stays_theirs(mover: Make, db: Db, tmp_path: Path) -> None:
    move = mover(some_rows() | {"users": [user(1), user(2, name=Raw(b"\xff"), email="Eve@example.org")]})
    assert move("run", "--report", str(tmp_path)).code == 1
    db.users.insert_one({"name": "Eve", "email": "eve@example.org", "email_folded": "eve@example.org"})
    before = site_documents(db)

    refused = replay(move, tmp_path, "users", lambda row: row.update(name="Another"))

    assert refused.code == 3
    assert "users 2: what may be there only once" in refused.err
    assert site_documents(db) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"size": "12 MB"', '"size": 100000000000000000000'),
        ('"comment": ""', '"comment": "\\ud800"'),
        ('"size": "12 MB"', '"size": [12]'),
        ('"size": "12 MB"', '"size": {"hex": "zz"}'),
        ('"table": "releases"', '"table": []'),
    ],
)
def test_file_that_cannot_be_stored_changes_nothing(mover: Make, db: Db, tmp_path: Path, old: str, new: str) -> None:
    move = mover(some_rows() | {"releases": [release(1, size="12 MB"), release(2, size="12 MB")]})
    assert move("run", "--report", str(tmp_path)).code == 1
    before, path = site_documents(db), tmp_path / "rejects-releases.jsonl"
    first, second = path.read_text().splitlines()
    assert old in second
    path.write_text(first.replace('"12 MB"', "7") + "\n" + second.replace(old, new) + "\n")

    refused = move("rejects", "replay", str(path))

    assert refused.code == 2
    assert "rejects-releases.jsonl, line 2: " in refused.err
    assert site_documents(db) == before


def test_search_forgets_what_packages_were_before(mover: Make, db: Db, tmp_path: Path) -> None:
    rows = some_rows()
    rows["releases"].append(release(9, version="9.0.0", size="12 MB"))
    move = mover(rows)
    assert move("run", "--report", str(tmp_path), "--max-reject-share", "100").code == 1
    db.search_entries.insert_many([{"_id": "flask", "latest": "1.10.0"}, {"_id": "zope-interface"}])

    assert replay(move, tmp_path, "releases", lambda row: row.update(size=12)).code == 0

    assert [one["_id"] for one in db.search_entries.find()] == ["zope-interface"]


def test_replay_does_not_overwrite_what_was_edited(mover: Make, db: Db, tmp_path: Path) -> None:
    move = mover(some_rows() | {"releases": [release(1), release(2, size="12 MB")]})
    move("run", "--report", str(tmp_path))
    db.packages.update_one({"_id": "flask"}, {"$set": {"summary": "edited"}})

    refused = replay(move, tmp_path, "releases", lambda row: row.update(size=12))

    assert refused.code == 3
    assert "flask was changed on the site since the run" in refused.err


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("nonsense", "rejects.jsonl"),
        ("{}", "not a line of a rejects file"),
        ('{"_id": "users/1", "table": "users", "key": "1", "row": {}}', "too many or too few values"),
    ],
)
def test_replay_of_something_else_is_refused(mover: Make, tmp_path: Path, content: str, complaint: str) -> None:
    move = mover(some_rows())
    move("run")
    (tmp_path / "rejects.jsonl").write_text(content + "\n")

    refused = move("rejects", "replay", str(tmp_path / "rejects.jsonl"))

    assert refused.code == 2
    assert complaint in refused.err


def test_corrected_user_can_sign_in_and_is_still_carried_over(mover: Make, db: Db, tmp_path: Path) -> None:
    move = mover(some_rows() | {"users": [user(1), user(2, name=Raw(b"\xff"))]})
    move("run", "--report", str(tmp_path))
    assert replay(move, tmp_path, "users", lambda row: row.update(name="Grace")).code == 0
    db.users.update_one({"name": "Grace"}, {"$set": {"last_login": utc_now()}})
    old_site_goes_on(move, "UPDATE users SET name = 'Grace Hopper' WHERE id = 2")

    done = move("catch-up", "--json")

    assert done.report["conflicts"] == []
    assert db.users.count_documents({"name": "Grace Hopper"}) == 1


def test_rows_of_a_package_follow_its_corrected_id_once_they_are_corrected_too(
    mover: Make, db: Db, tmp_path: Path
) -> None:
    rows = {
        "packages": [package(), package("no name!")],
        "releases": [release(1), release(2, "no name!", url=None)],
        "maintainers": [maintainer(1, "no name!")],
    }
    move = mover(some_rows() | rows)
    assert move("run", "--report", str(tmp_path)).code == 1

    done = replay(move, tmp_path, "packages", lambda row: row.update(id="a-name"), "--report", str(tmp_path), "--json")
    assert reasons(done.report["tally"]["tables"], "releases") == {"there is no such package": 1}
    for table in ("releases", "maintainers"):
        replay(move, tmp_path, table, lambda row: row.update(package_id="a-name"), "--report", str(tmp_path))

    found = db.packages.find_one({"_id": "a-name"}) or {}
    assert (found["release_count"], found["maintainers"][0]["name"]) == (1, "User 1")
    assert move("verify").code == 0
