"""Rows that an operator corrected and gives to `replay`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.migrations_sql_to_mongo.conftest import Db, Make, Mover, Outcome, old_site_goes_on, reasons, site_documents
from tests.migrations_sql_to_mongo.old_site import (
    Raw,
    maintainer,
    package,
    release,
    some_rows,
    user,
)
from tests.migrations_sql_to_mongo.servers import old_database
from webapp.documents.base import utc_now


def replay(move: Mover, folder: Path, table: str, change: Callable[[dict[str, Any]], None], *options: str) -> Outcome:
    """Correct every row of a rejects file, and try them again."""
    path = folder / f"rejects-{table}.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        change(line["row"])
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return move("rejects", "replay", str(path), *options)


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
    ("dialect", "sql_type", "keys"),
    [
        ("sqlite", "INTEGER", ("63", "64", "-2")),
        ("sqlite", "REAL", ("63", "6.5", "9e999")),
        ("postgresql", "numeric(20,2)", ("63", "64", "-2.5")),
        ("postgresql", "double precision", ("63", "0.1", "'Infinity'")),
        ("mysql", "decimal(20,2)", ("63", "64", "-2.5")),
    ],
)
def test_numeric_keys_of_corrected_rows_are_those_of_the_source(
    target_uri: str, db: Db, tmp_path: Path, dialect: str, sql_type: str, keys: tuple[str, str, str]
) -> None:
    one, two, three = keys
    statements = [
        f"CREATE TABLE users (id {sql_type}, name varchar(80), is_active varchar(9))",
        f"INSERT INTO users VALUES ({one}, 'a', '1'), ({two}, 'b', 'junk'), ({three}, 'c', 'junk')",
        f"CREATE TABLE packages (id varchar(20), owner_id {sql_type})",
        f"INSERT INTO packages VALUES ('flask', {two})",
        f"CREATE TABLE maintainers (user_id {sql_type}, package_id varchar(20), is_owner varchar(9))",
        *(f"INSERT INTO maintainers VALUES ({key}, 'flask', 'n')" for key in (two, three)),
        f"INSERT INTO maintainers VALUES ({one}, 'flask', 'junk')",
        f"CREATE TABLE releases (id {sql_type}, package_id varchar(20), size varchar(9))",
        f"INSERT INTO releases VALUES ({two}, 'flask', 'junk')",
        f"CREATE TABLE downloads (id {sql_type}, package_id varchar(20), release_id {sql_type})",
        f"INSERT INTO downloads VALUES ({three}, 'flask', {two})",
    ]
    with old_database(dialect, tmp_path, statements) as (url, execute):
        move = Mover(url, target_uri)
        assert move("run", "--report", str(tmp_path)).code == 1
        replayed = [
            replay(move, tmp_path, "users", lambda row: row.update(is_active="1"), "--report", str(tmp_path)),
            replay(move, tmp_path, "maintainers", lambda row: row.update(is_owner="n"), "--report", str(tmp_path)),
            replay(move, tmp_path, "releases", lambda row: row.update(size="5")),
        ]
        checked, corrected = move("verify", "--compare", "all"), site_documents(db)
        for table, column, value in (("users", "is_active", "1"), ("maintainers", "is_owner", "n")):
            execute(f"UPDATE {table} SET {column} = '{value}'")
        execute("UPDATE releases SET size = '5'")
        assert (move("undo").code, move("run").code) == (0, 0)

        assert [one.code for one in (*replayed, checked)] == [1, 1, 0, 0], replayed
        expected = site_documents(db)
        assert {name: [_without_html(one) for one in those] for name, those in corrected.items()} == {
            name: [_without_html(one) for one in those] for name, those in expected.items()
        }
        assert len(expected["users"]) == len(expected["packages"][0]["maintainers"]) == 3


def _without_html(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if not name.startswith("description_")}


class Correction(NamedTuple):
    """Tables, what is corrected in their rejects files, and the statements that say the same to the source."""

    dialect: str
    statements: list[str]
    corrected: dict[str, dict[str, Any]]  # by table; of all its rejected rows
    same_in_source: list[str]
    layout: str = ""


_PACKAGES = ["CREATE TABLE packages (id varchar(20))", "INSERT INTO packages VALUES ('flask'), ('other')"]
_DATE_REJECTS = '[dates]\n"downloads.created_date" = "reject"\n'
CORRECTIONS = {
    "a download keeps the version of its release": Correction(
        "sqlite",
        [
            *_PACKAGES,
            "CREATE TABLE releases (id integer, package_id text, version text)",
            "INSERT INTO releases VALUES (64, 'flask', '1.5')",
            "CREATE TABLE downloads (id integer, package_id text, release_id integer, created_date text)",
            "INSERT INTO downloads VALUES (2, 'flask', 64, 'junk')",
        ],
        {"downloads": {"created_date": "2021-01-01 00:00:00"}},
        ["UPDATE downloads SET created_date = '2021-01-01 00:00:00'"],
        _DATE_REJECTS,
    ),
    "a release is found for its downloads, whatever the types": Correction(
        "postgresql",
        [
            *_PACKAGES,
            "CREATE TABLE releases (id numeric(20,2), package_id text, version text, yanked text)",
            "INSERT INTO releases VALUES (64, 'flask', '1.5', 'junk')",
            "CREATE TABLE downloads (id integer, package_id text, release_id double precision)",
            "INSERT INTO downloads VALUES (2, 'flask', 64)",
        ],
        {"releases": {"yanked": "n", "version": "9.9"}},
        ["UPDATE releases SET yanked = 'n', version = '9.9'"],
    ),
    "a user without a name is called by the username": Correction(
        "sqlite",
        [
            "CREATE TABLE users (id integer, username text, name text, is_active text)",
            "INSERT INTO users VALUES (2, 'bob', NULL, 'junk')",
            "CREATE TABLE packages (id text, owner_id integer)",
            "INSERT INTO packages VALUES ('flask', 2), ('other', NULL)",
            "CREATE TABLE maintainers (user_id integer, package_id text)",
            "INSERT INTO maintainers VALUES (2, 'other')",
        ],
        {"users": {"is_active": "1"}},
        ["UPDATE users SET is_active = '1'"],
    ),
    "a user with another id leaves no links behind": Correction(
        "sqlite",
        [
            "CREATE TABLE users (id integer, name text, is_active text)",
            "INSERT INTO users VALUES (1, 'a', '1'), (2, 'b', 'junk')",
            "CREATE TABLE packages (id text, owner_id integer)",
            "INSERT INTO packages VALUES ('flask', 2), ('other', 4)",
            "CREATE TABLE maintainers (user_id integer, package_id text)",
            "INSERT INTO maintainers VALUES (1, 'flask'), (2, 'other'), (4, 'flask')",
        ],
        {"users": {"is_active": "1", "id": 4}},
        ["UPDATE users SET is_active = '1', id = 4 WHERE id = 2"],
    ),
    "a release takes its files into another package": Correction(
        "mysql",
        [
            *_PACKAGES,
            "CREATE TABLE releases (id int primary key, package_id varchar(20), version varchar(20))",
            "INSERT INTO releases VALUES (1, 'other', '1.0'), (2, 'nowhere', '2.0')",
            "CREATE TABLE dists (id int primary key, release_id int, filename varchar(80))",
            "INSERT INTO dists VALUES (1, 1, 'other-1.0.zip'), (2, 2, 'flask-2.0.zip'), (3, 2, 'flask-2.0.tar.gz')",
        ],
        {"releases": {"package_id": "flask"}},
        ["UPDATE releases SET package_id = 'flask' WHERE id = 2"],
        '[files]\ntable = "dists"\n',
    ),
    "a file comes with its release, whichever was corrected first": Correction(
        "sqlite",
        [
            *_PACKAGES,
            "CREATE TABLE releases (id integer, package_id text, version text)",
            "INSERT INTO releases VALUES (1, 'nowhere', '1.0'), (2, 'other', '2.0')",
            "CREATE TABLE dists (id integer, release_id integer, filename text, size text)",
            "INSERT INTO dists VALUES (1, 1, 'flask-1.0.zip', 'junk'), (2, 1, 'flask-1.0.tar.gz', '3')",
            "INSERT INTO dists VALUES (3, 99, 'other-2.0.zip', '4')",
        ],
        {"files": {"size": "7", "release_id": 1}, "releases": {"package_id": "flask"}},
        ["UPDATE dists SET size = '7', release_id = 1", "UPDATE releases SET package_id = 'flask' WHERE id = 1"],
        '[files]\ntable = "dists"\n',
    ),
    "users take what others had": Correction(
        "postgresql",
        [
            "CREATE TABLE users (id integer, username text, email text, is_active text)",
            "INSERT INTO users VALUES (1, 'x', 'a@x.org', 'junk'), (2, 'bob', 'B@x.org', 'junk')",
            "INSERT INTO users VALUES (3, 'bob', 'A@x.org', '1'), (4, 'ann', 'b@x.org', '1')",
            "CREATE TABLE packages (id text)",
            "INSERT INTO packages VALUES ('flask')",
        ],
        {"users": {"is_active": "1", "username": "ann"}},
        ["UPDATE users SET is_active = '1', username = 'ann' WHERE id < 3"],
    ),
    "whole numbers of more than 32 bits": Correction(
        "sqlite",
        [
            *_PACKAGES,
            "CREATE TABLE users (id integer, name text, is_active text)",
            "INSERT INTO users VALUES (6000000000, 'a', 'junk')",
            "CREATE TABLE maintainers (user_id integer, package_id text)",
            "INSERT INTO maintainers VALUES (6000000000, 'flask')",
            "CREATE TABLE releases (id integer, package_id text, version text, size integer, yanked text)",
            "INSERT INTO releases VALUES (7000000000, 'flask', '3', 5000000000, 'junk')",
        ],
        {"users": {"is_active": "1"}, "releases": {"yanked": "n"}},
        ["UPDATE users SET is_active = '1'", "UPDATE releases SET yanked = 'n'"],
    ),
    "a reference that the server holds equal": Correction(
        "mysql",
        [
            *_PACKAGES,
            "CREATE TABLE users (id decimal(10,1), name varchar(20))",
            "INSERT INTO users VALUES (63.1, 'a')",
            "CREATE TABLE maintainers (user_id double, package_id varchar(20), is_owner varchar(9))",
            "INSERT INTO maintainers VALUES (63.1, 'flask', 'junk')",
        ],
        {"maintainers": {"is_owner": "n"}},
        ["UPDATE maintainers SET is_owner = 'n'"],
    ),
    "texts in a column of numbers stay texts": Correction(
        "sqlite",
        [
            "CREATE TABLE users (id integer, name text, is_active text)",
            "INSERT INTO users VALUES ('inf', 'a', 'junk'), ('1_000', 'b', 'junk'), (9e999, 'c', 'junk')",
            "CREATE TABLE packages (id text, owner_id integer)",
            "INSERT INTO packages VALUES ('flask', 'inf'), ('other', '1_000'), ('third', 9e999)",
        ],
        {"users": {"is_active": "1"}},
        ["UPDATE users SET is_active = '1'"],
    ),
    "floats in a key of several columns": Correction(
        "mysql",
        [
            *_PACKAGES,
            "CREATE TABLE people (realm float, nr float, name varchar(20), is_active varchar(9))",
            "INSERT INTO people VALUES (1, 1234567, 'a', 'junk'), (1, 1234568, 'b', '1')",
            "CREATE TABLE roles (realm float, nr float, package_id varchar(20))",
            "INSERT INTO roles VALUES (1, 1234567, 'flask'), (1, 1234568, 'flask')",
        ],
        {"users": {"is_active": "1"}},
        ["UPDATE people SET is_active = '1'"],
        '[users]\ntable = "people"\ncolumns.id = ["realm", "nr"]\n'
        '[maintainers]\ntable = "roles"\ncolumns.user_id = ["realm", "nr"]\n',
    ),
}


@pytest.mark.parametrize("name", CORRECTIONS)
def test_corrected_rows_become_what_the_source_would_make_of_them(
    target_uri: str, db: Db, tmp_path: Path, name: str
) -> None:
    case = CORRECTIONS[name]
    options: tuple[str, ...] = ()
    if case.layout:
        (tmp_path / "map.toml").write_text(case.layout)
        options = ("--map", str(tmp_path / "map.toml"))
    with old_database(case.dialect, tmp_path, case.statements) as (url, execute):
        move = Mover(url, target_uri)
        assert move("run", *options, "--report", str(tmp_path)).code == 1
        replayed = [
            replay(move, tmp_path, table, lambda row, to=to: row.update(to), *options)  # type: ignore[misc]
            for table, to in case.corrected.items()
        ]
        corrected, checked = site_documents(db), move("verify", *options, "--compare", "all")
        again = [move("catch-up", *options), move("run", *options, "--replace-existing"), move("verify", *options)]
        kept = site_documents(db)
        for statement in case.same_in_source:
            execute(statement)
        fresh = move("run", *options, "--replace-existing")

        expected = site_documents(db)
        assert {one.code for one in replayed} <= {0, 1}, replayed
        assert checked.code == 0, checked.out
        assert {one.code for one in again} == {fresh.code} | {0}, again
        assert corrected == kept == expected


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
