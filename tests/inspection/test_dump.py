"""A dump and a load on a real server: the same bytes, the same rules, and nothing half done."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from tests.inspection.conftest import quiet
from webapp.inspection.dump import CannotDump, dump
from webapp.inspection.manifest import MANIFEST
from webapp.inspection.progress import only_one

pytestmark = pytest.mark.real_server


def test_files_are_lines_that_only_their_owner_reads(source: Database[Any], tmp_path: Path) -> None:
    dump(source, tmp_path / "dump", quiet)

    files = {path.name: path for path in (tmp_path / "dump").iterdir()}
    assert {"packages.jsonl", "users.jsonl", "fs.chunks.jsonl", "by%20hand%20%2F%20%C3%BCnusual.jsonl"} < files.keys()
    assert "dear.jsonl" not in files
    assert [json.loads(line)["_id"] for line in files["packages.jsonl"].read_text().splitlines()] == ["flask"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}
    assert stat.S_IMODE((tmp_path / "dump").stat().st_mode) == 0o700
    manifest = json.loads(files[MANIFEST].read_text())
    packages = next(each for each in manifest["collections"] if each["name"] == "packages")
    assert packages["documents"] == 1
    assert {"by_license", "by_maintainer"} < {index["name"] for index in packages["indexes"]}


def test_dump_overwrites_nothing(source: Database[Any], tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").write_text("mine")
    (tmp_path / "strange.partial").mkdir()
    (tmp_path / "strange.partial" / "note").write_text("mine")
    (tmp_path / "busy.partial").mkdir()
    (tmp_path / "empty").mkdir()

    for taken in ("full", "full/note", "strange"):
        with pytest.raises(CannotDump):
            dump(source, tmp_path / taken, quiet)
    with only_one(tmp_path / "busy.partial"), pytest.raises(CannotDump, match=r"another dump into .* is running"):
        dump(source, tmp_path / "busy", quiet)
    dump(source, tmp_path / "empty", quiet)

    assert (tmp_path / "full" / "note").read_text() == (tmp_path / "strange.partial" / "note").read_text() == "mine"
    assert list((tmp_path / "full").iterdir()) == [tmp_path / "full" / "note"]
    assert (tmp_path / "empty" / MANIFEST).exists()


def test_time_series_are_refused_instead_of_being_changed(target: Database[Any], tmp_path: Path) -> None:
    target.create_collection("visits", timeseries={"timeField": "at"})

    with pytest.raises(CannotDump, match="visits is a time series"):
        dump(target, tmp_path / "dump", quiet)

    assert list(tmp_path.iterdir()) == []
