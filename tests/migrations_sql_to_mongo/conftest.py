"""A database for each test on the real server, and the command as an operator calls it."""

import atexit
import json
import re
import sqlite3
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import bson
import pytest
from click.testing import CliRunner
from pymongo import MongoClient
from pymongo.database import Database

from migrations_sql_to_mongo import rendering
from migrations_sql_to_mongo.cli import main
from migrations_sql_to_mongo.digests import RENDERED, SIZE, digest_of_rendering
from migrations_sql_to_mongo.target import Target
from tests.changes.conftest import breaking
from tests.conftest import database_uri
from tests.migrations_sql_to_mongo.old_site import Rows, download, make_sqlite, package, release, some_rows, user
from tests.migrations_sql_to_mongo.servers import SERVERS, Server, empty_database
from webapp.documents.base import utc_now
from webapp.documents.user import object_id_of_sql_id
from webapp.rendering import renderers

__all__ = ["breaking"]


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
        # Of tables with a few rows, as most are here, one row is a large share. None leaves out the option.
        self.max_reject_share: str | None = "100"

    def __call__(self, *arguments: str) -> Outcome:
        command = list(arguments)
        if arguments[0] not in ("status", "undo"):
            command += ["--source", self.source]
        if arguments[0] in ("plan", "run", "catch-up") and self.max_reject_share:
            command[1:1] = ["--max-reject-share", self.max_reject_share]
        if arguments[0] != "map":
            # The options of `rejects replay` follow the command, as everywhere.
            command += ["--target", self.target, "--quiet"]
        done = CliRunner().invoke(main, command)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Outcome(done.exit_code, done.stdout, done.stderr)


# The processes that render descriptions take longer to start than most of these tests, so all moves share them.
_children = renderers(2)
atexit.register(_children.close)


@pytest.fixture(autouse=True)
def warm_renderers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a move keep the processes for the next one."""
    monkeypatch.setattr(rendering, "renderers", lambda _: _children)
    monkeypatch.setattr(_children, "close", lambda: None)


Make = Callable[[Rows], Mover]
Db = Database[dict[str, Any]]


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


@dataclass
class Interruption:
    """Interrupts moves, as Ctrl-C does, after they have talked to MongoDB so many times more; 0 is never."""

    after: int = 0


@pytest.fixture
def interruption(monkeypatch: pytest.MonkeyPatch) -> Interruption:
    """Interrupts moves as soon as a test says after what."""
    made, patiently = Interruption(), Target.patiently

    def counted(target: Target, action: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        made.after -= 1
        found = patiently(target, action, *arguments, **options)
        if made.after == 0:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(Target, "patiently", counted)
    return made


def site_documents(db: Database[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What the site reads, without the ledger and what it keeps for `undo`."""
    names = ("licenses", "languages", "users", "packages", "downloads", "auditing")
    return {name: list(db[name].find().sort("_id", 1)) for name in names}


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
    """Every document that the site reads, byte for byte, the rejects, and the digests of what was moved.

    The digests of rendered descriptions are left out, but have to be right. A run that is killed after it stored a
    description keeps none of it, and `verify` renders it once more.
    """
    with MongoClient[Any](uri, document_class=bson.raw_bson.RawBSONDocument) as client:
        db = client.get_default_database()
        names = [name for name in db.list_collection_names() if name not in ("migrations", "site_stats")]
        found = {re.sub(r"_\d{8}_\d{6}.*", "", name): list(db[name].find().sort("_id", 1)) for name in names}
    stored = {one["_id"]: one for one in found.get("packages", [])}
    chunks = found.get("migrations_digests", [])
    for chunk in (one for one in chunks if one["collection"] == RENDERED):
        for number, name in enumerate(chunk["ids"]):
            digest = digest_of_rendering(stored[name]["description"], stored[name])
            assert chunk["digests"][number * SIZE :][:SIZE] == digest, name
    found["migrations_digests"] = [one for one in chunks if one["collection"] != RENDERED]
    return {name: [bytes(one.raw) for one in documents] for name, documents in found.items()}


