"""The two servers on which the suite runs, mongomock and a real mongod, and the site on each of them."""

import contextlib
import importlib.util
import logging
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import mongoengine
import pymongo
import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from pymongo.database import Database
from pymongo.write_concern import WriteConcern

from config import TestingConfig
from tests.live import Run
from tests.people import Browser, browser
from webapp import create_app
from webapp.documents import DOCUMENTS, Package, ensure_indexes
from webapp.home.views import known_counts
from webapp.mongodb import embedded
from webapp.mongodb.data_folder import server_pid
from webapp.mongodb.mongod_programs import MongodNotFound
from webapp.search.frequencies import Frequencies, frequencies
from webapp.serving.footer import Footer, footer
from webapp.serving.log_config import JsonFormatter
from webapp.serving.slow_clients import SlowClients, slow_clients

# Names the folder of the server that all tests share.
DATA = "LARDER_TEST_DATA"
MEMORY_BYTES = 4_000_000_000
OTHER_TARGETS = ("faults", "thorough", "deployment", "clients", "containers")
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_configure(config: pytest.Config) -> None:
    """Start children with default signal handlers, even where the suite runs under `nohup` or in a background job.

    Children inherit which signals are ignored, and tests could not interrupt them. Handlers are not inherited, so one
    that does nothing keeps the suite itself going.
    """
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    if DATA not in os.environ and (folder := folder_in_memory()):
        os.environ[DATA] = str(folder)  # which the workers of xdist inherit
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def folder_in_memory() -> Path | None:
    """Make a folder in memory for the server that all tests share, if there is room, or return None.

    The site lets each write wait for the disk. On one, that is half of what the suite takes.
    """
    memory = Path("/dev/shm")
    try:
        for left in memory.glob("larder-tests-*"):  # by a run that was killed
            if not Path("/proc", left.name.split("-")[2]).exists() and server_pid(left / "mongod") is None:
                shutil.rmtree(left, ignore_errors=True)
        if shutil.disk_usage(memory).free > MEMORY_BYTES:
            return Path(tempfile.mkdtemp(prefix=f"larder-tests-{os.getpid()}-", dir=memory))
    except OSError:
        pass
    return None


def pytest_sessionfinish() -> None:
    """Stop the server before its folder is removed."""
    embedded.release()


def required(reason: str) -> None:
    """Skip a test for want of something; in CI, where all that is required is promised, fail it instead."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses by the marker
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what mongomock cannot do, and mark the tests of the move and what runs on a real server, too.

    Tests marked `real_server` run on the real one only. The others run on mongomock, and again on the real one.
    """
    left_out = []
    for item in items:
        has_its_target = any(item.get_closest_marker(name) for name in OTHER_TARGETS)
        if "migrations_sql_to_mongo" in item.path.parts and not has_its_target:
            item.add_marker("migration")
        servers = (
            item.callspec.params.values() if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ()
        )
        if item.get_closest_marker("real_server"):
            left_out += [item] if "mongomock" in servers else []
        elif "mongod" in servers and not has_its_target:
            item.add_marker("again")
    out = set(left_out)
    items[:] = [item for item in items if item not in out]
    config.hook.pytest_deselected(items=left_out)


# The processes of a test run may share a seed.
_CHANCE = random.SystemRandom()


def free_port() -> int:
    """A port on which nothing listens, so that 27017 stays free for the site itself.

    Linux gives those from 32768 on to outgoing connections. One of them may take the port before the server does.
    """
    while True:
        port = _CHANCE.randrange(15_000, 32_768)
        with socket.socket() as free, contextlib.suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port


AT_ONCE = WriteConcern(w=1, j=False)
# An expression that takes the server half a second.
SLOW = {"$reduce": {"input": {"$range": [0, 1_000_000]}, "initialValue": 0, "in": {"$add": ["$$value", 1]}}}


def database_uri(server: str, name: str) -> str:
    """The address of a database on a server, whose own address has none: mongodb://user:password@host/?options."""
    address, _, options = server.partition("?")
    return f"{address.rstrip('/')}/{name}?{options}".rstrip("?")


