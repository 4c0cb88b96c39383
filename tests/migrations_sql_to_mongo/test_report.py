"""The folder that a run leaves for its operator."""

import json
from pathlib import Path

from migrations_sql_to_mongo.report import ReportFolder
from tests.migrations_sql_to_mongo.conftest import Make
from tests.migrations_sql_to_mongo.old_site import (
    NAMES,
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


def test_rejects_of_an_earlier_report_are_removed(tmp_path: Path) -> None:
    folder = ReportFolder(tmp_path)
    (tmp_path / "rejects-users.jsonl").write_text("old")
    (tmp_path / "notes.txt").write_text("mine")

    with folder.rejects() as write:
        write({"table": "releases", "row": {"id": 1}})

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "notes.txt": "mine",
        "rejects-releases.jsonl": '{"table": "releases", "row": {"id": 1}}\n',
    }
