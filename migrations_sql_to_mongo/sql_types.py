"""How a column of each SQL type is read, so that its values arrive complete and with their meaning."""

import binascii
import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from migrations_sql_to_mongo.layout import Kind

Column = sa.ColumnElement[Any]
Convert = Callable[[Any], Any]

NUMBERS = (sa.Integer, sa.Numeric, sa.Float, postgresql.OID, mysql.YEAR)
BINARY = (sa.LargeBinary, sa.BINARY, sa.VARBINARY, mysql.TINYBLOB, mysql.MEDIUMBLOB, mysql.LONGBLOB)
BITS = (postgresql.BIT, mysql.BIT)
LONGEST_BITS = 64


@dataclass(frozen=True)
class Parts:
    """The type of what `Reading.parts` returns: columns that are read side by side, and joined by the converter."""

    types: tuple[Any, ...]
    prefix: str | None = None  # of a single part


class Reading(Protocol):
    """A way to read columns. The copy uses one, and `verify` another."""

    def parts(self, columns: list[tuple[Column, Any]], kind: Kind) -> Column | None:
        """Return the expression to select for columns that are joined, or None to let the server join them."""

    def column(self, column: Column, sql_type: Any, kind: Kind) -> Column:
        """Return the expression to select for a column."""

    def converter(self, sql_type: Any, kind: Kind) -> Convert | None:
        """Return the function that converts what the driver returns, or None if nothing has to be converted."""


def base_type(sql_type: Any) -> Any:
    """Return the base type of a domain, and any other type unchanged."""
    while isinstance(sql_type, postgresql.DOMAIN):
        sql_type = sql_type.data_type
    return sql_type


def is_moment(sql_type: Any) -> bool:
    """Tell whether a column holds points in time although it shows naive times, as MySQL's TIMESTAMP does."""
    return isinstance(sql_type, mysql.TIMESTAMP)


def exact(column: Column, sql_type: Any) -> Column:
    """Return a number as it is. MySQL shows only six digits of its FLOAT, unless it has to compute with it."""
    return column + sa.literal_column("0e0") if isinstance(sql_type, mysql.FLOAT) else column


