"""Which tables of a source are ours, what their keys are, and which joins may be read."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.pool import StaticPool

from migrations_sql_to_mongo.catalog import Catalog
from migrations_sql_to_mongo.errors import CannotStart
from migrations_sql_to_mongo.layout import Layout
from migrations_sql_to_mongo.map_file import lay_over
from migrations_sql_to_mongo.queries import Queries


@pytest.fixture
def connection() -> Iterator[Connection]:
    """An empty SQLite database in memory."""
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    with engine.connect() as found:
        yield found
    engine.dispose()


def queries(connection: Connection, *statements: str, **sections: object) -> Queries:
    """What is read of a database that these statements make, with a map of these sections."""
    for statement in statements:
        connection.exec_driver_sql(statement)
    layout = Layout()
    lay_over(layout, dict(sections))
    return Queries(layout, Catalog(connection), "sqlite")


def test_tables_of_our_names_are_read_and_files_only_where_a_map_names_them(connection: Connection) -> None:
    statements = [f"CREATE TABLE {name} (id INTEGER)" for name in ("packages", "users", "files", "shoes")]

    assert queries(connection, *statements).tables == ["users", "packages"]
    with_files = queries(connection, files={"table": "files"})
    assert set(with_files.tables) == {"users", "packages", "files"}
    assert with_files.relation("files").name == "files"


def test_table_that_is_not_there_stops_the_start_with_what_may_be_meant(connection: Connection) -> None:
    found = queries(connection, "CREATE TABLE package (id INTEGER)")

    with pytest.raises(CannotStart, match=r"the source has no table packages.*package"):
        found["packages"]
    with pytest.raises(CannotStart, match=r"\[users\] table: the source has no table people"):
        queries(connection, users={"table": "people"})


def test_query_of_a_table_is_made_once(connection: Connection) -> None:
    found = queries(connection, "CREATE TABLE packages (id TEXT)")

    assert found["packages"] is found["packages"]


@pytest.mark.parametrize(
    ("columns", "section", "expected"),
    [
        ("id INTEGER, name TEXT PRIMARY KEY", None, "id"),
        ("number INTEGER PRIMARY KEY, name TEXT", None, "number"),
        ("a INTEGER, b INTEGER, PRIMARY KEY (a, b)", None, None),
        ("number INTEGER, name TEXT", None, None),
        ("number INTEGER, name TEXT", {"table": "users", "columns": {"id": "number"}}, "number"),
        ("a INTEGER, b INTEGER", {"table": "users", "columns": {"id": ["a", "b"]}}, None),
        ("a INTEGER, b INTEGER", {"table": "users", "columns": {"id": {"value": 7}}}, None),
    ],
)
def test_id_is_read_from_one_column_or_from_none(
    connection: Connection, columns: str, section: dict[str, object] | None, expected: str | None
) -> None:
    sections = {"users": section} if section else {}

    assert queries(connection, f"CREATE TABLE users ({columns})", **sections).id_column("users") == expected


def test_table_that_is_not_there_has_no_id(connection: Connection) -> None:
    assert queries(connection).id_column("users") is None


JOINED = {"table": "packages", "joins": ["id -> texts.package"], "columns": {"summary": "texts.summary"}}
PACKAGES = "CREATE TABLE packages (id TEXT)"


def test_join_that_finds_several_rows_stops_the_start_and_names_the_key(connection: Connection) -> None:
    texts = "CREATE TABLE texts (package TEXT, summary TEXT)"
    rows = "INSERT INTO texts VALUES ('jam', 'one'), ('jam', 'two'), ('jelly', 'three')"
    found = queries(connection, PACKAGES, texts, rows, packages=JOINED)

    with pytest.raises(CannotStart, match=r"several rows of texts have package.*jam.*one is expected"):
        found.check_joins("packages", connection)


@pytest.mark.parametrize(
    ("texts", "rows"),
    [
        ("package TEXT, summary TEXT", "('jam', 'one'), ('jelly', 'two')"),
        ("package TEXT, summary TEXT", "(NULL, 'one'), (NULL, 'two')"),  # NULL equals nothing
        ("package TEXT UNIQUE, summary TEXT", "('jam', 'one')"),
    ],
)
def test_join_that_finds_one_row_at_most_is_read(connection: Connection, texts: str, rows: str) -> None:
    found = queries(
        connection, PACKAGES, f"CREATE TABLE texts ({texts})", f"INSERT INTO texts VALUES {rows}", packages=JOINED
    )

    found.check_joins("packages", connection)

    assert [join.text for join in found["packages"].joins] == ["id -> texts.package"]
