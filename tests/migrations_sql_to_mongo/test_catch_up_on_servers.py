"""catch-up from PostgreSQL and MariaDB: the old site goes on there, and people are at work on the new one."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymongo.database import Database
from sqlalchemy.engine import make_url

from migrations_sql_to_mongo import changes
from migrations_sql_to_mongo.run import render
from tests.migrations_sql_to_mongo.conftest import Mover, many_rows, site_documents
from tests.migrations_sql_to_mongo.old_site import fill_server, package, some_rows
from tests.migrations_sql_to_mongo.servers import Server
from tests.servers import ROOT

Db = Database[dict[str, Any]]

CHANGES = (
    "UPDATE packages SET summary = 'Another summary', description = 'It *is*.' WHERE id = 'flask'",
    "INSERT INTO packages (id, summary, description) VALUES ('new-one', 'It is new', 'Hello.')",
    "INSERT INTO releases (id, package_id, major_ver, minor_ver, build_ver) VALUES (77, 'new-one', 2, 0, 0)",
    "DELETE FROM releases WHERE id = 1",
    # A project is renamed: on the new site one is gone, and another is new.
    "UPDATE packages SET id = 'zope.interfaces' WHERE id = 'Zope.Interface'",
    "UPDATE releases SET package_id = 'zope.interfaces' WHERE package_id = 'Zope.Interface'",
    "UPDATE users SET name = 'Ada' WHERE id = 1",
    "DELETE FROM users WHERE id = 3",
    "INSERT INTO downloads (id, package_id) VALUES (3, 'flask')",
    "DELETE FROM licenses WHERE id = 'MIT'",
)


def moved(server: Server, target_uri: str) -> Mover:
    """Move some rows from a server."""
    rows = some_rows()
    rows["packages"] += [package("kept"), package("removed-here")]
    fill_server(server.engine, rows)
    move = Mover(server.url, target_uri)
    done = move("run")
    assert done.code == 0, done.err
    return move


def test_catch_up_makes_what_a_run_would_make_and_undo_takes_it_back(server: Server, target_uri: str, db: Db) -> None:
    move = moved(server, target_uri)
    before = site_documents(db)
    server.execute(*CHANGES)

    planned = move("catch-up", "--dry-run", "--json")
    assert site_documents(db) == before
    done = move("catch-up", "--verify", "all", "--json")

    assert planned.code == done.code == 0, done.err
    assert planned.report["changes"] == done.report["changes"]
    assert planned.report["tally"] == done.report["tally"]
    assert done.report["changes"] == {
        "licenses": {"gone": 1},
        "packages": {"changed": 1, "gone": 1, "new": 2},
        "users": {"changed": 1, "gone": 1},
        "downloads": {"new": 1, "changed": 1},
    }
    caught_up = site_documents(db)
    assert [one["_id"] for one in caught_up["packages"]] == [
        "flask",
        "kept",
        "new-one",
        "removed-here",
        "zope-interfaces",
    ]
    assert move("verify").code == 0
    assert move("undo").code == 0
    assert site_documents(db) == before
    assert move("catch-up").code == 0
    assert site_documents(db) == caught_up
    assert move("run").code == 0
    assert site_documents(db) == caught_up


def test_nothing_changed_nothing_is_written(server: Server, target_uri: str, db: Db) -> None:
    move = moved(server, target_uri)
    before = site_documents(db)

    done = move("catch-up", "--json")

    assert done.code == 0, done.err
    assert done.report["changes"] == {}
    assert site_documents(db) == before


def test_what_people_did_on_the_new_site_is_never_overwritten(server: Server, target_uri: str, db: Db) -> None:
    move = moved(server, target_uri)
    db.packages.update_one({"_id": "flask"}, {"$set": {"summary": "Edited here"}})
    db.packages.update_one({"_id": "zope-interface"}, {"$push": {"releases": {"version": "9", "sort_key": "z"}}})
    db.packages.delete_one({"_id": "removed-here"})
    db.packages.insert_one({"_id": "new-one", "name": "New_One", "release_count": 0})
    here = {one["_id"]: one for one in db.packages.find()}
    server.execute(*CHANGES, "UPDATE packages SET summary = 'changed there' WHERE id IN ('kept', 'removed-here')")

    planned = move("catch-up", "--dry-run", "--json")
    done = move("catch-up", "--json")

    assert planned.code == done.code == 1, done.err
    assert planned.report["conflicts"] == done.report["conflicts"]
    assert sorted(done.report["conflicts"]) == [
        f"packages flask: {changes.EDITED}",
        f"packages new-one: {changes.REGISTERED}",
        f"packages removed-here: {changes.REMOVED}",
        f"packages zope-interface: {changes.EDITED}",
    ]
    after = {one["_id"]: one for one in db.packages.find()}
    assert after.pop("kept")["summary"] == "changed there"
    assert after.pop("zope-interfaces")["name"] == "zope.interfaces"
    assert after == {key: one for key, one in here.items() if key != "kept"}


def test_limits_on_idle_connections_do_not_end_a_catch_up(
    server: Server, target_uri: str, db: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The snapshot of the source waits while descriptions are rendered, which takes as long as it takes."""
    url = make_url(server.url)
    if url.drivername.startswith("postgresql"):
        server.execute(f"ALTER DATABASE {url.database} SET idle_in_transaction_session_timeout = '300ms'")
    else:
        timeouts = ", ".join(f"{name} = 1" for name in ("wait_timeout", "idle_transaction_timeout"))
        url = url.update_query_dict({"init_command": f"SET {timeouts}, idle_readonly_transaction_timeout = 1"})
    move = moved(server, target_uri)
    move.source = url.render_as_string(hide_password=False)

    def slowly(*arguments: Any) -> dict[str, Any]:
        time.sleep(2.5)
        return render(*arguments)

    monkeypatch.setattr("migrations_sql_to_mongo.catch_up.render", slowly)
    server.execute(*CHANGES)

    done = move("catch-up")

    assert done.code == 0, done.err
    assert move("verify").code == 0