class CopyReading:
    """How the copy reads: with the drivers' own types, unless these lose something."""

    def __init__(self, dialect: str, encoding: str | None) -> None:
        self._is_mysql, self._is_sqlite = dialect == "mysql", dialect == "sqlite"
        self._encoding = encoding
        # A database in SQL_ASCII may hold text in several encodings.
        self._sends_bytes = dialect == "postgresql" and encoding is not None

    def column(self, column: Column, sql_type: Any, kind: Kind) -> Column:
        """Return the expression to select for a column."""
        sql_type = base_type(sql_type)
        if isinstance(sql_type, Parts):
            return column
        if kind in ("text", "list") and isinstance(sql_type, sa.ARRAY):
            # The driver knows arrays of the server's own types only: it gives others as they are written, {a,b}.
            texts = sa.cast(column, postgresql.ARRAY(sa.Text))
            return texts if kind == "list" else sa.func.array_to_string(texts, ", ")
        if self._is_sqlite or kind in ("flag", "list"):
            return column
        if isinstance(sql_type, BITS):
            return self._bits(column, sql_type, kind)
        if isinstance(sql_type, sa.CHAR):
            # PostgreSQL's driver gives the blanks that the column was filled up with; a cast does not.
            return column if self._is_mysql else sa.cast(column, sa.Text)
        if isinstance(sql_type, sa.String):
            return column
        if isinstance(sql_type, BINARY):
            return column if kind in ("text", "key", "sha256", "md5") else self.text(column, sql_type)
        if isinstance(sql_type, NUMBERS) and kind != "text":
            return exact(column, sql_type)
        if kind == "integer" and isinstance(sql_type, sa.Boolean):
            return sa.cast(column, sa.Integer)
        if kind == "integer" and isinstance(sql_type, postgresql.MONEY):
            return sa.cast(column, sa.Numeric)
        if isinstance(sql_type, postgresql.INET):
            return sa.func.abbrev(column)  # a cast writes "/32" after each address
        return self.text(column, sql_type)

    def text(self, column: Column, sql_type: Any) -> Column:
        """Return a column as text."""
        sql_type = base_type(sql_type)
        # PostgreSQL compares its enums with nothing else.
        if isinstance(sql_type, sa.String) and (self._is_mysql or not isinstance(sql_type, sa.CHAR | sa.Enum)):
            return column
        return sa.cast(column, sa.CHAR if self._is_mysql else sa.Text)

    def part(self, column: Column, sql_type: Any) -> Column:
        """Return a column as text to be joined, which is the text that it is read as by itself."""
        if self._is_sqlite or isinstance(base_type(sql_type), sa.String):
            return self.text(column, sql_type)
        return self.column(column, sql_type, "text")

    def part_of_key(self, column: Column, sql_type: Any) -> Column:
        """Return a column as text for a key of several columns: bytes in hex, as in a key that is one column."""
        column = exact(column, base_type(sql_type))
        if not isinstance(base_type(sql_type), BINARY):
            return self.part(column, sql_type)
        if self._is_sqlite:
            return sa.case((sa.func.typeof(column) == "blob", sa.func.lower(sa.func.hex(column))), else_=column)
        return sa.func.lower(sa.func.hex(column)) if self._is_mysql else sa.func.encode(column, "hex")

    def parts(self, columns: list[tuple[Column, Any]], kind: Kind) -> Column | None:
        """Return a list in JSON if one of the columns has to be converted, with bytes in base64."""
        if kind == "key":
            return None
        if self._is_sqlite:
            has_bytes = self._encoding or any(isinstance(sql_type, BINARY) for _, sql_type in columns)
            return _parts_of_sqlite([column for column, _ in columns]) if has_bytes else None
        if not self._sends_bytes and not any(self.converter(sql_type, "text") for _, sql_type in columns):
            return None
        texts = [self._text_or_base64(column, base_type(sql_type)) for column, sql_type in columns]
        return sa.func.json_array(*texts) if self._is_mysql else sa.cast(sa.func.json_build_array(*texts), sa.Text)

    def _text_or_base64(self, column: Column, sql_type: Any) -> Column:
        if not isinstance(sql_type, BINARY):
            text = self.part(column, sql_type)
            return sa.func.encode(_stored_bytes(text), "base64") if self._sends_bytes else text
        return sa.func.to_base64(column) if self._is_mysql else sa.func.encode(column, "base64")

    def _bits(self, column: Column, sql_type: Any, kind: Kind) -> Column:
        if self._is_mysql:
            number = sa.cast(column, mysql.INTEGER(unsigned=True))
            return sa.cast(number, sa.CHAR) if kind == "text" else number
        text = sa.cast(column, sa.Text)
        if kind == "text" or sql_type.length is None or sql_type.length >= LONGEST_BITS:
            return text
        # Only BIT(n) becomes a number, and a shorter one is filled up on its right.
        filled = sa.cast(sa.func.lpad(text, LONGEST_BITS, "0"), postgresql.BIT(LONGEST_BITS))
        return sa.cast(filled, sa.BigInteger)

    def converter(self, sql_type: Any, kind: Kind) -> Convert | None:
        """Return the function that converts what the driver returns."""
        sql_type = base_type(sql_type)
        if isinstance(sql_type, Parts) and self._is_sqlite:
            return lambda value: _joined(sql_type.prefix, _texts_of_sqlite(value, self._encoding))
        if isinstance(sql_type, Parts):
            converters = [*map(self._converter_of_part, sql_type.types)]
            return lambda value: _joined(
                sql_type.prefix, [convert(text) for convert, text in zip(converters, json.loads(value), strict=True)]
            )
        if self._is_sqlite or kind != "text":
            return None
        if isinstance(sql_type, sa.BINARY):  # of a fixed length, filled up with zeros
            return lambda value: value if value is None else decoded(bytes(value).rstrip(b"\0"), self._encoding)
        if isinstance(sql_type, BINARY):
            return lambda value: value if value is None else decoded(bytes(value), self._encoding)
        if isinstance(sql_type, sa.JSON):
            return _of_json
        return None

    def _converter_of_part(self, sql_type: Any) -> Convert:
        convert = self.converter(sql_type, "text") or _unchanged
        if isinstance(base_type(sql_type), BINARY):
            return lambda text: None if text is None else convert(binascii.a2b_base64(text))
        if self._sends_bytes:
            return lambda text: None if text is None else convert(decoded(binascii.a2b_base64(text), self._encoding))
        return convert


