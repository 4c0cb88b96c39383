"""This site, an earlier build of it, and this site behind nginx, as `benchmarks.peers` starts and fills them."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import bson
import pymongo
from uv import find_uv_bin

from benchmarks.peer_clients import Running, fill
from benchmarks.peer_content import Content
from benchmarks.servers import ROOT, memory_mb, serving, settled
from tests.conftest import free_port
from tests.deploy.conftest import Nginx
from tests.publishing.uploads import basic
from webapp.mongodb import embedded
from webapp.mongodb.data_folder import server_pid

SECRET = "a key for a benchmark, worth nothing"
TOKEN = "larder-" + "a-token-for-a-benchmark" * 2
BUILDS, KEPT = ROOT / ".tools" / "builds", ROOT / ".tools" / "peers"
START, START_WITH_DATABASE, MEMORY = "start to the first page", "the same with its database", "memory at start"


class Build(NamedTuple):
    """A commit of this site that is checked out, with an environment of its own."""

    folder: Path
    python: str


def this_build() -> Build:
    """Return the build to which this file belongs."""
    return Build(ROOT, sys.executable)


def earlier_build(commit: str) -> Build:
    """Return a build of a commit, which is checked out and installed once."""
    asked = ["git", "rev-parse", "--short=10", f"{commit}^{{commit}}"]
    short = subprocess.run(asked, check=True, capture_output=True, text=True, cwd=ROOT).stdout.strip()
    folder = BUILDS / short
    python = folder / ".venv" / "bin" / "python"
    if not (folder / ".venv" / "complete").exists():
        subprocess.run(["git", "worktree", "prune"], check=True, cwd=ROOT)
        if not folder.exists():
            subprocess.run(["git", "worktree", "add", "-q", "--detach", folder, short], check=True, cwd=ROOT)
        uv, requirements = find_uv_bin(), [folder / "requirements.txt", folder / "requirements-embedded.txt"]
        subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, folder / ".venv"], check=True)
        options = [part for path in requirements if path.exists() for part in ("-r", path)]
        subprocess.run([uv, "pip", "install", "-q", "--python", python, *options], check=True)
        (folder / ".venv" / "complete").touch()
    return Build(folder, str(python))


class Larder:
    """A build with its own copy of the content: two web processes on an embedded mongod."""

    def __init__(self, name: str, build: Build, place: Path, content: Content) -> None:
        self.name, self._build, self._content = name, build, content
        self._filled, self._data = place / "filled", place / "data"
        if build.folder != ROOT:  # what a commit makes of the files stays the same, so it is kept
            self._filled = KEPT / f"{build.folder.name}-{content.digest()}"

    def fill(self) -> None:
        """Upload everything, once."""
        if (self._filled / "complete").exists():
            return
        shutil.rmtree(self._filled, ignore_errors=True)
        # With an upstream index, the site does not fill itself with the packages that are installed beside it.
        settings = {"UPSTREAM_INDEX": self._content.upstream, "RESERVED_NAMES": "bench-*"}
        with self._mongod(self._filled) as (uri, _), self._serving(uri, **settings) as (site, _, _):
            self._make_token(uri)
            fill(self._running(site, []), self._content.wheels)
        (self._filled / "complete").touch()

    @contextlib.contextmanager
    def started(self) -> Iterator[tuple[Running, dict[str, float]]]:
        """Run it on a fresh copy; gives its addresses, and what was found at its start."""
        found = {START_WITH_DATABASE: self._start_with_database()}
        with self._fresh() as (uri, mongod), self._serving(uri) as (site, process, found[START]):
            running = self._running(site, [process, mongod])
            settled(running.processes)
            found[MEMORY] = memory_mb(running.processes)
            upstream = uri.replace("/larder?", "/upstream?")
            with (
                self._serving(uri, PAGE_CACHE_S="0", SEARCH_LIMIT="") as (anew, without, _),
                self._serving(upstream, UPSTREAM_INDEX=self._content.upstream) as (proxy, proxying, _),
            ):
                settled([*running.processes, without, proxying])
                yield (
                    running._replace(
                        processes=[*running.processes, without, proxying],
                        anew=f"{anew}/simple/",
                        home=f"{anew}/",
                        project_page=f"{anew}/project/{{}}/",
                        search=f"{anew}/search/?q={{}}",
                        proxy=f"{proxy}/simple/",
                    ),
                    found,
                )

    def _running(self, site: str, processes: list[int]) -> Running:
        return Running(self.name, processes, f"{site}/simple/", f"{site}/legacy/", basic(TOKEN))

    @contextlib.contextmanager
    def _fresh(self) -> Iterator[tuple[str, int]]:
        """A mongod on a copy of what was filled."""
        self._copy()
        with self._mongod(self._data) as found:
            yield found

    def _copy(self) -> None:
        shutil.rmtree(self._data, ignore_errors=True)
        shutil.copytree(self._filled, self._data)

    def _start_with_database(self) -> float:
        """Return the seconds that `flask serve` takes to the first page if it has to start mongod, too."""
        self._copy()
        settings = {"LARDER_ENV": "development", "MONGODB_DIR": str(self._data), "MONGODB_URI": ""}
        with self._serving("", **settings) as (_, _, seconds):
            pass
        while server_pid(self._data) is not None:
            time.sleep(0.1)
        return seconds

    @contextlib.contextmanager
    def _serving(self, uri: str, *options: str, **settings: str) -> Iterator[tuple[str, int, float]]:
        """The site on a free port: its address, its process, and the seconds that it took to start."""
        port = free_port()
        own = {"MONGODB_URI": uri, "SECRET_KEY": SECRET, "LARDER_ENV": "production"}
        command = [self._build.python, "-m", "flask", "--app", "app", "serve", "--workers", "2", "--port", port]
        site = f"http://127.0.0.1:{port}"
        start = serving([*command, *options], f"{site}/simple/", own | settings, self._build.folder)
        with start as (process, seconds):
            yield site, process, seconds

    @contextlib.contextmanager
    def _mongod(self, data: Path) -> Iterator[tuple[str, int]]:
        """A server on a folder; gives the address of its database, and its process."""
        uri = embedded.acquire(data, port=free_port())
        try:
            yield uri, int((data / "mongod.lock").read_text())
        finally:
            embedded.release()

    def _make_token(self, uri: str) -> None:
        """Make a publisher. The build's own code is not used, because it differs between builds."""
        user, now = bson.ObjectId(), datetime.now(UTC)
        token = {"user_id": user, "name": "bench", "digest": hashlib.sha256(TOKEN.encode()).hexdigest()}
        token |= {"scope": {"kind": "account"}, "permissions": ["upload"], "created_at": now}
        with pymongo.MongoClient[dict[str, object]](uri) as client:
            database = client.get_default_database()
            database["users"].insert_one({"_id": user, "name": "A publisher", "created_date": now})
            database["tokens"].insert_one(token)


