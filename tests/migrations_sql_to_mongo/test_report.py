"""The folder that a run leaves for its operator."""

import json
from pathlib import Path

import pytest

from migrations_sql_to_mongo import catch_up
from migrations_sql_to_mongo.report import ReportFolder
from tests.migrations_sql_to_mongo.conftest import Db, Make, old_site_goes_on
from tests.migrations_sql_to_mongo.old_site import (
    NAMES,
    Raw,
    release,
    some_rows,
    user,
)


def test_report_folder_holds_everything(mover: Make, tmp_path: Path) -> None:
    move = mover(some_rows() | {"users": [user(1), user("")], "releases": [release(1, size="12 MB")]})

    done = move("run", "--report", str(tmp_path / "report"))

    assert done.code == 1
    report = (tmp_path / "report" / "report.md").read_text()
    assert "size is not a whole number" in report
    assert "is shown for its latest release. It says nothing about older releases" in report
    assert json.loads((tmp_path / "report" / "report.json").read_text())["exit_code"] == 1
    [line] = (tmp_path / "report" / "rejects-releases.jsonl").read_text().splitlines()
    assert json.loads(line)["row"]["size"] == "12 MB"
    assert list(json.loads(line)["row"]) == NAMES["releases"]
    [line] = (tmp_path / "report" / "rejects-users.jsonl").read_text().splitlines()
    assert json.loads(line)["row"]["hashed_password"] == "(hidden)"


def test_rejects_of_an_earlier_report_are_replaced_and_kept(tmp_path: Path) -> None:
    folder = ReportFolder(tmp_path)
    for name in ("rejects-users.jsonl", "rejects-files.jsonl", "notes.txt"):
        (tmp_path / name).write_text("mine")

    for number in (1, 1, 2):
        with folder.rejects() as write:
            write({"table": "users", "row": {"id": number}})

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "rejects-users.jsonl": '{"table": "users", "row": {"id": 2}}\n',
        "rejects-users.jsonl.old.2": '{"table": "users", "row": {"id": 1}}\n',
        "rejects-users.jsonl.old": "mine",
        "rejects-files.jsonl.old": "mine",
        "notes.txt": "mine",
    }


def test_refused_command_leaves_what_somebody_corrected(mover: Make, db: Db, tmp_path: Path) -> None:
    rows = {"users": [user(1), user(2), user(3, name=Raw(b"\xff"))], "releases": [release(1, size="x")]}
    move = mover(some_rows() | rows)
    report = ("--report", str(tmp_path))
    assert move("run", *report).code == 1
    for table in ("users", "releases"):
        (tmp_path / f"rejects-{table}.jsonl").write_text(f"corrected {table}")
    db.packages.insert_one({"_id": "mine", "name": "mine"})

    refused = [
        move("run", *report),
        move("catch-up", "--timezone", "Europe/Berlin", *report),
        move("rejects", "replay", str(tmp_path / "rejects-users.jsonl"), *report),
        move("run", "--max-rejects", "0", "--replace-existing", *report),
    ]

    assert [one.code for one in refused] == [3, 2, 2, 3]
    found = {path.name: path.read_text() for path in tmp_path.glob("rejects-*")}
    # The last one tells which row was too many.
    assert found.pop("rejects-users.jsonl").startswith('{"_id"')
    assert found == {f"rejects-{table}.jsonl.old": f"corrected {table}" for table in ("users", "releases")}


def test_catch_up_that_only_ends_another_writes_the_rejects_too(
    mover: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = mover(some_rows() | {"releases": [release(1), release(2, size="x")]})
    assert move("run").code == 1
    old_site_goes_on(move, "UPDATE users SET name = 'Ada' WHERE id = 1")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as once:
        once.setattr(catch_up, "apply", stop)
        assert move("catch-up").code == 3
    planned = move("catch-up", "--dry-run")
    assert (planned.code, "was interrupted while it wrote: `catch-up` ends it" in planned.err) == (3, True)

    assert move("catch-up", "--report", str(tmp_path)).code == 1

    [line] = (tmp_path / "rejects-releases.jsonl").read_text().splitlines()
    assert json.loads(line)["key"] == "2"
