"""A dump of a replica set is of one moment."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import bson
import click
import pymongo
import pytest
from flask import Flask
from pymongo.database import Database

from tests.conftest import free_port
from tests.inspection.conftest import interrupt, quiet
from webapp.cli.dumps import one_line
from webapp.inspection import dump as dump_module
from webapp.inspection import moment
from webapp.inspection.dump import dump
from webapp.inspection.moment import present_moment
from webapp.mongodb.mongod_programs import find_mongod

pytestmark = pytest.mark.real_server


@pytest.fixture
def replica_set(tmp_path: Path) -> Iterator[Database[Any]]:
    """A database on a replica set of one member."""
    port = free_port()
    (tmp_path / "db").mkdir()
    options = ["--replSet", "rs", "--bind_ip", "127.0.0.1", "--port", str(port), "--dbpath", str(tmp_path / "db")]
    server = subprocess.Popen([find_mongod(), *options, "--quiet"], stdout=subprocess.DEVNULL)
    try:
        with pymongo.MongoClient[Any](f"mongodb://127.0.0.1:{port}/?directConnection=true") as client:
            member = {"_id": 0, "host": f"127.0.0.1:{port}"}
            client.admin.command("replSetInitiate", {"_id": "rs", "members": [member]})
        with pymongo.MongoClient[Any](f"mongodb://127.0.0.1:{port}/?replicaSet=rs") as client:
            yield client["larder"]
    finally:
        server.kill()
        server.wait()


def test_dump_of_a_replica_set_is_of_one_moment(
    app: Flask, replica_set: Database[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("accounts", "packages"):
        replica_set[name].insert_one({"_id": 1})

    def write_meanwhile() -> None:
        replica_set["packages"].insert_one({"_id": 2})
        replica_set["packages"].delete_one({"_id": 1})

    after_the_moment(monkeypatch, write_meanwhile)
    manifest = dump(replica_set, tmp_path / "dump", quiet)

    assert manifest.is_snapshot
    assert json.loads((tmp_path / "dump" / "packages.jsonl").read_text()) == {"_id": 1}


def test_uploads_go_on_during_a_dump_that_holds_each_of_them_whole_or_not_at_all(
    app: Flask, replica_set: Database[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = threading.Event()

    def upload() -> None:
        # In the order in which an upload writes: its bytes, the document of its file, its project.
        for number in count():
            replica_set["contents.chunks"].insert_one({"_id": number, "n": 0, "files_id": number, "data": b"x" * 1000})
            replica_set["files"].insert_one({"_id": str(number), "content_id": number})
            replica_set["packages"].insert_one({"_id": str(number)})
            if stopped.is_set():
                break

    uploads = threading.Thread(target=upload)
    uploads.start()
    deadline = time.monotonic() + 60
    while (before := replica_set["packages"].count_documents({})) < 20:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    # A dump of a real site reads the bytes long before the projects.
    after_the_moment(monkeypatch, lambda: time.sleep(0.5))
    dump(replica_set, tmp_path / "dump", quiet)
    stopped.set()
    uploads.join()

    files, packages = (
        {json.loads(line)["_id"] for line in (tmp_path / "dump" / f"{name}.jsonl").read_text().splitlines()}
        for name in ("files", "packages")
    )
    chunks = bson.decode_all((tmp_path / "dump" / "contents.chunks.bson").read_bytes())
    assert before <= len(packages) < replica_set["packages"].count_documents({})
    assert packages <= files <= {str(chunk["_id"]) for chunk in chunks}
    assert len(chunks) <= len(packages) + 1


def after_the_moment(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let something happen between the moment of a dump and its first file."""

    def chosen(database: Database[Any]) -> Any:
        found = present_moment(database)
        act()
        return found

    monkeypatch.setattr(dump_module, "present_moment", chosen)


def test_interrupted_dump_of_a_replica_set_is_continued_at_its_moment(
    app: Flask, replica_set: Database[Any], tmp_path: Path
) -> None:
    for name in ("accounts", "packages"):
        replica_set[name].insert_one({"_id": 1})
    with pytest.raises(KeyboardInterrupt):
        dump(replica_set, tmp_path / "dump", interrupt)
    for path in (tmp_path / "dump.partial").glob("*.jsonl"):
        path.unlink()
    progress = tmp_path / "dump.partial" / "progress.json"
    progress.write_text(re.sub(r'"finished": \[.*?\n  \]', '"finished": []', progress.read_text(), flags=re.DOTALL))
    replica_set["packages"].insert_one({"_id": 2})

    manifest = dump(replica_set, tmp_path / "dump", quiet)

    assert manifest.is_snapshot
    assert json.loads((tmp_path / "dump" / "packages.jsonl").read_text()) == {"_id": 1}


def test_what_cannot_be_read_at_a_moment_is_named_first_and_dumped_all_the_same(
    app: Flask, replica_set: Database[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica_set["accounts"].insert_one({"_id": 1})
    replica_set.create_collection("last", capped=True, size=4096)
    replica_set["last"].insert_one({"_id": 3})
    replica_set["words"].insert_one({"_id": 1})
    replica_set["words_building"].insert_one({"_id": 2})
    said: list[str] = []

    after_the_moment(monkeypatch, lambda: replica_set["words_building"].rename("words", dropTarget=True))
    manifest = dump(replica_set, tmp_path / "dump", said.append)

    assert said[:2] == [
        "last is not of that moment, because it is capped: it is read as it is by then",
        "words is not of that moment, because it was created or replaced since: it is read as it is by then",
    ]
    assert manifest.outside == ("last", "words")
    assert json.loads((tmp_path / "dump" / "last.jsonl").read_text()) == {"_id": 3}
    assert json.loads((tmp_path / "dump" / "words.jsonl").read_text()) == {"_id": 2}


def test_collection_that_is_replaced_during_a_dump_does_not_stop_it(
    app: Flask, replica_set: Database[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("words", 1), ("words_building", 2)):
        replica_set[name].insert_one({"_id": value})
    checked = moment.unreadable

    def replaced_afterwards(*arguments: Any) -> dict[str, str]:
        found = checked(*arguments)
        replica_set["words_building"].rename("words", dropTarget=True)
        return found

    monkeypatch.setattr(dump_module, "unreadable", replaced_afterwards)
    manifest = dump(replica_set, tmp_path / "dump", quiet)

    assert manifest.is_snapshot
    assert "words" in manifest.outside


def test_dump_that_takes_longer_than_its_moment_is_kept_says_so_and_leaves_nothing(
    app: Flask, replica_set: Database[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica_set.client.admin.command("setParameter", 1, minSnapshotHistoryWindowInSeconds=0)
    for name in ("accounts", "packages"):
        replica_set[name].insert_one({"_id": 1})

    def let_others_write() -> None:
        for _ in range(20):
            replica_set["packages"].insert_one({})
            time.sleep(0.1)

    after_the_moment(monkeypatch, let_others_write)
    with pytest.raises(click.ClickException, match="the dump took longer than MongoDB keeps a snapshot"), one_line():
        dump(replica_set, tmp_path / "dump", quiet)

    assert [path.name for path in tmp_path.iterdir()] == ["db"]
