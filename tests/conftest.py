"""The two servers on which the suite runs, mongomock and a real mongod, and the site on each of them."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mongoengine
import pymongo
import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from pymongo.database import Database

from config import TestingConfig
from tests.live import Run
from webapp import create_app
from webapp.documents import DOCUMENTS, Package, ensure_indexes
from webapp.mongodb import embedded
from webapp.mongodb.programs import MongodNotFound

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_configure() -> None:
    """Start children with default signal handlers, even where the suite runs under `nohup` or in a background job.

    Children inherit which signals are ignored, and tests could not interrupt them. Handlers are not inherited, so one
    that does nothing keeps the suite itself going.
    """
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def pytest_sessionfinish() -> None:
    """Stop the server before pytest removes its folder."""
    embedded.release()


def required(reason: str) -> None:
    """Skip a test for want of something; in CI, where all that is required is promised, fail it instead."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what mongomock cannot do: tests marked `real_server` run on the real one only."""
    left_out = [
        item
        for item in items
        if isinstance(item, pytest.Function)
        and item.get_closest_marker("real_server")
        and hasattr(item, "callspec")
        and "mongomock" in item.callspec.params.values()
    ]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def free_port() -> int:
    """A port on which nothing listens, so that 27017 stays free for the site itself."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


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
        shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
        try:
            uri = embedded.acquire(shared / "mongod", port=free_port(), database="")
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
    for document_type in DOCUMENTS:
        document_type._get_collection().delete_many({})
    lift_rules()
    with site.app_context():
        # What is counted to limit attempts stands in the database, too, and is no document.
        site.extensions["limiter"].storage.reset()
        yield site


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
