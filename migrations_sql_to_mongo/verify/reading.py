"""How `verify` reads the source: with different SQL than the copy, so that both cannot be wrong in the same way.

The copy lets the drivers convert values. Here the server returns the bytes of each text, the digits of each number and
the time since 1970 of each date, and these are converted. For a valid row, they equal the values of the copy.
"""

import codecs
import contextlib
import decimal
import functools
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.ext.compiler import compiles

from migrations_sql_to_mongo.layout import Kind
from migrations_sql_to_mongo.sql_types import BINARY, BITS, NUMBERS, Column, Convert, Parts, base_type, exact

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- the server counts from here, in the time that the column shows
_TIMES = (sa.DateTime, sa.Date)
# Of a BIT(n) that becomes a number.
_MOST_BITS = 63


class VerifyReading:
    """How one database is read. `codec` is that of its text, `encoding` is the operator's."""

    def __init__(self, dialect: str, codec: str, encoding: str | None) -> None:
        self._dialect = dialect
        self._text = _text_of(codec, encoding)
        self._of_bytes = _text_of("utf-8", encoding)
        self._stored = _stored_of(self._text)

    def column(self, column: Column, sql_type: Any, kind: Kind) -> Column:
        """Return the expression to select for a column."""
        if isinstance(sql_type, Parts):
            return column
        if self._dialect == "sqlite":
            return _of_sqlite(column)
        return (_of_mysql if self._dialect == "mysql" else _of_postgresql)(column, base_type(sql_type), kind)

    def parts(self, columns: list[tuple[Column, Any]], kind: Kind) -> Column | None:
        """Return the bytes of each column in hex, after commas; a NULL is a question mark."""
        if self._dialect == "sqlite" and kind == "key":
            return None
        if kind == "key":
            columns = [(exact(column, base_type(sql_type)), sql_type) for column, sql_type in columns]
        parts = [self._in_hex(*one) for one in columns]
        return functools.reduce(lambda before, part: before.concat(",").concat(part), parts)

    def _in_hex(self, column: Column, sql_type: Any) -> Column:
        if self._dialect == "sqlite":
            # SQLite writes text as 'a' and bytes as X'61': the first sign tells the type of each value.
            return sa.func.substr(sa.func.quote(column), 1, 1).concat(sa.func.hex(column))
        read = self.column(column, sql_type, "text")
        return sa.func.coalesce(sa.func.hex(read) if self._dialect == "mysql" else sa.func.encode(read, "hex"), "?")

    def converter(self, sql_type: Any, kind: Kind) -> Convert | None:
        """Return the function that converts what the server returns."""
        sql_type = base_type(sql_type)
        if isinstance(sql_type, Parts):
            return functools.partial(self._join, sql_type, kind)
        if self._dialect == "sqlite":
            return self._stored
        convert = self._of_server(sql_type, kind)
        return lambda value: None if value is None else convert(bytes(value))

    def _join(self, parts: Parts, kind: Kind, value: str | None) -> str | None:
        """Return the value of several columns, from what `parts` reads; None if an outer join found no row."""
        if value is None:
            return None
        pairs = zip(parts.types, value.split(","), strict=True)
        texts = [None if digits in ("?", "N") else self._part(sql_type, kind, digits) for sql_type, digits in pairs]
        if parts.prefix is not None:
            return None if texts[0] is None else f"{parts.prefix}{texts[0]}"
        there = [text for text in texts if text is not None]
        if kind == "key":
            return _key_of(there) if len(there) == len(texts) else None
        return " ".join(text or "" for text in texts).strip(" ") or None

    def _part(self, sql_type: Any, kind: Kind, digits: str) -> str | None:
        if self._dialect == "sqlite":
            return self._part_of_sqlite(digits[0], bytes.fromhex(digits[1:]))
        if kind == "key" and isinstance(base_type(sql_type), BINARY):
            return digits.lower()
        convert = self.converter(sql_type, "text")
        return convert(bytes.fromhex(digits)) if convert else None

    def _part_of_sqlite(self, sign: str, value: bytes) -> str:
        if sign == "X":
            return self._of_bytes(value)
        return self._text(value) if sign == "'" else value.decode()

    def _of_server(self, sql_type: Any, kind: Kind) -> Callable[[bytes], Any]:
        if isinstance(sql_type, BINARY):
            return self._of_binary(sql_type, kind)
        if isinstance(sql_type, BITS):
            return self._of_bits(sql_type, kind)
        if isinstance(sql_type, _TIMES):
            return functools.partial(_shown_date, sql_type, is_mysql=self._dialect == "mysql")
        if isinstance(sql_type, NUMBERS) and kind != "text":
            return functools.partial(_number, sql_type)
        if isinstance(sql_type, postgresql.MONEY) and kind == "integer":
            return lambda value: decimal.Decimal(value.decode())
        if isinstance(sql_type, sa.Boolean):
            return lambda value: value == b"1" if kind == "flag" else int(value) if kind == "integer" else _said(value)
        if kind in ("text", "list", "flag") and isinstance(sql_type, sa.JSON):
            return lambda value: _of_json(self._text(value), kind)
        if kind == "list" and isinstance(sql_type, sa.ARRAY):
            return lambda value: json.loads(value)
        if isinstance(sql_type, sa.Uuid):
            return lambda value: str(uuid.UUID(bytes=value) if len(value) == 16 else self._text(value))
        if isinstance(sql_type, sa.CHAR) and self._dialect == "postgresql" and kind not in ("flag", "list"):
            return lambda value: self._text(value).rstrip(" ")
        return self._text

    def _of_binary(self, sql_type: Any, kind: Kind) -> Callable[[bytes], Any]:
        if kind == "text":
            is_filled_up = isinstance(sql_type, sa.BINARY)
            return lambda value: self._text(value.rstrip(b"\0") if is_filled_up else value)
        if kind in ("key", "sha256", "md5", "flag", "list"):
            return bytes
        return self._text

    def _of_bits(self, sql_type: Any, kind: Kind) -> Callable[[bytes], Any]:
        if self._dialect == "mysql":
            if kind == "flag":
                return bytes
            return lambda value: value.decode() if kind == "text" else int(value)
        is_short = sql_type.length is not None and sql_type.length <= _MOST_BITS
        return lambda value: int(value, 2) if is_short and kind not in ("text", "flag", "list") else value.decode()


