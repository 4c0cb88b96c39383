#!/usr/bin/env bash
# SQLAlchemy 2.1.9: a reflected generated column of SQLite has no expression, or one that runs into the next column.
#
# SQLite lets GENERATED ALWAYS be left out. Then SQLAlchemy reads the column as computed from nothing, without an error,
# and creating the table elsewhere fails. With GENERATED ALWAYS, and several columns in one line, the expression goes
# on to the last closing bracket of that line.
. "$(dirname "$0")/lib/setup.bash" SQLAlchemy==2.1.9

python - >"$folder/seen" <<'PYTHON'
import sqlalchemy

engine = sqlalchemy.create_engine("sqlite://")
with engine.connect() as connection:
    for name, definition in {
        "short": "name text, folded text as (lower(name)) stored",
        "long": "name text, folded text generated always as (lower(name)) stored",
        "line": "name text, folded text generated always as (lower(name)) stored, size int default (0)",
    }.items():
        connection.exec_driver_sql(f"create table {name} ({definition})")
        table = sqlalchemy.Table(name, sqlalchemy.MetaData(), autoload_with=connection)
        print(name, repr(str(table.c.folded.computed.sqltext)))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
short ''
long 'lower(name)'
line 'lower(name)) stored, size int default (0'
EXPECTED
