"""Connect to the old site's database: drivers, and checks of its address."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from migrations_sql_to_mongo.catalog import Catalog
from migrations_sql_to_mongo.errors import CannotStart, mask, one_line, refuse_unescaped
from migrations_sql_to_mongo.sql_types import decoded

DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}
CONNECT_TIMEOUT_S = 10
UNREADABLE = "the source's address cannot be read by SQLAlchemy; write it like sqlite:///old.sqlite"


@contextlib.contextmanager
def opened_database(url: str) -> Iterator[tuple[Connection, Catalog]]:
    """Connect to a database for which there is no layout yet. Raises CannotStart."""
    engine, shown_url = engine_for(url)
    try:
        with engine.connect() as connection:
            yield connection, Catalog(connection)
    except SQLAlchemyError as error:
        raise CannotStart(f"the source {shown_url} cannot be read: {said(error)}") from None
    finally:
        engine.dispose()


def engine_for(url: str) -> tuple[Engine, str]:
    """Return an engine, and the address without its password. Raises CannotStart."""
    refuse_unescaped(url, "the source")
    try:
        parsed = make_url(url)
    except ValueError:
        raise CannotStart(f"the port in the source's address {mask(url)} is not a number") from None
    except ArgumentError:
        raise CannotStart(UNREADABLE) from None
    try:
        driver = DRIVERS.get(parsed.drivername.partition("+")[0])
        if driver is None:
            raise CannotStart(f"the source must be SQLite, PostgreSQL, MySQL or MariaDB, not {parsed.drivername}")
        parsed = parsed.set(drivername=driver)
        masked = mask(url)
        if driver.startswith("sqlite"):
            return _sqlite_engine(parsed.database), masked
        options: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT_S}
        if driver.startswith("mysql"):
            options["charset"] = "utf8mb4"
        return sa.create_engine(parsed, poolclass=sa.pool.NullPool, connect_args=options), masked
    except (ArgumentError, ValueError):
        raise CannotStart(UNREADABLE) from None


def connect_postgresql(
    encoding: str | None, dialect: sa.Dialect, _: Any, arguments: Any, options: dict[str, Any]
) -> Any:
    """Connect. A database in SQL_ASCII may contain any encoding, and its driver would return undecoded bytes."""
    import psycopg  # the driver takes 8 MB, which other sources do without

    connection: Any = dialect.connect(*arguments, **options)
    if connection.info.parameter_status("server_encoding") == "SQL_ASCII":

        class AnyTextLoader(psycopg.adapt.Loader):
            def load(self, data: psycopg.abc.Buffer) -> str:
                return decoded(bytes(data), encoding)

        connection.execute("SET client_encoding TO SQL_ASCII")
        for name in ("text", "varchar", "bpchar", "name"):
            connection.adapters.register_loader(name, AnyTextLoader)
    return connection


def _sqlite_engine(database: str | None) -> Engine:
    """SQLite would create a missing file, so it is opened read-only."""
    if not database or database == ":memory:":
        raise CannotStart("the source names no SQLite file; four slashes start an absolute path: sqlite:////srv/old.db")
    path = Path(database).resolve()
    if not path.is_file():
        raise CannotStart(f"the source {path} does not exist")

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)

    return sa.create_engine("sqlite+pysqlite://", creator=connect, poolclass=sa.pool.NullPool)


def said(error: BaseException) -> str:
    """Return the driver's message, without the statement and its values. Drivers never repeat passwords."""
    return one_line(error.orig if isinstance(error, DBAPIError) and error.orig else error)
