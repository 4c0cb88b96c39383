"""Servers of a test's own, in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from tests.conftest import free_port
from tests.serving.conftest import raising
from webapp.mongodb import embedded
from webapp.mongodb.embedded import release
from webapp.mongodb.mongod_programs import MongodNotFound, find_mongod

__all__ = ["raising"]

ROOT = Path(__file__).resolve().parents[2]
# The programs load the modules without the site around them: to import all of it takes each of them a second.
LOAD = """
import sys, types
from pathlib import Path

for name in ("webapp", "webapp.mongodb"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [name.replace(".", "/")]
from webapp.mongodb.embedded import acquire, release
"""
# Uses a server until its standard input is closed.
USER = f"""{LOAD}
import select

print(acquire(Path(sys.argv[1]), port=int(sys.argv[2])), flush=True)
while not select.select([sys.stdin], [], [], 0.05)[0]:
    pass  # a signal that comes just before a call that waits for ever would be noticed at its end only
"""


class User:
    """Another process that uses the server; it leads a process group, as from a terminal."""

    def __init__(self, data_dir: Path, port: int, program: str = USER) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, str(data_dir), str(port)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

        assert self.process.stdin
        assert self.process.stdout
        self.stdin, self.stdout = self.process.stdin, self.process.stdout

    def says(self) -> str:
        """Return its next line, after 20 s an empty one."""
        too_late = threading.Timer(20, os.killpg, (self.process.pid, signal.SIGKILL))
        too_late.start()
        line = self.stdout.readline().strip()
        too_late.cancel()
        return line

    def leave(self) -> int:
        self.stdin.close()
        exit_code = self.process.wait(20)
        self.stdout.close()
        return exit_code

    def end_by(self, signum: signal.Signals) -> int:
        os.killpg(self.process.pid, signum)
        return self.process.wait(20)


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    # `release` must not leave the server that all tests share: another worker would stop it too early.
    monkeypatch.setattr(embedded, "_held", {})
    try:
        find_mongod()
    except MongodNotFound as error:
        pytest.skip(str(error))
    handlers = {signum: signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGHUP)}
    yield tmp_path / "mongodb"
    release()
    for signum, handler in handlers.items():
        signal.signal(signum, handler)


@pytest.fixture
def port() -> int:
    return free_port()


def address(data_dir: Path, port: int, database: str = "larder") -> str:
    """The whole address of a server, as `acquire` promises it."""
    password = (data_dir / "larder-password").read_text().strip()
    return f"mongodb://larder:{password}@127.0.0.1:{port}/{database}?authSource=admin"


def plain_mongod(data_dir: Path, port: int, *options: str) -> "subprocess.Popen[str]":
    """A mongod that was not started by `acquire`."""
    data_dir.mkdir(exist_ok=True)
    server = subprocess.Popen(
        [find_mongod(), "--dbpath", data_dir, "--port", str(port), "--nounixsocket", *options],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout
    assert any("Waiting for connections" in line for line in server.stdout)
    return server


def connect(uri: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(uri, serverSelectionTimeoutMS=2000)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a server that another process keeps running."""
    data_dir = tmp_path_factory.mktemp("served") / "mongodb"
    port = free_port()
    user = User(data_dir, port)
    assert user.says() == address(data_dir, port)
    yield data_dir
    user.leave()


def left_behind(data_dir: Path, port: int, *options: str) -> "subprocess.Popen[str]":
    """A server whose starter was killed before it signed in."""
    server = plain_mongod(data_dir, port, *options)
    (data_dir / "larder-mongod.json").write_text(json.dumps({"pid": server.pid, "port": port}))
    return server
