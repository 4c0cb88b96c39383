"""The sessions in which a source is read: one snapshot, only reading, times in UTC, and no limits on idle time."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from migrations_sql_to_mongo.catalog import Relation

# The snapshot outlives any idle time: rendering may take hours, and so may a target that is away. pg_dump lifts the
# same limits.
_LIMITS_OF_POSTGRESQL = ("idle_in_transaction_session_timeout", "statement_timeout", "lock_timeout")
_LIMITS_OF_MYSQL = {
    "wait_timeout": 2_000_000,  # seconds; the most on Windows is 2,147,483
    "net_write_timeout": 2_000_000,
    "idle_transaction_timeout": 0,
    "idle_readonly_transaction_timeout": 0,
    "max_statement_time": 0,
    "max_execution_time": 0,
}


def begin_sqlite(connection: Connection) -> None:
    """Begin the transaction that sees the snapshot."""
    connection.exec_driver_sql("PRAGMA query_only = ON")
    connection.exec_driver_sql("BEGIN")


def begin_postgresql(connection: Connection) -> None:
    """Begin the transaction that sees the snapshot, with dates in ISO form and times in UTC."""
    connection.exec_driver_sql("SET DateStyle TO ISO")
    connection.exec_driver_sql("SET TIME ZONE 'UTC'")
    for limit in _LIMITS_OF_POSTGRESQL:
        connection.exec_driver_sql(f"SET {limit} = 0")
    connection.commit()
    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def prepare_mysql(connection: Connection) -> None:
    """Set up a session whose TIMESTAMPs come in UTC; its transaction begins later, together with the others'."""
    connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    connection.exec_driver_sql("SET SESSION time_zone = '+00:00', SESSION max_sort_length = 8192")
    for limit, value in _LIMITS_OF_MYSQL.items():
        # MariaDB and MySQL know different ones.
        if connection.exec_driver_sql(f"SHOW SESSION VARIABLES LIKE '{limit}'").first():
            connection.exec_driver_sql(f"SET SESSION {limit} = {value}")
    connection.exec_driver_sql("SET SESSION sql_mode = REPLACE(@@SESSION.sql_mode, 'PAD_CHAR_TO_FULL_LENGTH', '')")


def checksum(connection: Connection, relation: Relation) -> tuple[Any, ...]:
    """Return the number of rows of a MySQL table, and a sum that changes with their content."""
    source = relation.clause
    line = sa.func.concat_ws("|", *[sa.func.ifnull(column, "NULL") for column in source.c])
    statement = sa.select(sa.func.count(), sa.func.sum(sa.func.crc32(line))).select_from(source)
    return tuple(connection.execute(statement).one())
