"""Servers of a test's own, which it may kill, freeze and cut off: mongods, a replica set, and the site itself."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from tests.conftest import free_port, required
from webapp.mongodb.mongod_programs import MongodNotFound, find_mongod

ROOT = Path(__file__).resolve().parents[1]
START_S = 60
# What the site calls itself in the first message of each connection to the database.
SITE = b"larder"


class Mongod:
    """A server of its own, that a test may kill."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self._folder, self._options = folder, options
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        try:
            binary = find_mongod()
        except MongodNotFound as error:
            required(str(error))
            raise
        self._folder.mkdir(exist_ok=True)
        self._process = subprocess.Popen(
            [str(binary), "--dbpath", str(self._folder), "--port", str(self.port),
             "--bind_ip", "127.0.0.1", "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25", *self._options],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + START_S
        while True:
            with self.client() as client:
                try:
                    client.admin.command("ping")
                except PyMongoError:
                    assert time.monotonic() < deadline, "mongod does not start"
                else:
                    return

    def client(self) -> MongoClient[Any]:
        """A way to ask this server itself, whatever it is a member of."""
        return MongoClient(
            port=self.port,
            directConnection=True,
            serverSelectionTimeoutMS=2000,
            connectTimeoutMS=2000,
            socketTimeoutMS=2000,
        )

    def signal(self, number: int) -> None:
        """SIGSTOP freezes it, SIGCONT lets it go on."""
        if self._process:
            self._process.send_signal(number)

    def kill(self) -> None:
        """kill -9."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def has_ended(self) -> bool:
        """Whether it stopped by itself."""
        return self._process is None or self._process.poll() is not None

    def uri(self, name: str = "larder") -> str:
        """The address of a database."""
        return f"mongodb://127.0.0.1:{self.port}/{name}"


@contextlib.contextmanager
def mongod(folder: Path, *options: str) -> Iterator[Mongod]:
    """A server of its own."""
    server = Mongod(folder, *options)
    try:
        yield server
    finally:
        server.kill()


@contextlib.contextmanager
def failing(server: Mongod, *commands: str, **how: Any) -> Iterator[None]:
    """Let these commands fail when the site sends them: slowly, with an error, or by a closed connection.

    Source: the failpoint with which MongoDB tests its drivers.
    """
    with failpoint(server, "failCommand", failCommands=commands, appName=SITE.decode(), **how):
        yield


@contextlib.contextmanager
def failpoint(server: Mongod, name: str, **data: Any) -> Iterator[None]:
    """Let a server misbehave in a way that it has built in. It needs `enableTestCommands`."""
    with server.client() as client:
        client.admin.command({"configureFailPoint": name, "mode": "alwaysOn", "data": data})
        try:
            yield
        finally:
            client.admin.command({"configureFailPoint": name, "mode": "off"})


class Wire:
    """A way to a server that a test can cut: then nothing passes and nothing is refused, as with a pulled cable."""

    def __init__(self, target: int) -> None:
        self.port, self._target = free_port(), target
        self._cut_for: tuple[bytes, ...] = ()
        self._loop = asyncio.new_event_loop()
        self._mended = asyncio.Event()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(START_S)

    def cut(self, *, only_for_site: bool = False) -> None:
        """Let nothing pass any more: for the site alone, or for the other members, too."""
        self._loop.call_soon_threadsafe(self._mended.clear)
        self._cut_for = (SITE,) if only_for_site else (SITE, b"")

    def mend(self) -> None:
        """Let everything pass again, what was sent in between, too."""
        self._cut_for = ()
        self._loop.call_soon_threadsafe(self._mended.set)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self, ready: threading.Event) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._connect, "127.0.0.1", self.port))
        ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.1))
        self._loop.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks = []
        with contextlib.suppress(OSError):
            first = await reader.read(65536)
            caller = SITE if SITE in first else b""
            await self._passage(caller)
            away_reader, away_writer = await asyncio.open_connection("127.0.0.1", self._target)
            away_writer.write(first)
            there = asyncio.create_task(self._pass_on(reader, away_writer, caller))
            back = asyncio.create_task(self._pass_on(away_reader, writer, caller))
            tasks = [there, back]
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            away_writer.close()
        for task in tasks:
            task.cancel()
        writer.close()

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, caller: bytes) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await self._passage(caller)
                sink.write(data)
                await sink.drain()
            await self._passage(caller)

    async def _passage(self, caller: bytes) -> None:
        while caller in self._cut_for:
            await self._mended.wait()


class ReplicaSet:
    """Three mongods that call each other, and are called, over wires. It keeps MongoDB's own timeouts."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack, **settings: int) -> None:
        options = ("--replSet", "rs", "--setParameter", "enableTestCommands=1", "--logpath", "/dev/null")
        self.members = [stack.enter_context(mongod(folder / f"member{n}", *options)) for n in range(3)]
        self.wires = [Wire(member.port) for member in self.members]
        for wire in self.wires:
            stack.callback(wire.close)
        self._hosts = [f"127.0.0.1:{wire.port}" for wire in self.wires]
        members = [{"_id": n, "host": host} for n, host in enumerate(self._hosts)]
        with self.members[0].client() as client:
            client.admin.command("replSetInitiate", {"_id": "rs", "members": members, "settings": settings})
        deadline = time.monotonic() + START_S
        while not set(states := self.states()) <= {"PRIMARY", "SECONDARY"}:
            assert time.monotonic() < deadline, states
            time.sleep(0.1)
        # Sooner than the first election, which takes ten seconds.
        with self.members[0].client() as client, contextlib.suppress(PyMongoError):
            client.admin.command("replSetStepUp")
        self.wait_until_whole()

    def uri(self, name: str = "larder") -> str:
        """The address of a database, with all members."""
        return f"mongodb://{','.join(self._hosts)}/{name}?replicaSet=rs"

    def states(self) -> list[str]:
        """What each member says that it is."""
        found = []
        for member in self.members:
            with member.client() as client:
                try:
                    hello = client.admin.command("hello")
                except PyMongoError:
                    found.append("AWAY")
                else:
                    found.append(
                        "PRIMARY" if hello["isWritablePrimary"] else "SECONDARY" if hello["secondary"] else "OTHER"
                    )
        return found

    def primary(self) -> int:
        """The number of the member that takes writes."""
        return self.states().index("PRIMARY")

    def wait_until_whole(self) -> None:
        """Wait until one member is primary and the other two follow it."""
        deadline = time.monotonic() + START_S
        while sorted(states := self.states()) != ["PRIMARY", "SECONDARY", "SECONDARY"]:
            assert time.monotonic() < deadline, states
            time.sleep(0.1)

    def names(self, names: list[str]) -> set[str]:
        """Which of these usernames the set holds, as a majority of its members knows it."""
        with MongoClient[Any](self.uri(), serverSelectionTimeoutMS=START_S * 1000) as client:
            users = client.get_default_database().users.with_options(read_concern=ReadConcern("majority"))
            return {user["username"] for user in users.find({"username": {"$in": names}}, {"username": 1})}


class Site:
    """The site as an operator starts it, in processes of its own."""

    def __init__(self, log: Path, uri: str, *, workers: int = 2, threads: int = 4, **settings: str | int) -> None:
        self.port, self._log = free_port(), log
        self.address = f"http://127.0.0.1:{self.port}"
        environment = {
            "LARDER_ENV": "production",
            "SECRET_KEY": "a key for tests of faults, worth nothing",
            "MONGODB_URI": uri,
            # Nothing is kept, so each page is a question to the database; anybody may register, at little cost.
            "PAGE_CACHE_S": 0,
            "REGISTRATION_LIMIT": "1000000/hour",
            "SEARCH_LIMIT": "",
            "LOOKING_LIMIT": "",
            "PASSWORD_MEMORY_KIB": 64,
            "PASSWORD_PASSES": 1,
            **settings,
        }
        _fill(uri)
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flask", "--app", "app", "serve", "--port", str(self.port),
                 "--workers", str(workers), "--threads", str(threads)],
                cwd=ROOT,
                env=os.environ | {name: str(value) for name, value in environment.items()},
                stdout=output,
                stderr=output,
            )  # fmt: skip

    def wait_until_up(self, status: int = 200, path: str = "/ping") -> None:
        """Wait until it answers so."""
        deadline = time.monotonic() + START_S
        answer: Any = None
        while answer != status:
            assert time.monotonic() < deadline, f"{path}: {answer}\n{self.log()}"
            try:
                answer = requests.get(self.address + path, timeout=10).status_code
            except requests.RequestException as error:
                answer = error
            time.sleep(0.05)

    def log(self) -> str:
        """What it has said."""
        return self._log.read_text(errors="replace")

    def web_processes(self) -> list[int]:
        """The processes that answer requests."""
        return children(self.process.pid)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.terminate()
        return self.process.wait(START_S)


def _fill(uri: str) -> None:
    """Put one project into an empty database; the site itself would import all that is installed here."""
    with MongoClient[Any](uri, serverSelectionTimeoutMS=START_S * 1000) as client:
        database = client.get_default_database()
        database.packages.replace_one({"_id": "flask"}, {"name": "Flask", "summary": "A framework"}, upsert=True)
        database.site_stats.replace_one({"_id": "site"}, {"computed_at": datetime.now(UTC)}, upsert=True)


def children(pid: int) -> list[int]:
    """The processes that this one started and that still live."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@contextlib.contextmanager
def serving(log: Path, uri: str, **options: Any) -> Iterator[Site]:
    """The site, until the end of the block."""
    site = Site(log, uri, **options)
    try:
        site.wait_until_up()
        yield site
    finally:
        if site.process.poll() is None:
            site.process.send_signal(signal.SIGTERM)
            try:
                site.process.wait(START_S)
            except subprocess.TimeoutExpired:
                site.process.kill()