def account(uri: str) -> dict[str, Any]:
    """What the ledger says of the last run."""
    with MongoClient[Any](uri) as client:
        entry = client.get_default_database().migrations.find_one({"state": "done"}) or {}
        return {"tally": entry.get("tally"), "is": [one.get("is") for one in entry.get("collections", [])]}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A source that takes about a second."""
    return make_sqlite(tmp_path_factory.mktemp("kills") / "old.sqlite", many_rows())


def moved(make: Make, rows: Rows, *options: str) -> tuple[Mover, dict[str, Any], Outcome]:
    """Plan, run and verify; plan and run must agree, and verify must accept."""
    move = make(some_rows() | rows)
    planned = move("plan", "--json", *options)
    done = move("run", "--json", *options)
    assert done.code in (0, 1), done.err
    assert (planned.code, planned.report["tally"]) == (done.code, done.report["tally"])
    checked = move("verify", *options)
    assert checked.code == 0, checked.out
    return move, done.report["tally"]["tables"], done


def reasons(tables: dict[str, Any], table: str) -> dict[str, int]:
    """Why rows of a table were rejected, and how many."""
    return {one["text"]: one["count"] for one in tables[table]["reasons"]}


def remarks(tables: dict[str, Any], table: str) -> dict[str, int]:
    """The rules that were applied to rows of a table."""
    return {one["text"].partition(":")[0]: one["count"] for one in tables[table]["remarks"]}


class Site:
    """Another site's database, and the way from it into documents."""

    def __init__(self, folder: Path, target: str, schema: str) -> None:
        self.folder = folder
        with sqlite3.connect(folder / "site.sqlite") as database:
            database.executescript(schema)
        database.close()
        self.move = Mover(f"sqlite:///{folder / 'site.sqlite'}", target)

    def suggested(self) -> str:
        """What `map suggest` says."""
        done = self.move("map", "suggest")
        assert (done.code, done.err) == (0, "")
        return done.out

    def moved_by(self, content: str, *, code: int = 0) -> dict[str, Any]:
        """Plan, run and verify with a map; return the plan's report."""
        (self.folder / "map.toml").write_text(content)
        mapped = ("--map", str(self.folder / "map.toml"))
        planned = self.move("plan", "--json", *mapped)
        done = self.move("run", "--json", *mapped)
        checked = self.move("verify", "--json", *mapped)
        assert (planned.code, done.code) == (code, code), planned.out + planned.err + done.err
        assert done.report["tally"] == planned.report["tally"]
        assert (checked.code, checked.report["differences"]) == (0, [])
        return planned.report


@pytest.fixture
def old_site(tmp_path: Path, target_uri: str) -> Callable[[str], Site]:
    """Make a site of a schema."""
    return lambda schema: Site(tmp_path, target_uri, schema)


def old_site_goes_on(move: Mover, *statements: str) -> None:
    """Change the source."""
    with sqlite3.connect(move.source.removeprefix("sqlite:///")) as db:
        for statement in statements:
            db.execute(statement)
    db.close()


def rename_here(db: Db, number: int, name: str) -> None:
    """Change a user's name as their account page does: here, and in their projects."""
    key, now = object_id_of_sql_id(number), utc_now()
    db.users.update_one({"_id": key}, {"$set": {"name": name}})
    change = {"$set": {"maintainers.$.name": name, "updated_date": now}}
    db.packages.update_many({"maintainers.user_id": key}, change)


CHANGES = (
    "UPDATE packages SET summary = 'Another summary', description = 'It *is*.' WHERE id = 'flask'",
    "INSERT INTO packages (id, summary, description) VALUES ('new-one', 'It is new', 'Hello.')",
    "INSERT INTO releases (id, package_id, major_ver, minor_ver, build_ver) VALUES (77, 'new-one', 2, 0, 0)",
    "DELETE FROM releases WHERE package_id = 'Zope.Interface'",
    "DELETE FROM packages WHERE id = 'Zope.Interface'",
    "UPDATE users SET name = 'Ada' WHERE id = 1",
    "DELETE FROM users WHERE id = 3",
    "INSERT INTO downloads (id, package_id) VALUES (3, 'flask')",
)


def replay(move: Mover, folder: Path, table: str, change: Callable[[dict[str, Any]], None], *options: str) -> Outcome:
    """Correct every row of a rejects file, and try them again."""
    path = folder / f"rejects-{table}.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        change(line["row"])
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return move("rejects", "replay", str(path), *options)
