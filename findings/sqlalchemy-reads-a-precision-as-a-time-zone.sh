#!/usr/bin/env bash
# SQLAlchemy 2.1.9: a TIMESTAMP(6) of SQLite is moved to PostgreSQL as a timestamp with time zone.
#
# SQLite keeps the declared type of a column as text, so definitions with a precision, as MariaDB and PostgreSQL write
# them, work there. Reflection hands the number to the type as its first argument, which is `timezone`. PostgreSQL takes
# what is copied into such a column for times of the session's time zone, whatever they were.
. "$(dirname "$0")/lib/setup.bash" SQLAlchemy==2.1.9

python - >"$folder/seen" <<'PYTHON'
import sqlalchemy
from sqlalchemy.dialects import postgresql

engine = sqlalchemy.create_engine("sqlite://")
with engine.connect() as connection:
    connection.exec_driver_sql("create table releases (uploaded timestamp, yanked timestamp(6), opens time(3))")
    table = sqlalchemy.Table("releases", sqlalchemy.MetaData(), autoload_with=connection)
for column in table.columns:
    print(column.name, repr(column.type), "->", column.type.compile(postgresql.dialect()))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
uploaded TIMESTAMP() -> TIMESTAMP WITHOUT TIME ZONE
yanked TIMESTAMP(timezone=6) -> TIMESTAMP WITH TIME ZONE
opens TIME(timezone=3) -> TIME WITH TIME ZONE
EXPECTED
