"""Maps that describe another schema."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.migrations_sql_to_mongo.conftest import Db, Make, Mover
from tests.migrations_sql_to_mongo.old_site import (
    some_rows,
)


def test_map_file_moves_another_site(tmp_path: Path, target_uri: str, db: Db) -> None:
    path = tmp_path / "theirs.sqlite"
    old = sqlite3.connect(path)
    old.execute("CREATE TABLE auth_user (id INTEGER, username TEXT, password TEXT, date_joined TEXT, theme INTEGER)")
    old.execute("INSERT INTO auth_user VALUES (7, 'ada', 'pbkdf2$1', '2020-06-01 12:00:00', 1)")
    old.commit()
    old.close()
    (tmp_path / "map.toml").write_text(
        '[users]\ntable = "auth_user"\ncolumns.name = "username"\ncolumns.username = "username"\n'
        'columns.hashed_password = "password"\ncolumns.created_date = "date_joined"\n'
        '[timezones]\n"users.created_date" = "Europe/Berlin"\n'
    )
    move = Mover(f"sqlite:///{path}", target_uri)

    assert move("plan").code == 2  # without the map it is another site's database
    done = move("run", "--map", str(tmp_path / "map.toml"), "--json")

    assert done.code == 0
    assert done.report["unknown_columns"] == {"users": ["theme"]}
    ada = db.users.find_one() or {}
    assert (ada["username"], ada["name"], ada["hashed_password"]) == ("ada", "ada", "pbkdf2$1")
    assert ada["created_date"] == datetime(2020, 6, 1, 10, tzinfo=UTC)
    assert move("verify", "--map", str(tmp_path / "map.toml")).code == 0


def test_excluded_tables_are_counted(mover: Make, db: Db, tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text("[downloads]\nexclude = true\n")
    move = mover(some_rows())

    done = move("run", "--map", str(tmp_path / "map.toml"), "--json").report

    assert done["tally"]["tables"]["downloads"]["excluded"] == 2
    assert done["summary"].endswith(" moved 14 of 16 rows; 2 excluded; none rejected.")
    assert db.downloads.count_documents({}) == 0


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("nonsense", "--map"),
        ("[shoes]\n", "[shoes] is unknown"),
        ("[users]\ncolumns.shoe = 'size'\n", "no place for columns.shoe"),
        ("[users]\ntable = 'people'\n", "the source has no table people"),
        ("[users]\ncolumns.name = 'nick'\n", "no column nick"),
        ("[dates]\n'users.created_date' = 'maybe'\n", "can be absent or reject"),
        ("[timezones]\n'users.created_date' = 'Mars/Olympus'\n", "not a time zone"),
        ("[timezones]\n'users.name' = 'UTC'\n", "not a column of dates"),
    ],
)
def test_map_that_makes_no_sense_is_refused(mover: Make, tmp_path: Path, content: str, complaint: str) -> None:
    (tmp_path / "map.toml").write_text(content)

    refused = mover(some_rows())("plan", "--map", str(tmp_path / "map.toml"))

    assert refused.code == 2
    assert complaint in refused.err
    assert refused.err.count("\n") == 1


def test_packages_alone_are_a_source(tmp_path: Path, target_uri: str, db: Db) -> None:
    path = tmp_path / "only.sqlite"
    old = sqlite3.connect(path)
    old.execute("CREATE TABLE packages (id TEXT)")
    old.execute("INSERT INTO packages VALUES ('flask')")
    old.commit()
    old.close()
    move = Mover(f"sqlite:///{path}", target_uri)

    assert move("run").code == 0
    assert move("verify").code == 0
    assert db.packages.find_one() == {
        "_id": "flask",
        "name": "flask",
        "release_count": 0,
        "legacy": {"sql_id": "flask"},
    }
