"""Conditions on a column of the source, in each SQL dialect."""

from typing import Any

import sqlalchemy as sa

from migrations_sql_to_mongo.errors import CannotStart
from migrations_sql_to_mongo.layout import Scalar, Taken
from migrations_sql_to_mongo.sql_types import BINARY, Column, CopyReading, base_type


class Conditions:
    """The conditions of one dialect."""

    def __init__(self, dialect: str, plain: CopyReading) -> None:
        self._dialect, self._plain = dialect, plain

    def is_set(self, column: Column, sql_type: Any, where: str) -> sa.ColumnElement[bool]:
        """Return whether a flag is set. Raises CannotStart for text, in which a flag can be spelled in many ways."""
        sql_type = base_type(sql_type)
        if isinstance(sql_type, sa.String):
            raise CannotStart(f"{where}: only flags that are numbers or booleans can be joined; a view can join others")
        if self._dialect == "postgresql" and isinstance(sql_type, sa.Boolean):
            return column.is_(sa.true())
        return sa.func.coalesce(column, 0) != 0

    def meets(self, column: Column, sql_type: Any, wanted: Taken) -> sa.ColumnElement[bool]:
        """Return whether a column has the value that a map's `where` asks for."""
        if wanted.form:
            return column.is_(None) if wanted.form == "null" else column.is_not(None)
        return self.is_one_of(column, sql_type, wanted.equals)

    def is_one_of(self, column: Column, sql_type: Any, values: tuple[Scalar, ...]) -> sa.ColumnElement[bool]:
        """Return whether a column has one of these values, whatever its type."""
        return sa.or_(*(self._is(column, sql_type, value) for value in values))

    def _is(self, column: Column, sql_type: Any, value: Scalar) -> sa.ColumnElement[bool]:
        sql_type = base_type(sql_type)
        if self._dialect == "postgresql" and isinstance(sql_type, sa.Boolean) and value in (0, 1):
            return column.is_(sa.true() if value else sa.false())
        if isinstance(value, bool):
            return column == int(value)
        if isinstance(sql_type, BINARY) and self._dialect != "sqlite":
            return column == _filled_up(str(value).encode(), sql_type)
        if isinstance(value, str) or isinstance(sql_type, sa.String):
            return self._plain.text(column, sql_type) == str(value)
        return column == value


def _filled_up(value: bytes, sql_type: Any) -> bytes:
    """Return bytes as a column keeps them: zeros follow in a BINARY(n)."""
    return value.ljust(sql_type.length or 0, b"\0") if isinstance(sql_type, sa.BINARY) else value


def as_flag(condition: sa.ColumnElement[bool]) -> Column:
    """Return a condition as 1 or 0; what is unknown is 0."""
    return sa.case((condition, 1), else_=0)