def _stored_bytes(text: Column) -> Column:
    """Return text of PostgreSQL as bytes: in UTF-8, or unchanged where the database knows no encoding."""
    codec = sa.case({"SQL_ASCII": "SQL_ASCII"}, value=sa.func.getdatabaseencoding(), else_="UTF8")
    return sa.func.convert_to(text, codec)


def _parts_of_sqlite(columns: list[Column]) -> Column:
    """Return the encoding of the database and each column in hex, since any column may hold bytes."""
    parts: Column = sa.select(sa.column("encoding")).select_from(sa.table("pragma_encoding")).scalar_subquery()
    for column in columns:
        text = sa.cast(sa.cast(column, sa.Text), sa.LargeBinary)
        forms = {"null": "", "blob": sa.literal("b").concat(sa.func.hex(column))}
        form = sa.case(forms, value=sa.func.typeof(column), else_=sa.literal("t").concat(sa.func.hex(text)))
        parts = parts.concat(" ").concat(form)
    return parts


def _texts_of_sqlite(value: str, encoding: str | None) -> list[str | None]:
    codec, *parts = value.split(" ")
    return [_text_of_sqlite(codec, part[0], bytes.fromhex(part[1:]), encoding) if part else None for part in parts]


def _text_of_sqlite(codec: str, form: str, value: bytes, encoding: str | None) -> str:
    return decoded(value, encoding) if form == "b" or codec == "UTF-8" else value.decode(codec, "replace")


def _joined(prefix: str | None, texts: list[str | None]) -> str | None:
    """Join one text after its prefix, or several with blanks between them."""
    if prefix is not None:
        return None if texts[0] is None else prefix + texts[0]
    return " ".join(text or "" for text in texts).strip(" ") or None


def decoded(value: bytes, encoding: str | None) -> str:
    """Decode bytes as UTF-8, or else with the operator's codec. What is neither becomes lone surrogates."""
    for codec in ("utf-8", encoding or "utf-8"):
        try:
            return value.decode(codec)
        except UnicodeDecodeError:
            continue
    return value.decode("utf-8", "surrogateescape")


def _unchanged(value: Any) -> Any:
    return value


def _of_json(value: str | None) -> str | None:
    """Return JSON as text: a string itself, a list joined by commas, an object as it was written."""
    if value is None:
        return None
    try:
        # Numbers as they are written.
        found = json.loads(value, parse_int=_Written, parse_float=_Written)
    except ValueError:
        return value
    if found is None or type(found) is str:
        return found
    if isinstance(found, list) and not any(isinstance(one, list | dict) for one in found):
        return ", ".join(one if isinstance(one, str) else json.dumps(one) for one in found if one is not None)
    return value


class _Written(str):
    """A JSON number, as it was written."""

    __slots__ = ()


def row_converter(converters: dict[int, Convert]) -> Callable[[Any], tuple[Any, ...]]:
    """Return the function that converts some values of a row, by their places."""
    if len(those := {*converters.values()}) == 1 and {*converters} == {*range(len(converters))}:
        return functools.partial(_all_converted, those.pop(), len(converters))
    return functools.partial(_converted, tuple(converters.items()))


def _all_converted(convert: Convert, count: int, row: Any) -> tuple[Any, ...]:
    """Convert the first values of a row by one function, in half of the time. It leaves numbers as they are."""
    return (*[value if type(value) is int else convert(value) for value in row[:count]], *row[count:])


def _converted(converters: tuple[tuple[int, Convert], ...], row: Any) -> tuple[Any, ...]:
    values = list(row)
    for index, convert in converters:
        values[index] = convert(values[index])
    return tuple(values)
