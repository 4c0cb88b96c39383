"""Every SQL type of each database, with what its values must become, written by hand."""
# ruff: noqa: FBT003 -- what is expected of a flag is a flag

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from migrations_sql_to_mongo.errors import BadValue
from migrations_sql_to_mongo.layout import Layout, Section, Taken
from migrations_sql_to_mongo.row_reader import RowReader
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.tally import row_digest
from migrations_sql_to_mongo.values import as_json
from migrations_sql_to_mongo.verify.reading import VerifyReading
from tests.migrations_sql_to_mongo.servers import empty_database

REJECTED = "(the row is rejected)"
NO_DATE = "(no date)"


class Case(NamedTuple):
    """A value in a column of some type, and what it must become."""

    sql_type: str
    literal: str
    expected: Any


def when(*parts: int) -> datetime:
    """A moment, naive in UTC as BSON takes it."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


TEXT = {
    "postgresql": [
        Case("text", "'größer 🥫'", "größer 🥫"),
        Case("varchar(9)", "'blank '", "blank "),
        Case("char(9)", "'ab'", "ab"),
        Case("padded", "'ab'", "ab"),
        Case("citext", "'MiT'", "MiT"),
        Case("address", "'Ada@x'", "Ada@x"),
        Case("name", "'short'", "short"),
        Case("mood", "'fine'", "fine"),
        Case("bytea", r"'\x636166c3a9'", "café"),
        Case("bytea", r"'\x636166e9'", REJECTED),
        Case("boolean", "true", "true"),
        Case("integer", "-5", "-5"),
        Case("numeric(10,2)", "1.5", "1.50"),
        Case("double precision", "0.1", "0.1"),
        Case("bit(4)", "b'0011'", "0011"),
        Case("uuid", "'11111111-2222-3333-4444-555555555555'", "11111111-2222-3333-4444-555555555555"),
        Case("inet", "'192.0.2.1'", "192.0.2.1"),
        Case("inet", "'192.0.2.1/24'", "192.0.2.1/24"),
        Case("inet", "'2001:db8::1'", "2001:db8::1"),
        Case("cidr", "'192.0.2.0/24'", "192.0.2.0/24"),
        Case("macaddr", "'08:00:2b:01:02:03'", "08:00:2b:01:02:03"),
        Case("xml", "'<a/>'", "<a/>"),
        Case("tsvector", "'a b'", "'a' 'b'"),
        Case("interval", "'1 day'", "1 day"),
        Case("date", "'2021-03-04'", "2021-03-04"),
        Case("timestamp", "'2021-03-04 05:06:07.5'", "2021-03-04 05:06:07.5"),
        Case("text[]", """'{a,"b c",NULL}'""", "a, b c"),
        Case("integer[]", "'{1,2}'", "1, 2"),
        Case("varchar(5)[][]", "'{{a,b},{c,d}}'", "a, b, c, d"),
        Case("text[]", "'{}'", ""),
        Case("text[]", "NULL", None),
        Case("citext[]", "'{MIT,BSD}'", "MIT, BSD"),
        Case("mood[]", "'{fine,bad}'", "fine, bad"),
        Case("numeric(5,2)[]", "'{1.5,NULL,2}'", "1.50, 2.00"),
        Case("boolean[]", "'{t,f}'", "true, false"),
        Case("date[]", "'{2021-03-04}'", "2021-03-04"),
        Case("bit varying", "b'101'", "101"),
        Case("money", "'5.25'", "$5.25"),
        Case("oid", "7", "7"),
        Case("macaddr8", "'08:00:2b:01:02:03:04:05'", "08:00:2b:01:02:03:04:05"),
        Case("point", "'(1,2)'", "(1,2)"),
        Case("int4range", "'[1,5)'", "[1,5)"),
        Case("json", """'[1.50, 1e5, "a", null, false]'""", "1.50, 1e5, a, false"),
        Case("json", """'[["a"], "b"]'""", '[["a"], "b"]'),
        Case("jsonb", """'"MIT"'""", "MIT"),
        Case("json", """'"größer \\u00e9"'""", "größer é"),
        Case("jsonb", """'["a", "b", 1, true]'""", "a, b, 1, true"),
        Case("jsonb", """'{"name": "MIT"}'""", '{"name": "MIT"}'),
        Case("jsonb", "'5'", "5"),
        Case("jsonb", "'null'", None),
        Case("jsonb", "NULL", None),
        Case("hstore", "'a=>b'", '"a"=>"b"'),
    ],
    "mysql": [
        Case("varchar(20)", "'größer 🥫'", "größer 🥫"),
        Case("varchar(20)", "'blank '", "blank "),
        Case("char(9)", "'ab'", "ab"),
        Case("varchar(9) character set latin1", "'café'", "café"),
        Case("char(9) character set utf8", "'café'", "café"),
        Case("longtext", "'long'", "long"),
        Case("varbinary(9)", "x'636166C3A9'", "café"),
        Case("varbinary(9)", "x'636166E9'", REJECTED),
        Case("varbinary(9)", "x'6100'", "a\0"),
        Case("binary(9)", "'ab'", "ab"),
        Case("blob", "x'636166C3A9'", "café"),
        Case("tinyblob", "x'E9'", REJECTED),
        Case("longblob", "'ok'", "ok"),
        Case("enum('MIT','BSD')", "'MIT'", "MIT"),
        Case("set('a','b','c')", "'c,a'", "a,c"),
        Case("tinyint(1)", "1", "1"),
        Case("bigint unsigned", "18446744073709551615", "18446744073709551615"),
        Case("decimal(10,2)", "1.5", "1.50"),
        Case("double", "0.1", "0.1"),
        Case("bit(8)", "b'00000011'", "3"),
        Case("year", "2021", "2021"),
        Case("date", "'2021-03-04'", "2021-03-04"),
        Case("datetime(3)", "'2021-03-04 05:06:07.5'", "2021-03-04 05:06:07.500"),
        Case("time", "'-12:13:14'", "-12:13:14"),
        Case("timestamp(3) null", "'2021-03-04 05:06:07.5'", "2021-03-04 05:06:07.500"),
        Case("float", "1.5", "1.5"),
        Case("int(5) unsigned zerofill", "42", "00042"),
        Case("tinytext", "'t'", "t"),
        Case("mediumtext character set latin1", "'é'", "é"),
        Case("mediumblob", "x'C3A9'", "é"),
        Case("inet4", "'192.0.2.1'", "192.0.2.1"),
        Case("json", """'{"a": [1]}'""", '{"a": [1]}'),
        Case("uuid", "'11111111-2222-3333-4444-555555555555'", "11111111-2222-3333-4444-555555555555"),
        Case("inet6", "'2001:db8::1'", "2001:db8::1"),
        Case("text", "NULL", None),
    ],
    # SQLite keeps what it is given, in any column: a declared type only makes text of numbers, or numbers of text.
    "sqlite": [
        Case("VARCHAR", "'größer 🥫'", "größer 🥫"),
        Case("VARCHAR", "'blank '", "blank "),
        Case("CHAR(9)", "'ab'", "ab"),
        Case("VARCHAR", "5", "5"),
        Case("TEXT", "2.5", "2.5"),
        Case("INTEGER", "'ab'", "ab"),
        Case("INTEGER", "'5'", REJECTED),
        Case("", "5", REJECTED),
        Case("", "2.5", REJECTED),
        Case("", "'five'", "five"),
        Case("BLOB", "x'636166C3A9'", "café"),
        Case("BLOB", "x'636166E9'", REJECTED),
        Case("BLOB", "x''", ""),
        Case("VARCHAR", "CAST(x'636166E9' AS TEXT)", REJECTED),
        Case("VARCHAR", "'a' || char(0) || 'b'", "a\0b"),
        Case("JSON", """'["a"]'""", '["a"]'),
        Case("VARCHAR", "''", ""),
        Case("VARCHAR", "NULL", None),
    ],
}

INTEGER = {
    "postgresql": [
        Case("smallint", "-5", -5),
        Case("bigint", "9223372036854775807", 2**63 - 1),
        Case("numeric", "9223372036854775808", REJECTED),
        Case("numeric(10,2)", "2.00", 2),
        Case("numeric(10,2)", "2.50", REJECTED),
        Case("numeric", "'NaN'", REJECTED),
        Case("real", "3", 3),
        Case("double precision", "3.5", REJECTED),
        Case("double precision", "'infinity'", REJECTED),
        Case("boolean", "true", 1),
        Case("boolean", "false", 0),
        Case("bit(4)", "b'0011'", 3),
        Case("bit(40)", "b'1" + "0" * 39 + "'", 2**39),
        Case("bit varying(8)", "b'101'", 5),
        Case("bit varying", "b'" + "1" * 70 + "'", REJECTED),
        Case("bit(64)", "b'" + "1" * 64 + "'", REJECTED),
        Case("numeric(5,2)[]", "'{1}'", REJECTED),
        Case("bit(70)", "b'" + "0" * 69 + "1'", REJECTED),
        Case("money", "'5'", 5),
        Case("money", "'5.25'", REJECTED),
        Case("oid", "7", 7),
        Case("interval", "'1 day'", REJECTED),
        Case("text", "'5'", 5),
        Case("jsonb", "'5'", 5),
        Case("bigint", "NULL", None),
    ],
    "mysql": [
        Case("tinyint(1)", "1", 1),
        Case("bigint", "-9223372036854775808", -(2**63)),
        Case("bigint unsigned", "18446744073709551615", REJECTED),
        Case("int(5) unsigned zerofill", "42", 42),
        Case("decimal(5,2)", "2.00", 2),
        Case("decimal(5,2)", "2.50", REJECTED),
        Case("decimal(30,0)", "9223372036854775808", REJECTED),
        Case("float", "2", 2),
        Case("float", "16777216", 2**24),
        Case("double", "2.5", REJECTED),
        Case("bit(1)", "b'1'", 1),
        Case("bit(8)", "b'00000011'", 3),
        Case("bit(64)", "b'" + "1" * 64 + "'", REJECTED),
        Case("year", "2020", 2020),
        Case("varchar(9)", "'5'", 5),
        Case("int", "NULL", None),
    ],
    "sqlite": [
        Case("INTEGER", "-5", -5),
        Case("INTEGER", "'5'", 5),
        Case("INTEGER", "2.0", 2),
        Case("BIGINT", "9223372036854775807", 2**63 - 1),
        Case("BIGINT", "9223372036854775808", REJECTED),
        Case("REAL", "3", 3),
        Case("FLOAT", "3.5", REJECTED),
        Case("NUMERIC", "'1e3'", 1000),
        Case("DECIMAL(10,2)", "2.50", REJECTED),
        Case("BOOLEAN", "true", 1),
        Case("VARCHAR", "5", 5),
        Case("", "'12 MB'", REJECTED),
        Case("BLOB", "x'05'", REJECTED),
        Case("REAL", "9e999", REJECTED),
        Case("INTEGER", "NULL", None),
    ],
}

# Naive times are of Berlin.
DATE = {
    "postgresql": [
        Case("timestamp", "'2021-07-04 05:06:07.123'", when(2021, 7, 4, 3, 6, 7, 123000)),
        Case("timestamptz", "'2021-07-04 05:06:07+00'", when(2021, 7, 4, 5, 6, 7)),
        Case("timestamptz", "'1890-01-01 00:00:00+00'", when(1890, 1, 1)),
        Case("timestamptz", "'infinity'", NO_DATE),
        Case("timestamp", "'12021-01-01'", NO_DATE),
        Case("date", "'0044-03-15 BC'", NO_DATE),
        Case("date", "'2021-07-04'", when(2021, 7, 3, 22)),
        Case("time", "'10:00'", NO_DATE),
        Case("timetz", "'10:00+02'", NO_DATE),
        Case("interval", "'1 day'", NO_DATE),
        Case("bigint", "1614834367", when(2021, 3, 4, 5, 6, 7)),
        Case("bigint", "1614834367123", when(2021, 3, 4, 5, 6, 7, 123000)),
        Case("bigint", "1614834367123000", when(2021, 3, 4, 5, 6, 7, 123000)),
        Case("double precision", "1614834367.5", when(2021, 3, 4, 5, 6, 7, 500000)),
        Case("numeric(20,3)", "1614834367.5", when(2021, 3, 4, 5, 6, 7, 500000)),
        Case("integer", "20210304", when(2021, 3, 3, 23)),
        Case("integer", "20219999", NO_DATE),
        Case("double precision", "2459277.75", when(2021, 3, 4, 6)),
        Case("text", "'2021-07-04T05:06:07Z'", when(2021, 7, 4, 5, 6, 7)),
        Case("text", "' 2021-07-04 05:06:07 '", when(2021, 7, 4, 3, 6, 7)),
        Case("text", "'1614834367'", when(2021, 3, 4, 5, 6, 7)),
        Case("text", "'1612053012345'", when(2021, 1, 31, 0, 30, 12, 345000)),
        Case("text", "'04/03/2021'", NO_DATE),
        Case("boolean", "true", NO_DATE),
        Case("timestamptz", "NULL", None),
    ],
    "mysql": [
        Case("datetime", "'2021-07-04 05:06:07'", when(2021, 7, 4, 3, 6, 7)),
        Case("datetime(6)", "'2021-07-04 05:06:07.123000'", when(2021, 7, 4, 3, 6, 7, 123000)),
        # A moment: whatever the zone of the other times is.
        Case("timestamp null", "'2021-07-04 05:06:07'", when(2021, 7, 4, 5, 6, 7)),
        Case("timestamp(3) null", "'2021-07-04 05:06:07.123'", when(2021, 7, 4, 5, 6, 7, 123000)),
        Case("timestamp null", "0", NO_DATE),
        Case("datetime", "'0000-00-00 00:00:00'", NO_DATE),
        Case("datetime", "'2016-00-00 00:00:00'", NO_DATE),
        Case("date", "'2021-07-04'", when(2021, 7, 3, 22)),
        Case("time", "'10:00'", NO_DATE),
        Case("bigint", "1614834367", when(2021, 3, 4, 5, 6, 7)),
        Case("int unsigned", "20210304", when(2021, 3, 3, 23)),
        Case("decimal(20,6)", "1614834367.123", when(2021, 3, 4, 5, 6, 7, 123000)),
        Case("double", "2459277.75", when(2021, 3, 4, 6)),
        Case("varchar(30)", "'2021-07-04T05:06:07+02:00'", when(2021, 7, 4, 3, 6, 7)),
        Case("year", "2021", when(1970, 1, 1, 0, 33, 41)),
        Case("timestamp null", "NULL", None),
    ],
    "sqlite": [
        Case("DATETIME", "'2021-07-04 05:06:07.123000'", when(2021, 7, 4, 3, 6, 7, 123000)),
        Case("DATETIME", "'2021-07-04T05:06:07Z'", when(2021, 7, 4, 5, 6, 7)),
        Case("TIMESTAMP", "'2021-07-04 05:06'", when(2021, 7, 4, 3, 6)),
        Case("DATE", "'2021-07-04'", when(2021, 7, 3, 22)),
        Case("DATETIME", "1614834367", when(2021, 3, 4, 5, 6, 7)),
        Case("DATETIME", "1614834367123", when(2021, 3, 4, 5, 6, 7, 123000)),
        Case("REAL", "1614834367.5", when(2021, 3, 4, 5, 6, 7, 500000)),
        Case("REAL", "2459277.75", when(2021, 3, 4, 6)),
        Case("VARCHAR", "2459277.75", when(2021, 3, 4, 6)),
        Case("INTEGER", "20210304", when(2021, 3, 3, 23)),
        Case("VARCHAR", "'20210304'", when(2021, 3, 3, 23)),
        Case("INTEGER", "20210304050607", when(2021, 3, 4, 4, 6, 7)),
        Case("DATETIME", "'0000-00-00 00:00:00'", NO_DATE),
        Case("DATETIME", "'04/03/2021'", NO_DATE),
        Case("BLOB", "x'00'", NO_DATE),
        Case("DATETIME", "NULL", None),
    ],
}

UUID = "11111111-2222-3333-4444-555555555555"
KEY = {
    "postgresql": [
        Case("integer", "5", 5),
        Case("bigint", "9223372036854775807", 2**63 - 1),
        Case("numeric", "5", 5),
        Case("numeric(30,2)", "12345678901234567890", 12345678901234567890),
        Case("uuid", f"'{UUID}'", UUID),
        Case("text", "'ann'", "ann"),
        Case("char(9)", "'ann'", "ann"),
        Case("citext", "'Ann'", "Ann"),
        Case("bytea", r"'\x00ff'", "00ff"),
        Case("oid", "7", 7),
        Case("double precision", "5", 5),
    ],
    "mysql": [
        Case("bigint unsigned", "18446744073709551615", 2**64 - 1),
        Case("decimal(20,0)", "12345678901234567890", 12345678901234567890),
        Case("binary(4)", "x'00ff0000'", "00ff0000"),
        Case("char(36)", f"'{UUID}'", UUID),
        Case("uuid", f"'{UUID}'", UUID),
        Case("varchar(9)", "'ann'", "ann"),
    ],
    "sqlite": [
        Case("INTEGER", "5", 5),
        Case("VARCHAR", "5", "5"),
        Case("CHAR(32)", f"'{UUID.replace('-', '')}'", UUID.replace("-", "")),
        Case("BLOB", "x'00ff'", "00ff"),
        Case("REAL", "5", 5),
    ],
}
FLAG = {
    "postgresql": [
        Case("boolean", "true", True),
        Case("boolean", "false", False),
        Case("boolean", "NULL", False),
        Case("integer", "0", False),
        Case("smallint", "2", REJECTED),
        Case("char(1)", "'t'", True),
        Case("char(3)", "'no'", False),
        Case("bit(1)", "b'0'", False),
        Case("bit(1)", "b'1'", True),
        Case("text", "'perhaps'", REJECTED),
        Case("jsonb", "'true'", True),
        Case("jsonb", "'null'", False),
    ],
    "mysql": [
        Case("tinyint(1)", "0", False),
        Case("bit(1)", "b'0'", False),
        Case("bit(1)", "b'1'", True),
        Case("enum('Y','N')", "'N'", False),
        Case("char(1)", "'Y'", True),
        Case("varchar(9)", "''", False),
        Case("json", "'true'", True),
        Case("json", "'null'", False),
    ],
    "sqlite": [
        Case("BOOLEAN", "1", True),
        Case("BOOLEAN", "false", False),
        Case("VARCHAR", "'f'", False),
        Case("BOOLEAN", "'True'", True),
        Case("BOOLEAN", "x'00'", False),
        Case("BOOLEAN", "NULL", False),
        Case("JSON", "'true'", True),
        Case("JSON", "'null'", False),
    ],
}
LIST = {
    "postgresql": [
        Case("text", "'web, wsgi'", ["web", "wsgi"]),
        Case("text[]", """'{web,"a, b"}'""", ["web", "a, b"]),
        Case("citext[]", "'{web,wsgi}'", ["web", "wsgi"]),
        Case("mood[]", "'{fine}'", ["fine"]),
        Case("text[]", "'{}'", []),
        Case("text[]", "NULL", []),
        Case("jsonb", """'["web", "wsgi"]'""", ["web", "wsgi"]),
        Case("integer[]", "'{1}'", ["1"]),
        Case("text[]", "'{b,a,NULL}'", ["b", "a"]),
        Case("text[]", "'{NULL}'", []),
        Case("integer[]", "'{1,NULL}'", ["1"]),
        Case("json", """'["web", null]'""", ["web"]),
        Case("jsonb", """'["web", null]'""", ["web"]),
        Case("jsonb", "'null'", []),
        Case("text", """'["web", null]'""", ["web"]),
    ],
    "mysql": [
        Case("text", "'web,wsgi'", ["web", "wsgi"]),
        Case("set('web','wsgi')", "'wsgi,web'", ["web", "wsgi"]),
        Case("varbinary(9)", "'web'", ["web"]),
        Case("json", """'["web", "a, b"]'""", ["web", "a, b"]),
        Case("json", """'["web", null]'""", ["web"]),
        Case("json", "'null'", []),
        Case("json", "NULL", []),
    ],
    "sqlite": [
        Case("VARCHAR", "'web,wsgi'", ["web", "wsgi"]),
        Case("VARCHAR", "NULL", []),
        Case("JSON", """'["web", "a, b"]'""", ["web", "a, b"]),
        Case("JSON", """'["web", null]'""", ["web"]),
        Case("JSON", "'null'", []),
        Case("JSON", "NULL", []),
    ],
}

OURS = {
    "text": ("packages", "summary"),
    "integer": ("releases", "size"),
    "date": ("packages", "created_date"),
    "key": ("users", "id"),
    "flag": ("users", "is_active"),
    "list": ("packages", "keywords"),
}
CASES = {"text": TEXT, "integer": INTEGER, "date": DATE, "key": KEY, "flag": FLAG, "list": LIST}
ALL = [
    (dialect, kind, number)
    for kind, cases in CASES.items()
    for dialect in ("postgresql", "mysql", "sqlite")
    for number in range(len(cases[dialect]))
]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Source]]:
    """In each kind of database a table for each case."""
    file = tmp_path_factory.mktemp("types") / "types.sqlite"
    with (
        empty_database("postgresql") as postgresql,
        empty_database("mysql", "CHARACTER SET utf8mb4") as mysql,
        contextlib.closing(sqlite3.connect(file)) as sqlite,
    ):
        postgresql.execute(
            "CREATE EXTENSION citext",
            "CREATE EXTENSION hstore",
            "CREATE DOMAIN address AS citext CHECK (value LIKE '%%@%%')",
            "CREATE DOMAIN padded AS char(9)",
            "CREATE TYPE mood AS ENUM ('fine', 'bad')",
            "SET lc_monetary TO 'C'",
        )
        postgresql.execute("CREATE TABLE packages (id varchar(20))", *statements("postgresql"))
        mysql.execute("CREATE TABLE packages (id varchar(20))", "SET SESSION sql_mode = ''", *statements("mysql"))
        sqlite.executescript(";".join(["CREATE TABLE packages (id)", *statements("sqlite")]))
        urls = {"postgresql": postgresql.url, "mysql": mysql.url, "sqlite": f"sqlite:///{file}"}
        with contextlib.ExitStack() as stack:
            yield {dialect: stack.enter_context(Source(url, Layout())) for dialect, url in urls.items()}


def statements(dialect: str) -> Iterator[str]:
    """Make a table for each case, and give it one row."""
    key = "varchar(20)" if dialect == "mysql" else "text"
    for kind, (_, column) in OURS.items():
        for number, case in enumerate(CASES[kind][dialect]):
            name, literal = f"{kind}_{number}", case.literal
            if dialect != "sqlite":
                literal = literal.replace("%", "%%")
            others = [f"{other} {key}" for other in ("id", "package_id") if other != column]
            values = ["'flask'"] * len(others)
            yield f"CREATE TABLE {name} ({', '.join(others)}, {column} {case.sql_type})"
            yield f"INSERT INTO {name} VALUES ({', '.join(values)}, {literal})"


def opened(sources: dict[str, Source], dialect: str, kind: str, number: int) -> Source:
    """The database, with a map that leads to the table of one case."""
    table, _ = OURS[kind]
    source = sources[dialect]
    source.layout = Layout(sections={table: Section(f"{kind}_{number}")}, timezones={"": "Europe/Berlin"})
    source._reflect()
    return source


def name_of(part: object) -> str:
    """What a part of a case is called."""
    return f"{part:02}" if isinstance(part, int) else str(part)


@pytest.mark.parametrize(("dialect", "kind", "number"), ALL, ids=name_of)
def test_value_of_each_type_is_read(sources: dict[str, Source], dialect: str, kind: str, number: int) -> None:
    table, column = OURS[kind]
    source = opened(sources, dialect, kind, number)
    [row] = list(source.rows(table))
    reader = RowReader(table, source.layout, source.columns[table])

    try:
        read = reader.read(row, careful=True)
        found = read.more[column] if kind in ("flag", "list") else read.of[reader.names.index(column)]
        if isinstance(found, str):
            found.encode()  # as BSON does
        found = NO_DATE if column in (read.odd or {}) else found
    except (BadValue, UnicodeEncodeError):
        found = REJECTED

    case = CASES[kind][dialect][number]
    assert found == case.expected, case
    assert type(found) is type(case.expected)


@pytest.mark.parametrize(("dialect", "kind", "number"), ALL, ids=name_of)
def test_verify_reads_the_same_by_other_sql(sources: dict[str, Source], dialect: str, kind: str, number: int) -> None:
    table, column = OURS[kind]
    source = opened(sources, dialect, kind, number)
    other = source.read_by(VerifyReading(dialect, source.codec(), None))

    [row], [row_again] = list(source.rows(table)), list(other.rows(table))

    # NaN is not equal to itself.
    assert [*map(repr, row_again)] == [*map(repr, row)]
    assert row_digest(map(as_json, row_again)) == row_digest(map(as_json, row))
    selected = [str(one.queries[table].selected[column].compile(one.engine)) for one in (source, other)]
    assert selected[0] != selected[1]


JOINED = [(dialect, number) for dialect in ("postgresql", "mysql") for number in range(len(TEXT[dialect]))]


@pytest.mark.parametrize(("dialect", "number"), JOINED, ids=name_of)
def test_joined_text_holds_what_each_column_is_read_as(sources: dict[str, Source], dialect: str, number: int) -> None:
    case = TEXT[dialect][number]
    expected = case.expected if case.expected == REJECTED else f"flask {case.expected or ''}".rstrip(" ")

    for joined in found_in_both(sources, dialect, "text", number, Taken(("id", "summary"))):
        assert (joined if _is_utf8(joined) else REJECTED) == expected, case


# Two columns of SQLite, as they are declared and as they are filled, and what is joined of them in Latin-1.
JOINED_IN_SQLITE: list[tuple[str, str, str, str, str | None]] = [
    ("text", "'Zoë'", "blob", "x'4a6f73e9'", "Zoë José"),
    ("text", "'Zoë'", "text", "CAST(x'4a6f73e9' AS text)", "Zoë José"),
    ("text", "CAST(x'c9' AS text)", "blob", "'ë'", "É ë"),
    ("blob", "x'c3a9'", "", "2.5", "é 2.5"),
    ("text", "NULL", "blob", "7", "7"),
    ("text", "''", "blob", "NULL", None),
]


# Text of two bytes a character is never Latin-1.
IN_UTF_16 = [case for case in JOINED_IN_SQLITE if "CAST" not in case[1] + case[3]]


@pytest.mark.parametrize(
    ("pragma", "one", "first", "two", "second", "expected"),
    [("UTF-8", *case) for case in JOINED_IN_SQLITE] + [("UTF-16le", *case) for case in IN_UTF_16],
)
def test_sqlite_joins_what_each_value_is_read_as(
    tmp_path: Path, pragma: str, one: str, first: str, two: str, second: str, expected: str | None
) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "site.sqlite")) as site:
        site.executescript(
            f"""
            PRAGMA encoding = '{pragma}';
            CREATE TABLE packages (id text, one {one}, two {two});
            INSERT INTO packages VALUES ('flask', {first}, {second});
            """
        )
    sections = {"packages": Section("packages", columns={"summary": Taken(("one", "two"))})}

    with Source(f"sqlite:///{tmp_path / 'site.sqlite'}", Layout(sections=sections, encoding="latin-1")) as source:
        other = source.read_by(VerifyReading("sqlite", source.codec(), "latin-1"))
        place = [*source.columns["packages"]].index("summary")
        found = [next(iter(each.rows("packages")))[place] for each in (source, other)]

    assert found == [expected, expected]


PARTS_OF_KEYS = {
    "postgresql": {
        "integer": "flask/5",
        "uuid": f"flask/{UUID}",
        "char(9)": "flask/ann",
        "citext": "flask/Ann",
        "bytea": "flask/00ff",
    },
    "mysql": {"binary(4)": "flask/00ff0000", "uuid": f"flask/{UUID}", "varchar(9)": "flask/ann"},
    "sqlite": {"INTEGER": "flask/5", "VARCHAR": "flask/5", "BLOB": "flask/00ff"},
}


@pytest.mark.parametrize("dialect", sorted(PARTS_OF_KEYS))
def test_joined_key_holds_what_each_column_is_read_as(sources: dict[str, Source], dialect: str) -> None:
    for number, case in enumerate(KEY[dialect]):
        if expected := PARTS_OF_KEYS[dialect].get(case.sql_type):
            found = found_in_both(sources, dialect, "key", number, Taken(("package_id", "id")))
            assert found == [expected, expected], case


def found_in_both(sources: dict[str, Source], dialect: str, kind: str, number: int, taken: Taken) -> list[Any]:
    """What the copy and `verify` read if the column of a case is one of several."""
    table, column = OURS[kind]
    source = sources[dialect]
    source.layout = Layout(sections={table: Section(f"{kind}_{number}", columns={column: taken})})
    source._reflect()
    place = [*source.columns[table]].index(column)
    both = source, source.read_by(VerifyReading(dialect, source.codec(), None))
    return [next(iter(one.rows(table)))[place] for one in both]


def _is_utf8(text: str) -> bool:
    try:
        return bool(text.encode())
    except UnicodeEncodeError:
        return False