# What is selected


def _of_sqlite(column: Column) -> Column:
    by_type = {"text": sa.cast(column, sa.LargeBinary), "blob": sa.func.hex(column)}
    return sa.type_coerce(sa.case(by_type, value=sa.func.typeof(column), else_=column), sa.types.NullType())


def _of_postgresql(column: Column, sql_type: Any, kind: Kind) -> Column:
    if isinstance(sql_type, BINARY) and kind in ("text", "key", "sha256", "md5", "flag", "list"):
        return sa.func.decode(sa.func.encode(column, "base64"), "base64", type_=sa.LargeBinary)
    if isinstance(sql_type, _TIMES):
        return _bytes_of(_since_epoch(column, sql_type))
    if isinstance(sql_type, sa.Boolean):
        return _bytes_of(sa.case((column.is_(sa.true()), "1"), (column.is_(sa.false()), "0")))
    if isinstance(sql_type, sa.Uuid):
        return sa.func.uuid_send(column, type_=sa.LargeBinary)
    if isinstance(sql_type, postgresql.MONEY) and kind == "integer":
        return _bytes_of(sa.cast(sa.cast(column, sa.Numeric), sa.Text))
    if isinstance(sql_type, postgresql.INET):
        bits = sa.case((sa.func.family(column) == 4, 32), else_=128)
        host = sa.func.host(column)
        network = host.concat("/").concat(sa.cast(sa.func.masklen(column), sa.Text))
        return _bytes_of(sa.case((sa.func.masklen(column) == bits, host), else_=network))
    if isinstance(sql_type, sa.ARRAY) and kind in ("text", "list"):
        element = sa.func.unnest(column).table_valued("element", with_ordinality="place").render_derived()
        text = sa.cast(element.c.element, sa.Text)
        if kind == "list":
            words = sa.func.json_agg(postgresql.aggregate_order_by(text, element.c.place))
            words = sa.func.coalesce(sa.cast(words, sa.Text), "[]")
        else:
            words = sa.func.coalesce(
                sa.func.string_agg(text, postgresql.aggregate_order_by(sa.literal(", "), element.c.place)), ""
            )
        found = sa.select(words).select_from(element).correlate(_table_of(column)).scalar_subquery()
        return _bytes_of(sa.case((column.is_not(None), found)))
    if isinstance(sql_type, sa.CHAR):
        # Filled up with blanks, which a cast would take away.
        return _bytes_of(sa.case((column.is_not(None), sa.func.concat(column, ""))))
    return _bytes_of(column if isinstance(sql_type, sa.Text | sa.VARCHAR) else sa.cast(column, sa.Text))


def _table_of(column: Column) -> Any:
    return column.table if isinstance(column, sa.ColumnClause) else None


def _bytes_of(text: Column) -> Column:
    """Return text of PostgreSQL as bytes, unchanged if the database is in SQL_ASCII."""
    ascii_stays = sa.case((sa.func.getdatabaseencoding() == "SQL_ASCII", "SQL_ASCII"), else_="UTF8")
    return sa.func.convert_to(text, ascii_stays, type_=sa.LargeBinary)


def _since_epoch(column: Column, sql_type: Any) -> Column:
    """Return a time as microseconds since 1970 and a date as days; as text if Python cannot hold it."""
    there = sa.and_(sa.func.isfinite(column), column >= sa.literal_column("'0001-01-01'"))
    there = sa.and_(there, column < sa.literal_column("'10000-01-01'"))
    if isinstance(sql_type, sa.DateTime):
        seconds = sa.cast(sa.func.date_part("epoch", sa.func.date_trunc("second", column)), sa.BigInteger)
        fraction = sa.cast(sa.func.date_part("microseconds", column), sa.BigInteger) % 1_000_000
        number = seconds * 1_000_000 + fraction
    else:
        number = column - sa.literal_column("date '1970-01-01'")
    return sa.case((there, sa.cast(number, sa.Text)), else_=sa.literal("=").concat(sa.cast(column, sa.Text)))


