"""Rows that an operator corrected and gives to `replay`."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from migrations_sql_to_mongo import run
from tests.migrations_sql_to_mongo.conftest import (
    Db,
    Interruption,
    Make,
    old_site_goes_on,
    reasons,
    replay,
    site_documents,
)
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
    before = site_documents(db)

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
    # Each replay is undone like a catch-up.
    assert [line.split()[1] for line in move("status").out.splitlines()] == ["replay", "replay", "replay", "run"]
    for _ in range(3):
        assert site_documents(db) != before
        assert "what the replay changed is as it was before" in move("undo").out
    assert site_documents(db) == before


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
    [correction] = db[f"migrations_corrected_{replayed.report['run']}"].find()
    assert second.items() <= correction["row"].items()
    corrected = site_documents(db)
    assert move("run", "--replace-existing").code == replayed.code
    assert site_documents(db) == corrected


def test_what_somebody_registered_here_stays_theirs(mover: Make, db: Db, tmp_path: Path) -> None:
    move = mover(some_rows() | {"users": [user(1), user(2, name=Raw(b"\xff"), email="Eve@example.org")]})
    assert move("run", "--report", str(tmp_path)).code == 1
    db.users.insert_one({"name": "Eve", "email": "eve@example.org", "email_folded": "eve@example.org"})
    before = site_documents(db)["users"]

    replayed = replay(move, tmp_path, "users", lambda row: row.update(name="Another"))

    assert replayed.code == 1
    assert "users 2: another user of this site (Eve) has the email address eve@example.org" in replayed.out
    assert site_documents(db)["users"] == before

    db.users.delete_one({"name": "Eve"})
    assert move("catch-up").code == 0
    assert db.users.count_documents({"name": "Another", "email_folded": "eve@example.org"}) == 1


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

    replayed = replay(move, tmp_path, "releases", lambda row: row.update(size=12))

    assert replayed.code == 1
    assert "packages flask: was edited on this site" in replayed.out
    assert (db.packages.find_one({"_id": "flask"}) or {})["summary"] == "edited"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("nonsense", "rejects.jsonl"),
        ("{}", "not a line of a rejects file"),
        ('{"table": "users", "key": "1", "digest": "", "row": {}}', "too many or too few values"),
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


def test_source_goes_on_while_rows_are_corrected(mover: Make, db: Db, tmp_path: Path) -> None:
    """What has changed there comes along, and rows that have changed are not replaced by their corrections."""
    releases = [release(number, "nowhere", f"{number}.0.0") for number in (1, 2, 3)]
    move = mover(some_rows() | {"releases": releases})
    assert move("run", "--report", str(tmp_path)).code == 1
    text = (tmp_path / "rejects-releases.jsonl").read_text()
    old_site_goes_on(
        move,
        "UPDATE releases SET comment = 'edited there' WHERE id = 2",
        "UPDATE packages SET summary = 'edited there' WHERE id = 'flask'",
    )

    planned = replay(move, tmp_path, "releases", lambda row: row.update(package_id="flask"), "--dry-run", "--json")
    replayed = move("rejects", "replay", str(tmp_path / "rejects-releases.jsonl"), "--json", "--report", str(tmp_path))

    assert planned.report["changes"] == replayed.report["changes"]
    assert replayed.report["corrections"]["lost_rows"] == ["releases 2"]
    assert (replayed.code, replayed.report["summary"].endswith(" 1 correction not applied.")) == (1, True)
    flask = db.packages.find_one({"_id": "flask"}) or {}
    assert (flask["summary"], [one["version"] for one in flask["releases"]]) == ("edited there", ["3.0.0", "1.0.0"])
    [line] = (tmp_path / "rejects-releases.jsonl").read_text().splitlines()
    assert '"key": "2"' in line
    # The first file tells what the row was then.
    (tmp_path / "rejects-releases.jsonl").write_text(text)
    refused = move("rejects", "replay", str(tmp_path / "rejects-releases.jsonl"))
    assert (refused.code, "releases 2 is not a rejected row of run" in refused.err) == (2, True)


def test_rows_are_corrected_again_and_again(mover: Make, db: Db, tmp_path: Path) -> None:
    """With the file that the run wrote, and with what is in MongoDB."""
    move = mover(some_rows() | {"releases": [release(1), release(2, "nowhere", "2.0.0")]})
    assert move("run", "--report", str(tmp_path)).code == 1

    for comment, changed in (("one", 1), ("two", 1), ("two", 0)):
        correction = {"package_id": "flask", "comment": comment}
        done = replay(move, tmp_path, "releases", lambda row, it=correction: row.update(it), "--json")  # type: ignore[misc]
        assert (done.code, done.report["changes"].get("packages", {"changed": 0})) == (0, {"changed": changed})
        assert (db.packages.find_one({"_id": "flask"}) or {})["releases"][0]["comment"] == comment
        assert move("verify").code == 0


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("users", [user(None, name=Raw(b"\xff")), user(None, name=Raw(b"\xff"))]),
        ("maintainers", [maintainer(1), maintainer(1)]),
    ],
)
def test_rows_that_cannot_be_told_apart_are_not_corrected(
    mover: Make, db: Db, tmp_path: Path, table: str, rows: list[dict[str, Any]]
) -> None:
    move = mover(some_rows() | {table: rows})
    assert move("run", "--report", str(tmp_path)).code == 1
    before = site_documents(db)

    refused = replay(move, tmp_path, table, lambda row: row.update({next(iter(row)): 2}))

    assert (refused.code, "occurs twice: only the source can tell the two apart" in refused.err) == (2, True)
    assert site_documents(db) == before
    assert move("catch-up").code == 1


def test_replay_goes_on_wherever_it_was_stopped(
    mover: Make, db: Db, tmp_path: Path, interruption: Interruption
) -> None:
    """Users take what others had: nobody loses a name or an address, whether it is repeated or undone."""
    users = [
        user(1, email="a@x.org", name=Raw(b"\xff")),
        user(2, email="B@x.org", name=Raw(b"\xff")),
        user(3, email="A@x.org"),
        user(4, email="b@x.org"),
    ]
    move = mover(some_rows() | {"users": users})
    assert move("run", "--report", str(tmp_path)).code == 1
    before = site_documents(db)
    assert replay(move, tmp_path, "users", lambda row: row.update(name="Grace", username="ann")).code == 0
    wanted = site_documents(db)
    command = ("rejects", "replay", str(tmp_path / "rejects-users.jsonl"))
    for stop, goes_on in itertools.product(range(1, 100, 4), (command, ("catch-up",), ("undo",))):
        while site_documents(db) != before:
            assert move("undo").code == 0
        interruption.after = stop
        stopped = move(*command)
        interruption.after = 0
        if stopped.code == 0:
            break
        if goes_on != ("undo",) or site_documents(db) != before:
            assert move(*goes_on).code in (0, 1)  # 1 if the rows are still rejected
        assert move(*command).code == 0, stop
        assert site_documents(db) == wanted, (stop, goes_on)
        checked = move("verify")
        assert checked.code == 0, checked.out
    assert stop > 20


def test_replay_that_is_refused_leaves_nothing_behind(mover: Make, db: Db, tmp_path: Path) -> None:
    rows = [user(None, name=Raw(b"\xff")), user(None, name=Raw(b"\xff")), user(3, name=Raw(b"\xff"))]
    move = mover(some_rows() | {"users": rows})
    assert move("run", "--report", str(tmp_path)).code == 1
    lines = (tmp_path / "rejects-users.jsonl").read_text().splitlines()
    one = next(line for line in lines if '"key": "3"' in line)
    (tmp_path / "one.jsonl").write_text(one.replace("user3@", "still-bad@"))
    (tmp_path / "same.jsonl").write_text(one)
    before = db.list_collection_names()

    same = move("rejects", "replay", str(tmp_path / "same.jsonl"))
    assert (same.code, "no row in the file has been corrected" in same.err) == (2, True)
    refused = [
        replay(move, tmp_path, "users", lambda row: row.update(email="")),
        move("rejects", "replay", str(tmp_path / "one.jsonl"), "--on-error", "stop", "--report", str(tmp_path)),
        move("rejects", "replay", str(tmp_path / "one.jsonl"), "--max-reject-share", "1"),
        move("catch-up", "--max-rejects", "1"),
    ]

    assert [one.code for one in refused] == [2, 3, 3, 3]
    assert sorted(db.list_collection_names()) == sorted(before)
    assert move("verify").code == 0
    assert move("run", "--replace-existing").code == 1


def test_corrections_outlive_a_run_that_starts_afresh(
    mover: Make, db: Db, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = mover(some_rows() | {"users": [user(1), user(2, name=Raw(b"\xff")), user(3)]})
    assert move("run", "--report", str(tmp_path)).code == 1
    assert replay(move, tmp_path, "users", lambda row: row.update(name="Grace")).code == 0

    def stop(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as once:
        once.setattr(run, "render", stop)
        assert move("run", "--replace-existing").code == 3
    old_site_goes_on(move, "UPDATE users SET name = 'Another' WHERE id = 3")

    done = move("run", "--replace-existing", "--json")

    assert "starting afresh" in done.err
    assert (done.code, done.report["corrections"]["kept"], done.report["corrections"]["lost"]) == (0, 1, 0)
    assert {one["name"] for one in db.users.find()} == {"User 1", "Grace", "Another"}


def test_users_who_exchanged_their_ids_keep_their_passwords(mover: Make, db: Db, tmp_path: Path) -> None:
    """However often the file is given that the first replay wrote."""
    rows = [user(one, name=Raw(b"\xff"), hashed_password=f"$6$kept{one}") for one in (1, 2)]
    move = mover(some_rows() | {"users": rows})
    assert move("run", "--report", str(tmp_path)).code == 1

    def exchange(row: dict[str, Any]) -> None:
        row["id"] = 3 - row["id"]

    assert replay(move, tmp_path, "users", exchange, "--report", str(tmp_path)).code == 1
    for _ in range(2):
        assert replay(move, tmp_path, "users", lambda row: row.update(name=f"Now {row['id']}")).code == 0
        assert {one["legacy"]["sql_id"]: one["hashed_password"] for one in db.users.find()} == {
            1: "$6$kept2",
            2: "$6$kept1",
        }


def test_password_hash_of_a_first_correction_stays(mover: Make, db: Db, tmp_path: Path) -> None:
    """A tool may sort the names in the file, too."""
    move = mover(some_rows() | {"users": [user(2, name=Raw(b"\xff"), hashed_password="$6$old")]})
    assert move("run", "--report", str(tmp_path)).code == 1
    path = tmp_path / "rejects-users.jsonl"

    def first(row: dict[str, Any]) -> None:
        row |= {"id": 7, "hashed_password": "$6$new"}

    assert replay(move, tmp_path, "users", first, "--report", str(tmp_path)).code == 1
    path.write_text(json.dumps(json.loads(path.read_text()), sort_keys=True))
    assert '"hashed_password": "(hidden)"' in path.read_text()
    assert replay(move, tmp_path, "users", lambda row: row.update(name="Grace")).code == 1  # links of user 2

    [grace] = db.users.find()
    assert (grace["name"], grace["hashed_password"], grace["legacy"]["sql_id"]) == ("Grace", "$6$new", 7)


def _both_corrected(row: dict[str, Any]) -> None:
    row |= {"package_id": "flask", "comment": "corrected"}


def test_second_correction_is_refused_once_the_row_has_changed_in_the_source(
    mover: Make, db: Db, tmp_path: Path
) -> None:
    """Else it would hide that change."""
    move = mover(some_rows() | {"releases": [release(1), release(2, "nowhere", "2.0.0")]})
    assert move("run", "--report", str(tmp_path)).code == 1
    still_wrong = replay(move, tmp_path, "releases", lambda row: row.update(size="x"), "--report", str(tmp_path))
    assert still_wrong.code == 1
    [line] = (tmp_path / "rejects-releases.jsonl").read_text().splitlines()
    assert json.loads(line)["corrects"]["key"] == "2"
    old_site_goes_on(move, "UPDATE releases SET url = 'https://new.example.org/x-3.0.0.tar.gz' WHERE id = 2")
    assert move("catch-up").code == 1
    before = site_documents(db)

    refused = replay(move, tmp_path, "releases", lambda row: row.update(size=12, package_id="flask"))

    assert (refused.code, "releases 2 is not a rejected row of run" in refused.err) == (2, True)
    assert site_documents(db) == before


@pytest.mark.parametrize("removed", [False, True])
def test_correction_of_a_correction_is_found_whatever_the_line_says(
    mover: Make, db: Db, tmp_path: Path, *, removed: bool
) -> None:
    """A person may have removed `corrects`, which says what the line is about."""
    move = mover(some_rows() | {"releases": [release(1), release(2, "nowhere", "2.0.0")]})
    assert move("run", "--report", str(tmp_path)).code == 1
    assert replay(move, tmp_path, "releases", lambda row: row.update(id=7), "--report", str(tmp_path)).code == 1
    path = tmp_path / "rejects-releases.jsonl"
    line = json.loads(path.read_text())
    assert (line["key"], line["corrects"]["key"]) == ("7", "2")
    if removed:
        del line["corrects"]
    path.write_text(json.dumps(line))

    assert replay(move, tmp_path, "releases", _both_corrected).code == 0

    [correction] = db[f"migrations_corrected_{db.migrations.find_one(sort=[('_id', -1)])['_id']}"].find()  # type: ignore[index]
    assert (correction["key"], correction["row"]["id"], correction["row"]["comment"]) == ("2", 7, "corrected")
    assert [one["legacy"]["sql_id"] for one in (db.packages.find_one("flask") or {})["releases"]] == [7, 1]
    assert move("verify").code == 0


def test_tool_that_sorts_the_columns_of_a_file_corrects_nothing_by_that(mover: Make, db: Db, tmp_path: Path) -> None:
    releases = [release(1), release(2, "nowhere", "2.0.0"), release(3, "nowhere", "3.0.0")]
    move = mover(some_rows() | {"releases": releases})
    assert move("run", "--report", str(tmp_path)).code == 1
    path = tmp_path / "rejects-releases.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(line, sort_keys=True) + "\n" for line in lines))

    untouched = move("rejects", "replay", str(path))
    done = replay(
        move, tmp_path, "releases", lambda row: row.update(package_id="flask") if row["id"] == 3 else None, "--json"
    )

    assert (untouched.code, "no row in the file has been corrected" in untouched.err) == (2, True)
    assert (done.code, done.report["corrections"]["kept"]) == (1, 1)
    assert [one["version"] for one in (db.packages.find_one("flask") or {})["releases"]] == ["3.0.0", "1.0.0"]


def test_row_that_is_corrected_twice_in_a_file_is_refused(mover: Make, db: Db, tmp_path: Path) -> None:
    move = mover(some_rows() | {"releases": [release(1), release(2, "nowhere", "2.0.0")]})
    assert move("run", "--report", str(tmp_path)).code == 1
    before, path = site_documents(db), tmp_path / "rejects-releases.jsonl"
    line = path.read_text().replace("nowhere", "flask")
    path.write_text(line + line.replace('"comment": ""', '"comment": "another"'))

    refused = move("rejects", "replay", str(path))

    assert (refused.code, "releases 2 is in the file twice, corrected differently" in refused.err) == (2, True)
    assert site_documents(db) == before
    path.write_text(line + line)
    assert move("rejects", "replay", str(path)).code == 0
