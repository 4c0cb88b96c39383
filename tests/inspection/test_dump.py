"""A dump and a load on a real server: the same bytes, the same rules, and nothing half done."""

import json
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bson
import click
import gridfs
import pymongo
import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from pymongo.database import Database

from tests import factories
from tests.conftest import free_port
from tests.inspection.cookbook_site import empty
from tests.inspection.odd_documents import odd_documents
from webapp.cli.dumps import one_line
from webapp.documents import Package
from webapp.inspection import load as load_module
from webapp.inspection.dump import CannotDump, dump
from webapp.inspection.extended_json import RAW
from webapp.inspection.load import CannotLoad, load
from webapp.inspection.manifest import MANIFEST, BadDump
from webapp.mongodb.programs import find_mongod

pytestmark = pytest.mark.real_server


def quiet(_line: str) -> None:
    """Report nothing."""


def everything(database: Database[Any]) -> dict[str, Any]:
    """What makes a database: the bytes of all documents in their order, the options and the indexes."""
    return {
        info["name"]: (
            info["options"],
            [] if info["type"] == "view" else [dict(index) for index in database[info["name"]].list_indexes()],
            [document.raw for document in database.get_collection(info["name"], RAW).find()],
        )
        for info in database.list_collections()
        if not info["name"].startswith("system.")
    }


@pytest.fixture
def source(app: Flask) -> Iterator[Database[Any]]:
    """The site's database with all that a database can have."""
    database = Package._get_db()
    factories.package("Flask", releases=["1.0", "2.0rc1"])
    factories.user("Ada", email="Ada@example.org", hashed_password="$6$rounds=5$odd\0")
    database["odd"].insert_many(odd_documents())
    gridfs.GridFS(database).put(bytes(range(256)) * 3000, filename="wheel.whl")
    database["by hand / ünusual"].insert_one({"_id": {"a": 1, "b": bson.Int64(2)}})
    database.create_collection("last", capped=True, size=4096, max=2)
    database["last"].insert_many([{"_id": number} for number in (3, 1, 2)])
    database.create_collection("french", collation={"locale": "fr"}, validator={"price": {"$type": "number"}})
    database["french"].insert_one({"_id": 1, "price": bson.Decimal128("1.50")})
    database["french"].create_index(
        [("price", 1)], name="dear", unique=True, partialFilterExpression={"price": {"$gt": 0}}
    )
    database["french"].create_index([("name", "text")], weights={"name": 3}, collation={"locale": "simple"})
    database.command({"create": "in_order", "clusteredIndex": {"key": {"_id": 1}, "unique": True}})
    database["in_order"].insert_many([{"_id": 2}, {"_id": 1}])
    database.create_collection("dear", viewOn="french", pipeline=[{"$match": {"price": {"$gt": 1}}}])
    yield database
    for name in ("odd", "fs.files", "fs.chunks", "by hand / ünusual", "last", "french", "in_order", "dear"):
        database.drop_collection(name)


@pytest.fixture
def target(app: Flask) -> Iterator[Database[Any]]:
    """Another database of the same server, without documents."""
    database = Package._get_db().client["larder_load_target"]
    database.client.drop_database(database)
    yield database
    database.client.drop_database(database)


def test_loaded_database_is_the_dumped_one(source: Database[Any], target: Database[Any], tmp_path: Path) -> None:
    dump(source, tmp_path / "dump", quiet)
    target["packages"].create_index("name")  # an empty collection is no obstacle

    load(target, tmp_path / "dump", quiet)

    assert everything(target) == everything(source)


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
    (tmp_path / "busy.partial").mkdir()
    (tmp_path / "empty").mkdir()

    for taken in ("full", "full/note", "busy"):
        with pytest.raises(CannotDump):
            dump(source, tmp_path / taken, quiet)
    dump(source, tmp_path / "empty", quiet)

    assert (tmp_path / "full" / "note").read_text() == "mine"
    assert list((tmp_path / "full").iterdir()) == [tmp_path / "full" / "note"]
    assert (tmp_path / "empty" / MANIFEST).exists()