def command(move: Mover, name: str = "catch-up") -> list[str]:
    """The tool in a process of its own."""
    options = ["--batch-size", "5"] if name in ("run", "catch-up") else []
    source = ["--source", move.source] if name != "undo" else []
    return [
        sys.executable,
        "-m",
        "migrations_sql_to_mongo",
        name,
        *source,
        "--target",
        move.target,
        "--quiet",
        *options,
    ]


def many_changes(packages: int) -> list[str]:
    """What needs several batches to write: more documents than are written together."""
    return [
        "UPDATE packages SET summary = 'changed', description = 'It *is*.'",
        "DELETE FROM releases WHERE MOD(id, 7) = 0",
        "UPDATE users SET name = 'renamed'",
        f"DELETE FROM packages WHERE id >= 'project-{packages - 20:05}'",
        "DELETE FROM downloads WHERE MOD(id, 2) = 0",
    ]


def state_of(db: Db) -> tuple[str, int, int]:
    """How far the catch-up is: its step, and how many changes are marked and applied."""
    entry = db.migrations.find_one({"command": "catch-up", "_id": {"$ne": "lock"}}, sort=[("_id", -1)]) or {}
    if not entry:
        return "before", 0, 0
    made = db[changes.changes_collection(entry["_id"])]
    return entry["state"], made.count_documents({"state": {"$ne": None}}), made.count_documents({"state": "applied"})


# Where the process is killed: while it reads, renders, verifies, and in the middle of writing.
MOMENTS: dict[str, Callable[[Db], bool]] = {
    "reading": lambda db: state_of(db)[0] == "copying",
    "staging": lambda db: any(name.startswith("migrations_changes") for name in db.list_collection_names()),
    "rendering": lambda db: state_of(db)[0] == "rendering",
    "verifying": lambda db: state_of(db)[0] == "verifying",
    "marking": lambda db: state_of(db)[1] > 0,
    "writing": lambda db: state_of(db)[2] > 0,
}


