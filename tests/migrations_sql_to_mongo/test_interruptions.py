"""kill -9 of the tool and of the server, full disks, missing rights, a primary that steps down."""

import contextlib
import json
import os
import random
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bson
import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.conftest import database_uri
from tests.migrations_sql_to_mongo.conftest import Mover
from tests.migrations_sql_to_mongo.old_site import Rows, download, make_sqlite, package, release, some_rows, user
from tests.servers import ROOT, Mongod, ReplicaSet, mongod

KILLS = int(os.environ.get("KILLS", "20"))


def many_rows(packages: int = 160) -> Rows:
    """Enough for a second of work, with a few rejects in it."""
    names = [f"project-{number:05}" for number in range(packages)]
    return some_rows() | {
        "users": [user(number, email=f"u{number}@example.org") for number in range(1, 101)],
        "packages": [
            package(name, description="*hi*" if number % 40 == 0 else None) for number, name in enumerate(names)
        ],
        "releases": [
            release(number * 10 + patch, name, f"1.{patch}.0", size=-1 if patch == 3 else 12)
            for number, name in enumerate([*names, "nowhere"])
            for patch in range(5)
        ],
        "maintainers": [{"user_id": number % 104 + 1, "package_id": name} for number, name in enumerate(names)],
        "downloads": [download(number) for number in range(200)],
    }


def command(source: str, uri: str, *more: str) -> list[str]:
    """The tool in a process of its own, in small batches."""
    return [sys.executable, "-m", "migrations_sql_to_mongo", "run", "--source", source, "--target", uri,
            "--batch-size", "20", "--quiet", *more]  # fmt: skip


def contents(uri: str) -> dict[str, list[bytes]]:
    """Every document that the site reads, byte for byte, the rejects, and the digests of what was moved."""
    with MongoClient[Any](uri, document_class=bson.raw_bson.RawBSONDocument) as client:
        db = client.get_default_database()
        names = [name for name in db.list_collection_names() if name not in ("migrations", "site_stats")]
        return {
            re.sub(r"_\d{8}_\d{6}.*", "", name): [bytes(one.raw) for one in db[name].find().sort("_id", 1)]
            for name in names
        }


def account(uri: str) -> dict[str, Any]:
    """What the ledger says of the last run."""
    with MongoClient[Any](uri) as client:
        entry = client.get_default_database().migrations.find_one({"state": "done"}) or {}
        return {"tally": entry.get("tally"), "is": [one.get("is") for one in entry.get("collections", [])]}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A source that takes about a second."""
    return make_sqlite(tmp_path_factory.mktemp("kills") / "old.sqlite", many_rows())


# Starting Python anew for each of many runs would take most of the time.
FORKER = """
import json, os, sys
from migrations_sql_to_mongo.cli import main
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        main(json.loads(line))
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Runs:
    """Starts the tool again and again, each time in a process of its own that can be killed."""

    def __init__(self) -> None:
        self._forker = subprocess.Popen(
            [sys.executable, "-c", FORKER],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def run(self, arguments: list[str], kill_after_s: float | None = None) -> int:
        """Run a command, kill -9 it after some time, and return its exit code; that of a killed one is -9."""
        assert self._forker.stdin is not None
        assert self._forker.stdout is not None
        self._forker.stdin.write(json.dumps(arguments) + "\n")
        pid = int(self._forker.stdout.readline())
        if kill_after_s is not None and not select.select([self._forker.stdout], [], [], kill_after_s)[0]:
            os.kill(pid, signal.SIGKILL)
        return int(self._forker.stdout.readline())

    def close(self) -> None:
        """End the process that starts them."""
        self._forker.communicate()


@pytest.mark.faults
def test_killed_tool_goes_on_and_ends_as_if_undisturbed(source: str, mongod_uri: str) -> None:
    names = [f"larder_{what}_{os.getpid()}" for what in ("undisturbed", "disturbed")]
    undisturbed, disturbed = (database_uri(mongod_uri, name) for name in names)
    rng = random.Random(os.environ.get("KILL_SEED", "larder"))
    runs = Runs()
    with MongoClient[Any](mongod_uri) as client:
        try:
            started = time.monotonic()
            assert runs.run(command(source, undisturbed)[3:]) == 1
            took_s = time.monotonic() - started
            expected = contents(undisturbed), account(undisturbed)
            kills = 0
            states: set[str] = set()
            while kills < KILLS:
                code = runs.run(command(source, disturbed)[3:], kill_after_s=took_s * rng.uniform(0.05, 0.7))
                assert code in (-signal.SIGKILL, 1)
                kills += code == -signal.SIGKILL
                entry = client[names[1]].migrations.find_one({"_id": {"$ne": "lock"}}) or {}
                states.add(entry.get("state", "before the beginning"))
                if entry.get("state") == "done":
                    assert (contents(disturbed), account(disturbed)) == expected
                    client.drop_database(names[1])
            assert runs.run(command(source, disturbed)[3:]) == 1

            assert (contents(disturbed), account(disturbed)) == expected
            assert "copying" in states
        finally:
            runs.close()
            for name in names:
                client.drop_database(name)


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


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("sqlite:////nowhere/old.sqlite", "does not exist"),
        ("sqlite://", "names no SQLite file"),
        ("oracle://x/y", "must be SQLite"),
        ("nonsense", "cannot be read by SQLAlchemy"),
        ("", "name the old site's database"),
    ],
)
def test_wrong_source_is_one_line(target_uri: str, address: str, complaint: str) -> None:
    refused = Mover(address, target_uri)("run")

    assert refused.code == 2
    assert complaint in refused.err
    assert refused.err.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "holds no tables"),
        ("CREATE TABLE shop (id)", "another site's database"),
        ("CREATE TABLE users (name)", "has no column id"),
        ("CREATE TABLE users (id); CREATE TABLE packages (id)", "hold no rows"),
    ],
)
def test_another_database_is_told_so(tmp_path: Path, target_uri: str, content: str, complaint: str) -> None:
    import sqlite3

    db = sqlite3.connect(tmp_path / "other.sqlite")
    db.executescript(content + ";")
    db.close()
    (tmp_path / "other.sqlite").touch()

    refused = Mover(f"sqlite:///{tmp_path / 'other.sqlite'}", target_uri)("run")

    assert refused.code == 2
    assert complaint in refused.err


def test_file_that_is_no_database_is_told_so(tmp_path: Path, target_uri: str) -> None:
    (tmp_path / "text.sqlite").write_text("This is no database at all. " * 100)

    refused = Mover(f"sqlite:///{tmp_path / 'text.sqlite'}", target_uri)("plan")

    assert refused.code == 2
    assert "file is not a database" in refused.err
    assert refused.err.count("\n") == 1


def test_target_that_is_no_address_is_told_so(source: str) -> None:
    refused = Mover(source, "postgres://ada:secret@x/y")("plan")

    assert refused.code == 2
    assert "is not a MongoDB address" in refused.err
    assert "secret" not in refused.err


def test_interrupted_by_the_operator_goes_on(source: str, target_uri: str) -> None:
    process = subprocess.Popen(command(source, target_uri), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with MongoClient[Any](target_uri) as client:
        for _ in range(1000):
            if client.get_default_database().migrations.find_one({"checkpoint.batches": {"$gt": 1}}):
                break
            time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()

    assert process.returncode == 3
    assert err.decode().count("\n") == 1
    assert Mover(source, target_uri)("run").code == 1
