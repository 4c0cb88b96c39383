"""The SQL database that is moved: opened for reading only, seen in one snapshot, read as streams of rows."""

import copy
import functools
import logging
import re
import sqlite3
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import MONEY
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from migrations_sql_to_mongo import sessions
from migrations_sql_to_mongo.catalog import Catalog, Relation
from migrations_sql_to_mongo.connecting import connect_postgresql, engine_for, said
from migrations_sql_to_mongo.corrected_rows import ids_with_corrections, with_corrections
from migrations_sql_to_mongo.errors import CannotStart, Stopped
from migrations_sql_to_mongo.layout import TABLES, Kind, Layout
from migrations_sql_to_mongo.queries import Queries
from migrations_sql_to_mongo.query import Query
from migrations_sql_to_mongo.rows import PACKAGE_COLUMN, RELEASE_OF_DOWNLOAD, Row, position
from migrations_sql_to_mongo.sql_types import NUMBERS, Convert, Reading, base_type, decoded, is_moment, row_converter

SNAPSHOT_ATTEMPTS = 10
# Rows at a time. A description may have some hundred kilobytes, and four bytes for each letter; SQLite has no network.
FETCHED, FETCHED_PACKAGES, FETCHED_FROM_SQLITE = 1000, 20, 5
# MySQL streams one statement a connection, and these are read side by side.
_CONNECTION = {"releases": 1, "maintainers": 2, "files": 3}
# Columns of a user that tell who may do what, by what they are often called.
_RIGHTS = re.compile(
    r"(?:(?:is_?)?(?:active|enabled|disabled|banned|blocked|suspended|locked|deleted|removed|approved|admin|"
    r"administrator|superuser|staff|root|moderator)|.*_(?:disabled|banned|blocked|suspended|locked|deleted)|"
    r"(?:disabled|banned|blocked|suspended|locked|deleted|deactivated)_(?:at|on|date)|roles?|status|state)\Z",
    re.IGNORECASE,
)


