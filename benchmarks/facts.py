"""`make bench NAME=facts ARGS=FOLDER`: what it costs that each release keeps its own facts, beside another build.

FOLDER is a checkout of the other build with its own `.venv`. Both fill a database of their own on the same mongod, and
both are asked in turn, in short rounds, so that whatever else the machine does meets both alike. PAGE_CACHE_S=0: the
site keeps no page. "CPU" is the processor time of web processes and mongod together for one answer.
"""

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import mongoengine
import pymongo
from pymongo.database import Database

from benchmarks.index import uploads_per_second
from benchmarks.load import drive
from benchmarks.scale import children_of, cpu_ms
from benchmarks.site import SECRET
from config import Config
from tests.changes.pypi_documents import document, file
from tests.conftest import database_uri, free_port
from webapp import create_app
from webapp.documents import ApiToken, User
from webapp.documents.base import utc_now
from webapp.members.api_tokens import make_token
from webapp.mongodb import embedded
from webapp.serving.filters import filesize

HERE = Path(__file__).resolve().parents[1]
CONNECTIONS = 4
SMALL, LARGE = 10, 2500
# The release that is asked for stands in the middle of its project's.
PAGES = {
    f"project page, {SMALL} releases": "/project/small/",
    f"project page, {LARGE:,} releases": "/project/large/",
    f"page of an older release, {SMALL} releases": f"/project/small/1.{SMALL // 2}/",
    f"page of an older release, {LARGE:,} releases": f"/project/large/1.{LARGE // 2}/",
    f"JSON of an older release, {SMALL} releases": f"/pypi/small/1.{SMALL // 2}/json",
    f"JSON of an older release, {LARGE:,} releases": f"/pypi/large/1.{LARGE // 2}/json",
    "home": "/",
    "search, a common word": "/search/?q=python",
    "search, two words": "/search/?q=parser+client",
    "search by date": "/search/?q=parser&order=updated",
    "list of projects": "/projects/?page=100",
    "list by newest release": "/projects/?order=updated",
    "list of a classifier": "/classifier/Framework%20::%20Django/",
    "feed of newest releases": "/rss/updates.xml",
}
# How many projects each client uploads to in turn.
ALL_NEW = 1_000_000
UPLOADS = {"an upload of a new project": ALL_NEW, "an upload of a new release": 10, "the same, to one project": 1}


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
    def served(self) -> Iterator[list[int]]:
        """Serve the site; give its processes."""
        port = self.url.rpartition(":")[2]
        command = [str(self.folder / ".venv/bin/python"), "-m", "flask", "--app", "app", "serve", "--port", port]
        server = subprocess.Popen(
            [*command, "--workers", "2"], cwd=self.folder, env=self._environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _wait_for(f"{self.url}/ping")
            yield _descendants(server.pid)
        finally:
            server.terminate()
            server.wait(30)

    def _environment(self) -> dict[str, str]:
        own = {"MONGODB_URI": self.uri, "SECRET_KEY": SECRET, "LARDER_ENV": "production", "PAGE_CACHE_S": "0"}
        # One address makes all the requests here.
        return os.environ | own | {"SEARCH_LIMIT": "", "SUGGESTION_LIMIT": "", "VIRTUAL_ENV": ""}


def main() -> None:
    """Measure, and print the tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("other", type=Path, help="a checkout of the other build, with its own .venv")
    options.add_argument("--packages", type=int, default=20_000)
    options.add_argument("--seconds", type=float, default=1.0, help="length of one round of one page")
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="larder-facts-") as folder:
        uri = embedded.acquire(Path(folder) / "mongodb", port=free_port(), database="")
        try:
            _measure(Path(folder), uri, chosen)
        finally:
            embedded.release()


def _measure(folder: Path, uri: str, chosen: argparse.Namespace) -> None:
    client = pymongo.MongoClient[Any](uri)
    other, this, other_again, this_again = (
        Build(place, client[name], database_uri(uri, name), f"http://127.0.0.1:{free_port()}")
        for name, place in (
            ("other", chosen.other.resolve()),
            ("this", HERE),
            ("other-again", chosen.other.resolve()),
            ("this-again", HERE),
        )
    )
    mongod = int((folder / "mongodb" / "mongod.lock").read_text())
    print(f"{chosen.packages:,} packages of a made-up catalogue, every release of which has facts in this build\n")
    _measure_loading(other, this, [this_again, other_again], chosen.packages, mongod)
    documents = folder / "documents"
    _write_documents(documents)
    for build in (other, this):
        for each in sorted(documents.iterdir()):
            build.run("flask", "--app", "app", "packages", "import", str(each))
    token = publisher(this.uri, other.database)
    with other.served() as others, this.served() as own:
        processes = {other: [*others, mongod], this: [*own, mongod]}
        _measure_pages(processes, chosen.rounds, chosen.seconds)
        _measure_uploads(processes, token, chosen.rounds, chosen.seconds)


def _measure_loading(other: Build, this: Build, once_more: list[Build], packages: int, mongod: int) -> None:
    def loaded(build: Build) -> tuple[float, float]:
        before = cpu_ms([mongod])
        seconds, used = build.fill(packages)
        return seconds, used + (cpu_ms([mongod]) - before) / 1000

    found = {build: [loaded(build)] for build in (other, this)}
    # Once more in the opposite order, and the better one counts: the first one met a cold machine.
    for build, again in zip((this, other), once_more, strict=True):
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


def _write_documents(folder: Path) -> None:
    """Write documents of two projects: each first as it was when the older release was the newest, then as it is."""
    folder.mkdir()
    for name, count in (("small", SMALL), ("large", LARGE)):
        for serial, newest in enumerate((count // 2, count - 1), 1):
            releases = {f"1.{number}": _files(name, f"1.{number}") for number in range(newest + 1)}
            found = document(
                name, releases, version=f"1.{newest}", summary=f"As of 1.{newest}", license="MIT",
                description=f"# Release {newest}\n\n" + "A paragraph of a *description*. " * 200,
                description_content_type="text/markdown", requires_dist=["click>=8", "requests>=2", "rich; extra=='x'"],
                classifiers=["Programming Language :: Python :: 3", "Topic :: Internet"],
            )  # fmt: skip
            path = folder / f"{name}-{serial}.json"
            path.write_text(json.dumps(found | {"last_serial": serial}))


def _files(name: str, version: str) -> list[dict[str, Any]]:
    return [file(f"{name}-{version}.tar.gz", packagetype="sdist"), file(f"{name}-{version}-py3-none-any.whl")]


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


def _measure_pages(processes: dict[Build, list[int]], rounds: int, seconds: float) -> None:
    print(f"{'':46}{'other':>18}{'this':>18}{'ratio of CPU':>14}{'of p50':>8}")
    print(f"{'ms':46}{'p50':>9}{'CPU':>9}{'p50':>9}{'CPU':>9}")
    for name, path in PAGES.items():
        found: dict[Build, list[tuple[float, float]]] = {build: [] for build in processes}
        for number in range(rounds + 1):
            for build, used in processes.items():
                before = cpu_ms(used)
                measured = drive(build.url + path, seconds=seconds, connections=CONNECTIONS)
                if number:  # the first round warms up
                    if set(measured.statuses) != {200}:
                        sys.exit(f"{build.url}{path} answered {measured.statuses}")
                    cpu = (cpu_ms(used) - before) / len(measured.milliseconds)
                    found[build].append((measured.percentile(50), cpu))
        _print_row(name, found)


def _measure_uploads(processes: dict[Build, list[int]], token: str, rounds: int, seconds: float) -> None:
    for name, projects in UPLOADS.items():
        found: dict[Build, list[tuple[float, float]]] = {build: [] for build in processes}
        for number in range(rounds + 1):
            # The first round warms up, and creates the projects that get further releases.
            label = f"{projects}-{number}" if projects == ALL_NEW else f"{projects}"
            for build, used in processes.items():
                before = cpu_ms(used)
                rate = uploads_per_second(build.url, "/legacy/", token, label, seconds * 2, projects, number + 1)
                if number:
                    cpu = (cpu_ms(used) - before) / (rate * seconds * 2)
                    found[build].append((1000 / rate, cpu))
        _print_row(name, found)


def _print_row(name: str, found: dict[Build, list[tuple[float, float]]]) -> None:
    (p50, cpu), (own_p50, own_cpu) = (
        (statistics.median(each[0] for each in rows), statistics.median(each[1] for each in rows))
        for rows in found.values()
    )
    print(
        f"{name:46}{p50:9.2f}{cpu:9.2f}{own_p50:9.2f}{own_cpu:9.2f}{own_cpu / cpu:14.2f}{own_p50 / p50:8.2f}",
        flush=True,
    )


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


if __name__ == "__main__":
    main()
