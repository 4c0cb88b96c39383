"""The queries for all tables of one source."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from migrations_sql_to_mongo.catalog import Catalog, Relation
from migrations_sql_to_mongo.errors import CannotStart
from migrations_sql_to_mongo.layout import TABLES, Layout
from migrations_sql_to_mongo.map_file import meant
from migrations_sql_to_mongo.query import Query
from migrations_sql_to_mongo.sql_types import CopyReading, Reading
from migrations_sql_to_mongo.values import shown


class Queries:
    """How each of our tables is read from one source."""

    def __init__(self, layout: Layout, catalog: Catalog, dialect: str, reading: Reading | None = None) -> None:
        self.layout, self.catalog, self.dialect = layout, catalog, dialect
        self.reading: Reading = reading or CopyReading(dialect, layout.encoding)
        self._made: dict[str, Query] = {}
        self._schema = self._usual_schema()
        for name, section in layout.sections.items():
            catalog.find(section.table, f"[{name}] table")
        self.tables = [name for name in TABLES if self._has(name)]

    def __getitem__(self, name: str) -> Query:
        if name not in self._made:
            if not self._has(name):
                raise CannotStart(f"the source has no table {name}{meant(name, self.catalog.names)}")
            self._made[name] = Query(name, self)
        return self._made[name]

    def relation(self, name: str) -> Relation:
        """Return the source's table that is one of ours. Raises CannotStart."""
        section = self.layout.sections.get(name)
        return self.catalog.find(section.table if section else self._schema + name, f"[{name}] table")

    def id_column(self, name: str) -> str | None:
        """Return the column from which a table's `id` is read, or None if it is not exactly one."""
        if not self._has(name):
            return None
        taken = self.layout.section(name).columns.get("id")
        columns = self.relation(name).columns
        if taken is None:
            key = self.relation(name).key
            return "id" if "id" in columns else key[0] if len(key) == 1 else None
        return taken.columns[0] if len(taken.columns) == 1 and taken.columns[0] in columns else None

    def _has(self, name: str) -> bool:
        # A table of files is not one of the old site's: it counts only where a map names it.
        is_named = name in self.layout.sections
        return is_named or (name in TABLES and name != "files" and self.catalog.get(self._schema + name) is not None)

    def _usual_schema(self) -> str:
        """Return the schema of tables that no map names: the only other one with them, if the usual one has none."""
        if any(self.catalog.get(name) for name in TABLES):
            return ""
        wanted = {*TABLES} - {"files"}
        schemas = {name.rpartition(".")[0] for name in self.catalog.names if name.rpartition(".")[2] in wanted} - {""}
        return f"{schemas.pop()}." if len(schemas) == 1 else ""

    def check_joins(self, table: str, connection: Connection) -> None:
        """Raise CannotStart if a join finds several rows: some would be read twice."""
        query = self[table]
        for join in query.joins:
            relation = self.catalog.find(join.table, f"[{table}] joins")
            names = {theirs for _, theirs in join.pairs}
            if any(unique <= names for unique in relation.unique):
                continue
            columns = [relation.clause.c[name] for name in names]
            filled = [column.is_not(None) for column in columns]
            twice = sa.select(*columns).where(*filled).group_by(*columns).having(sa.func.count() > 1).limit(1)
            if found := connection.execute(twice).first():
                raise CannotStart(
                    f"[{table}] joins {join.text!r}: several rows of {join.table} have "
                    f"{', '.join(names)} {', '.join(map(shown, found))}, and one is expected; "
                    "make a view that chooses one, and name the view"
                )
