"""A target that is away, full, or refuses."""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from migrations_sql_to_mongo.target import open_target
from tests.conftest import database_uri
from tests.migrations_sql_to_mongo.conftest import Mover, account, command, contents
from tests.servers import ROOT, Mongod, ReplicaSet, mongod
from webapp.documents import User


@pytest.mark.faults
def test_killed_server_comes_back_and_the_run_ends_as_if_undisturbed(source: str, tmp_path: Path) -> None:
    with mongod(tmp_path / "db") as server:
        assert subprocess.run(command(source, server.uri("calm")), cwd=ROOT, stdout=subprocess.DEVNULL).returncode == 1
        process = subprocess.Popen(command(source, server.uri("rough")), cwd=ROOT, stdout=subprocess.DEVNULL)
        for _ in range(2):
            _wait_for_checkpoint(server)
            server.kill()
            time.sleep(0.3)
            server.start()
        assert process.wait(60) == 1

        assert contents(server.uri("rough")) == contents(server.uri("calm"))
        assert account(server.uri("rough")) == account(server.uri("calm"))


@pytest.mark.faults
def test_server_killed_between_two_writes_of_a_batch_loses_neither(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from migrations_sql_to_mongo.target import Target

    insert = Target.insert
    crashed: set[str] = set()

    with mongod(tmp_path / "db") as server:
        assert Mover(source, server.uri("calm"))("run").code == 1

        def insert_after_a_crash(self: Target, collection: str, documents: list[bytes]) -> None:
            if "_staging_" in collection and collection not in crashed:
                crashed.add(collection)
                server.kill()
                server.start()
            insert(self, collection, documents)

        monkeypatch.setattr(Target, "insert", insert_after_a_crash)
        assert Mover(source, server.uri("rough"))("run").code == 1

        assert len(crashed) > 3
        assert contents(server.uri("rough")) == contents(server.uri("calm"))


def _wait_for_checkpoint(server: Mongod) -> None:
    """Wait until the run at work has written a few batches more."""
    with MongoClient[Any](server.uri("rough")) as client:
        ledger = client.get_default_database().migrations
        first = None
        for _ in range(1000):
            entry = ledger.find_one({"_id": {"$ne": "lock"}})
            batches = entry["checkpoint"]["batches"] if entry and "checkpoint" in entry else 0
            first = batches if first is None else first
            if (entry and entry["state"] != "copying") or batches > first + 3:
                return
            time.sleep(0.01)


def test_server_that_stays_away_is_one_line(tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from migrations_sql_to_mongo import swap, target

    monkeypatch.setattr(target, "PATIENCE_S", 0.5)
    monkeypatch.setattr(target, "SELECT_MS", 500)
    with mongod(tmp_path / "db") as server:
        monkeypatch.setattr(swap, "keep_and_swap", lambda *_: server.kill())

        stopped = Mover(source, server.uri())("run")

    assert stopped.code == 3
    assert stopped.err.count("\n") == 1
    assert "has been away for" in stopped.err


def test_stopped_server_is_one_line(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from migrations_sql_to_mongo import target

    monkeypatch.setattr(target, "SELECT_MS", 300)

    refused = Mover(source, "mongodb://ada:secret@127.0.0.1:1/larder")("run")

    assert refused.code == 2
    assert "does not answer" in refused.err
    assert "secret" not in refused.err
    assert refused.err.count("\n") == 1


def test_accounts_without_rights_are_told_so(source: str, tmp_path: Path) -> None:
    with mongod(tmp_path / "db", "--auth") as server:
        with MongoClient[Any](server.uri("admin")) as client:
            client.admin.command("createUser", "root", pwd="root", roles=["root"])
        with MongoClient[Any](f"mongodb://root:root@127.0.0.1:{server.port}/admin") as client:
            client.admin.command("createUser", "reader", pwd="pw-read", roles=[{"role": "read", "db": "larder"}])
        address = f"127.0.0.1:{server.port}/larder?authSource=admin"

        read_only = Mover(source, f"mongodb://reader:pw-read@{address}")("run")
        wrong = Mover(source, f"mongodb://reader:pw-wrong@{address}")("run")
        nobody = Mover(source, f"mongodb://{address}")("run")

    assert (read_only.code, wrong.code, nobody.code) == (2, 2, 2)
    assert "may not write" in read_only.err
    for one in (read_only, wrong, nobody):
        assert one.err.count("\n") == 1
        assert "pw-" not in one.err


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 GB. To mount one is root's right."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.faults
def test_full_disk_is_one_line_and_the_run_goes_on_when_there_is_room(
    source: str, mongod_uri: str, small_disk: Path
) -> None:
    name = f"larder_calm_{os.getpid()}"
    calm = database_uri(mongod_uri, name)
    ballast = small_disk / "ballast"
    with MongoClient[Any](mongod_uri) as client:
        assert subprocess.run(command(source, calm), cwd=ROOT, stdout=subprocess.DEVNULL).returncode == 1
        expected = contents(calm)
        client.drop_database(name)
    with mongod(small_disk / "db", "--logpath", "/dev/null") as server:
        with ballast.open("wb", buffering=0) as file:
            # Piece by piece: the server writes, too, in the meantime.
            while (left := os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize - 300_000) > 0:
                file.write(b"x" * min(left, 1_000_000))
        environment = {**os.environ, "MIGRATE_PATIENCE_S": "2"}

        stopped = subprocess.run(
            command(source, server.uri()), cwd=ROOT, capture_output=True, text=True, env=environment
        )

        assert stopped.returncode in (2, 3)
        assert stopped.stderr.count("\n") == 1, stopped.stderr
        server.kill()
        ballast.unlink()
        server.start()
        assert subprocess.run(command(source, server.uri()), cwd=ROOT, stdout=subprocess.DEVNULL).returncode == 1
        assert contents(server.uri()) == expected


@pytest.mark.faults
def test_primary_that_steps_down_does_not_stop_a_run(source: str, tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        uri = ReplicaSet(tmp_path, stack, electionTimeoutMillis=1000).uri("rough")
        with MongoClient[Any](uri, serverSelectionTimeoutMS=30_000) as client:
            process = subprocess.Popen(command(source, uri), cwd=ROOT, stdout=subprocess.DEVNULL)
            for _ in range(200):
                entry = client["rough"].migrations.find_one({"_id": {"$ne": "lock"}})
                if entry and entry.get("checkpoint", {}).get("batches", 0) > 5:
                    break
                time.sleep(0.02)
            with contextlib.suppress(PyMongoError):
                client.admin.command("replSetStepDown", 20, secondaryCatchUpPeriodSecs=5)
            assert process.wait(120) == 1
            calm = uri.replace("/rough", "/calm")
            assert subprocess.run(command(source, calm), cwd=ROOT, stdout=subprocess.DEVNULL).returncode == 1

        assert contents(uri) == contents(calm)


def test_staged_collection_has_the_indexes_of_its_documents(target_uri: str) -> None:
    target = open_target(target_uri)
    target.ensure_indexes("users", "staged")
    names = set(target.db["staged"].index_information()) - {"_id_"}
    target.close()

    assert names == {spec["name"] for spec in User._meta["index_specs"]}
