"""The SQL database that is moved: opened for reading only, seen in one snapshot, read as streams of rows."""

import functools
import heapq
import itertools
import logging
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from migrations_sql_to_mongo.errors import CannotStart, Stopped, mask, one_line
from migrations_sql_to_mongo.layout import REQUIRED, TABLES, Layout
from migrations_sql_to_mongo.values import shown

Row = tuple[Any, ...]

DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}
SNAPSHOT_ATTEMPTS = 10
CONNECT_TIMEOUT_S = 10
FETCHED = 1000  # rows at a time


# What tells a row from the others of its table.
KEYS = dict.fromkeys(TABLES, ("id",)) | {"maintainers": ("user_id", "package_id")}
PACKAGE_COLUMN = {table: list(TABLES[table]).index("package_id") for table in ("releases", "maintainers")}


def key_of(table: str, row: Row) -> str:
    """Return what a row is called in reports: its id, or "user id/package id" of a maintainer."""
    return "/".join(shown(row[index]) for index in range(len(KEYS[table])))


def position(key: Any) -> tuple[int, Any]:
    """Return what sorts as the servers sort: NULL, numbers (SQLite has them anywhere), text by bytes."""
    if key is None:
        return 0, 0
    if isinstance(key, str):
        return 2, key.encode("utf-8", "surrogateescape")
    return (3, bytes(key)) if isinstance(key, bytes | bytearray | memoryview) else (1, key)


