"""A dump that was interrupted goes on where it was."""

import re
from pathlib import Path
from typing import Any

import bson
import pytest
from pymongo.database import Database

from tests.inspection.conftest import everything, interrupt, quiet
from webapp.inspection import dump as dump_module
from webapp.inspection.dump import CannotDump, dump
from webapp.inspection.extended_json import Digest
from webapp.inspection.load import load

pytestmark = pytest.mark.real_server


def test_interrupted_dump_is_continued(source: Database[Any], target: Database[Any], tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        dump(source, tmp_path / "dump", interrupt)
    left = [path.name for path in tmp_path.iterdir()]

    dump(source, tmp_path / "dump", said.append)

    assert left == ["dump.partial"]
    assert re.fullmatch(r"continuing an interrupted dump, which has \d+ complete collections?", said[0])
    assert [path.name for path in tmp_path.iterdir()] == ["dump"]
    load(target, tmp_path / "dump", quiet)
    assert everything(target) == everything(source)


def test_file_of_bytes_is_continued_where_it_was_on_the_disk(
    source: Database[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks = [{"_id": number, "n": 0, "files_id": number, "data": b"%d" % number * 50} for number in range(40)]
    source["contents.chunks"].insert_many(chunks)
    dump(source, tmp_path / "whole", quiet)
    monkeypatch.setattr(dump_module, "CHECKPOINT_BYTES", 1000)
    add = Digest.add

    def killed_at_the_thirtieth(digest: Digest, document: bytes) -> None:
        if bson.decode(document)["_id"] == 30:
            raise KeyboardInterrupt
        add(digest, document)

    monkeypatch.setattr(Digest, "add", killed_at_the_thirtieth)
    with pytest.raises(KeyboardInterrupt):
        dump(source, tmp_path / "dump", quiet)
    partial = tmp_path / "dump.partial" / "contents.chunks.bson"
    reached = partial.stat().st_size
    with partial.open("ab") as file:
        file.write(b"torn by a power cut")
    monkeypatch.setattr(Digest, "add", add)
    source["contents.chunks"].update_one({"_id": 3}, {"$set": {"data": b"changed since"}})

    dump(source, tmp_path / "dump", quiet)

    assert reached > 1000
    assert (tmp_path / "dump" / partial.name).read_bytes() == (tmp_path / "whole" / partial.name).read_bytes()


def test_dump_of_another_database_is_not_continued(
    source: Database[Any], target: Database[Any], tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        dump(source, tmp_path / "dump", interrupt)

    with pytest.raises(CannotDump, match="is not a dump of this database; remove it"):
        dump(target, tmp_path / "dump", quiet)
