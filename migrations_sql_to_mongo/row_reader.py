"""Convert the source's rows to the types of their columns. Reads no database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from migrations_sql_to_mongo import conversions, values
from migrations_sql_to_mongo.errors import BadValue
from migrations_sql_to_mongo.layout import TABLES, Kind, Layout
from migrations_sql_to_mongo.rows import Row

_TYPES: dict[str, frozenset[type]] = {
    "text": frozenset({str, type(None)}),
    "integer": frozenset({int, type(None)}),
    "key": frozenset({int, type(None)}),
    "date": frozenset({str, int, float, datetime, type(None)}),
}


class Remark(NamedTuple):
    """A rule that was applied to a value."""

    text: str
    example: str


@dataclass(slots=True)
class Values:
    """A row with the types of its columns."""

    of: list[Any]  # in the order of the table's usual columns; dates naive in UTC
    remarks: Sequence[Remark] = ()
    odd: Mapping[str, Any] | None = None  # invalid dates, unchanged
    more: Mapping[str, Any] = field(default_factory=dict)  # the optional columns that the source has


class RowReader:
    """Reads the rows of one table."""

    def __init__(self, table: str, layout: Layout, columns: Mapping[str, Kind] | None = None) -> None:
        """`columns` are those of the source's rows; by default those that every source has."""
        self.columns = dict(columns or TABLES[table])
        usual = len(TABLES[table])
        self.names = tuple(self.columns)[:usual]
        self._kinds = tuple(self.columns.values())[:usual]
        self._optional = [
            (index, name, self.columns[name], layout.form(table, name))
            for index, name in enumerate(self.columns)
            if index >= usual
        ]
        self._encoding = layout.encoding
        self._dates = [
            (
                index,
                name,
                conversions.date_reader(layout.zone(table, name), layout.form(table, name)),
                layout.date_rule(table, name),
            )
            for index, (name, kind) in enumerate(TABLES[table].items())
            if kind == "date"
        ]
        self.has_optional = bool(self._optional)
        zones = [layout.zone(table, name) for _, name, _, _ in self._dates]
        # Written as ISO text, and in UTC.
        self.has_usual_dates = all(zone is UTC for zone in zones) and not any(
            layout.form(table, name) for _, name, _, _ in self._dates
        )
        self._good: set[tuple[type, ...]] = set()

    def read(self, row: Row, *, careful: bool = False) -> Values:
        """Return a row's values. Raises BadValue.

        That a text is not UTF-8 or a number too large is seen when the document is encoded; a row whose document
        could not be is read again with `careful`, which looks at each value.
        """
        found = list(row[: len(self.names)])
        # There are few combinations of types; looking one up takes a third of the time of looking at each value.
        types = tuple(map(type, found))
        if careful or types not in self._good:
            if not careful and all(one in _TYPES[kind] for one, kind in zip(types, self._kinds, strict=True)):
                self._good.add(types)
            else:
                self._convert(found)
        read_row = Values(found)
        for index, name, read, rule in self._dates:
            value = found[index]
            found[index], remark = read(value)
            if remark:
                if remark == "bad":
                    if rule == "reject":
                        raise BadValue(f"{name} is not a date")
                    read_row.odd = {**(read_row.odd or {}), name: values.as_json(value)}
                read_row.remarks = [*read_row.remarks, Remark(_REMARKS[remark].format(name), values.shown(value))]
        if self._optional:
            self._read_optional(row, read_row)
        return read_row

    def _read_optional(self, row: Row, read_row: Values) -> None:
        more: dict[str, Any] = {}
        for index, name, kind, form in self._optional:
            value = row[index]
            if kind == "flag":
                more[name] = conversions.flag(name, value, form)
            elif kind == "list":
                more[name] = conversions.words(name, value, form)
            elif kind == "key":
                more[name] = conversions.key(name, value)
            elif kind == "text":
                more[name] = values.text(name, value, self._encoding)
            elif value is not None and value != "":
                more[name] = conversions.digest(kind, value)
                if more[name] is None:
                    read_row.odd = {**(read_row.odd or {}), name: values.as_json(value)}
                    remark = Remark(_REMARKS["digest"].format(name), values.shown(value))
                    read_row.remarks = [*read_row.remarks, remark]
        read_row.more = more

    def _convert(self, found: list[Any]) -> None:
        for index, (name, kind) in enumerate(zip(self.names, self._kinds, strict=True)):
            if kind == "text":
                found[index] = values.text(name, found[index], self._encoding)
            elif kind == "integer":
                found[index] = values.integer(name, found[index])
            elif kind == "key":
                found[index] = conversions.key(name, found[index])

    def as_dict(self, row: Row) -> dict[str, Any]:
        """Return a row with the names of its columns."""
        return dict(zip(self.columns, row, strict=False))


_REMARKS = {
    "bad": "{} is not a date: left out, the original is kept under `legacy`",
    "epoch": "{} is a number: read as seconds since 1970, or a smaller unit if it is that large",
    "julian": "{} is a number: read as a Julian day",
    "digits": "{} is a number: read as YYYYMMDD",
    "ambiguous": "{} is a local time that the clocks show twice or never: the first was taken",
    "microseconds": "{} lost its microseconds: BSON keeps milliseconds",
    "digest": "{} is not a digest: left out, the original is kept under `legacy`",
}
