"""`make bench NAME=upgrade ARGS=FOLDER`: upgrade a database while the site serves, and look at its pages meanwhile.

FOLDER is a checkout of the older build with its own `.venv`. That build's own code makes the database: a catalogue, and
projects whose releases were uploaded to it, each with a summary of its own. Then it is stopped, and this build serves
the same database. Until its background work is done, readers ask for one page after the other, and each is compared:
the latest release must say what it said before, and an older one its own or nothing, never what another one says.
"""

import argparse
import concurrent.futures
import contextlib
import http.client
import itertools
import json
import random
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pymongo
from markupsafe import escape

from benchmarks.builds import HERE, Build, publisher
from benchmarks.index import form_of
from tests.conftest import database_uri, free_port
from tests.publishing.uploads import metadata, wheel, wheel_name
from webapp.mongodb import embedded
from webapp.serving.filters import filesize

RELEASES = 5
SAMPLE = 60
# What both builds say of a release. How authors are named has been corrected since.
SAME = ("name", "version", "summary", "requires_dist", "license", "classifiers", "description", "requires_python")
LIMIT_S = 1800


class Answer(NamedTuple):
    """One answer while the site was upgraded."""

    path: str
    status: int
    seconds: float
    problem: str  # empty if the page was right


def main() -> None:
    """Upgrade, look, and print the figures."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("other", type=Path, help="a checkout of the older build, with its own .venv")
    options.add_argument("--packages", type=int, default=50_000)
    options.add_argument("--projects", type=int, default=200, help=f"projects with {RELEASES} uploaded releases each")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="larder-upgrade-") as folder:
        uri = embedded.acquire(Path(folder) / "mongodb", port=free_port(), database="")
        try:
            _measure(uri, chosen)
        finally:
            embedded.release()


def _measure(uri: str, chosen: argparse.Namespace) -> None:
    database = pymongo.MongoClient[Any](uri)["upgraded"]
    old, new = (
        Build(folder, database, database_uri(uri, "upgraded"), f"http://127.0.0.1:{free_port()}")
        for folder in (chosen.other.resolve(), HERE)
    )
    print(f"{chosen.packages:,} packages and {chosen.projects} projects of {RELEASES} uploaded releases\n")
    print(f"{'filling by the older build, s':52}{old.fill(chosen.packages):12.1f}", flush=True)
    token = publisher(database_uri(uri, "scratch"), database)
    names = [f"uploaded-{number}" for number in range(chosen.projects)]
    with old.served(PAGE_CACHE_S="0"):
        for name in names:
            _upload(old.url, token, name)
        picked = random.Random(15).sample(
            sorted(database.packages.distinct("_id", {"release_count": {"$gt": 1}})), SAMPLE
        )
        before = {name: _json(old.url, f"/pypi/{name}/json")["info"] for name in (*picked, *names[:SAMPLE])}
    _print_sizes("before", database)
    with _readers(new, before, database) as asked:
        started = time.monotonic()
        with new.served(PAGE_CACHE_S="0"):
            print(f"{'first answer after the start, s':52}{time.monotonic() - started:12.1f}", flush=True)
            done_after = _wait_until_done(database, started)
            print(f"{'background work is done after, s':52}{done_after:12.1f}", flush=True)
            asked.stop()
            _print_answers(asked.answers)
            afterwards = [_look(new.url, path, before, known=True) for path in _paths(before, database)]
            _print_answers(afterwards, "afterwards")
    missing = database.release_facts.count_documents({"_id": {"$regex": "^uploaded-"}})
    print(f"{'uploaded releases with facts of their own':52}{missing:12,} of {chosen.projects * RELEASES:,}")
    _print_sizes("after", database)
    if any(each.problem for each in (*asked.answers, *afterwards)) or missing != chosen.projects * RELEASES:
        sys.exit("some pages were wrong")


def _upload(site: str, token: str, name: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(site).netloc)
    for number in range(RELEASES):
        version = f"1.{number}"
        text = metadata(name, version, f"Summary: {_summary(name, version)}", f"Requires-Dist: needs-{number}",
                        description=f"# {_summary(name, version)}\n")  # fmt: skip
        form, headers = form_of(wheel_name(name, version), wheel(name, version, text=text), token)
        connection.request("POST", "/legacy/", form, headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            sys.exit(f"an upload was answered {answer.status}: {said.decode()}")
    connection.close()


def _summary(name: str, version: str) -> str:
    return f"What {version} of {name} says"


class _Asked:
    """Answers that readers get until they are stopped."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.is_over = False

    def stop(self) -> None:
        self.is_over = True


