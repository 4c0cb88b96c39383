"""Corrected rows become what the source would make of them, whatever is joined to them or refers to them."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.migrations_sql_to_mongo.conftest import Db, Mover, replay, site_documents
from tests.migrations_sql_to_mongo.servers import old_database


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
    "files alone": Correction(
        "mysql",
        [
            "CREATE TABLE packages (id varchar(20), owner_id int)",
            "INSERT INTO packages VALUES ('flask', 1), ('other', 2)",
            "CREATE TABLE users (id int, name varchar(20))",
            "INSERT INTO users VALUES (1, 'ann')",
            "CREATE TABLE maintainers (user_id int, package_id varchar(20))",
            "INSERT INTO maintainers VALUES (1, 'other'), (2, 'flask')",
            "CREATE TABLE releases (id int primary key, package_id varchar(20), version varchar(20))",
            *(f"INSERT INTO releases VALUES ({n}, 'flask', '{n}.0')" for n in range(1, 30)),
            "CREATE TABLE dists (id int primary key, release_id int, filename varchar(80), size varchar(9))",
            *(f"INSERT INTO dists VALUES ({n}, {n}, 'flask-{n}.0.zip', 'junk')" for n in range(1, 30)),
            "CREATE TABLE downloads (id int primary key, package_id varchar(20), release_id int)",
            "INSERT INTO downloads VALUES (1, 'flask', 3)",
        ],
        {"files": {"size": "7"}, "maintainers": {"user_id": 1}},
        ["UPDATE dists SET size = '7'", "UPDATE maintainers SET user_id = 1"],
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
    "lists and money": Correction(
        "postgresql",
        [
            "CREATE TABLE packages (id text, keywords text[], classifiers jsonb, created_date text)",
            """INSERT INTO packages VALUES ('flask', '{a,"b, c","d\\"e",NULL}', '["X :: Y", "Z"]', 'junk')""",
            "CREATE TABLE releases (id integer, package_id text, size money, yanked text)",
            "INSERT INTO releases VALUES (1, 'flask', 12, 'junk')",
        ],
        {"packages": {"created_date": "2021-01-01 00:00:00"}, "releases": {"yanked": "n"}},
        ["UPDATE packages SET created_date = '2021-01-01 00:00:00'", "UPDATE releases SET yanked = 'n'"],
        '[dates]\n"packages.created_date" = "reject"\n',
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
