"""`make bench NAME=scale`: every page of the site with 1,000, 50,000 and 500,000 made-up packages.

For each size: an own mongod in a temporary folder, the catalogue of `benchmarks.catalogue`, the site as in production.
One process with eight connections asks for many different addresses of a kind: first for as long as it then measures,
so that the database has read what it needs from the disk. A second time with PAGE_CACHE_S=0: the site keeps nothing.
"""

import argparse
import contextlib
import itertools
import math
import os
import shutil
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote_plus

import mongoengine
import pymongo

from benchmarks.catalogue import loading, texts
from benchmarks.catalogue.catalogue import Catalogue
from benchmarks.load import drive
from benchmarks.servers import SITE_TARGET, served
from benchmarks.site import SECRET
from config import Config
from tests.conftest import free_port
from webapp import create_app
from webapp.documents import Package
from webapp.mongodb import embedded
from webapp.rules import naming
from webapp.serving.filters import filesize

PROCESSES, CONNECTIONS = 2, 8
SEED = 1
GOAL_MS, GOAL_GROWTH, GOAL_RSS = 50, 1.5, 200_000_000
ROOT_FIRST_S, ROOT_AFTER_S = 1.0, 0.1
# Views that do the least, in the same minutes: what this machine gives just now.
ONE_FIND = "floor: a view with one find_one"
FLOOR = {"floor: a bare view": "/bare", ONE_FIND: "/find-one"}
COMMON = "python"  # in the summary of most packages
DIFFERENT = 200  # addresses of one kind
FEWEST = 30  # answers that make a percentile; a page that gives fewer is asked for longer


class Times(NamedTuple):
    """How long a page took, in ms."""

    p50: float
    p95: float
    p99: float
    cpu: float  # of web processes and mongod together, for one answer: what is left when others use the machine, too


class Size(NamedTuple):
    """What was measured with so many packages."""

    packages: int
    production: dict[str, Times]
    anew: dict[str, Times]
    facts: list[str]
    goals: list[tuple[str, bool]]


