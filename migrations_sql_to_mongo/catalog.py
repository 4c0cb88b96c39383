"""The tables and views of the source, in all schemas, with columns and keys."""

import contextlib
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGInspector
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, SAWarning

from migrations_sql_to_mongo.errors import CannotStart
from migrations_sql_to_mongo.map_file import meant

# Schemas of the server itself.
_SYSTEM = ("information_schema", "pg_catalog", "pg_toast")
_PARTITIONS = "SELECT nspname, relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE relispartition"


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key."""

    columns: tuple[str, ...]
    table: str
    their_columns: tuple[str, ...]


@dataclass
class Relation:
    """A table or a view."""

    name: str  # as a map writes it: with its schema, except the usual one
    table: str
    schema: str | None
    inspector: Any = field(repr=False)

    @cached_property
    def columns(self) -> dict[str, Any]:
        """The SQL type of each column."""
        with warnings.catch_warnings():
            # Types unknown to SQLAlchemy are read as text.
            warnings.simplefilter("ignore", SAWarning)
            columns = self.inspector.get_columns(self.table, schema=self.schema)
        return {one["name"]: one["type"] for one in columns}

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The columns of its primary key; none for a view."""
        return tuple(self.inspector.get_pk_constraint(self.table, schema=self.schema)["constrained_columns"])

    @cached_property
    def unique(self) -> list[frozenset[str]]:
        """The sets of columns that identify a row, according to the database."""
        constraints = self.inspector.get_unique_constraints(self.table, schema=self.schema)
        found = [frozenset(one["column_names"]) for one in constraints]
        indexes = self.inspector.get_indexes(self.table, schema=self.schema)
        # A partial index says nothing about the other rows.
        found += [
            frozenset(one["column_names"])
            for one in indexes
            if one["unique"] and None not in one["column_names"] and not one.get("dialect_options")
        ]
        return [*found, frozenset(self.key)] if self.key else found

    @cached_property
    def foreign_keys(self) -> list[ForeignKey]:
        """Its foreign keys."""
        return [
            ForeignKey(
                tuple(one["constrained_columns"]),
                f"{one['referred_schema']}.{one['referred_table']}"
                if one["referred_schema"]
                else one["referred_table"],
                tuple(one["referred_columns"]),
            )
            for one in self.inspector.get_foreign_keys(self.table, schema=self.schema)
        ]

    @cached_property
    def clause(self) -> sa.TableClause:
        """The table for use in statements."""
        return sa.table(self.table, *map(sa.column, self.columns), schema=self.schema)

    def find_column(self, name: str, where: str) -> str:
        """Return the name of a column. Raises CannotStart if there is none."""
        if name not in self.columns:
            raise CannotStart(f"{where}: the table {self.name} has no column {name}{meant(name, self.columns)}")
        return name


class Catalog:
    """All tables and views of a database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._inspector = sa.inspect(connection)
        self._default = self._inspector.default_schema_name
        self._relations: dict[str, Relation] = {name: self._relation(None, name) for name in self._names(None)}
        if isinstance(self._inspector, PGInspector):
            for schema in self._inspector.get_schema_names():
                if schema != self._default and not schema.startswith(_SYSTEM):
                    names = {f"{schema}.{name}": self._relation(schema, name) for name in self._names(schema)}
                    self._relations |= names

    @property
    def names(self) -> list[str]:
        """The names of all tables and views, as maps write them. Partitions are read with their tables."""
        return sorted({*self._relations} - self._partitions)

    @cached_property
    def _partitions(self) -> set[str]:
        if not isinstance(self._inspector, PGInspector):
            return set()
        found = self._connection.execute(sa.text(_PARTITIONS))
        return {name if schema == self._default else f"{schema}.{name}" for schema, name in found}

    @cached_property
    def names_collations(self) -> bool:
        """Whether an SQLite database names a collation anywhere. Its columns do not tell theirs."""
        naming = sa.text("SELECT 1 FROM sqlite_master WHERE sql LIKE '%collate%' LIMIT 1")
        return self._connection.execute(naming).first() is not None

    def relations(self) -> Iterable[Relation]:
        """Return all tables and views, by name."""
        return [self._relations[name] for name in self.names]

    def get(self, name: str) -> Relation | None:
        """Return a table or view: "users", or "app.users" in the schema (MySQL: the database) app."""
        found = self._relations.get(name) or self._relations.get(name.removeprefix(f"{self._default}."))
        schema, dot, table = name.partition(".")
        if found is None and dot and schema in self._inspector.get_schema_names() and self._has(schema, table):
            found = self._relations[name] = self._relation(schema, table)
        return found

    def find(self, name: str, where: str) -> Relation:
        """Return a table or view. Raises CannotStart if there is none."""
        found = self.get(name)
        if found is None:
            raise CannotStart(f"{where}: the source has no table {name}{meant(name, self.names)}")
        return found

    def has_rows(self, statement: sa.Select[Any]) -> bool:
        """Tell whether a statement finds anything. If the server cannot compare two columns, it finds nothing."""
        try:
            with (
                self._connection.begin_nested()
                if isinstance(self._inspector, PGInspector)
                else contextlib.nullcontext()
            ):
                return self._connection.execute(statement.limit(1)).first() is not None
        except DBAPIError:
            return False

    def _has(self, schema: str, table: str) -> bool:
        return bool(self._inspector.has_table(table, schema=schema))

    def _names(self, schema: str | None) -> list[str]:
        names = self._inspector.get_table_names(schema) + self._inspector.get_view_names(schema)
        if isinstance(self._inspector, PGInspector):
            names += self._inspector.get_materialized_view_names(schema)
            names += self._inspector.get_foreign_table_names(schema)
        return list(dict.fromkeys(names))

    def _relation(self, schema: str | None, table: str) -> Relation:
        return Relation(f"{schema}.{table}" if schema else table, table, schema, self._inspector)