class Source:
    """The old site's tables as they are at one moment.

    Use it as a context manager. Rows come as tuples in the order of `TABLES`, in the order of their keys by bytes;
    a column that the source lacks is None. Dates come as text from the servers: their drivers cannot hold all dates
    that the servers can.
    """

    def __init__(self, url: str, layout: Layout) -> None:
        self.layout = layout
        self.engine, self.masked_url = engine_for(url)
        if self.engine.dialect.name == "postgresql":
            sa.event.listen(self.engine, "do_connect", functools.partial(connect_postgresql, layout.encoding))
        self._text_factory = functools.partial(decoded, encoding=layout.encoding)
        self.dialect = self.engine.dialect.name
        # A stream that is broken off has a cursor that outlives its connection. That it cannot be closed then is no
        # news for the operator, who gets one line about what broke it off.
        logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
        self._connections: list[Connection] = []
        self.catalog: Catalog  # what the database consists of
        self.queries: Queries
        self._unique_ids: dict[str, bool] = {}  # table -> whether its ids are unique
        self.columns: dict[str, dict[str, Kind]] = {}  # table -> what its rows hold, in this order
        self.tables: list[str] = []  # of TABLES, those that the source has and that are not excluded
        self.excluded: list[str] = []  # of TABLES, those that the source has and that the map excludes
        self.missing_tables: list[str] = []  # of TABLES, those that the source does not have
        self.unknown_tables: list[str] = []
        self.unknown_columns: dict[str, list[str]] = {}
        self.unused_rights: list[str] = []  # columns of users that seem to tell who may do what, and stay behind
        self.corrections: dict[str, dict[str, Row]] = {}  # table -> key -> the row that stands in for the source's
        self.corrected_digests: dict[tuple[str, str], str] = {}  # of the source's rows, by table and key

    def __enter__(self) -> Self:
        """Connect and take the snapshot. Raises CannotStart."""
        try:
            self._snapshot()
            self._reflect()
        except SQLAlchemyError as error:
            self._close()
            raise CannotStart(f"the source {self.masked_url} cannot be read: {said(error)}") from None
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
            raise Stopped(f"the source {self.masked_url} stopped answering: {said(error)}") from error

    def unlike(self, entry: dict[str, Any]) -> str:
        """Return what a run of the ledger had that differs: its source, map and so on; empty if nothing does."""
        if entry["source"] != self.masked_url:
            return f"source ({entry['source']}, not {self.masked_url})"
        return self.layout.unlike(entry["layout"])

    def read_by(self, reading: Reading) -> "Source":
        """Return this source as another reading sees it: the same snapshot, other statements."""
        other = copy.copy(self)
        other.queries = Queries(self.layout, self.catalog, self.dialect, reading)
        return other

    def codec(self) -> str:
        """Return the codec in which the database gives its text as bytes."""
        if self.dialect != "sqlite":
            return "utf-8"
        return str(self._connections[0].exec_driver_sql("PRAGMA encoding").scalar_one())

    def is_number(self, table: str, column: str) -> bool:
        """Tell whether the values of a column are read as numbers."""
        is_read_so = self.columns[table].get(column) in ("key", "integer", "date")
        return is_read_so and isinstance(base_type(self.queries[table].types.get(column)), (*NUMBERS, MONEY))

    def count(self, table: str) -> int:
        """Return the number of rows."""
        return int(self._connection(table).execute(self.queries[table].count()).scalar_one())

    def count_left(self, table: str) -> int:
        """Return the number of rows that the map's `where` leaves out."""
        query = self.queries[table]
        if not query.section.where:
            return 0
        connection = self._connection(table)
        return int(
            connection.execute(query.count_all()).scalar_one() - connection.execute(query.count_fitting()).scalar_one()
        )

    def rows(self, table: str) -> Iterator[Row]:
        """Yield every row of a table, in the order of its key."""
        if self.corrections:
            return with_corrections(self, table, lambda source: source.rows(table), lambda row: position(row[0]))
        query = self.queries[table]
        return self._stream(table, query.select().order_by(*query.order()))

    def first_rows(self, table: str, count: int) -> list[Row]:
        """Return the first rows of a table."""
        query = self.queries[table]
        return list(self._stream(table, query.select().order_by(*query.order()).limit(count)))

    def ids(self, table: str) -> Iterator[Row]:
        """Yield the id of every row."""
        query = self.queries[table]
        converters = {0: query.converters[0]} if 0 in query.converters else {}
        return ids_with_corrections(self, table, self._stream(table, query.select_ids(), converters))

    def by_package(self, table: str) -> Iterator[Row]:
        """Yield every row of `packages`, `releases`, `files` or `maintainers` in the order of the packages' ids.

        Ids are ordered by their bytes. A maintainer's row has two values more: the user's id (None if there is no such
        user) and name. So has a package's where the source has owners.

        Corrections read other tables at once, and MySQL gives one stream a connection: ask for all streams that are
        read side by side before the first is read.
        """
        column = PACKAGE_COLUMN.get(table, 0)
        if self.corrections:
            return with_corrections(
                self,
                table,
                lambda source: source.by_package(table),
                lambda row: (position(row[column]), position(row[0])),
            )
        if user_column := self.user_column(table):
            return self._with_user(table, user_column)
        return self.rows(table)

    def user_column(self, table: str) -> str | None:
        """Return the column of a table that names a user whose id and name follow the row."""
        if table == "maintainers":
            return "user_id"
        return "owner_id" if table == "packages" and "owner_id" in self.columns[table] else None

    def _with_user(self, table: str, column: str) -> Iterator[Row]:
        rows = self._stream(table, *self._select_with_user(table, column))
        return map(_with_one_name, rows) if len(self._names_of_user()) > 1 else rows

    def _names_of_user(self) -> list[str]:
        """Return the columns of users that may have the name: the first that is not NULL."""
        taken = self.queries["users"].taken if "users" in self.tables else {}
        return [column for column in ("name", "username") if column in taken]

    def _select_with_user(self, table: str, column: str) -> tuple[sa.Select[Any], dict[int, Convert]]:
        query, names = self.queries[table], self._names_of_user()
        if "users" not in self.tables:
            nothing = query.select(sa.null().label("user"), sa.null().label("user_name"))
            return nothing.order_by(*query.order()), query.converters
        users = self.queries["users"]
        part = users.raw_part if self._has_unique_ids("users") else users.raw_part_once
        user = part("user_of_row", *names)
        selected, of_user = users.read_from(user, *names)
        joined = query.clause.outerjoin(user, user.c.id == query.values[column])
        found = [user.c.id.label("user_found"), *(selected or [sa.null().label("user_name")])]
        converters = {len(query.columns) + 1 + place: convert for place, convert in of_user.items()}
        return query.select(*found, clause=joined).order_by(*query.order()), query.converters | converters

    def downloads(self) -> Iterator[Row]:
        """Yield every download, followed by `RELEASE_OF_DOWNLOAD` of its release (None if it is gone)."""
        if self.corrections:
            return with_corrections(self, "downloads", Source.downloads, lambda row: position(row[0]))
        return self._stream("downloads", *self._select_downloads())

    def _select_downloads(self) -> tuple[sa.Select[Any], dict[int, Convert]]:
        query = self.queries["downloads"]
        if "release_id" not in query.taken or not self._has_unique_ids("releases"):
            nothing = [sa.null().label(f"none_{name}") for name in RELEASE_OF_DOWNLOAD]
            return query.select(*nothing).order_by(*query.order()), query.converters
        releases = self.queries["releases"]
        release = releases.raw_part("release", *RELEASE_OF_DOWNLOAD)
        selected, of_release = releases.read_from(release, *RELEASE_OF_DOWNLOAD)
        joined = query.clause.outerjoin(release, release.c.id == query.values["release_id"])
        converters = {len(query.columns) + place: one for place, one in of_release.items()}
        return query.select(*selected, clause=joined).order_by(*query.order()), query.converters | converters

    def _has_unique_ids(self, table: str) -> bool:
        """Tell whether ids are unique. If not, a join would read rows twice."""
        if table not in self.tables:
            return False
        if table not in self._unique_ids:
            self._unique_ids[table] = self._finds_no_id_twice(self.queries[table])
        return self._unique_ids[table]

    def _finds_no_id_twice(self, query: Query) -> bool:
        if query.relation.key == query.taken["id"].columns:
            return True
        ids = query.part("rows", "id")
        twice = sa.select(ids.c.id).where(ids.c.id.is_not(None)).group_by(ids.c.id).having(sa.func.count() > 1)
        return self._connections[0].execute(twice.limit(1)).first() is None

    def uncorrected(self, *, whole: bool = False) -> "Source":
        """Return this source without corrections; with `whole`, also if it reads some rows only (`narrowing`)."""
        found = self.read_by(self.queries.reading) if whole else copy.copy(self)
        found.corrections = {}
        return found

    def _stream(
        self, table: str, statement: sa.Select[Any], converters: dict[int, Convert] | None = None
    ) -> Iterator[Row]:
        """Yield the rows of a statement that selects a query's columns, and perhaps more, or that has converters."""
        is_sqlite = self.dialect == "sqlite"
        of_packages = FETCHED_FROM_SQLITE if is_sqlite else FETCHED_PACKAGES
        fetched = of_packages if table == "packages" else FETCHED
        stream = self._sqlite_stream if is_sqlite else self._server_stream
        rows = stream(table, statement, fetched)
        if converters is None:
            converters = self.queries[table].converters
        return map(row_converter(converters), rows) if converters else rows

    def _server_stream(self, table: str, statement: sa.Select[Any], fetched: int) -> Iterator[Row]:
        result = self._connection(table).execute(statement, execution_options={"yield_per": fetched})
        try:
            yield from result
        finally:
            result.close()

    def _sqlite_stream(self, _: str, statement: sa.Select[Any], fetched: int) -> Iterator[Row]:
        """SQLite's own cursor streams, and gives plain tuples: SQLAlchemy's rows cost as much again as reading them."""
        given = 0
        while True:
            result = self._connections[0].execute(statement)
            cursor: Any = result.cursor
            try:
                for _skipped in range(given // fetched):
                    cursor.fetchmany(fetched)
                while rows := cursor.fetchmany(fetched):
                    yield from rows
                    given += fetched
                return
            except sqlite3.OperationalError as error:
                connection: Any = self._connections[0].connection.dbapi_connection
                if "decode" not in str(error) or connection.text_factory is not str:
                    raise
                # Python's own decoding is three times as fast, but gives up at text that is not UTF-8: from here on
                # such text is kept visible. The snapshot and the order are the same, so what was given is skipped.
                connection.text_factory = self._text_factory
            finally:
                result.close()

    def _connection(self, table: str) -> Connection:
        if len(self._connections) == 1:
            return self._connections[0]
        return self._connections[_CONNECTION.get(table, 0)]

    def _snapshot(self) -> None:
        connection = self._connect()
        if self.dialect == "sqlite":
            sessions.begin_sqlite(connection)
        elif self.dialect == "postgresql":
            sessions.begin_postgresql(connection)
        else:
            for _ in _CONNECTION:
                self._connect()
            self._same_snapshots()

    def _connect(self) -> Connection:
        connection = self.engine.connect()
        self._connections.append(connection)
        if self.dialect == "mysql":
            sessions.prepare_mysql(connection)
        return connection

    def _same_snapshots(self) -> None:
        """Take a snapshot on each connection until all of them see the same rows. Raises CannotStart.

        MySQL cannot share a snapshot between connections. Locking the tables for a moment would do, but asks for
        more rights than reading; checksums do not.
        """
        self._reflect()
        shared = [
            (relation, index)
            for table, index in _CONNECTION.items()
            if table in self.tables
            for relation in self._relations_of(table)
        ]
        for _ in range(SNAPSHOT_ATTEMPTS):
            for connection in self._connections:
                connection.exec_driver_sql("ROLLBACK")
            for connection in self._connections:
                connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            if all(
                sessions.checksum(self._connections[0], relation)
                == sessions.checksum(self._connections[index], relation)
                for relation, index in shared
            ):
                return
        raise CannotStart(f"the source {self.masked_url} changes too fast for a snapshot: stop the old site's writes")

    def _relations_of(self, table: str) -> list[Relation]:
        """Return the source's tables that are read for one of ours."""
        others = {"files": "releases", "maintainers": "users"}
        return self.queries[table].relations + (
            self.queries[others[table]].relations if others.get(table) in self.tables else []
        )

    def _reflect(self) -> None:
        """Find out which tables and columns exist. Raises CannotStart for another site's database."""
        self.catalog = Catalog(self._connections[0])
        self._unique_ids.clear()
        if not self.catalog.names:
            raise CannotStart(f"the source {self.masked_url} holds no tables")
        self.queries = Queries(self.layout, self.catalog, self.dialect)
        if not self.queries.tables:
            raise CannotStart(
                f"the source {self.masked_url} is another site's database: it has {_some(self.catalog.names)}, but "
                f"none of {', '.join(TABLES)}; a --map FILE can name its tables, and `map suggest` writes one to start "
                "from"
            )
        self.tables = [table for table in self.queries.tables if not self.layout.section(table).is_excluded]
        self.excluded = [table for table in self.queries.tables if table not in self.tables]
        used: dict[str, set[str]] = {}
        for table in (*self.tables, *(name for name in self.layout.sections if name not in TABLES)):
            query = self.queries[table]
            self.columns[table] = query.columns
            for relation in query.relations:
                used.setdefault(relation.name, set())
            used[query.relation.name] |= query.used_columns()
        self._note_moments()
        self.missing_tables = [table for table in TABLES if table != "files" and table not in self.queries.tables]
        for table in self.tables:
            self.queries.check_joins(table, self._connections[0])
            self._check_types(table)
        for table in self.excluded:
            used.setdefault(self.queries.relation(table).name, set())
        self.unknown_tables = [name for name in self.catalog.names if name not in used]
        for table in self.tables:
            relation = self.queries[table].relation
            if unknown := sorted({*relation.columns} - used[relation.name]):
                self.unknown_columns[table] = unknown
        rights = self.unknown_columns.get("users", [])
        self.unused_rights = [column for column in rights if _RIGHTS.match(column)]

    def _check_types(self, table: str) -> None:
        """Raise CannotStart if the server cannot compare what is joined, before anything is written."""
        query, user_column = self.queries[table], self.user_column(table)
        statement = query.select().order_by(*query.order())
        if user_column:
            statement, _ = self._select_with_user(table, user_column)
        elif table == "downloads":
            statement, _ = self._select_downloads()
        try:
            self._connections[0].execute(statement.limit(0)).close()
        except DBAPIError as error:
            why, _, _ = said(error).partition(" LINE ")  # PostgreSQL repeats the statement
            raise CannotStart(
                f"[{table}] {query.relation.name} cannot be read like this: {why}; columns that are joined or compared "
                "must have one type: correct the map, or name a view that converts one of them"
            ) from None

    def _note_moments(self) -> None:
        for table in self.tables:
            types = self.queries[table].types
            self.layout.moments |= {(table, column) for column, sql_type in types.items() if is_moment(sql_type)}

    def _close(self) -> None:
        for connection in self._connections:
            if self.dialect == "mysql":
                # Closed in order, the driver would first read what a stream has left.
                connection.invalidate()
            connection.close()
        self._connections.clear()
        self.engine.dispose()


def _with_one_name(row: Row) -> Row:
    *others, name, username = row
    return (*others, username if name is None else name)


def _some(names: Any) -> str:
    names = sorted(names)
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