@pytest.fixture(scope="session")
def mongod_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a real server: $TEST_MONGODB_URI, or the embedded one for all workers. See `database_uri`."""
    uri = os.environ.get("TEST_MONGODB_URI")
    if not uri:
        base = tmp_path_factory.getbasetemp()
        on_disk = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
        try:
            uri = embedded.acquire(Path(os.environ.get(DATA, on_disk)) / "mongod", port=free_port(), database="")
        except MongodNotFound as error:
            required(str(error))
            raise
    return uri


@pytest.fixture(scope="session", params=("mongomock", "mongod"))
def site(request: pytest.FixtureRequest) -> Iterator[Flask]:
    """The site on one of the two servers, with a database of its own; tests take `app`, which is empty."""
    name = f"larder_test_{uuid.uuid4().hex[:12]}"
    mongoengine.disconnect_all()
    if request.param == "mongomock":
        uri = f"mongomock://localhost/{name}"
    else:
        uri = database_uri(request.getfixturevalue("mongod_uri"), name)

    class Config(TestingConfig):
        MONGODB_URI = uri

    site = create_app(Config)
    # As `flask serve` says of a site that only this machine reaches.
    site.config["LOOPBACK_URL"] = "http://localhost"
    with site.app_context():
        ensure_indexes(DOCUMENTS)
    yield site
    mongoengine.disconnect_all()
    if request.param == "mongod":
        # Not through mongoengine: a test may have left it without a connection.
        with pymongo.MongoClient[dict[str, Any]](request.getfixturevalue("mongod_uri")) as client:
            client.drop_database(name)


@pytest.fixture
def app(site: Flask) -> Iterator[Flask]:
    """The site with an empty database, and an application context to ask documents in.

    The collections are without the rules that a test before may have set: many tests write what the server would
    refuse, as somebody did before there were rules.
    """
    let_end("site-stats", "search-index")
    empty()
    lift_rules()
    with site.app_context():
        # What is counted to limit attempts stands in the database, too, and is no document.
        site.extensions["limiter"].storage.reset()
        site.extensions["mailman"].outbox = []
        # A test before may have left long answers unread, which hold their places until they are collected.
        slow_clients.set(site, SlowClients())
        site.extensions["trusted_issuers"] = {}
        site.extensions["sign_on"] = None
        footer.set(site, Footer())
        known_counts.set(site, None)
        frequencies.set(site, Frequencies())
        yield site


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """What the site logs, as JSON."""
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    monkeypatch.setattr(logging.getLogger("webapp"), "handlers", [handler])
    return written


def let_end(*names: str) -> None:
    """Wait for what a test before set off in the background, which would write into the next one's database."""
    for thread in threading.enumerate():
        if thread.name in names:
            thread.join(10)


def empty() -> None:
    """Remove every document, without waiting for the disk as the site does."""
    database = Package._get_db()
    names = [document_type._get_collection_name() for document_type in DOCUMENTS]
    for name in filled(database, names) if isinstance(database, Database) else names:
        database[name].with_options(write_concern=AT_ONCE).delete_many({})


def filled(database: Database[dict[str, Any]], names: list[str]) -> list[str]:
    """Which of these collections hold anything: one question instead of one for each, before each of the tests."""
    firsts: list[list[dict[str, Any]]] = [
        [{"$limit": 1}, {"$project": {"_id": 0, "name": {"$literal": name}}}] for name in names
    ]
    others = [
        {"$unionWith": {"coll": name, "pipeline": pipeline}}
        for name, pipeline in zip(names[1:], firsts[1:], strict=True)
    ]
    return [found["name"] for found in database[names[0]].aggregate([*firsts[0], *others])]


def lift_rules() -> None:
    """Let every collection take any document; mongomock knows no rules."""
    database = Package._get_db()
    if isinstance(database, Database):
        for info in database.list_collections(filter={"options.validator": {"$exists": True}}):
            database.command({"collMod": info["name"], "validator": {}, "validationLevel": "off"})


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A reader's browser, or a program."""
    return app.test_client()


@pytest.fixture
def visitor(app: Flask) -> Browser:
    """Somebody in a browser of their own."""
    return browser(app)


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    """Somebody at the command line."""
    return app.test_cli_runner()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a module of this Python in an empty folder, away from everybody's settings."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_", "COV_", "PYTHON"))}
    nowhere = {
        "PIP_CONFIG_FILE": os.devnull,
        "UV_NO_CONFIG": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "HOME": str(tmp_path),
    }

    def module(name: str, *args: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", name, *args],
            env=own | nowhere | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return module


@pytest.fixture
def uv(run: Run) -> Run:
    """Run uv."""
    if importlib.util.find_spec("uv") is None:
        required("uv is not installed; requirements-dev.txt names it")

    def uv(*args: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        python = ("--python", sys.executable) if args[0] == "pip" else ()
        return run("uv", *args, "--no-cache", *python, stdin=stdin)

    return uv
