"""What the sessions in which a source is read allow."""

import pytest
import sqlalchemy as sa

from migrations_sql_to_mongo import sessions
from migrations_sql_to_mongo.catalog import Catalog
from tests.migrations_sql_to_mongo.servers import empty_database


def test_sqlite_only_reads() -> None:
    with sa.create_engine("sqlite://").connect() as connection:
        connection.exec_driver_sql("CREATE TABLE jam (id INTEGER)")
        connection.commit()
        sessions.begin_sqlite(connection)

        with pytest.raises(sa.exc.OperationalError, match="attempt to write a readonly database"):
            connection.exec_driver_sql("INSERT INTO jam VALUES (1)")


def test_postgresql_only_reads_in_utc_and_without_limits() -> None:
    with empty_database("postgresql") as server, server.engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE jam (id INTEGER)")
        connection.exec_driver_sql("SET statement_timeout = 60000")
        connection.commit()
        sessions.begin_postgresql(connection)

        shown = [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in ("TimeZone", "statement_timeout")]
        assert shown == ["UTC", "0"]
        with pytest.raises(sa.exc.DBAPIError, match="read-only transaction"):
            connection.exec_driver_sql("INSERT INTO jam VALUES (1)")


def test_times_of_mariadb_are_in_utc_and_idle_sessions_live_on() -> None:
    with empty_database("mysql") as server, server.engine.connect() as connection:
        connection.exec_driver_sql("SET SESSION time_zone = '+05:00', SESSION wait_timeout = 1")
        sessions.prepare_mysql(connection)

        variables = connection.exec_driver_sql("SELECT @@SESSION.time_zone, @@SESSION.wait_timeout").one()

        assert tuple(variables) == ("+00:00", 2_000_000)


def test_checksum_changes_with_every_value() -> None:
    with empty_database("mysql") as server:
        server.execute("CREATE TABLE jam (id INTEGER PRIMARY KEY, name TEXT)", "INSERT INTO jam VALUES (1, 'plum')")
        found = []
        for change in ("SELECT 1", "UPDATE jam SET name = 'fig'", "UPDATE jam SET name = NULL", "DELETE FROM jam"):
            server.execute(change)
            with server.engine.connect() as connection:
                found.append(sessions.checksum(connection, Catalog(connection).find("jam", "a test")))

        assert [count for count, _ in found] == [1, 1, 1, 0]
        assert len(set(found)) == 4
