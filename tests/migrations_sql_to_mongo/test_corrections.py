"""Rows that were corrected once stay corrected in later runs, as long as the source's row is the same."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from migrations_sql_to_mongo import run
from migrations_sql_to_mongo.errors import Stopped
from tests.migrations_sql_to_mongo.conftest import Mover
from tests.migrations_sql_to_mongo.old_site import Raw, Rows, package, release, some_rows, user

Make = Callable[[Rows], Mover]
Db = Database[dict[str, Any]]


def odd_rows() -> Rows:
    """A user, a package and a release that are rejected."""
    rows = some_rows()
    rows["users"].append(user(4, name=Raw(b"Gr\xe2ce")))
    rows["packages"].append(package("!"))
    rows["releases"].append(release(5, "nowhere", "2.0.0"))
    return rows


def correct(move: Mover, folder: Path, table: str, **fields: Any) -> None:
    """Run, and replay the rejected row of a table with other values."""
    path = folder / f"rejects-{table}.jsonl"
    [line] = [json.loads(one) for one in path.read_text(encoding="utf-8").split("\n") if one]
    path.write_text(json.dumps({**line, "row": {**line["row"], **fields}}) + "\n")
    replayed = move("rejects", "replay", str(path))
    assert replayed.code in (0, 1), replayed.err


@pytest.fixture
def move(mover: Make, tmp_path: Path) -> Mover:
    """A move whose three rejects were corrected after its first run."""
    made = mover(odd_rows())
    assert made("run", "--report", str(tmp_path)).code == 1
    correct(made, tmp_path, "users", name="Grace")
    correct(made, tmp_path, "packages", id="exclamation")
    correct(made, tmp_path, "releases", package_id="flask")
    return made


def change_source(move: Mover, statement: str) -> None:
    """Change a row of the old site."""
    with sqlite3.connect(move.source.removeprefix("sqlite:///")) as connection:
        assert connection.execute(statement).rowcount == 1
    connection.close()


def test_corrections_survive_later_runs(move: Mover, db: Db) -> None:
    for _ in range(2):
        planned, done = move("plan", "--json"), move("run", "--json")

        assert (planned.code, done.code) == (0, 0), done.err
        assert planned.report["tally"] == done.report["tally"]
        assert planned.report["corrections"] == done.report["corrections"]
        assert {key: done.report["corrections"][key] for key in ("kept", "lost")} == {"kept": 3, "lost": 0}
        assert move("verify").code == 0
        assert (db.users.find_one({"name": "Grace"}) or {})["hashed_password"].startswith("$6$")
        assert db.packages.find_one("exclamation")
        assert (db.packages.find_one("flask") or {})["latest"]["version"] == "2.0.0"


def test_correction_of_a_row_that_changed_no_longer_fits(move: Mover, db: Db) -> None:
    change_source(move, "UPDATE releases SET comment = 'edited on the old site' WHERE id = 5")
    change_source(move, "DELETE FROM packages WHERE id = '!'")

    planned, done = move("plan"), move("run")

    assert (planned.code, done.code) == (1, 1)
    for said in (planned.out, done.out):
        assert "no longer fit, because the row has changed in the source or is gone: 2 (packages !, releases 5)" in said
        assert "- taken as corrected by `rejects replay`: 1\n" in said
    assert move("verify").code == 0
    assert (db.packages.find_one("flask") or {})["latest"]["version"] == "1.10.0"


def test_second_correction_of_a_row_fits_too(move: Mover, tmp_path: Path, db: Db) -> None:
    change_source(move, "UPDATE releases SET comment = 'edited' WHERE id = 5")
    assert move("run", "--report", str(tmp_path)).code == 1
    correct(move, tmp_path, "releases", package_id="nowhere-either")
    path = tmp_path / "rejects-releases.jsonl"
    [kept] = db[f"migrations_rejects_{db.migrations.find_one(sort=[('_id', -1)])['_id']}"].find()  # type: ignore[index]
    path.write_text(json.dumps({**kept, "row": {**kept["row"], "package_id": "flask"}}) + "\n")
    assert move("rejects", "replay", str(path)).code == 0

    done = move("run")

    assert done.code == 0
    assert move("verify").code == 0


def test_corrections_hold_for_a_run_that_goes_on(move: Mover, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any) -> Any:
        raise Stopped("the power is gone")

    with monkeypatch.context() as once:
        once.setattr(run, "render", stop)
        assert move("run").code == 3

    done = move("run", "--json")

    assert done.code == 0, done.err
    assert done.report["corrections"]["kept"] == 3


def test_corrections_of_a_run_that_was_taken_back_do_not_hold(move: Mover) -> None:
    assert move("undo").code == 0

    assert move("run").code == 1
