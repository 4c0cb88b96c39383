"""PostgreSQL and MariaDB as the tests use them: a database for each test, gone after it."""

import contextlib
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from migrations_sql_to_mongo.connecting import DRIVERS
from tests.conftest import required

SERVERS = {
    "postgresql": os.environ.get("TEST_POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432/test"),
    "mysql": os.environ.get("TEST_MYSQL_URL", "mysql://root@127.0.0.1:3306/test"),
}


class Server:
    """A database of its own on one of the servers."""

    def __init__(self, url: str) -> None:
        self.url = url
        parsed = make_url(url)
        self.engine = sa.create_engine(parsed.set(drivername=DRIVERS[parsed.drivername]), poolclass=sa.pool.NullPool)

    def execute(self, *statements: str) -> None:
        """Run statements in a transaction."""
        with self.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)


@contextlib.contextmanager
def empty_database(dialect: str, options: str = "") -> Iterator[Server]:
    """Make a database on a server, and drop it in the end. `options` follow CREATE DATABASE."""
    url = make_url(SERVERS[dialect])
    name = f"larder_test_{uuid.uuid4().hex[:12]}"
    admin = sa.create_engine(
        url.set(drivername=DRIVERS[url.drivername]), poolclass=sa.pool.NullPool, isolation_level="AUTOCOMMIT"
    )
    try:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} {options}")
    except sa.exc.OperationalError as error:
        required(f"{dialect} does not answer: {error.orig}")
    try:
        yield Server(url.set(database=name).render_as_string(hide_password=False))
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}")


@contextlib.contextmanager
def old_database(dialect: str, folder: Path, statements: list[str]) -> Iterator[tuple[str, Callable[[str], object]]]:
    """Yield the address of a database with these tables, and a function that executes a statement."""
    if dialect != "sqlite":
        with empty_database(dialect) as server:
            server.execute(*statements)
            yield server.url, server.execute
        return
    path = folder / "old.sqlite"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
        yield f"sqlite:///{path}", connection.execute
