"""The same rows through SQLite, PostgreSQL and MariaDB become the same documents."""

import uuid
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pymongo import MongoClient
from sqlalchemy.engine import make_url

from migrations_sql_to_mongo.layout import Layout
from migrations_sql_to_mongo.source import Source
from tests.conftest import SHARED_DATA, database_uri, required
from tests.migrations_sql_to_mongo.conftest import Mover, site_documents
from tests.migrations_sql_to_mongo.old_site import (
    Rows,
    fill_server,
    make_sqlite,
    package,
    read_sqlite,
    release,
    some_rows,
    user,
)
from tests.migrations_sql_to_mongo.servers import SERVERS, Server


def documents_of(source: str, mongod_uri: str) -> tuple[int, Any]:
    """Move a source into a database of its own; return the exit code and all documents."""
    uri = database_uri(mongod_uri, f"larder_move_{uuid.uuid4().hex[:12]}")
    move = Mover(source, uri)
    with MongoClient[dict[str, Any]](uri, tz_aware=True) as client:
        try:
            done = move("run")
            assert done.code in (0, 1), done.err
            checked = move("verify")
            assert checked.code == 0, checked.out
            return done.code, site_documents(client.get_default_database())
        finally:
            client.drop_database(client.get_default_database().name)


def odd_but_typed_rows() -> Rows:
    """Rows that a server accepts too, in an order that collations see otherwise than bytes."""
    names = ["b", "B-2", "a.b", "aa", "Z", "zz", "x_y", "x-y"]
    rows = some_rows()
    rows["packages"] += [package(name, description="größer 🥫" * 10) for name in names]
    rows["releases"] += [release(10 + number, name) for number, name in enumerate([*names, "nowhere", "Nowhere"])]
    rows["releases"] += [release(50, None, package_id=None), release(51, "zz", size=-1)]
    rows["users"] += [user(4, email="USER1@example.org"), user(5, created_date="2020-01-02 03:04:05.123456")]
    return rows


def test_same_rows_become_the_same_documents(server: Server, tmp_path: Path, mongod_uri: str) -> None:
    rows = odd_but_typed_rows()
    fill_server(server.engine, rows)

    through_server = documents_of(server.url, mongod_uri)

    assert through_server == documents_of(make_sqlite(tmp_path / "old.sqlite", rows), mongod_uri)
    assert through_server[0] == 1


def test_shared_data_become_the_same_documents(server: Server, tmp_path: Path, mongod_uri: str) -> None:
    path = SHARED_DATA / "pypi.sqlite"
    if not path.exists():
        required("the shared data is not here")
    rows = read_sqlite(path)
    for row in rows["packages"]:
        row["description"] = row["description"] and row["description"][:20]  # to render all of it takes seconds
    fill_server(server.engine, rows)

    assert documents_of(server.url, mongod_uri) == documents_of(make_sqlite(tmp_path / "old.sqlite", rows), mongod_uri)


def test_source_may_be_read_by_an_account_that_may_do_nothing_else(server: Server, mongod_uri: str) -> None:
    fill_server(server.engine, some_rows())
    reader, url = f"reader_{uuid.uuid4().hex[:8]}", make_url(server.url)
    is_postgresql = url.drivername.startswith("postgresql")
    if is_postgresql:
        server.execute(
            f"CREATE USER {reader} PASSWORD 'pw'", f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}"
        )
    else:
        server.execute(
            f"CREATE USER {reader}@'%%' IDENTIFIED BY 'pw'", f"GRANT SELECT ON {url.database}.* TO {reader}@'%%'"
        )
    try:
        code, _ = documents_of(
            url.set(username=reader, password="pw").render_as_string(hide_password=False), mongod_uri
        )
    finally:
        server.execute(
            *([f"DROP OWNED BY {reader}", f"DROP USER {reader}"] if is_postgresql else [f"DROP USER {reader}@'%%'"])
        )

    assert code == 0


def test_dates_that_python_cannot_hold_are_no_dates(server: Server, target_uri: str) -> None:
    fill_server(server.engine, some_rows())
    if make_url(server.url).drivername.startswith("postgresql"):
        server.execute(
            "UPDATE users SET created_date = 'infinity' WHERE id = 1",
            "UPDATE users SET created_date = '12020-01-01' WHERE id = 2",
            "UPDATE users SET created_date = '0044-03-15 BC' WHERE id = 3",
        )
    else:
        server.execute("SET SESSION sql_mode = ''", "UPDATE users SET created_date = '0000-00-00 00:00:00'")
    move = Mover(server.url, target_uri)

    done = move("run", "--json")

    assert done.code == 0
    [remark] = done.report["tally"]["tables"]["users"]["remarks"]
    assert remark["count"] == 3
    assert remark["text"].startswith("created_date is not a date")
    assert move("verify").code == 0


def test_source_is_seen_at_one_moment(server: Server) -> None:
    from migrations_sql_to_mongo.layout import Layout
    from migrations_sql_to_mongo.source import Source

    fill_server(server.engine, some_rows())
    with Source(server.url, Layout()) as source:
        server.execute("DELETE FROM releases", "DELETE FROM maintainers", "DELETE FROM users")

        assert len(list(source.by_package("releases"))) == 3
        assert len(list(source.by_package("maintainers"))) == 2
        assert source.count("users") == 3


def test_source_cannot_be_written(server: Server) -> None:
    from migrations_sql_to_mongo.layout import Layout
    from migrations_sql_to_mongo.source import Source

    fill_server(server.engine, some_rows())
    source = Source(server.url, Layout())
    source.__enter__()
    try:
        with pytest.raises(sa.exc.DBAPIError, match=r"(?i)read.only"):
            source._connections[0].exec_driver_sql("DELETE FROM users")
    finally:
        source.__exit__(None, None, None)


@pytest.mark.parametrize("name", sorted(SERVERS))
@pytest.mark.parametrize(
    "change", [{"password": "secret-pw", "username": "nobody"}, {"port": 1}, {"database": "nowhere_at_all"}]
)
def test_server_that_refuses_is_one_line(name: str, change: dict[str, Any], target_uri: str) -> None:
    url = make_url(SERVERS[name]).set(**change)
    url = url.set(password="secret-pw")

    refused = Mover(url.render_as_string(hide_password=False), target_uri)("plan")

    assert refused.code == 2
    assert refused.err.count("\n") == 1
    assert "secret-pw" not in refused.err


def test_ids_of_corrected_rows_stand_in_for_those_of_the_source(tmp_path: Path) -> None:
    with Source(make_sqlite(tmp_path / "old.sqlite", {"users": [user(1), user(2)]}), Layout()) as source:
        before = sorted(source.ids("users"))
        source.corrections = {"users": {"2": (2, *range(20)), "3": (3, *range(20))}}

        assert before == [(1,), (2,)]
        assert sorted(source.ids("users")) == [(1,), (2,), (3,)]
