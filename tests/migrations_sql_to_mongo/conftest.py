"""A database for each test on the real server, and the command as an operator calls it."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from pymongo import MongoClient
from pymongo.database import Database

from migrations_sql_to_mongo.cli import main
from tests.conftest import database_uri
from tests.migrations_sql_to_mongo.old_site import Rows, make_sqlite
from tests.migrations_sql_to_mongo.servers import SERVERS, Server, empty_database


class Outcome(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """What --json printed."""
        return dict(json.loads(self.out))


class Mover:
    """`python -m migrations_sql_to_mongo` between two databases."""

    def __init__(self, source: str, target: str) -> None:
        self.source, self.target = source, target

    def __call__(self, *arguments: str) -> Outcome:
        command = list(arguments)
        if arguments[0] not in ("status", "undo"):
            command += ["--source", self.source]
        if arguments[0] != "map":
            # The options of `rejects replay` follow the command, as everywhere.
            command += ["--target", self.target, "--quiet"]
        done = CliRunner().invoke(main, command)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Outcome(done.exit_code, done.stdout, done.stderr)


@pytest.fixture
def target_uri(mongod_uri: str) -> Iterator[str]:
    """The address of an empty database."""
    name = f"larder_move_{uuid.uuid4().hex[:12]}"
    yield database_uri(mongod_uri, name)
    with MongoClient[Any](mongod_uri) as client:
        client.drop_database(name)


@pytest.fixture
def db(target_uri: str) -> Iterator[Database[dict[str, Any]]]:
    """What stands in that database."""
    with MongoClient[dict[str, Any]](target_uri, tz_aware=True) as client:
        yield client.get_default_database()


@pytest.fixture
def mover(tmp_path: Path, target_uri: str) -> Callable[[Rows], Mover]:
    """A command that moves these rows, from an SQLite file."""

    def make(rows: Rows) -> Mover:
        return Mover(make_sqlite(tmp_path / f"{uuid.uuid4().hex}.sqlite", rows), target_uri)

    return make


@pytest.fixture(params=sorted(SERVERS))
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """An empty database on a server, gone after the test."""
    with empty_database(request.param) as made:
        yield made


def site_documents(db: Database[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What the site reads, without the ledger and what it keeps for `undo`."""
    names = ("licenses", "languages", "users", "packages", "downloads", "auditing")
    return {name: list(db[name].find().sort("_id", 1)) for name in names}
