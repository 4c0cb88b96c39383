"""The statements that read one table of the source as `layout.TABLES` has it, whatever it is called there."""

import functools
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from migrations_sql_to_mongo.catalog import Relation
from migrations_sql_to_mongo.conditions import Conditions, as_flag
from migrations_sql_to_mongo.errors import CannotStart
from migrations_sql_to_mongo.layout import (
    ADMINISTRATORS,
    LINKS,
    REQUIRED,
    SECTIONS,
    SYNONYMS,
    TABLES,
    Join,
    Kind,
    Taken,
)
from migrations_sql_to_mongo.sql_types import BINARY, NUMBERS, Convert, CopyReading, Parts, Reading, base_type

if TYPE_CHECKING:
    from migrations_sql_to_mongo.queries import Queries

Column = sa.ColumnElement[Any]

# What other tables call their rows by: from the first, all of a package come together.
_ORDER = {
    "releases": ("package_id", "id"),
    "maintainers": ("package_id", "user_id"),
    "files": ("package_id", "release_id", "id"),
}


class Query:
    """How one of our tables is read.

    `values` are its columns, as expressions over `clause`, for the rows that meet `criteria`; rows are ordered and
    joined by them. `selected` is what is read, which may differ for each `Reading`, and `converters` turn that into
    values, by position.
    """

    def __init__(self, name: str, queries: "Queries") -> None:
        self.name = name
        self._queries = queries
        self.section = queries.layout.section(name)
        self.relation = queries.relation(name)
        self._dialect = queries.dialect
        self._plain = CopyReading(queries.dialect, queries.layout.encoding)
        self._conditions = Conditions(queries.dialect, self._plain)
        self._where = f"[{name}]"
        self._joined: dict[str, Relation] = {}
        self._referred: dict[str, Relation] = {}  # read for the spelling of the ids that a column refers to
        self.joins: list[Join] = []
        self.clause: sa.FromClause = self.relation.clause
        for join in self.section.joins:
            self._join(join)
        self.taken = dict(self._all_taken())
        self._check_required()
        has = {*TABLES.get(name, {}), *self.taken}
        if name == "users" and ADMINISTRATORS in queries.layout.sections:
            has.add("is_admin")
        self.columns: dict[str, Kind] = {column: kind for column, kind in SECTIONS[name].items() if column in has}
        self.types: dict[str, Any] = {}  # the SQL type of what a column holds, where it is one column
        self._read_directly: dict[str, tuple[Column, Any]] = {}  # columns that are one of the source's, and its type
        self.values: dict[str, Column] = {column: self._value(column) for column in self.columns}
        self.criteria = [
            self._conditions.meets(*self._resolve(ref, f"{self._where} where"), wanted)
            for ref, wanted in self.section.where
        ]
        self.only: list[Column] = []  # more criteria, where rows are read for themselves and not joined
        self._newest_alone()
        self.selected: dict[str, Column] = {}
        self.converters: dict[int, Convert] = {}
        self._select_by(queries.reading)

    @property
    def relations(self) -> list[Relation]:
        """The tables that it reads."""
        return [self.relation, *self._joined.values(), *self._referred.values()]

    def used_columns(self) -> set[str]:
        """Return the names of the columns of its own table that it reads."""
        refs = [*(ref for one in self.taken.values() for ref in one.columns), *(ref for ref, _ in self.section.where)]
        refs += [ours for join in self.joins for ours, _ in join.pairs]
        refs += [self.section.newest_by] if self.section.newest_by else []
        return {*refs} & {*self.relation.columns}

    def labelled(self) -> list[Column]:
        """Return its columns, each with a name of its own."""
        return [value.label(f"{self.name}_{column}") for column, value in self.selected.items()]

    def select(self, *more: Column, clause: sa.FromClause | None = None) -> sa.Select[Any]:
        """Return the statement that reads its rows, with `more` columns if it is joined into a `clause`."""
        chosen = self.clause if clause is None else clause
        return sa.select(*self.labelled(), *more).select_from(chosen).where(*self.criteria, *self.only)

    def part(self, alias: str, *columns: str) -> sa.Subquery:
        """Return some of its columns as a table that others can be joined with."""
        values = [self.values.get(column, sa.null()).label(column) for column in columns]
        return sa.select(*values).select_from(self.clause).where(*self.criteria).subquery(alias)

    def select_ids(self) -> sa.Select[Any]:
        """Return the statement that reads the id of every row."""
        return sa.select(self.selected["id"].label("id")).select_from(self.clause).where(*self.criteria)

    def raw_part(self, alias: str, *columns: str) -> sa.Subquery:
        """Return its id and some columns as a table to join; `read_from` then says how the columns are read."""
        raw = {name: column for name, (column, _) in self._read_directly.items()}
        values = [raw.get(name, self.values.get(name, sa.null())).label(name) for name in columns]
        identity = self.values["id"].label("id")
        return sa.select(identity, *values).select_from(self.clause).where(*self.criteria).subquery(alias)

    def raw_part_once(self, alias: str, *columns: str) -> sa.Subquery:
        """Return a `raw_part` with one row for each id, without values where several rows have the id."""
        raw = self.raw_part(f"rows_of_{alias}", *columns)
        each = sa.select(raw.c.id, sa.func.count().label("times")).group_by(raw.c.id).subquery(f"ids_of_{alias}")
        alone = sa.and_(raw.c.id == each.c.id, each.c.times == 1)
        values = [raw.c[name] for name in columns]
        return sa.select(each.c.id, *values).select_from(each.outerjoin(raw, alone)).subquery(alias)

    def read_from(self, part: sa.Subquery, *columns: str) -> tuple[list[Column], dict[int, Convert]]:
        """Return the expressions to select from a `raw_part`, and the converters of their values, by position."""
        selected, converters = [], {}
        for place, name in enumerate(columns):
            column: Column = part.c[name]
            if found := self._read_directly.get(name):
                kind, reading = self.columns[name], self._queries.reading
                column = reading.column(column, found[1], kind).label(f"{part.name}_{name}")
                if convert := reading.converter(found[1], kind):
                    converters[place] = convert
            selected.append(column)
        return selected, converters

    def count(self) -> sa.Select[Any]:
        """Return the statement that counts its rows."""
        return sa.select(sa.func.count()).select_from(self.clause).where(*self.criteria, *self.only)

    def count_all(self) -> sa.Select[Any]:
        """Return the statement that counts all rows of its table, including those that the map leaves out."""
        return sa.select(sa.func.count()).select_from(self.relation.clause)

    def count_fitting(self) -> sa.Select[Any]:
        """Return the statement that counts the rows that fit the map's `where`."""
        return sa.select(sa.func.count()).select_from(self._all_rows).where(*self._fitting)

    def order(self) -> list[Column]:
        """Return the order of its rows, the same with every server: by bytes, NULL first."""
        columns = []
        for column in _ORDER.get(self.name, ("id",)):
            value = self.values[column]
            if not self._is_number(column):
                value = self._by_bytes(value, column)
            columns.append(value.nulls_first() if self._dialect == "postgresql" else value)
        return columns

    def _select_by(self, reading: Reading) -> None:
        """Choose what to select: a plain column in the form that the reading wants, or else the value."""
        for index, (column, kind) in enumerate(self.columns.items()):
            self.selected[column] = self.values[column]
            if found := self._read_directly.get(column):
                self.selected[column] = reading.column(*found, kind)
                if convert := reading.converter(found[1], kind):
                    self.converters[index] = convert

    # Where a column's values come from

    def _all_taken(self) -> Iterator[tuple[str, Taken]]:
        for column in SECTIONS[self.name]:
            if column in self.section.columns:
                yield column, self.section.columns[column]
                continue
            if self.section.newest_by:  # the rows are another table's: that names agree says nothing
                continue
            names = (column, *SYNONYMS.get((self.name, column), ()))
            if found := next((each for each in names if each in self.relation.columns), None):
                yield column, Taken((found,))
            elif column == "id" and self.name != "packages" and self.relation.key:
                yield column, Taken(self.relation.key)

    def _check_required(self) -> None:
        needed = REQUIRED.get(self.name, ("id",))
        missing = [column for column in needed if column not in self.taken]
        if missing:
            names = ", ".join([*self.relation.columns][:20])
            hint = " (a package's id is its name)" if self.name == "packages" else ""
            raise CannotStart(
                f"the source's table {self.relation.name} has no column {', '.join(missing)}{hint}; a map can say "
                f'which it is: columns.{missing[0]} = "..." in [{self.name}]; the table has {names}'
            )

    def _resolve(self, ref: str, where: str) -> tuple[Column, Any]:
        """Return a column and its SQL type; `ref` is how a map writes it. Raises CannotStart."""
        if ref in self.relation.columns:
            return self.relation.clause.c[ref], self.relation.columns[ref]
        table, dot, name = ref.rpartition(".")
        if dot and table == self.section.table:
            name = self.relation.find_column(name, where)
            return self.relation.clause.c[name], self.relation.columns[name]
        if dot and table in self._joined:
            joined = self._joined[table]
            name = joined.find_column(name, where)
            return joined.clause.c[name], joined.columns[name]
        if dot:
            raise CannotStart(
                f'{where}: the table {table} is not joined; say how: joins = ["... -> {table}.id"] in {self._where}'
            )
        self.relation.find_column(ref, where)
        raise AssertionError

    def _join(self, join: Join) -> None:
        where = f"{self._where} joins {join.text!r}"
        other = self._queries.catalog.find(join.table, where)
        if join.table in self._joined or other is self.relation:
            raise CannotStart(
                f"{where}: {join.table} can be joined only once; make a view that joins it twice, and name the view"
            )
        conditions = []
        for ours, theirs in join.pairs:
            left, _ = self._resolve(ours, where)
            # In this order: SQLite compares by the collation of what is on the left.
            conditions.append(other.clause.c[other.find_column(theirs, where)] == left)
        self._joined[join.table] = other
        self.joins.append(join)
        self.clause = self.clause.outerjoin(other.clause, sa.and_(*conditions))

    def _followed(self, column: str, ref: str) -> str:
        """Return how to read a column that refers to another of our tables: as that table's `id`.

        Where the database declares a foreign key to another column than `id` is taken from, the key is followed.
        """
        target = LINKS.get((self.name, column))
        id_of_target = self._queries.id_column(target) if target and ref in self.relation.columns else None
        if target is None or id_of_target is None:
            return ref
        theirs = self._queries.relation(target)
        for key in self.relation.foreign_keys:
            if key.columns == (ref,) and self._queries.catalog.get(key.table) is theirs:
                if key.their_columns[0] == id_of_target or theirs is self.relation:
                    return ref
                if theirs.name not in self._joined:
                    self._join(Join(theirs.name, ((ref, key.their_columns[0]),)))
                return f"{theirs.name}.{id_of_target}"
        return ref

    # Expressions

    def _value(self, column: str) -> Column:
        where, taken = f"{self._where} columns.{column}", self.taken.get(column)
        value = self._taken_value(column, taken, where)
        if (self.name, column) == ("users", "is_admin") and ADMINISTRATORS in self._queries.layout.sections:
            return self._or_listed(value, taken)
        if value is None:
            return self._package_of_release() if (self.name, column) == ("files", "package_id") else sa.null()
        return value

    def _taken_value(self, column: str, taken: Taken | None, where: str) -> Column | None:
        if taken is None:
            return None
        kind = SECTIONS[self.name][column]
        if taken.value is not None:
            return sa.literal(int(taken.value) if isinstance(taken.value, bool) else taken.value)
        if len(taken.columns) > 1:
            return self._several(column, taken, where)
        ref = self._followed(column, taken.columns[0])
        self.taken[column] = replace(taken, columns=(ref,))
        found, sql_type = self._resolve(ref, where)
        self.types[column] = sql_type
        if kind == "flag" and taken.form in ("null", "not null"):
            return as_flag(found.is_(None) if taken.form == "null" else found.is_not(None))
        if taken.equals:
            return as_flag(self._conditions.is_one_of(found, sql_type, taken.equals))
        self._check_link(column, ref, sql_type)
        value = self._plain.column(found, sql_type, kind)
        if taken.prefix:
            text = sa.literal(taken.prefix, sa.Text).concat(self._plain.part(found, sql_type))
            return self._in_parts(column, [(found, sql_type)], text, taken.prefix)
        if (self.name, column) in LINKS and isinstance(sql_type, sa.String) and ref not in self.relation.columns:
            return self._named_if_missing(value, ref)
        if self._differs_in_spelling(column, found, sql_type):
            return self._as_referred(column, value)
        self._read_directly[column] = found, sql_type
        return value

    def _several(self, column: str, taken: Taken, where: str) -> Column:
        """Join several columns: keys by a slash, texts by a blank; a flag is set if one of them is."""
        found = [self._resolve(ref, where) for ref in taken.columns]
        kind = SECTIONS[self.name][column]
        if kind == "flag":
            return as_flag(sa.or_(*(self._conditions.is_set(part, sql_type, where) for part, sql_type in found)))
        if kind == "key":
            joined = self._joined_key(found)
            if self._joined_differs_in_spelling(column, joined, found):
                return self._as_referred(column, joined)
            return self._in_parts(column, found, joined)
        texts: list[Column] = [sa.func.coalesce(self._plain.part(*one), "") for one in found]
        return self._in_parts(column, found, sa.func.nullif(sa.func.trim(_joined(texts, " ")), ""))

    def _joined_key(self, found: list[tuple[Column, Any]]) -> Column:
        """Return one key for several. A JSON pointer (RFC 6901) tells ("p/q", "r") from ("p", "q/r")."""
        parts = [self._plain.part_of_key(*one) for one in found]
        escaped = [sa.func.replace(sa.func.replace(part, "~", "~0"), "/", "~1") for part in parts]
        has_slash = sa.or_(*(part.contains("/") for part in parts))
        key = sa.case((has_slash, _joined([sa.literal("", sa.Text), *escaped], "/")), else_=_joined(parts, "/"))
        is_citext = any(isinstance(base_type(sql_type), postgresql.CITEXT) for _, sql_type in found)
        return sa.cast(key, postgresql.CITEXT) if is_citext else key

    def _in_parts(self, column: str, found: list[tuple[Column, Any]], joined: Column, prefix: str | None = None) -> Any:
        """Return what the server has joined, or all of its parts if only their converter can join them."""
        if column in ("id", "package_id") and SECTIONS[self.name][column] == "text":
            self._refuse_bytes(column, found)
            return joined
        kind = SECTIONS[self.name][column]
        parts = self._queries.reading.parts(found, kind)
        needs_parts = self._plain.parts(found, kind) is not None
        if parts is None or (self.section.newest_by and not needs_parts):
            return joined
        self._read_directly[column] = parts, Parts(tuple(sql_type for _, sql_type in found), prefix)
        return parts if needs_parts else joined

    def _refuse_bytes(self, column: str, found: list[tuple[Column, Any]]) -> None:
        """Raise CannotStart if part of a joined name is not text: SQL orders and finds rows by it."""
        if any(self._plain.converter(sql_type, "text") for _, sql_type in found):
            raise CannotStart(
                f"{self._where} columns.{column}: a name can only be joined from columns of text, and "
                f"{', '.join(self.taken[column].columns)} are not all text; make a view that converts the others, and "
                "name the view"
            )

    def _differs_in_spelling(self, column: str, found: Column, sql_type: Any) -> bool:
        """Tell whether rows refer to ids that the server considers equal although they are spelled differently.

        Collations without case, CITEXT and trailing blanks make "flask" refer to "Flask".
        """
        target = LINKS.get((self.name, column))
        id_of_target = self._queries.id_column(target) if target else None
        # Downloads keep what they say, and lead to a package by its normalized name.
        if self.name == "downloads" or target is None or id_of_target is None:
            return False
        theirs = self._queries.relation(target)
        if not (self._is_loose(sql_type) and self._is_loose(theirs.columns[id_of_target])):
            return False
        their_id = theirs.clause.alias("referred").c[id_of_target]
        is_unique = any(unique == {id_of_target} for unique in theirs.unique)
        return self._has_other_spelling(found, their_id, is_unique=is_unique)

    def _joined_differs_in_spelling(self, column: str, joined: Column, found: list[tuple[Column, Any]]) -> bool:
        """Tell the same of a key of several columns. MariaDB compares them row by row, which takes too long."""
        target = LINKS.get((self.name, column))
        if self._dialect != "postgresql" or self.name == "downloads" or target not in self._queries.tables:
            return False
        if not any(self._is_loose(sql_type) for _, sql_type in found):
            return False
        theirs = self._queries[target]
        is_unique = frozenset(theirs.taken["id"].columns) in theirs.relation.unique
        return self._has_other_spelling(joined, theirs.part("referred", "id").c.id, is_unique=is_unique)

    def _has_other_spelling(self, ours: Column, their_id: Any, *, is_unique: bool) -> bool:
        # SQLite compares by the collation of what is on the left, and checks foreign keys by that of the id.
        differs = sa.and_(their_id == ours, self._bytes(ours) != self._bytes(their_id))
        rows = sa.select(sa.literal(1)).select_from(self.clause.join(their_id.table, differs))
        if not self._queries.catalog.has_rows(rows):
            return False
        twice = sa.select(their_id).where(their_id.is_not(None)).group_by(their_id).having(sa.func.count() > 1)
        return is_unique or not self._queries.catalog.has_rows(twice)

    def _is_loose(self, sql_type: Any) -> bool:
        """Tell whether values may be equal although they are spelled differently."""
        sql_type = base_type(sql_type)
        if self._dialect == "postgresql":
            return isinstance(sql_type, postgresql.CITEXT) or getattr(sql_type, "collation", None) is not None
        if self._dialect == "sqlite":
            return self._queries.catalog.names_collations and not isinstance(sql_type, NUMBERS)
        return isinstance(sql_type, sa.String) and not str(getattr(sql_type, "collation", "")).endswith("_bin")

    def _bytes(self, text: Column) -> Column:
        """Return text in a form that is equal only if the spelling is."""
        if self._dialect == "mysql":
            return sa.cast(text, sa.BINARY)
        return sa.collate(sa.cast(text, sa.Text), "BINARY" if self._dialect == "sqlite" else "C")

    def _as_referred(self, column: str, value: Column) -> Column:
        """Return a reference in the spelling of the id that it refers to."""
        target = LINKS[self.name, column]
        self._referred[target] = self._queries.relation(target)
        referred = self._queries[target].part(f"{target}_of_{column}", "id")
        self.clause = self.clause.outerjoin(referred, referred.c.id == value)
        return sa.func.coalesce(referred.c.id, value)

    def _named_if_missing(self, value: Column, ref: str) -> Column:
        """Return a joined row's name, or text that says which row is missing: it cannot be anybody's name."""
        [join] = [one for one in self.joins if one.table == ref.rpartition(".")[0]]
        ours, theirs = join.pairs[0]
        key = self._plain.part_of_key(*self._resolve(ours, self._where))
        missing = sa.literal(f"(no {join.table}.{theirs} ", sa.Text).concat(key).concat(")")
        return sa.func.coalesce(value, missing)

    def _package_of_release(self) -> Column:
        releases = self._queries["releases"].part("release_of_file", "id", "package_id")
        self.clause = self.clause.outerjoin(releases, releases.c.id == self._value("release_id"))
        self.types["package_id"] = sa.Text()
        return releases.c.package_id

    def _or_listed(self, own: Column | None, taken: Taken | None) -> Column:
        listed = self._queries[ADMINISTRATORS].part("listed", "user_id")
        among = sa.exists().where(listed.c.user_id == self._value("id"))
        if own is None or taken is None:
            return as_flag(among)
        if len(taken.columns) > 1 or taken.equals or taken.form in ("null", "not null") or taken.value is not None:
            return as_flag(sa.or_(own == 1, among))
        where = f"{self._where} columns.is_admin"
        is_set = self._conditions.is_set(*self._resolve(taken.columns[0], where), where)
        return as_flag(sa.or_(sa.not_(is_set) if taken.form == "negated" else is_set, among))

    def _is_number(self, column: str) -> bool:
        """Tell whether a key sorts as a number. In SQLite, each value sorts by its own type in any case."""
        if SECTIONS[self.name][column] != "key" or len(self.taken[column].columns) > 1:
            return False
        return self._dialect == "sqlite" or isinstance(base_type(self.types.get(column)), NUMBERS)

    def _by_bytes(self, value: Column, column: str) -> Column:
        if self._dialect == "postgresql":
            if isinstance(base_type(self.types.get(column)), BINARY):
                return value
            # Always cast: CITEXT does not compare by bytes, whatever its collation.
            return sa.collate(sa.cast(value, sa.Text), "C")
        return sa.collate(value, "BINARY") if self._dialect == "sqlite" else sa.cast(value, sa.BINARY)

    # What is refused

    def _check_link(self, column: str, ref: str, sql_type: Any) -> None:
        """Raise CannotStart if a column of numbers refers to a table without numeric ids, or the reverse."""
        where = f"{self._where} columns.{column}"
        if (self.name, column) == ("packages", "id") and _family(sql_type) == "numbers":
            raise CannotStart(
                f"{self.relation.name}.{ref} holds numbers, but a package's id is its name; a map can say which column "
                f'has it: columns.id = "name" in [packages] (`map suggest` writes one)'
            )
        target = LINKS.get((self.name, column))
        id_of_target = self._queries.id_column(target) if target else None
        if target is None or id_of_target is None:
            return
        theirs = self._queries.relation(target)
        families = _family(sql_type), _family(theirs.columns.get(id_of_target))
        if None not in families and families[0] != families[1]:
            raise CannotStart(
                f"{where}: {self.relation.name}.{ref} holds {families[0]}, but {target} are known by "
                f"{theirs.name}.{id_of_target}, which holds {families[1]}; {self._advice(column, ref, theirs)}"
            )

    def _advice(self, column: str, ref: str, theirs: Relation) -> str:
        """Return how to join the table that a column refers to: by that table's column with the same values."""
        found, sql_type = self._resolve(ref, self._where)
        same = [name for name, other in theirs.columns.items() if _family(other) == _family(sql_type)]
        holding = [name for name in same if self._shares_values(found, theirs, name)]
        unique = [name for name in holding if {name} in theirs.unique]
        wanted = f"{theirs.name}.{self._queries.id_column(LINKS[self.name, column])}"
        for name in unique or holding:
            return f'join them: joins = ["{ref} -> {theirs.name}.{name}"], columns.{column} = "{wanted}"'
        return f"no column of {theirs.name} has the same values: make a view that finds {wanted}, and name the view"

    def _shares_values(self, found: Column, theirs: Relation, name: str) -> bool:
        """Tell whether some of the first values of a column are in a column of another table."""
        some = sa.select(found.label("value")).select_from(self.clause).where(found.is_not(None)).limit(20)
        sample, other = some.subquery("sample"), theirs.clause.alias("other")
        rows = sa.select(sa.literal(1)).select_from(other.join(sample, other.c[name] == sample.c.value))
        return self._queries.catalog.has_rows(rows)

    def _newest_alone(self) -> None:
        self._all_rows, self._fitting = self.clause, self.criteria
        if self.section.newest_by is None:
            return
        newest, _ = self._resolve(self.section.newest_by, f"{self._where} newest_by")
        columns = self.relation.clause.c
        # Of rows that are equally new always the same one is taken.
        rest = [columns[name].desc() for name in self.relation.key or self.relation.columns]
        order = [sa.case((newest.is_(None), 1), else_=0), newest.desc(), *rest]
        place = sa.func.row_number().over(partition_by=self.values["id"], order_by=order).label("place")
        labelled = [value.label(f"{self.name}_{column}") for column, value in self.values.items()]
        ranked = sa.select(*labelled, place).select_from(self.clause).where(*self.criteria)
        rows = ranked.subquery(f"{self.name}_ranked")
        self.clause, self.criteria = rows, [rows.c.place == 1]
        self.values = {column: rows.c[f"{self.name}_{column}"] for column in self.values}
        for column, (_, sql_type) in self._read_directly.items():
            self._read_directly[column] = self.values[column], sql_type


def _joined(parts: list[Column], between: str) -> Column:
    return functools.reduce(lambda before, part: before.concat(between).concat(part), parts)


def _family(sql_type: Any) -> str | None:
    sql_type = base_type(sql_type)
    if isinstance(sql_type, NUMBERS):
        return "numbers"
    return "text" if isinstance(sql_type, sa.String) else None
