"""A mapped schema on each of the three dialects becomes the same documents."""

import sqlite3
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from tests.conftest import database_uri
from tests.migrations_sql_to_mongo.conftest import Mover, site_documents
from tests.migrations_sql_to_mongo.servers import Server

ACCOUNT = """
CREATE TABLE {schema}account (
    uid {uuid} NOT NULL PRIMARY KEY, login varchar(80), email varchar(120), state varchar(10), staff {flag},
    boss {flag}, banned_at {date})"""
PROJECT = """
CREATE TABLE {schema}project (
    id integer NOT NULL PRIMARY KEY, title varchar(100), tags varchar(200), owner {uuid}, gone {flag},
    created {number})"""
PUBLISHED = """
CREATE TABLE {schema}published (
    project_id integer NOT NULL, ver varchar(40) NOT NULL, day integer, yanked {flag}, reason varchar(80),
    PRIMARY KEY (project_id, ver))"""
ARTIFACT = """
CREATE TABLE {schema}artifact (
    path varchar(120) NOT NULL PRIMARY KEY, project_id integer, ver varchar(40), digest {bytes}, at {julian})"""
KEEPERS = "CREATE TABLE {schema}keepers (account {uuid}, project integer, role varchar(20))"

ADA, BOB, CY = (f"{digit * 8}-0000-4000-8000-{digit * 12}" for digit in "123")
ROWS = [
    f"INSERT INTO {{schema}}account VALUES ('{ADA}', 'ada', 'Ada@example.org', 'on', {{no}}, {{yes}}, NULL)",
    f"INSERT INTO {{schema}}account VALUES ('{BOB}', 'bob', NULL, 'off', {{yes}}, {{no}}, NULL)",
    f"INSERT INTO {{schema}}account VALUES ('{CY}', 'cy', NULL, 'new', {{no}}, {{no}}, '2021-01-01 00:00:00')",
    f"INSERT INTO {{schema}}project VALUES (1, 'Zope', 'b a  b', '{BOB}', {{no}}, 1609459200)",
    f"INSERT INTO {{schema}}project VALUES (2, 'apple', NULL, '{ADA}', {{no}}, NULL)",
    f"INSERT INTO {{schema}}project VALUES (3, 'removed', NULL, '{ADA}', {{yes}}, 1609459200)",
    "INSERT INTO {schema}published VALUES (1, '1.0', 20210102, {no}, NULL)",
    "INSERT INTO {schema}published VALUES (1, '1.1', 20210230, {yes}, 'broken')",
    "INSERT INTO {schema}published VALUES (3, '9', NULL, {no}, NULL)",
    "INSERT INTO {schema}published VALUES (4, '9', NULL, {no}, NULL)",
    "INSERT INTO {schema}artifact VALUES ('z/Zope-1.0.zip', 1, '1.0', {digest}, 2459216.75)",
    "INSERT INTO {schema}artifact VALUES ('z/Zope-1.0-py3-none-any.whl', 1, '1.0', NULL, NULL)",
    "INSERT INTO {schema}artifact VALUES ('z/Zope-7.zip', 1, '7', NULL, NULL)",
    f"INSERT INTO {{schema}}keepers VALUES ('{ADA}', 1, 'Reader')",
    f"INSERT INTO {{schema}}keepers VALUES ('{BOB}', 1, 'Reader')",
    f"INSERT INTO {{schema}}keepers VALUES ('{CY}', 2, 'Owner')",
    f"INSERT INTO {{schema}}keepers VALUES ('{ADA.replace('1', '9')}', 2, 'Owner')",
]
WORDS = {
    "sqlite": {"uuid": "text", "flag": "boolean", "date": "datetime", "bytes": "blob", "julian": "real"},
    "postgresql": {"uuid": "uuid", "flag": "boolean", "date": "timestamp", "bytes": "bytea", "julian": "numeric"},
    "mysql": {"uuid": "char(36)", "flag": "bit(1)", "date": "datetime", "bytes": "binary(32)", "julian": "double"},
}
for _dialect, _words in WORDS.items():
    is_postgresql = _dialect == "postgresql"
    _words |= {"yes": "true" if is_postgresql else "1", "no": "false" if is_postgresql else "0", "number": "bigint"}
    _words["digest"] = "'\\xabababababababababababababababababababababababababababababababab'"
    if not is_postgresql:
        _words["digest"] = f"x'{'ab' * 32}'"

MAP = """
[users]
table = "{schema}account"
columns.id = "uid"
columns.username = "login"
columns.is_active = {{ column = "state", is = ["on", "new"] }}
columns.is_admin = ["staff", "boss"]

[packages]
table = "{schema}project"
where.gone = false
columns.id = "title"
columns.keywords = {{ column = "tags", as = "space list" }}
columns.owner_id = "owner"
columns.created_date = {{ column = "created", as = "unix seconds" }}
columns.author_name = {{ value = "The team" }}

[maintainers]
table = "{schema}keepers"
joins = ["project -> {schema}project.id"]
columns.user_id = "account"
columns.package_id = "{schema}project.title"
columns.is_owner = {{ column = "role", is = "Owner" }}

[releases]
table = "{schema}published"
joins = ["project_id -> {schema}project.id"]
columns.id = ["project_id", "ver"]
columns.package_id = "{schema}project.title"
columns.version = "ver"
columns.created_date = {{ column = "day", as = "yyyymmdd" }}
columns.yanked_reason = "reason"

[files]
table = "{schema}artifact"
columns.release_id = ["project_id", "ver"]
columns.filename = "path"
columns.url = {{ column = "path", prefix = "https://files.example.org/" }}
columns.sha256 = "digest"
columns.created_date = {{ column = "at", as = "julian day" }}

[timezones]
"releases.created_date" = "Europe/Berlin"
"""