class Source:
    """The old site's tables as they are at one moment.

    Use it as a context manager. Rows come as tuples in the order of `TABLES`, in the order of their keys by bytes;
    a column that the source lacks is None. Dates come as text from the servers: their drivers cannot hold all dates
    that the servers can.
    """

    def __init__(self, url: str, layout: Layout) -> None:
        self.layout = layout
        self.engine, self.masked_url = _engine(url)
        self._text_factory = functools.partial(_decode, layout.encoding) if layout.encoding else _decode_utf8
        self.dialect = self.engine.dialect.name
        # A stream that is broken off has a cursor that outlives its connection. That it cannot be closed then is no
        # news for the operator, who gets one line about what broke it off.
        logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
        self._connections: list[Connection] = []
        self._kinds: dict[str, dict[str, Any]] = {}  # table -> column in the source -> SQL type
        self.tables: list[str] = []  # of TABLES, those that the source has and that are not excluded
        self.excluded: list[str] = []  # of TABLES, those that the source has and that the map excludes
        self.unknown_tables: list[str] = []
        self.unknown_columns: dict[str, list[str]] = {}
        self.corrections: dict[str, dict[str, Row]] = {}  # table -> key -> the row that stands in for the source's

    def __enter__(self) -> Self:
        """Connect and take the snapshot. Raises CannotStart."""
        try:
            self._snapshot()
            self._reflect()
        except SQLAlchemyError as error:
            self._close()
            raise CannotStart(f"the source {self.masked_url} cannot be read: {_said(error)}") from None
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the source as it was. Turns what its driver raises into Stopped, without the statement's values."""
        self._close()
        if isinstance(error, SQLAlchemyError | sqlite3.Error):
            raise Stopped(f"the source {self.masked_url} stopped answering: {_said(error)}") from error

    def count(self, table: str) -> int:
        """Return the number of rows."""
        statement = sa.select(sa.func.count()).select_from(sa.table(self.layout.tables[table]))
        return int(self._connection(table).execute(statement).scalar_one())

    def rows(self, table: str) -> Iterator[Row]:
        """Yield every row of a table, in the order of its key."""
        rows = self._stream(table, self._select(table).order_by(*self._order(table)))
        return self._corrected(table, rows, lambda row: position(row[0]))

    def ids(self, table: str) -> Iterator[Row]:
        """Yield the id of every row."""
        source = self._alias(table)
        rows = self._stream(table, sa.select(source.c[self.layout.column(table, "id")]))
        return self._corrected(table, rows, None)

    def by_package(self, table: str) -> Iterator[Row]:
        """Yield every row of `packages`, `releases` or `maintainers` in the order of the packages' ids by bytes.

        A maintainer's row has two values more: the user's id (None if there is no such user) and name.
        """
        column = PACKAGE_COLUMN.get(table, 0)
        rows = self._stream(table, self._select(table).order_by(*self._order(table)))
        if table == "maintainers":
            rows = self._maintainers()
        return self._corrected(table, rows, lambda row: (position(row[column]), position(row[0])))

    def _maintainers(self) -> Iterator[Row]:
        links, users = self._alias("maintainers"), self._alias("users")
        user_id = links.c[self.layout.column("maintainers", "user_id")]
        if "users" in self.tables:
            key = users.c[self.layout.column("users", "id")]
            name = self._value(users, "users", "name")
            one_each = sa.select(key.label("id"), sa.func.min(name).label("name")).group_by(key).subquery()
            joined = links.outerjoin(one_each, one_each.c.id == user_id)
            statement = sa.select(*self._values(links, "maintainers"), one_each.c.id, one_each.c.name)
            statement = statement.select_from(joined)
        else:
            statement = sa.select(*self._values(links, "maintainers"), sa.null(), sa.null())
        return self._stream("maintainers", statement.order_by(*self._order("maintainers", links)))

    def downloads(self) -> Iterator[Row]:
        """Yield every download, followed by its release's package_id, url and three numbers (None if it is gone)."""
        return self._corrected("downloads", self._downloads(), lambda row: position(row[0]))

    def _downloads(self) -> Iterator[Row]:
        downloads, releases = self._alias("downloads"), self._alias("releases")
        wanted = ("package_id", "url", "major_ver", "minor_ver", "build_ver")
        release_id = self.layout.column("downloads", "release_id")
        order = self._order("downloads", downloads)
        if release_id not in self._kinds["downloads"] or not self._has_unique_ids("releases"):
            nothing = [sa.null().label(f"none_{name}") for name in wanted]
            statement = sa.select(*self._values(downloads, "downloads"), *nothing)
            return self._stream("downloads", statement.order_by(*order))
        key = releases.c[self.layout.column("releases", "id")]
        joined = downloads.outerjoin(releases, key == downloads.c[release_id])
        values = [self._value(releases, "releases", name) for name in wanted]
        statement = sa.select(*self._values(downloads, "downloads"), *values).select_from(joined)
        return self._stream("downloads", statement.order_by(*order))

    def _has_unique_ids(self, table: str) -> bool:
        """Tell whether an id finds one row at most: joined with the others, it would bring rows in twice."""
        if table not in self.tables:
            return False
        name, theirs = self.layout.tables[table], self.layout.column(table, "id")
        if sa.inspect(self._connections[0]).get_pk_constraint(name)["constrained_columns"] == [theirs]:
            return True
        column = self._alias(table).c[theirs]
        count, different = (
            self._connections[0].execute(sa.select(sa.func.count(column), sa.func.count(column.distinct()))).one()
        )
        return bool(count == different)

    def _corrected(self, table: str, rows: Iterator[Row], order: Callable[[Row], Any] | None) -> Iterator[Row]:
        """Put corrected rows in the place of the source's."""
        corrected = self.corrections.get(table, {})
        users, releases = self.corrections.get("users", {}), self.corrections.get("releases", {})
        if table == "maintainers" and users:
            names = {row[0]: row[2] for row in users.values()}
            rows = ((*row[:3], names.get(row[0], row[3])) for row in rows)
        if table == "downloads" and releases:
            rows = (self._of_corrected_release(row) for row in rows)
        if not corrected:
            return rows
        kept = (row for row in rows if key_of(table, row) not in corrected)
        if table in ("maintainers", "downloads"):
            complete = [row + self._joined(table, row) for row in corrected.values()]
        else:
            complete = list(corrected.values())
        if order is None:
            return itertools.chain(kept, (row[:1] for row in complete))
        return heapq.merge(kept, sorted(complete, key=order), key=order)

    def _joined(self, table: str, row: Row) -> Row:
        """Return what another table adds to a corrected row."""
        if table == "maintainers":
            found = next((user for user in self.rows("users") if user[0] == row[0]), None)
            return (found[0], found[2]) if found else (None, None)
        return self._of_corrected_release((*row, None, None, None, None, None))[len(TABLES["downloads"]) :]

    def _of_corrected_release(self, download: Row) -> Row:
        release = self.corrections.get("releases", {}).get(str(download[3]))
        if release is None:
            return download
        return (*download[: len(TABLES["downloads"])], release[8], release[6], *release[1:4])

    def _stream(self, table: str, statement: sa.Select[Any]) -> Iterator[Row]:
        if self.dialect == "sqlite":
            yield from self._sqlite_stream(statement)
            return
        result = self._connection(table).execute(statement, execution_options={"yield_per": FETCHED})
        try:
            yield from result
        finally:
            result.close()

    def _sqlite_stream(self, statement: sa.Select[Any]) -> Iterator[Row]:
        """SQLite's own cursor streams, and gives plain tuples: SQLAlchemy's rows cost as much again as reading them."""
        given = 0
        while True:
            result = self._connections[0].execute(statement)
            cursor: Any = result.cursor
            try:
                for _ in range(given // FETCHED):
                    cursor.fetchmany(FETCHED)
                while rows := cursor.fetchmany(FETCHED):
                    yield from rows
                    given += FETCHED
                return
            except sqlite3.OperationalError as error:
                connection: Any = self._connections[0].connection.dbapi_connection
                if "decode" not in str(error) or connection.text_factory is not str:
                    raise
                # Python's own decoding is three times as fast, but gives up at text that is no UTF-8: from here on
                # such text is kept visible. The snapshot and the order are the same, so what was given is skipped.
                connection.text_factory = self._text_factory
            finally:
                result.close()

    def _connection(self, table: str) -> Connection:
        """MySQL streams one statement a connection, and packages, releases and maintainers are read side by side."""
        if len(self._connections) == 1:
            return self._connections[0]
        return self._connections[{"releases": 1, "maintainers": 2}.get(table, 0)]

    def _select(self, table: str) -> sa.Select[Any]:
        return sa.select(*self._values(self._alias(table), table))

    def _alias(self, table: str) -> sa.TableClause:
        return sa.table(self.layout.tables[table], *[sa.column(name) for name in self._kinds.get(table, {})])

    def _values(self, source: sa.TableClause, table: str) -> list[sa.ColumnElement[Any]]:
        return [self._value(source, table, name).label(f"{table}_{name}") for name in TABLES[table]]

    def _value(self, source: sa.TableClause, table: str, name: str) -> sa.ColumnElement[Any]:
        theirs = self.layout.column(table, name)
        if theirs not in self._kinds[table]:
            return sa.null()
        column, kind = source.c[theirs], self._kinds[table][theirs]
        if self.dialect == "sqlite":
            return column
        is_date = isinstance(kind, sa.Date | sa.DateTime | sa.Time)
        is_other = TABLES[table][name] == "text" and not isinstance(kind, sa.String | sa.LargeBinary)
        if is_date or is_other:
            return sa.cast(column, sa.Text if self.dialect == "postgresql" else sa.CHAR)
        return column

    def _order(self, table: str, source: sa.TableClause | None = None) -> list[sa.ColumnElement[Any]]:
        """The order is the same with every server: by bytes, NULL first."""
        source = self._alias(table) if source is None else source
        keys = {"releases": ("package_id", "id"), "maintainers": ("package_id", "user_id")}.get(table, ("id",))
        columns: list[sa.ColumnElement[Any]] = []
        for name in keys:
            theirs = self.layout.column(table, name)
            column: sa.ColumnElement[Any] = source.c[theirs]
            if TABLES[table][name] == "text":
                column = self._by_bytes(column, self._kinds[table][theirs])
            columns.append(column.nulls_first() if self.dialect == "postgresql" else column)
        return columns

    def _by_bytes(self, column: sa.ColumnElement[Any], kind: Any) -> sa.ColumnElement[Any]:
        if self.dialect == "postgresql":
            text = column if isinstance(kind, sa.String) else sa.cast(column, sa.Text)
            return sa.collate(text, "C")
        return sa.collate(column, "BINARY") if self.dialect == "sqlite" else sa.cast(column, sa.BINARY)

    def _snapshot(self) -> None:
        connection = self._connect()
        if self.dialect == "sqlite":
            connection.exec_driver_sql("PRAGMA query_only = ON")
            connection.exec_driver_sql("BEGIN")
        elif self.dialect == "postgresql":
            connection.exec_driver_sql("SET DateStyle TO ISO")
            connection.exec_driver_sql("SET TIME ZONE 'UTC'")
            connection.commit()
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        else:
            self._connect(), self._connect()
            self._same_snapshots()

    def _connect(self) -> Connection:
        connection = self.engine.connect()
        self._connections.append(connection)
        if self.dialect == "mysql":
            connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            connection.exec_driver_sql("SET SESSION time_zone = '+00:00', SESSION max_sort_length = 8192")
        return connection

    def _same_snapshots(self) -> None:
        """Take a snapshot on each connection until all of them see the same rows. Raises CannotStart.

        MySQL cannot share a snapshot between connections. Locking the tables for a moment would do, but asks for
        more rights than reading; checksums do not.
        """
        self._reflect()
        shared = {table: index for table, index in (("releases", 1), ("maintainers", 2)) if table in self.tables}
        for _ in range(SNAPSHOT_ATTEMPTS):
            for connection in self._connections:
                connection.exec_driver_sql("ROLLBACK")
            for connection in self._connections:
                connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            if all(
                self._checksum(self._connections[0], table) == self._checksum(self._connections[index], table)
                for table, index in shared.items()
            ):
                return
        raise CannotStart(f"the source {self.masked_url} changes too fast for a snapshot: stop the old site's writes")

    def _checksum(self, connection: Connection, table: str) -> Any:
        source = self._alias(table)
        line = sa.func.concat_ws("|", *[sa.func.ifnull(column, "NULL") for column in source.c])
        statement = sa.select(sa.func.count(), sa.func.sum(sa.func.crc32(line))).select_from(source)
        return tuple(connection.execute(statement).one())

    def _reflect(self) -> None:
        """Look which of the tables and columns are there. Raises CannotStart when it is another database."""
        inspector = sa.inspect(self._connections[0])
        names = inspector.get_table_names() + inspector.get_view_names()
        if not names:
            raise CannotStart(f"the source {self.masked_url} holds no tables")
        theirs = {self.layout.tables[table]: table for table in TABLES}
        for name, table in theirs.items():
            if name not in names and (name != table or table in self.layout.columns):
                raise CannotStart(f"the source has no table {name}, which the map names for {table}")
        if not {*theirs} & {*names}:
            raise CannotStart(
                f"the source {self.masked_url} is another site's database: it has {_some(names)}, "
                f"but none of {', '.join(theirs)}; a --map FILE can name its tables"
            )
        self.tables = [table for table in TABLES if self.layout.tables[table] in names]
        self.unknown_tables = sorted({*names} - {*theirs})
        for table in self.tables:
            columns = {column["name"]: column["type"] for column in inspector.get_columns(self.layout.tables[table])}
            self._kinds[table] = columns
            self._check_columns(table, columns)
            known = {self.layout.column(table, name) for name in TABLES[table]}
            if unknown := sorted({*columns} - known):
                self.unknown_columns[table] = unknown
        self.excluded = [table for table in self.tables if table in self.layout.excluded]
        self.tables = [table for table in self.tables if table not in self.layout.excluded]

    def _check_columns(self, table: str, columns: dict[str, Any]) -> None:
        needed = {self.layout.column(table, name) for name in REQUIRED.get(table, ("id",))}
        needed |= {*self.layout.columns.get(table, {}).values()}
        if missing := sorted(needed - {*columns}):
            raise CannotStart(
                f"the source's table {self.layout.tables[table]} has no column {', '.join(missing)}; "
                f"it has {_some(columns)}"
            )

    def _close(self) -> None:
        for connection in self._connections:
            if self.dialect == "mysql":
                # Closed in order, the driver would first read what a stream has left.
                connection.invalidate()
            connection.close()
        self._connections.clear()
        self.engine.dispose()


def _engine(url: str) -> tuple[Engine, str]:
    try:
        parsed = make_url(url)
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
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise CannotStart("the source's address is none that SQLAlchemy can read, like sqlite:///old.sqlite") from None


def _sqlite_engine(database: str | None) -> Engine:
    """SQLite would make a missing file, so it is opened as one that is only read."""
    if not database or database == ":memory:":
        raise CannotStart("the source names no SQLite file; four slashes start an absolute path: sqlite:////srv/old.db")
    path = Path(database).resolve()
    if not path.is_file():
        raise CannotStart(f"the source {path} does not exist")

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)

    return sa.create_engine("sqlite+pysqlite://", creator=connect, poolclass=sa.pool.NullPool)


def _decode_utf8(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _decode(encoding: str, value: bytes) -> str:
    for codec in ("utf-8", encoding):
        try:
            return value.decode(codec)
        except UnicodeDecodeError:
            continue
    return _decode_utf8(value)


def _some(names: Any) -> str:
    names = sorted(names)
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _said(error: BaseException) -> str:
    """Return what the driver said, without the statement and its values. Drivers never repeat passwords."""
    return one_line(error.orig if isinstance(error, DBAPIError) and error.orig else error)
