"""A dump says what it has, and is believed only as long as that is true."""

import json
import re
from pathlib import Path
from typing import Any

import bson
import pytest
from flask.testing import FlaskCliRunner
from pymongo.database import Database

from tests.inspection.conftest import everything, quiet
from webapp.inspection.dump import dump
from webapp.inspection.load import load
from webapp.inspection.manifest import MANIFEST, BadDump

pytestmark = pytest.mark.real_server


@pytest.mark.parametrize(
    "change", ["cut", "changed", "missing", "no manifest", "odd manifest", "lone surrogate", "no folder"]
)
def test_dump_that_was_changed_is_refused_before_anything_is_written(
    source: Database[Any], target: Database[Any], tmp_path: Path, change: str
) -> None:
    folder = tmp_path / "dump"
    dump(source, folder, quiet)
    packages, manifest = folder / "packages.jsonl", folder / MANIFEST
    match change:
        case "cut":
            packages.write_bytes(packages.read_bytes()[:-1])
        case "changed":
            packages.write_bytes(packages.read_bytes().replace(b"Flask", b"Flusk"))
        case "missing":
            packages.unlink()
        case "no manifest":
            manifest.unlink()
        case "lone surrogate":
            manifest.write_text(manifest.read_text().replace('"name": "', '"name": "\\ud800', 1))
        case "odd manifest":
            manifest.write_text(manifest.read_text().replace('"documents"', '"number"', 1))
        case "no folder":
            folder = tmp_path / "elsewhere"

    with pytest.raises(BadDump):
        load(target, folder, quiet)

    assert target.list_collection_names() == []


def test_dump_is_verified_without_a_database(source: Database[Any], runner: FlaskCliRunner, tmp_path: Path) -> None:
    folder = tmp_path / "dump"
    source["contents.chunks"].insert_one({"_id": bson.ObjectId(), "n": 0, "files_id": 1, "data": b"bytes"})
    dump(source, folder, quiet)
    manifest = (folder / MANIFEST).read_text()

    whole = runner.invoke(args=["db", "load", "--check", str(folder)])
    (folder / MANIFEST).write_text(re.sub(r'"digest": "[0-9a-f]', '"digest": "x', manifest, count=1))
    other_documents = runner.invoke(args=["db", "load", "--check", str(folder)])
    (folder / MANIFEST).write_text(manifest)
    chunks = folder / "contents.chunks.bson"
    chunks.write_bytes(chunks.read_bytes().replace(b"bytes", b"bites"))
    other_bytes = runner.invoke(args=["db", "load", "--check", str(folder)])

    assert whole.exit_code == 0, whole.output
    assert re.match(r"The dump is whole: \d+ documents of larder_test_\w+, dumped 2", whole.output)
    assert other_documents.exit_code == other_bytes.exit_code == 1
    assert "the documents differ from those that were dumped" in other_documents.stderr
    assert other_bytes.stderr == f"Error: {chunks} was changed after it was written\n"


def test_dump_of_an_earlier_version_is_loaded(source: Database[Any], target: Database[Any], tmp_path: Path) -> None:
    dump(source, tmp_path / "dump", quiet)
    manifest = tmp_path / "dump" / MANIFEST
    before = json.loads(manifest.read_text())
    before["format"] = "larder dump 1"
    del before["outside"]
    chunks = next(each for each in before["collections"] if each["name"] == "contents.chunks")
    (tmp_path / "dump" / chunks["file"]).rename(tmp_path / "dump" / "contents.chunks.jsonl")
    chunks["file"] = "contents.chunks.jsonl"
    manifest.write_text(json.dumps(before))

    load(target, tmp_path / "dump", quiet)

    assert everything(target).keys() == everything(source).keys()
