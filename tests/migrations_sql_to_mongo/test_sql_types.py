"""Every SQL type of each server, with what its values must become, written by hand."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import pytest

from migrations_sql_to_mongo.errors import BadValue
from migrations_sql_to_mongo.layout import Layout, Section
from migrations_sql_to_mongo.mapping import RowReader
from migrations_sql_to_mongo.source import Source
from tests.migrations_sql_to_mongo.conftest import Mover
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
        Case("json", """'{"a": [1]}'""", '{"a": [1]}'),
        Case("uuid", "'11111111-2222-3333-4444-555555555555'", "11111111-2222-3333-4444-555555555555"),
        Case("inet6", "'2001:db8::1'", "2001:db8::1"),
        Case("text", "NULL", None),
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
        Case("bit(70)", "b'" + "0" * 69 + "1'", REJECTED),
        Case("money", "'5'", 5),
        Case("money", "'5.25'", REJECTED),
        Case("oid", "7", 7),
        Case("interval", "'1 day'", REJECTED),
        Case("text", "'5'", REJECTED),
        Case("jsonb", "'5'", REJECTED),
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
        Case("double", "2.5", REJECTED),
        Case("bit(1)", "b'1'", 1),
        Case("bit(8)", "b'00000011'", 3),
        Case("bit(64)", "b'" + "1" * 64 + "'", REJECTED),
        Case("year", "2020", 2020),
        Case("varchar(9)", "'5'", REJECTED),
        Case("int", "NULL", None),
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
        Case("timestamp null", "NULL", None),
    ],
}

OURS = {"text": ("packages", "summary"), "integer": ("releases", "size"), "date": ("packages", "created_date")}
ALL = [
    (dialect, kind, number)
    for kind, cases in (("text", TEXT), ("integer", INTEGER), ("date", DATE))
    for dialect in ("postgresql", "mysql")
    for number in range(len(cases[dialect]))
]


def cases_of(kind: str) -> dict[str, list[Case]]:
    """The cases of columns of a kind."""
    return {"text": TEXT, "integer": INTEGER, "date": DATE}[kind]


@pytest.fixture(scope="module")
def sources() -> Iterator[dict[str, Source]]:
    """On each server a table for each case."""
    with empty_database("postgresql") as postgresql, empty_database("mysql", "CHARACTER SET utf8mb4") as mysql:
        postgresql.execute(
            "CREATE EXTENSION citext",
            "CREATE EXTENSION hstore",
            "CREATE DOMAIN address AS citext CHECK (value LIKE '%%@%%')",
            "CREATE DOMAIN padded AS char(9)",
            "CREATE TYPE mood AS ENUM ('fine', 'bad')",
            "SET lc_monetary TO 'C'",
        )
        servers = {"postgresql": postgresql, "mysql": mysql}
        for server in servers.values():
            server.execute("CREATE TABLE packages (id varchar(20))")
        for dialect, server in servers.items():
            server.execute(*(["SET SESSION sql_mode = ''"] if dialect == "mysql" else []), *statements(dialect))
        with Source(postgresql.url, Layout()) as one, Source(mysql.url, Layout()) as other:
            yield {"postgresql": one, "mysql": other}


def statements(dialect: str) -> Iterator[str]:
    """Make a table for each case, and give it one row."""
    key = "varchar(20)" if dialect == "mysql" else "text"
    for kind, (table, column) in OURS.items():
        for number, case in enumerate(cases_of(kind)[dialect]):
            name, literal = f"{kind}_{number}", case.literal.replace("%", "%%")
            yield f"CREATE TABLE {name} (id {key}, package_id {key}, {column} {case.sql_type})"
            assert table in ("packages", "releases")
            yield f"INSERT INTO {name} VALUES ('1', 'flask', {literal})"


@pytest.mark.parametrize(
    ("dialect", "kind", "number"), ALL, ids=lambda part: str(part) if not isinstance(part, int) else f"{part:02}"
)
def test_value_of_each_type_is_read(sources: dict[str, Source], dialect: str, kind: str, number: int) -> None:
    table, column = OURS[kind]
    source = sources[dialect]
    source.layout = Layout(sections={table: Section(f"{kind}_{number}")}, timezones={"": "Europe/Berlin"})
    source._reflect()
    [row] = list(source.rows(table))
    reader = RowReader(table, source.layout, source.columns[table])

    try:
        read = reader.read(row)
        found = read.of[reader.names.index(column)]
        if isinstance(found, str):
            found.encode()  # as BSON does
        found = NO_DATE if column in (read.odd or {}) else found
    except (BadValue, UnicodeEncodeError):
        found = REJECTED

    expected = cases_of(kind)[dialect][number].expected
    assert found == expected, cases_of(kind)[dialect][number]
    assert type(found) is type(expected)


def moved(source: str, target_uri: str, *options: str) -> dict[str, Any]:
    """Run and verify; return the account of the tables."""
    move = Mover(source, target_uri)
    done = move("run", "--json", *options)
    assert done.code in (0, 1), done.err
    checked = move("verify", *options)
    assert checked.code == 0, checked.out
    return dict(done.report["tally"]["tables"])
