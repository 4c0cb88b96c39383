"""A checkout of another build beside this one: each with a database of its own on one mongod, and a site of its own."""

import contextlib
import os
import resource
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import mongoengine
import pymongo
from pymongo.database import Database

from benchmarks.scale import children_of, cpu_ms
from benchmarks.site import SECRET
from config import Config
from tests.conftest import database_uri, free_port
from webapp import create_app
from webapp.documents import ApiToken, User
from webapp.documents.base import utc_now
from webapp.members.api_tokens import make_token
from webapp.serving.filters import filesize

HERE = Path(__file__).resolve().parents[1]


class Build(NamedTuple):
    """A checkout, its database, and where it is served."""

    folder: Path
    database: Database[Any]
    uri: str
    url: str

    def run(self, *command: str) -> tuple[float, float]:
        """Run one of the build's own commands; return the seconds that it took, and those of its processor time."""
        started, before = time.monotonic(), _children_s()
        done = subprocess.run(
            [str(self.folder / ".venv/bin/python"), "-m", *command],
            cwd=self.folder, env=self._environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            sys.exit(f"{' '.join(command)}: {done.stderr[-2000:]}")
        return time.monotonic() - started, _children_s() - before

    def fill(self, packages: int) -> tuple[float, float]:
        """Load the made-up catalogue, and build the indexes; return the seconds that it took, as `run` does."""
        has_own_package = (self.folder / "benchmarks" / "catalogue").is_dir()
        command = ["benchmarks.catalogue"] if has_own_package else ["flask", "--app", "app", "packages", "synthesize"]
        return self.run(*command, "--packages", str(packages))

    @contextlib.contextmanager
    def served(self, **settings: str) -> Iterator[list[int]]:
        """Serve the site with these settings; give its processes."""
        port = self.url.rpartition(":")[2]
        command = [str(self.folder / ".venv/bin/python"), "-m", "flask", "--app", "app", "serve", "--port", port]
        server = subprocess.Popen(
            [*command, "--workers", "2"], cwd=self.folder, env=self._environment() | settings,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _wait_for(f"{self.url}/ping")
            yield _descendants(server.pid)
        finally:
            server.terminate()
            server.wait(30)

    def _environment(self) -> dict[str, str]:
        own = {"MONGODB_URI": self.uri, "SECRET_KEY": SECRET, "LARDER_ENV": "production"}
        # One address makes all the requests here.
        return os.environ | own | {"SEARCH_LIMIT": "", "SUGGESTION_LIMIT": "", "VIRTUAL_ENV": ""}


def build_at(folder: Path, client: pymongo.MongoClient[Any], uri: str, database: str) -> Build:
    """Return the build in a folder, with a database of this name on the mongod at `uri`."""
    return Build(folder, client[database], database_uri(uri, database), f"http://127.0.0.1:{free_port()}")


def measure_loading(other: Build, this: Build, packages: int, mongod: int, once_more: Sequence[Build] = ()) -> None:
    """Fill both databases with the made-up catalogue, and print what that took.

    `once_more` are this build and the other, with databases that are filled in the opposite order and dropped. The
    better time counts: the first build met a cold machine.
    """

    def loaded(build: Build) -> tuple[float, float]:
        before = cpu_ms([mongod])
        seconds, used = build.fill(packages)
        return seconds, used + (cpu_ms([mongod]) - before) / 1000

    found = {build: [loaded(build)] for build in (other, this)}
    for build, again in zip((this, other), once_more, strict=False):
        found[build].append(loaded(again))
        again.database.client.drop_database(again.database.name)
    this.database.client.admin.command("fsync")
    before, after = _bytes(other.database), _bytes(this.database)
    print(f"{'':46}{'other':>10}{'this':>10}{'ratio':>8}")
    for name, column in (("loading, s", 0), ("loading, s of processor time", 1)):
        before_s, after_s = (min(each[column] for each in found[build]) for build in (other, this))
        print(f"{name:46}{before_s:10.1f}{after_s:10.1f}{after_s / before_s:8.2f}")
    _print_bytes("disk", sum(before.values()), sum(after.values()))
    for name in sorted(after, key=lambda name: -after[name]):
        if after[name] > sum(after.values()) / 100:
            _print_bytes(f"  {name}", before.get(name, 0), after[name])
    print(flush=True)


def _print_bytes(what: str, before: int, after: int) -> None:
    ratio = f"{after / before:8.2f}" if before else ""
    print(f"{what:46}{filesize(before):>10}{filesize(after):>10}{ratio}")


def _bytes(database: Database[Any]) -> dict[str, int]:
    """Return what each collection takes on the disk, its indexes included."""
    stats = {name: database.command({"collStats": name}) for name in database.list_collection_names()}
    return {name: int(each["storageSize"]) + int(each["totalIndexSize"]) for name, each in stats.items()}


def publisher(uri: str, *databases: Database[Any]) -> str:
    """Make a publisher in the database at this address, and copy it to others; return a token of theirs."""
    mongoengine.disconnect_all()
    with create_app(type("BenchmarkConfig", (Config,), {"MONGODB_URI": uri})).app_context():
        user = User(name="A publisher", created_date=utc_now())
        user.save()
        token, _ = make_token(user, name="bench", project=None, permissions=["upload"], expires_at=None)
        made = {
            "users": User.objects.raw().find_one({"_id": user.id}),
            "tokens": ApiToken.objects.raw().find_one({"user_id": user.id}),
        }
    for name, each in made.items():
        for database in databases:
            database[name].insert_one(each)
    return token


def _children_s() -> float:
    """Return the processor time of all child processes that have ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _wait_for(url: str) -> None:
    for _ in range(1200):
        with contextlib.suppress(OSError), urllib.request.urlopen(url):
            return
        time.sleep(0.1)
    sys.exit(f"{url} does not answer")


def _descendants(process: int) -> list[int]:
    children = children_of(process)
    return [process, *children, *(each for child in children for each in _descendants(child)[1:])]