@contextlib.contextmanager
def stopped_when(move: Mover, db: Db, is_time: Callable[[Db], bool]) -> Iterator[subprocess.Popen[bytes]]:
    """Start a catch-up, and freeze it at a moment."""
    process = subprocess.Popen(command(move), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        while process.poll() is None and not is_time(db):
            time.sleep(0.005)
        process.send_signal(signal.SIGSTOP)
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()


@pytest.mark.faults
def test_killed_catch_up_ends_as_if_undisturbed_and_can_be_undone(server: Server, target_uri: str, db: Db) -> None:
    fill_server(server.engine, many_rows(500) | {"maintainers": []})
    move = Mover(server.url, target_uri)
    assert move("run").code == 1
    before = site_documents(db)
    server.execute(*many_changes(500))
    assert move("catch-up").code == 1
    wanted = site_documents(db)
    seen = set()
    for name, is_time in MOMENTS.items():
        assert move("undo").code == 0
        assert site_documents(db) == before
        with stopped_when(move, db, is_time) as process:
            seen.add(state_of(db)[0])
            assert process.poll() is None, name
        is_half_written = site_documents(db) not in (before, wanted)

        if name == "writing":
            assert is_half_written
            assert move("undo").code == 0
            assert site_documents(db) == before
        assert move("catch-up").code == 1, name

        assert site_documents(db) == wanted, name
        assert move("verify").code == 0, name
    assert seen == {"copying", "rendering", "verifying", "swapping"}
    assert db.migrations.find_one("lock") is None


def test_nothing_else_works_while_a_catch_up_does(server: Server, target_uri: str, db: Db) -> None:
    fill_server(server.engine, many_rows(500) | {"maintainers": []})
    move = Mover(server.url, target_uri)
    assert move("run").code == 1
    server.execute(*many_changes(500))
    with stopped_when(move, db, MOMENTS["reading"]) as process:
        before = site_documents(db)
        for name in ("catch-up", "run", "undo"):
            refused = move(name)
            assert refused.code == 3
            assert f"`catch-up` of process {process.pid} on " in refused.err
        assert move("catch-up", "--dry-run").code == 1
        assert site_documents(db) == before
        process.send_signal(signal.SIGCONT)
        assert process.wait() == 1

    assert site_documents(db) != before
    assert move("verify").code == 0


def test_source_that_goes_away_is_one_line_and_the_next_catch_up_ends_it(
    server: Server, target_uri: str, db: Db
) -> None:
    """As by a restart of the server, or a cut network: its connections end."""
    fill_server(server.engine, many_rows(500) | {"maintainers": []})
    move = Mover(server.url, target_uri)
    assert move("run").code == 1
    before = site_documents(db)
    server.execute(*many_changes(500))
    with stopped_when(move, db, MOMENTS["reading"]) as process:
        end_connections(server)
        process.send_signal(signal.SIGCONT)
        _, err = process.communicate()

    assert process.returncode == 3
    assert err.count(b"\n") == 1
    assert b"stopped answering" in err
    assert site_documents(db) == before
    assert move("catch-up").code == 1
    assert move("verify").code == 0


def end_connections(server: Server) -> None:
    """End all other connections to a test's database."""
    url = make_url(server.url)
    with server.engine.connect() as connection:
        if url.drivername.startswith("postgresql"):
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid != pg_backend_pid()"
            )
            return
        query = f"SELECT id FROM information_schema.processlist WHERE db = '{url.database}' AND id != CONNECTION_ID()"
        for (number,) in connection.exec_driver_sql(query).all():
            connection.exec_driver_sql(f"KILL {number}")


SCHEMA_CHANGES = {
    "a column more": [
        "ALTER TABLE users ADD COLUMN is_active INTEGER",
        "UPDATE users SET is_active = CASE id WHEN 1 THEN 0 ELSE 1 END",
    ],
    "a column less": ["ALTER TABLE releases DROP COLUMN comment"],
    "another type": {
        "postgresql": ["ALTER TABLE releases ALTER COLUMN size TYPE NUMERIC(20, 0)"],
        "mysql": ["ALTER TABLE releases MODIFY size DECIMAL(20, 0)"],
    },
    "with time zone": {
        "postgresql": ["ALTER TABLE packages ALTER COLUMN created_date TYPE TIMESTAMPTZ"],
        "mysql": ["SET time_zone = '+02:00'", "ALTER TABLE packages MODIFY created_date TIMESTAMP(6) NULL"],
    },
    "a table more": ["CREATE TABLE shop (id INTEGER PRIMARY KEY)"],
}


@pytest.mark.parametrize("change", SCHEMA_CHANGES)
def test_source_whose_schema_has_changed_becomes_what_a_run_would_make(
    server: Server, target_uri: str, db: Db, change: str
) -> None:
    move = moved(server, target_uri)
    statements: Any = SCHEMA_CHANGES[change]
    dialect = "postgresql" if server.url.startswith("postgresql") else "mysql"
    server.execute(*(statements[dialect] if isinstance(statements, dict) else statements))

    done = move("catch-up", "--json")

    assert done.code == 0, done.err
    assert move("verify").code == 0
    found = site_documents(db)
    assert move("run").code == 0
    assert site_documents(db) == found


def test_table_that_is_no_longer_there_does_not_count_as_deleted(server: Server, target_uri: str, db: Db) -> None:
    move = moved(server, target_uri)
    before = site_documents(db)
    server.execute("DROP TABLE auditing", "DROP TABLE maintainers")

    for refused in (move("catch-up", "--dry-run"), move("catch-up")):
        assert refused.code == 2
        assert "moved maintainers, auditing, which the source no longer has" in refused.err

    assert site_documents(db) == before
    assert move("undo").code == 0
