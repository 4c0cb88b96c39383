"""What a run promises holds for mapped sources too: kill -9, another map, corrections, undo."""

import json
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from tests.conftest import database_uri
from tests.migrations_sql_to_mongo.conftest import Mover, Site, account, command, contents, reasons, site_documents
from tests.migrations_sql_to_mongo.test_interruptions import Runs

Db = Database[dict[str, Any]]

SCHEMA = """
CREATE TABLE member (name TEXT PRIMARY KEY, mail TEXT, on_hold INTEGER);
CREATE TABLE project (id INTEGER PRIMARY KEY, title TEXT, owner TEXT);
CREATE TABLE version (project INTEGER, number TEXT, size INTEGER, PRIMARY KEY (project, number));
CREATE TABLE artifact (id INTEGER PRIMARY KEY, project INTEGER, number TEXT, filename TEXT);
"""
MAP = """
[users]
table = "member"
columns.username = "name"
columns.email = "mail"
columns.is_active = { column = "on_hold", as = "negated" }
[packages]
table = "project"
columns.id = "title"
columns.owner_id = "owner"
[releases]
table = "version"
joins = ["project -> project.id"]
columns.package_id = "project.title"
columns.version = "number"
[files]
table = "artifact"
columns.release_id = ["project", "number"]
"""


@pytest.fixture
def source(tmp_path: Path) -> str:
    """A site with names and pairs as keys, and two rows that lead nowhere."""
    with sqlite3.connect(tmp_path / "site.sqlite") as site:
        site.executescript(SCHEMA)
        site.executemany("INSERT INTO member VALUES (?, NULL, ?)", [(f"m{n:03}", n % 7 == 0) for n in range(80)])
        site.executemany("INSERT INTO project VALUES (?, ?, ?)", [(n, f"p-{n}", f"m{n % 90:03}") for n in range(150)])
        versions = [(n, f"1.{m}", m) for n in range(150) for m in range(3)]
        site.executemany("INSERT INTO version VALUES (?, ?, ?)", [*versions, (999, "1.0", 5)])
        files = [(n, m, f"p_{n}-{m}.zip") for n, m, _ in versions]
        site.executemany("INSERT INTO artifact VALUES (NULL, ?, ?, ?)", [*files, (1, "8.8", "p_1-8.8.zip")])
    site.close()
    (tmp_path / "map.toml").write_text(MAP)
    return f"sqlite:///{tmp_path / 'site.sqlite'}"


def test_killed_run_of_a_mapped_source_ends_as_if_undisturbed(source: str, tmp_path: Path, mongod_uri: str) -> None:
    names = [f"larder_mapped_{what}_{os.getpid()}" for what in ("undisturbed", "disturbed")]
    undisturbed, disturbed = (database_uri(mongod_uri, name) for name in names)
    mapped = ("--map", str(tmp_path / "map.toml"))
    rng, runs, kills = random.Random("mapped"), Runs(), 0
    with MongoClient[Any](mongod_uri) as client:
        try:
            started = time.monotonic()
            assert runs.run(command(source, undisturbed, *mapped)[3:]) == 1
            took_s = time.monotonic() - started
            while kills < 5:
                code = runs.run(command(source, disturbed, *mapped)[3:], kill_after_s=took_s * rng.uniform(0.02, 0.5))
                assert code in (-signal.SIGKILL, 1)
                kills += code == -signal.SIGKILL
                if client[names[1]].migrations.find_one({"state": "done"}):
                    # Faster than the first one: begin anew, and kill it sooner.
                    client.drop_database(names[1])
                    took_s /= 1.3
            assert runs.run(command(source, disturbed, *mapped)[3:]) == 1

            assert (contents(disturbed), account(disturbed)) == (contents(undisturbed), account(undisturbed))
        finally:
            runs.close()
            for name in names:
                client.drop_database(name)


def test_interrupted_run_goes_on_only_with_its_map(
    source: str, tmp_path: Path, target_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapped = ("--map", str(tmp_path / "map.toml"))
    move = Mover(source, target_uri)
    with monkeypatch.context() as patch:
        patch.setattr("migrations_sql_to_mongo.run.render_staged", _interrupt)
        assert move("run", *mapped).code == 3
    (tmp_path / "map.toml").write_text(MAP.replace('as = "negated"', 'as = "null"'))
    refused = move("run", *mapped)
    (tmp_path / "map.toml").write_text(MAP)

    assert refused.code == 3
    assert "the map must be the same as for run " in refused.err
    assert move("run", *mapped).code == 1
    assert move("verify", *mapped).code == 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_corrected_rows_find_their_packages_and_undo_takes_all_back(
    source: str, tmp_path: Path, target_uri: str, db: Db
) -> None:
    mapped = ("--map", str(tmp_path / "map.toml"))
    move = Mover(source, target_uri)
    report = tmp_path / "report"
    assert move("run", *mapped, "--report", str(report)).code == 1
    [line] = (report / "rejects-releases.jsonl").read_text().splitlines()
    reject = json.loads(line)
    assert (reject["key"], reject["row"]["package_id"]) == ("999/1.0", "(no project.id 999)")
    reject["row"] |= {"package_id": "p-7", "version": "9.9"}
    (tmp_path / "corrected.jsonl").write_text(json.dumps(reject) + "\n")

    replayed = move("rejects", "replay", str(tmp_path / "corrected.jsonl"), *mapped)

    assert replayed.code == 1, replayed.err  # the file without a release is still rejected
    assert [one["version"] for one in (db.packages.find_one({"_id": "p-7"}) or {})["releases"]] == [
        "9.9",
        "1.2",
        "1.1",
        "1.0",
    ]
    assert move("verify", *mapped).code == 0
    assert move("undo").code == move("undo").code == 0
    assert site_documents(db)["packages"] == []


def test_rows_whose_package_or_user_the_map_leaves_out_say_so(old_site: Callable[[str], Site]) -> None:
    site = old_site(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, gone INTEGER);"
        "CREATE TABLE packages (id TEXT PRIMARY KEY, gone INTEGER);"
        "CREATE TABLE releases (id INTEGER PRIMARY KEY, package_id TEXT, version TEXT);"
        "CREATE TABLE maintainers (user_id INTEGER, package_id TEXT);"
        "INSERT INTO users VALUES (1, 'Ada', 1); INSERT INTO packages VALUES ('jam', 0), ('tea', 1);"
        "INSERT INTO releases VALUES (1, 'jam', '1.0'), (2, 'tea', '1.0');"
        "INSERT INTO maintainers VALUES (1, 'jam');"
    )

    report = site.moved_by("[users]\nwhere.gone = 0\n[packages]\nwhere.gone = 0\n", code=1)

    tables = report["tally"]["tables"]
    assert reasons(tables, "releases") == {"there is no such package, or the map leaves it out": 1}
    assert reasons(tables, "maintainers") == {"there is no such user, or the map leaves it out": 1}
    assert tables["releases"]["reasons"][0]["examples"] == ["2: tea"]