def _of_mysql(column: Column, sql_type: Any, kind: Kind) -> Column:
    if isinstance(sql_type, BINARY):
        return sa.cast(column, sa.BINARY)
    if isinstance(sql_type, BITS):
        return sa.cast(column, sa.BINARY) if kind == "flag" else sa.cast(column + 0, sa.BINARY)
    if isinstance(sql_type, mysql.TIMESTAMP):
        return sa.cast(sa.func.unix_timestamp(column), sa.BINARY)
    if isinstance(sql_type, sa.DateTime):
        return sa.cast(sa.func.date_format(column, "%Y-%m-%d %H:%i:%s.%f"), sa.BINARY)
    if isinstance(sql_type, sa.Date):
        return sa.cast(sa.func.date_format(column, "%Y-%m-%d"), sa.BINARY)
    number = exact(column, sql_type) if kind != "text" else column
    text = column if isinstance(sql_type, sa.String) else sa.cast(number, sa.CHAR)
    return sa.cast(_Utf8(text), sa.BINARY)


class _Utf8(sa.sql.functions.FunctionElement[Any]):
    """MySQL's CONVERT(text USING utf8mb4)."""

    inherit_cache = True
    type = sa.Text()


@compiles(_Utf8)
def _compile_utf8(element: _Utf8, compiler: Any, **options: Any) -> str:
    return f"CONVERT({compiler.process(element.clauses, **options)} USING utf8mb4)"


# What is made of it


def _text_of(codec: str, encoding: str | None) -> Callable[[bytes], str]:
    """Return a function that decodes bytes. What is text in neither codec becomes lone surrogates."""
    if codecs.lookup(codec).name != "utf-8":
        return lambda value: value.decode(codec, "replace")

    def text(value: bytes) -> str:
        try:
            return value.decode()
        except UnicodeDecodeError:
            with contextlib.suppress(UnicodeDecodeError):
                return value.decode(encoding or "utf-8")
            return value.decode("utf-8", "surrogateescape")

    return text


def _stored_of(text: Callable[[bytes], str]) -> Convert:
    """Return a function that converts what SQLite returns: text as bytes, bytes in hex, numbers unchanged."""

    def stored(value: Any) -> Any:
        if type(value) is bytes:
            return text(value)
        return bytes.fromhex(value) if type(value) is str else value

    return stored


def _key_of(parts: list[str]) -> str:
    """Return one key for several. Where a part has a slash, it is a JSON pointer (RFC 6901)."""
    if "/" not in "".join(parts):
        return "/".join(parts)
    return "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in parts)


def _number(sql_type: Any, value: bytes) -> Any:
    digits = value.decode("ascii")
    if isinstance(sql_type, sa.Float):
        return float(digits)
    return decimal.Decimal(digits) if isinstance(sql_type, sa.Numeric) else int(digits)


def _said(value: bytes) -> str:
    return "true" if value == b"1" else "false"


def _shown_date(sql_type: Any, value: bytes, *, is_mysql: bool) -> str:
    """Return a date as the server shows it."""
    text = value.decode("ascii")
    if isinstance(sql_type, mysql.TIMESTAMP):
        return _of_mysql_moment(text, sql_type.fsp or 0)
    if is_mysql:
        digits = getattr(sql_type, "fsp", None) or 0
        whole, _, fraction = text.partition(".")
        return f"{whole}.{fraction[:digits]}" if digits and fraction else whole
    if text.startswith("="):
        return text[1:]
    if not isinstance(sql_type, sa.DateTime):
        return (date(1970, 1, 1) + timedelta(days=int(text))).isoformat()
    shown = _without_zeros((_EPOCH + timedelta(microseconds=int(text))).isoformat(" "))
    return f"{shown}+00" if sql_type.timezone else shown


def _of_mysql_moment(seconds: str, digits: int) -> str:
    whole, _, fraction = seconds.partition(".")
    # The zero date: no moment is 1970-01-01 00:00:00.
    shown = "0000-00-00 00:00:00" if not int(whole) else (_EPOCH + timedelta(seconds=int(whole))).isoformat(" ")
    return f"{shown}.{fraction[:digits]}" if digits else shown


def _without_zeros(text: str) -> str:
    return text.rstrip("0") if "." in text else text


def _of_json(text: str, kind: Kind) -> Any:
    """Return a JSON value as text, or as a list of words."""
    if kind != "text":
        return json.loads(text)
    try:
        found = json.loads(text, parse_int=_Digits, parse_float=_Digits)
    except ValueError:
        return text
    if type(found) is str or found is None:
        return found
    if type(found) is list and all(not isinstance(one, list | dict) for one in found):
        return ", ".join(_in_words(found))
    return text


class _Digits(str):
    """A JSON number, as it was written."""

    __slots__ = ()


def _in_words(those: list[Any]) -> Iterator[str]:
    for one in those:
        if one is not None:
            yield ("true" if one else "false") if isinstance(one, bool) else str(one)
