"""What is loaded is what was dumped, or nothing."""

from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.database import Database

from tests.inspection.conftest import everything, quiet
from webapp.inspection import load as load_module
from webapp.inspection.dump import CannotDump, dump
from webapp.inspection.load import CannotLoad, load

pytestmark = pytest.mark.real_server


def test_loaded_database_is_the_dumped_one(source: Database[Any], target: Database[Any], tmp_path: Path) -> None:
    dump(source, tmp_path / "dump", quiet)
    target["packages"].create_index("name")  # an empty collection does not matter

    load(target, tmp_path / "dump", quiet)

    assert everything(target) == everything(source)


def test_load_refuses_a_database_with_documents(source: Database[Any], target: Database[Any], tmp_path: Path) -> None:
    dump(source, tmp_path / "dump", quiet)
    target["mine"].insert_one({"_id": 1})

    with pytest.raises(CannotLoad, match="not empty: it contains mine"):
        load(target, tmp_path / "dump", quiet)

    assert target.list_collection_names() == ["mine"]


def test_load_that_fails_removes_what_it_wrote(source: Database[Any], target: Database[Any], tmp_path: Path) -> None:
    dump(source, tmp_path / "dump", quiet)
    reported: list[str] = []

    def fail_later(line: str) -> None:
        reported.append(line)
        if line.startswith("packages"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(target, tmp_path / "dump", fail_later)

    assert len(reported) > 2
    assert set(target.list_collection_names()) <= {"system.views"}


def test_load_after_a_killed_one_begins_anew(
    source: Database[Any], target: Database[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump(source, tmp_path / "dump", quiet)

    def killed(line: str) -> None:
        if line.startswith("packages"):
            # Nobody cleans up after kill -9.
            monkeypatch.setattr(load_module, "_remove_leftovers", quiet)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(target, tmp_path / "dump", killed)
    monkeypatch.undo()
    assert target["packages"].count_documents({}) == 1
    with pytest.raises(CannotDump, match="a load into it has not finished"):
        dump(target, tmp_path / "half", quiet)

    load(target, tmp_path / "dump", quiet)

    assert everything(target) == everything(source)


def test_documents_older_than_their_rules_are_loaded_and_the_rules_hold_again(
    source: Database[Any], target: Database[Any], tmp_path: Path
) -> None:
    source["french"].insert_one({"_id": 2, "price": "dear"}, bypass_document_validation=True)
    dump(source, tmp_path / "dump", quiet)

    load(target, tmp_path / "dump", quiet)

    assert target["french"].count_documents({}) == 2
    with pytest.raises(pymongo.errors.WriteError, match="failed validation"):
        target["french"].insert_one({"_id": 3, "price": "dear"})