@contextlib.contextmanager
def _readers(new: Build, before: dict[str, Any], database: Any) -> Iterator[_Asked]:
    """Let two readers ask for pages as long as the context lasts, from before the site answers."""
    asked = _Asked()
    paths = _paths(before, database)
    random.Random(15).shuffle(paths)

    def read(first: int) -> None:
        for path in itertools.islice(itertools.cycle(paths), first, None):
            if asked.is_over:
                return
            answer = _look(new.url, path, before, known=False)
            if answer.status:
                asked.answers.append(answer)
            time.sleep(0.05)

    with concurrent.futures.ThreadPoolExecutor(2) as readers:
        futures = [readers.submit(read, number * len(paths) // 2) for number in range(2)]
        try:
            yield asked
        finally:
            asked.stop()
            for each in futures:
                each.result()


def _paths(before: dict[str, Any], database: Any) -> list[str]:
    found = ["/", "/projects/", "/search/?q=client", "/rss/updates.xml"]
    for name in before:
        release = database.packages.find_one({"_id": name}, {"releases": {"$slice": -1}})["releases"][0]["version"]
        older = [f"1.{number}" for number in range(RELEASES - 1)] if name.startswith("uploaded-") else [release]
        found += [f"/project/{name}/", f"/pypi/{name}/json", f"/simple/{name}/"]
        found += [each for version in older for each in (f"/project/{name}/{version}/", f"/pypi/{name}/{version}/json")]
    return found


def _look(site: str, path: str, before: dict[str, Any], *, known: bool) -> Answer:
    """Ask for a page and compare it. With `known`, the facts of every uploaded release must be known."""
    started = time.monotonic()
    try:
        with urllib.request.urlopen(site + path, timeout=30) as response:
            body = response.read().decode()
    except urllib.error.HTTPError as error:
        return Answer(path, error.code, time.monotonic() - started, f"answered {error.code}")
    except OSError:
        return Answer(path, 0, 0, "")  # the site has not started yet
    seconds = time.monotonic() - started
    return Answer(path, 200, seconds, _problem(path, body, before, known=known))


def _problem(path: str, body: str, before: dict[str, Any], *, known: bool) -> str:
    kind, name, *version = [*path.strip("/").split("/")[:3], ""]
    if name not in before or kind not in ("project", "pypi"):
        return ""
    was = before[name]
    is_older = version[0] not in ("", "json", was["version"])
    own = _summary(name, version[0]) if is_older and name.startswith("uploaded-") else ""
    others = [was["summary"]] if is_older else []
    if kind == "project":
        said = _before_history(body)
        if any(each and each in said for each in others):
            return "shows what the latest release says"
        expected = own if is_older else was["summary"]
        is_right = not expected or str(escape(expected)) in said or (not known and "is not known" in said)
        return "" if is_right else "does not show what its release says"
    info = json.loads(body)["info"]
    if not is_older:
        different = [field for field in SAME if (info[field] or None) != (was[field] or None)]
        return f"differs from before in {', '.join(different)}" if different else ""
    if info["summary"] == own or (not known and not info["summary"]):
        return ""
    return f"says {info['summary']!r}"


def _before_history(page: str) -> str:
    return page.partition('id="history"')[0]


def _json(site: str, path: str) -> Any:
    with urllib.request.urlopen(site + path) as response:
        return json.load(response)


def _wait_until_done(database: Any, started: float) -> float:
    while time.monotonic() - started < LIMIT_S:
        if (database.site_stats.find_one({"_id": "site"}) or {}).get("facts_read"):
            return time.monotonic() - started
        time.sleep(0.2)
    sys.exit("the background work is not done")


def _print_answers(answers: list[Answer], when: str = "meanwhile") -> None:
    counted = sorted(Counter(each.status for each in answers).items())
    wrong = [each for each in answers if each.problem]
    times = [each.seconds * 1000 for each in answers]
    print(f"{'answers ' + when:52}{len(answers):12,}  {dict(counted)}")
    print(f"{'  of them wrong':52}{len(wrong):12,}")
    p95 = statistics.quantiles(times, n=20)[-1]
    print(f"{'  p50, p95, max, ms':52}{statistics.median(times):12.0f}{p95:8.0f}{max(times):8.0f}")
    for each in wrong[:5]:
        print(f"    {each.path}: {each.problem}")
    sys.stdout.flush()


def _print_sizes(when: str, database: Any) -> None:
    stats = {name: database.command({"collStats": name}) for name in database.list_collection_names()}
    sizes = {name: int(each["storageSize"]) + int(each["totalIndexSize"]) for name, each in stats.items()}
    facts = sum(sizes.get(name, 0) for name in ("release_facts", "release_descriptions"))
    print(f"{'disk ' + when + ', facts in it':52}{filesize(sum(sizes.values())):>12}{filesize(facts):>12}", flush=True)


if __name__ == "__main__":
    main()
