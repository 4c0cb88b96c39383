"""The floor of `benchmarks.peers`: a server that asks the database as often as this site, and does nothing else.

It has been given the site's answers and sends them. So whatever serves packages from MongoDB with Flask, pymongo and
granian takes at least as long. Its memory counts before it has sent one: it is that of these libraries, and MongoDB's.
"""

import contextlib
import json
import re
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin

import pymongo

from benchmarks.peer_clients import HTML, Running
from benchmarks.peer_content import CROWDED, JSON, LARGE, UPSTREAM, Content
from benchmarks.peer_larder import MEMORY, SECRET, START, Larder, this_build
from benchmarks.servers import WORKERS, memory_mb, serving, settled
from tests.conftest import free_port


class Page(NamedTuple):
    """An address of the site, the form that is asked for, and the questions that it asks the database."""

    path: str
    accept: str
    questions: int


# How many questions the site asks for each kind of answer, as its profile tells.
FILE, SIMPLE, HOME, PROJECT, SEARCH = 2, 1, 2, 4, 2
UPSTREAM_FILE = 5  # of the other index, and kept
_LINK = re.compile(r'href="([^"#]+)#')


class Floor(Larder):
    """Sends what this site answers, on a copy of its database."""

    def __init__(self, name: str, place: Path, content: Content) -> None:
        super().__init__(name, this_build(), place, content)
        self._answers = place / "answers"

    def fill(self) -> None:
        """Leave it to the site, which has the same folder."""

    @contextlib.contextmanager
    def started(self) -> Iterator[tuple[Running, dict[str, float]]]:
        """Ask the site for every answer, then run the server that sends them."""
        if not self._answers.exists():
            self._ask_for_answers()
        with self._fresh() as (uri, mongod):
            with pymongo.MongoClient[dict[str, object]](uri) as client:
                client.get_default_database()["floor_files"].create_index("project")
            port = free_port()
            site = f"http://127.0.0.1:{port}"
            # Loaded before the web processes are forked, so that they share it, as the site's do.
            load = "import benchmarks.floor; from webapp.cli.web_server import serve"
            call = f"serve('127.0.0.1', {port}, {WORKERS}, 4, target='benchmarks.floor:app')"
            command = [this_build().python, "-c", f"{load}; {call}"]
            settings = {"MONGODB_URI": uri, "FLOOR_ANSWERS": str(self._answers / "answers.json"), "SECRET_KEY": SECRET}
            with serving(command, f"{site}/simple/", settings, this_build().folder) as (process, seconds):
                processes = [process, mongod]
                settled(processes)
                found = {START: seconds, MEMORY: memory_mb(processes)}
                yield (
                    Running(
                        self.name,
                        processes,
                        f"{site}/simple/",
                        f"{site}/legacy/",
                        anew=f"{site}/simple/",
                        home=f"{site}/",
                        project_page=f"{site}/project/{{}}/",
                        search=f"{site}/search/?q={{}}",
                        proxy=f"{site}/simple/",
                    ),
                    found,
                )

    def _ask_for_answers(self) -> None:
        """Ask the site for every answer, on a server of its own, whose memory would count otherwise."""
        with self._fresh() as (uri, _):
            upstream = uri.replace("/larder?", "/upstream?")
            with (
                self._serving(uri, SEARCH_LIMIT="") as (site, _, _),
                self._serving(upstream, UPSTREAM_INDEX=self._content.upstream) as (proxy, _, _),
            ):
                self._keep(site, proxy)

    def _keep(self, site: str, proxy: str) -> None:
        """Write down what the site answers, and what one for the other index does."""
        shutil.rmtree(self._answers, ignore_errors=True)
        self._answers.mkdir()
        kept: dict[str, dict[str, tuple[str, str, int]]] = {}
        pages = [(site, page) for page in self._pages(site)] + [(proxy, page) for page in self._upstream_pages(proxy)]
        for number, (address, page) in enumerate(pages):
            request = urllib.request.Request(f"{address}{page.path}", headers={"Accept": page.accept})
            with urllib.request.urlopen(request, timeout=60) as answer:
                file = self._answers / str(number)
                file.write_bytes(answer.read())
                form = answer.headers.get_content_type()
                kept.setdefault(page.path, {})[form] = (str(file), form, page.questions)
        (self._answers / "answers.json").write_text(json.dumps(kept))

    def _pages(self, site: str) -> Iterator[Page]:
        """Yield what the clients ask for."""
        yield Page("/", "text/html", HOME)
        yield Page("/simple/", HTML, SIMPLE)
        yield Page(f"/project/{self._content.projects[0]}/", "text/html", PROJECT)
        yield from (Page(f"/search/?q={word}", "text/html", SEARCH) for word in self._content.searches())
        for name in (*self._content.projects, CROWDED, LARGE):
            yield from self._project(site, name, FILE)

    def _upstream_pages(self, proxy: str) -> Iterator[Page]:
        """Yield what they ask for of the other index."""
        for name in UPSTREAM:
            yield from self._project(proxy, name, UPSTREAM_FILE)

    def _project(self, site: str, name: str, questions: int) -> Iterator[Page]:
        path = f"/simple/{name}/"
        yield from (Page(path, form, SIMPLE) for form in (HTML, JSON))
        request = urllib.request.Request(f"{site}{path}", headers={"Accept": HTML})
        with urllib.request.urlopen(request, timeout=60) as answer:
            links = [urljoin(path, link) for link in _LINK.findall(answer.read().decode())]
        for link in links:
            yield from (Page(link + suffix, "*/*", questions) for suffix in ("", ".metadata"))