def main() -> None:
    """Measure each size, and print the tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sizes", type=int, nargs="+", default=[1000, 50_000, 500_000])
    options.add_argument("--seconds", type=float, default=1.0, help="length of one measurement")
    options.add_argument("--only", default="", help="only the pages whose names contain this")
    options.add_argument("--folder", type=Path, help="keep the databases here, and find them again")
    chosen = options.parse_args()
    sizes = []
    for packages in chosen.sizes:
        with _folder(chosen.folder, packages) as folder:
            sizes.append(_measure_size(packages, folder, chosen))
            _print_size(sizes[-1])
    _print_growth(sizes)


@contextlib.contextmanager
def _folder(kept: Path | None, packages: int) -> Iterator[Path]:
    if kept:
        yield kept / str(packages)
        return
    folder = Path(tempfile.mkdtemp(prefix=f"larder-scale-{packages}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _measure_size(packages: int, folder: Path, chosen: argparse.Namespace) -> Size:
    print(f"\n== {packages:,} packages ==\n", flush=True)
    uri = embedded.acquire(folder / "mongodb", port=free_port())
    facts = _fill(packages, uri)
    facts += _disk(uri)
    environment = os.environ | {"MONGODB_URI": uri, "SECRET_KEY": SECRET, "LARDER_ENV": "production"}
    # One address makes all the requests here.
    environment |= {"SEARCH_LIMIT": "", "SUGGESTION_LIMIT": ""}
    pages = {name: urls for name, urls in addresses(packages).items() if chosen.only in name}
    url = f"http://127.0.0.1:{free_port()}"
    with served("benchmarks.floor:app", url, environment) as server:
        processes = [*children_of(server), _mongod_of(folder)]
        floor = {name: times(url, [path], chosen.seconds, processes) for name, path in FLOOR.items()}
    with served(SITE_TARGET, url, environment) as server:
        processes = [*children_of(server), _mongod_of(folder)]
        roots = _simple_root(url)
        production = {name: times(url, urls, chosen.seconds, processes) for name, urls in pages.items()}
        memory = max(_resident(server))
    with served(SITE_TARGET, url, environment | {"PAGE_CACHE_S": "0"}) as server:
        processes = [*children_of(server), _mongod_of(folder)]
        anew = {name: times(url, urls, chosen.seconds, processes) for name, urls in pages.items()}
        memory = max(memory, *_resident(server))
    embedded.release()
    facts.append(f"largest web process: {filesize(memory)}")
    facts.append(f"/simple/ first {roots[0]:.2f} s, then {roots[1] * 1000:.0f} ms, {filesize(roots[2])} sent")
    goals = [
        (f"web processes under {filesize(GOAL_RSS)}", memory < GOAL_RSS),
        (f"/simple/ first under {ROOT_FIRST_S:g} s", roots[0] < ROOT_FIRST_S),
        (f"/simple/ then under {ROOT_AFTER_S * 1000:g} ms", roots[1] < ROOT_AFTER_S),
    ]
    return Size(packages, floor | production, floor | anew, facts, goals)


def addresses(packages: int) -> dict[str, list[str]]:
    """Return the kinds of pages, each with different addresses."""
    catalogue = Catalogue(packages, SEED)
    numbers = [number * 7919 % packages for number in range(1, DIFFERENT + 1)]
    names = [naming.normalize_name(catalogue.name(number)) for number in numbers]
    large = naming.normalize_name(catalogue.name(0))
    nouns = texts.NOUNS
    pairs = list(itertools.islice(itertools.product(nouns[:20], nouns[20:40]), DIFFERENT))
    # What no page looks at makes an address another one.
    filters = [f"&license={license_id}" for license_id, _, _ in texts.LICENSES[:6]]
    classifiers = [f"&classifier={quote_plus(topic)}" for topic in texts.TOPICS]
    languages = [f"&language={quote_plus(each.partition(' :: ')[2])}" for each in texts.PYTHONS]
    common = f"/search/?q={COMMON}"
    return {
        "home": _varied(["/"]),
        "project": [f"/project/{name}/" for name in names],
        "project, 2,500 releases": _varied([f"/project/{large}/"]),
        "its last page of releases": _varied([f"/project/{large}/?page=50"]),
        "projects, first page": _varied(["/projects/"]),
        "projects, page 500": _varied([f"/projects/?page={min(500, packages // 20 - page)}" for page in range(20)]),
        "projects by date, page 500": _varied([f"/projects/?order=newest&page={min(500, packages // 20)}"]),
        "projects that start with": [f"/projects/?starts={name[:4]}" for name in names],
        "licence": _varied([f"/license/{license_id}/" for license_id, _, _ in texts.LICENSES]),
        "licence, far page": _varied([f"/license/MIT/?page={min(400, packages // 60)}"]),
        "classifier": _varied([f"/classifier/{quote_plus(topic)}/".replace("+", "%20") for topic in texts.TOPICS]),
        "language": _varied(["/language/python-3.12/", "/language/python-3.10/"]),
        "user": [f"/user/user{number % max(1, packages // 3)}/" for number in numbers],
        "statistics": _varied(["/stats/"]),
        "search, empty": _varied(["/search/"]),
        "search for a name": [f"/search/?q={name}" for name in names],
        "search for a beginning": [f"/search/?q={name[:length]}" for length in (3, 5, 7, 9) for name in names[:100]],
        "search for a word": [f"/search/?q={noun}" for noun in nouns],
        "search for two words": [f"/search/?q={first}+{second}" for first, second in pairs],
        "search, common word": _varied([common]),
        "search, common word + licence": _varied([common + each for each in filters]),
        "search, common word + classifier": _varied([common + each for each in classifiers]),
        "search, common word + language": _varied([common + each for each in languages]),
        "search, common word + recent": _varied([common + "&recent=1"]),
        "search, common word + all filters": _varied(
            [common + first + second + third + "&recent=1" for first, second, third in zip(
                itertools.cycle(filters), classifiers, itertools.cycle(languages), strict=False)]
        ),
        "search, common word, newest release": _varied([common + "&order=updated"]),
        "search, common word, newest project": _varied([common + "&order=newest"]),
        "search, common word, by name": _varied([common + "&order=name"]),
        "search for a word, newest release": [f"/search/?q={noun}&order=updated" for noun in nouns],
        "search without a word": [f"/search/?q={noun}+-{other}" for noun, other in pairs],
        "search for a phrase": [f'/search/?q=%22{noun}+for%22' for noun in nouns],
        "search for an author": [f"/search/?q=author:{name.lower()}" for name in texts.LAST_NAMES],
        "search with a slip": [f"/search/?q={name[:3]}{name[4:]}" for name in names],
        "search for nothing known": [f"/search/?q=zz{name[::-1]}" for name in names],
        "search, page 10": [f"/search/?q={noun}&page=10" for noun in nouns[:40]]
        if packages > 2000 else _varied([common]),
        "search, page 100": _varied([common + "&page=100"]) if packages > 9000 else _varied([common]),
        "suggestions": [f"/search/suggest?q={name[:length]}" for length in (1, 2, 4, 6, 9) for name in names[:80]],
        "/simple/NAME/": [f"/simple/{name}/" for name in names],
        "/simple/NAME/, 2,500 releases": _varied([f"/simple/{large}/"]),
        "JSON": [f"/pypi/{name}/json" for name in names],
        "JSON, 2,500 releases": _varied([f"/pypi/{large}/json"]),
        "RSS, newest releases": _varied(["/rss/updates.xml"]),
        "RSS, one project": [f"/rss/project/{name}/releases.xml" for name in names],
        "sitemap": _varied(["/sitemap.xml"]),
        "sitemap, one bucket": _varied(["/sitemap/0.xml"]),
    }  # fmt: skip


def _varied(urls: list[str]) -> list[str]:
    """Return so many addresses that no page cache holds them: what no view reads makes them different."""
    copies = -(-DIFFERENT // len(urls))
    return [f"{url}{'&' if '?' in url else '?'}v={number}" for number in range(copies) for url in urls]


def _fill(packages: int, uri: str) -> list[str]:
    # The size before had another server.
    mongoengine.disconnect_all()
    site = create_app(type("ScaleConfig", (Config,), {"MONGODB_URI": uri}))
    with site.app_context():
        if Package.objects.count_up_to(1):
            return ["the catalogue was there already"]
        started = time.monotonic()
        loading.load(packages, SEED, PROCESSES, uri, lambda _: None)
        written = time.monotonic()
        loading.finish()
        return [
            f"written in {written - started:.0f} s, {packages / (written - started):,.0f} packages/s",
            f"indexes, words and statistics in {time.monotonic() - written:.0f} s",
        ]


def _disk(uri: str) -> list[str]:
    with pymongo.MongoClient[Any](uri) as client:
        database = client.get_default_database()
        rows = []
        for name in ("packages", "search_entries", "search_words", "users", "downloads"):
            stats = database.command({"collStats": name})
            indexes = sorted(stats["indexSizes"].items(), key=lambda pair: -pair[1])
            rows.append(
                f"{name}: {stats['count']:,} documents of {filesize(int(stats.get('avgObjSize', 0)))}, "
                f"{filesize(int(stats['storageSize']))} on disk, indexes {filesize(int(stats['totalIndexSize']))}: "
                + ", ".join(f"{index} {filesize(int(size))}" for index, size in indexes)
            )
        return rows


def times(site: str, urls: list[str], seconds: float, processes: list[int]) -> Times:
    """Measure one kind of page; the last of the processes is `mongod`, the others are web processes."""
    load = partial(
        drive, *(site + url for url in urls), connections=CONNECTIONS, in_turn=True, processes=processes[:-1]
    )
    load(seconds=seconds)
    before = cpu_ms(processes)
    measured = load(seconds=seconds)
    if len(measured.milliseconds) < FEWEST:
        before = cpu_ms(processes)
        measured = load(seconds=8 * seconds)
    cpu = (cpu_ms(processes) - before) / max(1, len(measured.milliseconds))
    wrong = {status: count for status, count in measured.statuses.items() if status not in (200, 404)}
    if wrong or measured.statuses.get(404, 0) > measured.statuses.get(200, 0) * 0.2:
        print(f"{urls[0]} answered {measured.statuses}", file=sys.stderr)
    if not measured.milliseconds:
        return Times(math.inf, math.inf, math.inf, math.inf)
    p50, p95, p99 = (measured.percentile(percent) for percent in (50, 95, 99))
    print(f"{urls[0][:60]:60}{p50:8.1f}{p95:8.1f}{cpu:8.2f}", file=sys.stderr, flush=True)
    return Times(p50, p95, p99, cpu)


def _simple_root(site: str) -> tuple[float, float, int]:
    """Return the seconds for the first answer and for a later one, and the bytes of it."""
    seconds, length = [], 0
    for _ in range(4):
        started = time.monotonic()
        request = urllib.request.Request(f"{site}/simple/", headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request) as response:
            length = sum(map(len, iter(lambda: response.read(1 << 20), b"")))
        seconds.append(time.monotonic() - started)
    # Each of the two processes has its own first time.
    return max(seconds[:2]), min(seconds[2:]), length


def _resident(server: int) -> list[int]:
    """Return the largest resident size that each web process reached, in bytes."""
    peaks = []
    for child in children_of(server):
        status = dict(line.split(":", 1) for line in Path(f"/proc/{child}/status").read_text().splitlines())
        peaks.append(int(status["VmHWM"].split()[0]) * 1024)
    return peaks


def children_of(process: int) -> list[int]:
    """Return the processes that a process started and that run."""
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _mongod_of(folder: Path) -> int:
    return int((folder / "mongodb" / "mongod.lock").read_text())


def cpu_ms(processes: list[int]) -> float:
    """Return the processor time that some processes have used, in ms."""
    ticks = os.sysconf("SC_CLK_TCK")
    used = (Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split() for process in processes)
    return sum(int(fields[11]) + int(fields[12]) for fields in used) * 1000 / ticks


def _print_size(size: Size) -> None:
    print(
        f"{'ms':40}{'p50':>8}{'p95':>8}{'p99':>8}   {'anew: p50':>9}{'p95':>8}{'p99':>8}{'CPU':>8}"
        f"  p95 to reach: {GOAL_MS}"
    )
    for name, times in size.production.items():
        anew = size.anew[name]
        reached = "" if times.p95 < GOAL_MS else "  NOT reached"
        print(
            f"{name:40}{times.p50:8.1f}{times.p95:8.1f}{times.p99:8.1f}   "
            f"{anew.p50:9.1f}{anew.p95:8.1f}{anew.p99:8.1f}{anew.cpu:8.2f}{reached}"
        )
    print()
    for fact in size.facts:
        print(f"- {fact}")
    for goal, is_reached in size.goals:
        print(f"- {goal}: {'reached' if is_reached else 'NOT reached'}")
    sys.stdout.flush()


def _print_growth(sizes: list[Size]) -> None:
    print("\n== growth from the smallest to the largest: p95 anew in ms, and processor time, in that of the floor ==\n")
    print(
        f"{'':40}"
        + "".join(f"{size.packages:>10,}" for size in sizes)
        + f"{'p95':>9}{'CPU':>9}  to reach: {GOAL_GROWTH}"
    )
    for name in sizes[0].anew:
        times = [size.anew[name].p95 for size in sizes]
        slower, dearer = times[-1] / times[0], _in_floors(sizes[-1], name) / _in_floors(sizes[0], name)
        print(f"{name:40}" + "".join(f"{each:10.1f}" for each in times) + f"{slower:9.2f}{dearer:9.2f}"
              + ("" if slower <= GOAL_GROWTH else "  NOT reached"))  # fmt: skip


def _in_floors(size: Size, name: str) -> float:
    """Return what a page costs beside the floor: a machine is not as fast at one time as at another."""
    return size.anew[name].cpu / size.anew[ONE_FIND].cpu


if __name__ == "__main__":
    main()