class BehindNginx(Larder):
    """The same as it is deployed: behind the nginx that is shipped, which keeps files."""

    def fill(self) -> None:
        """Leave it to the site without nginx, which has the same folder."""

    @contextlib.contextmanager
    def started(self) -> Iterator[tuple[Running, dict[str, float]]]:
        """Run both; what a site answers anew nginx only passes on."""
        uploads, folder = free_port(), self._data.with_name("nginx")
        shutil.rmtree(folder, ignore_errors=True)
        options = ("--uploads-port", str(uploads))
        with (
            self._fresh() as (uri, mongod),
            self._serving(uri, *options, TRUSTED_PROXIES="1") as (site, process, seconds),
            Nginx(
                folder, int(site.rpartition(":")[2]), uploads_port=uploads, LARDER_FILES_CACHE="larder_files"
            ).running() as nginx,
        ):
            running = self._running(nginx.address, [process, mongod, int((folder / "pid").read_text())])
            settled(running.processes)
            yield running, {START: seconds, MEMORY: memory_mb(running.processes)}


def larders(place: Path, baseline: str | None, content: Content) -> list[Larder]:
    """Return the builds to measure."""
    found = [Larder("Larder", this_build(), place / "larder", content)]
    if shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
        found.append(BehindNginx("Larder, nginx", this_build(), place / "larder", content))
    if baseline:
        found.append(Larder(f"Larder {baseline[:7]}", earlier_build(baseline), place / "earlier", content))
    return found