def statements(dialect: str, schema: str) -> list[str]:
    """The schema and its rows, in one dialect."""
    tables = [ACCOUNT, PROJECT, PUBLISHED, ARTIFACT, KEEPERS]
    return [text.format(schema=schema, **WORDS[dialect]) for text in (*tables, *ROWS)]


def moved(source: str, uri: str, folder: Path, schema: str) -> tuple[Any, Any]:
    """Plan, run and verify; return the account and the documents."""
    path = folder / "map.toml"
    path.write_text(MAP.format(schema=schema))
    move = Mover(source, uri)
    planned = move("plan", "--json", "--map", str(path))
    assert planned.code == 1, planned.err
    done = move("run", "--json", "--map", str(path))
    assert done.code == 1, done.err
    assert done.report["tally"] == planned.report["tally"]
    checked = move("verify", "--json", "--map", str(path))
    assert (checked.code, checked.report["differences"]) == (0, []), checked.out
    with MongoClient[dict[str, Any]](uri, tz_aware=True) as client:
        return done.report["tally"], site_documents(client.get_default_database())


@pytest.fixture
def from_sqlite(tmp_path: Path, mongod_uri: str) -> Callable[[], tuple[Any, Any]]:
    """Move the schema from an SQLite file."""

    def move() -> tuple[Any, Any]:
        with sqlite3.connect(tmp_path / "site.sqlite") as database:
            database.executescript(";\n".join(statements("sqlite", "")))
        database.close()
        uri = database_uri(mongod_uri, f"larder_move_{uuid.uuid4().hex[:12]}")
        with MongoClient[Any](uri) as client:
            try:
                return moved(f"sqlite:///{tmp_path / 'site.sqlite'}", uri, tmp_path, "")
            finally:
                client.drop_database(client.get_default_database().name)

    return move


def test_what_comes_of_it(from_sqlite: Callable[[], tuple[Any, Any]]) -> None:
    tally, documents = from_sqlite()

    tables = tally["tables"]
    assert {
        name: (one["found"], one["migrated"], one["rejected"], one["excluded"]) for name, one in tables.items()
    } == {
        "users": (3, 3, 0, 0),
        "packages": (3, 2, 0, 1),
        "maintainers": (4, 3, 1, 0),
        "releases": (4, 2, 2, 0),
        "files": (3, 2, 1, 0),
    }
    rights = {one["username"]: (one["is_admin"], one.get("is_disabled", False)) for one in documents["users"]}
    assert rights == {"ada": (True, False), "bob": (True, True), "cy": (False, False)}
    apple, zope = documents["packages"]
    assert [(one["name"], one["role"]) for one in apple["maintainers"]] == [("ada", "owner"), ("cy", "owner")]
    assert [(one["name"], one["role"]) for one in zope["maintainers"]] == [("bob", "owner"), ("ada", "maintainer")]
    assert (zope["keywords"], zope["author_name"], zope["created_date"].isoformat()) == (
        ["b", "a"],
        "The team",
        "2021-01-01T00:00:00+00:00",
    )
    newest, oldest = zope["releases"]
    assert (newest["version"], newest["yanked"], newest["yanked_reason"], newest["legacy"]) == (
        "1.1",
        True,
        "broken",
        {"sql_id": "1/1.1", "created_date": 20210230},
    )
    assert oldest["created_date"].isoformat() == "2021-01-01T23:00:00+00:00"
    wheel, sdist = oldest["files"]
    assert wheel["filename"] == "Zope-1.0-py3-none-any.whl"
    assert "sha256" not in wheel
    assert (sdist["url"], sdist["sha256"], sdist["uploaded_at"].isoformat()) == (
        "https://files.example.org/z/Zope-1.0.zip",
        "ab" * 32,
        "2021-01-02T06:00:00+00:00",
    )


@pytest.mark.parametrize("place", ["usual", "named"])
def test_servers_give_the_same(
    server: Server, place: str, tmp_path: Path, target_uri: str, from_sqlite: Callable[[], tuple[Any, Any]]
) -> None:
    dialect = "postgresql" if server.url.startswith("postgresql") else "mysql"
    schema = ""
    if place == "named" and dialect == "mysql":
        schema = f"{server.url.rpartition('/')[2]}."  # to MySQL a schema is a database
    if place == "named" and dialect == "postgresql":
        schema = "inventory."
        server.execute("CREATE SCHEMA inventory")
    server.execute(*statements(dialect, schema))

    found = moved(server.url, target_uri, tmp_path, schema)

    assert found[1] == from_sqlite()[1]