def test_dump_that_fails_leaves_nothing(source: Database[Any], tmp_path: Path) -> None:
    def fail(_line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dump(source, tmp_path / "dump", fail)

    assert list(tmp_path.iterdir()) == []


def test_time_series_are_refused_instead_of_being_changed(target: Database[Any], tmp_path: Path) -> None:
    target.create_collection("visits", timeseries={"timeField": "at"})

    with pytest.raises(CannotDump, match="visits is a time series"):
        dump(target, tmp_path / "dump", quiet)

    assert list(tmp_path.iterdir()) == []


def test_load_refuses_a_database_with_documents(source: Database[Any], target: Database[Any], tmp_path: Path) -> None:
    dump(source, tmp_path / "dump", quiet)
    target["mine"].insert_one({"_id": 1})

    with pytest.raises(CannotLoad, match="not empty: it contains mine"):
        load(target, tmp_path / "dump", quiet)

    assert target.list_collection_names() == ["mine"]


@pytest.mark.parametrize("change", ["cut", "changed", "missing", "no manifest", "odd manifest", "no folder"])
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
        case "odd manifest":
            manifest.write_text(manifest.read_text().replace('"documents"', '"number"', 1))
        case "no folder":
            folder = tmp_path / "elsewhere"

    with pytest.raises(BadDump):
        load(target, folder, quiet)

    assert target.list_collection_names() == []


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


def test_command_line_says_what_it_did(app: Flask, runner: FlaskCliRunner, tmp_path: Path) -> None:
    factories.package("Flask")
    folder = str(tmp_path / "dump")

    first = runner.invoke(args=["db", "dump", folder])
    again = runner.invoke(args=["db", "dump", folder])
    full = runner.invoke(args=["db", "load", folder])
    empty(Package._get_db())
    loaded = runner.invoke(args=["db", "load", folder])

    assert first.exit_code == 0, first.output
    assert "packages: 1\n" in first.stdout
    assert (again.exit_code, again.stdout, again.stderr) == (1, "", f"Error: {folder} already exists\n")
    assert full.exit_code == 1
    assert full.stderr.startswith("Error: larder_test")
    assert loaded.exit_code == 0, loaded.output
    assert Package.objects.get().name == "Flask"


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


def test_dump_of_a_replica_set_is_of_one_moment(app: Flask, replica_set: Database[Any], tmp_path: Path) -> None:
    for name in ("accounts", "packages"):
        replica_set[name].insert_one({"_id": 1})

    def write_meanwhile(line: str) -> None:
        if line.startswith("accounts"):
            replica_set["packages"].insert_one({"_id": 2})
            replica_set["packages"].delete_one({"_id": 1})

    manifest = dump(replica_set, tmp_path / "dump", write_meanwhile)

    assert manifest.is_snapshot
    assert json.loads((tmp_path / "dump" / "packages.jsonl").read_text()) == {"_id": {"$numberInt": "1"}}


def test_dump_that_takes_longer_than_its_moment_is_kept_says_so_and_leaves_nothing(
    app: Flask, replica_set: Database[Any], tmp_path: Path
) -> None:
    replica_set.client.admin.command("setParameter", 1, minSnapshotHistoryWindowInSeconds=0)
    for name in ("accounts", "packages"):
        replica_set[name].insert_one({"_id": 1})

    def let_others_write(line: str) -> None:
        for _ in range(20):
            replica_set["packages"].insert_one({})
            time.sleep(0.1)

    with pytest.raises(click.ClickException, match="the dump took longer than MongoDB keeps a snapshot"), one_line():
        dump(replica_set, tmp_path / "dump", let_others_write)

    assert [path.name for path in tmp_path.iterdir()] == ["db"]
