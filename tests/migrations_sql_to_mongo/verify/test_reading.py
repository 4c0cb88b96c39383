"""A copy that reads values wrongly is found, because `verify` reads them by other SQL."""
# ruff: noqa: ARG005 -- mistakes take what a reading takes

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pymongo.database import Database

from migrations_sql_to_mongo.sql_types import CopyReading
from tests.migrations_sql_to_mongo.conftest import Mover
from tests.migrations_sql_to_mongo.old_site import Rows, download, package, some_rows, user
from tests.migrations_sql_to_mongo.servers import Server, empty_database

Make = Callable[[Rows], Mover]
Db = Database[dict[str, Any]]
Convert = Callable[[Any], Any]


def read_as(monkeypatch: pytest.MonkeyPatch, convert: Convert) -> None:
    """Let the copy, and nothing else, make something else of each text."""
    right = CopyReading.converter

    def wrong(self: CopyReading, sql_type: Any, kind: Any) -> Convert | None:
        before = right(self, sql_type, kind)
        if kind != "text":
            return before
        return lambda value: convert(before(value) if before else value)

    monkeypatch.setattr(CopyReading, "converter", wrong)


def as_latin_1(value: Any) -> Any:
    """What UTF-8 looks like to those who take it for Latin-1."""
    return value.encode().decode("latin-1") if isinstance(value, str) else value


def with_question_marks(value: Any) -> Any:
    """What is left of text that passes through ASCII."""
    return value.encode("ascii", "replace").decode() if isinstance(value, str) else value


@pytest.mark.parametrize("wrong", [as_latin_1, with_question_marks])
@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ({"packages": [package("flask", summary="größer")]}, "packages flask: summary is"),
        ({"users": [user(1, hashed_password="$6$é"), user(2), user(3)]}, "users 1: hashed_password is (hidden)"),
        ({"users": [user(1, name="José"), user(2), user(3)]}, "users 1: name is"),
        ({"downloads": [download(1, user_agent="pip/é")]}, "downloads 1: user_agent is"),
    ],
)
def test_text_of_sqlite_that_was_decoded_wrongly_is_found(
    mover: Make, db: Db, monkeypatch: pytest.MonkeyPatch, rows: Rows, named: str, wrong: Convert
) -> None:
    move = mover(some_rows() | rows)
    read_as(monkeypatch, wrong)

    done = move("run")

    assert done.code == 3
    assert named in done.err
    assert "nothing was swapped in" in done.err
    assert "packages" not in db.list_collection_names()


def test_wrong_decoding_is_found_after_the_swap_too(
    mover: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    move = mover(some_rows() | {"packages": [package("flask", summary="größer")]})
    with monkeypatch.context() as once:
        once.setattr(
            "migrations_sql_to_mongo.verify.VerifyReading", lambda dialect, _, codec: CopyReading(dialect, codec)
        )
        read_as(once, as_latin_1)
        assert move("run").code == 1  # verified by the reading that made the mistake

    checked = move("verify")

    assert checked.code == 3
    assert "packages flask: summary is" in checked.out


TABLES = {
    "postgresql": (
        "CREATE TABLE packages (id char(20), summary char(20), description text[], created_date timestamptz)",
        "INSERT INTO packages VALUES ('flask', 'web', '{a,b}', '2021-07-01 10:00:00+00')",
        "CREATE TABLE releases (id oid, package_id char(20), size bit(8), url text)",
        "INSERT INTO releases VALUES (1, 'flask', b'00000101', 'https://example.org/flask-1.0.tar.gz')",
    ),
    "mysql": (
        "CREATE TABLE packages (id varchar(20), summary varbinary(20), description text, created_date timestamp NULL)",
        "SET time_zone = '+00:00'",
        "INSERT INTO packages VALUES ('flask', x'636166C3A9', 'a', '2021-07-01 10:00:00')",
        "CREATE TABLE releases (id bigint unsigned, package_id varchar(20), size bit(8), url text)",
        "INSERT INTO releases VALUES (1, 'flask', b'00000101', 'https://example.org/flask-1.0.tar.gz')",
    ),
}
MISTAKES: dict[str, tuple[str, Callable[[Any, Any, Any], Any | None], str]] = {
    "blanks that fill up": (
        "postgresql",
        lambda column, sql_type, kind: sa.func.rpad(column, 20) if column.name == "summary" else None,
        "summary is web",
    ),
    "array as it is written": (
        "postgresql",
        lambda column, sql_type, kind: sa.cast(column, sa.Text) if isinstance(sql_type, sa.ARRAY) else None,
        "description is {a,b}, a, b in the source",
    ),
    "moment in another zone": (
        "postgresql",
        lambda column, sql_type, kind: (
            sa.cast(sa.func.timezone("Europe/Berlin", column), sa.Text) if isinstance(sql_type, sa.DateTime) else None
        ),
        "created_date is",
    ),
    "moment of MySQL in another zone": (
        "mysql",
        lambda column, sql_type, kind: (
            sa.cast(sa.func.convert_tz(column, "+00:00", "+02:00"), sa.CHAR)
            if isinstance(sql_type, sa.DateTime)
            else None
        ),
        "created_date is",
    ),
    "bits read as digits": (
        "mysql",
        lambda column, sql_type, kind: sa.cast(sa.func.bin(column + 0), sa.Integer) if kind == "integer" else None,
        "101, 5 in the source",
    ),
    "bytes read as hex": (
        "mysql",
        lambda column, sql_type, kind: sa.cast(sa.func.hex(column), sa.BINARY) if column.name == "summary" else None,
        "summary is 636166C3A9",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_wrong_reading_of_a_server_is_found(target_uri: str, monkeypatch: pytest.MonkeyPatch, mistake: str) -> None:
    dialect, wrong, named = MISTAKES[mistake]
    right = CopyReading.column

    def column(self: CopyReading, column: Any, sql_type: Any, kind: Any) -> Any:
        found = wrong(column, sql_type, kind)
        return right(self, column, sql_type, kind) if found is None else found

    def run_on(server: Server) -> Any:
        server.execute(*TABLES[dialect])
        return Mover(server.url, target_uri)("run", "--json", "--max-reject-share", "100")

    with empty_database(dialect) as server:
        monkeypatch.setattr(CopyReading, "column", column)

        done = run_on(server)

        assert done.code == 3
        assert named in done.err


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_sqlite_in_utf_16_is_verified(tmp_path: Path, target_uri: str, db: Db, encoding: str) -> None:
    path = tmp_path / "wide.sqlite"
    made = sqlite3.connect(path)
    made.executescript(
        f"PRAGMA encoding = '{encoding}'; CREATE TABLE packages (id VARCHAR, summary VARCHAR, description BLOB);"
        "INSERT INTO packages VALUES ('flask', 'größer 🥫', x'636166C3A9')"
    )
    made.close()
    move = Mover(f"sqlite:///{path}", target_uri)

    done, checked = move("run"), move("verify")

    assert (done.code, checked.code) == (0, 0), done.err + checked.out
    stored = db.packages.find_one("flask") or {}
    assert (stored["summary"], stored["description"]) == ("größer 🥫", "café")
