"""`make bench NAME=facts ARGS=FOLDER`: what it costs that each release keeps its own facts, beside another build.

FOLDER is a checkout of the other build with its own `.venv`. Both fill a database of their own on the same mongod, and
both are asked in turn, in short rounds, so that whatever else the machine does meets both alike. PAGE_CACHE_S=0: the
site keeps no page. "CPU" is the processor time of web processes and mongod together for one answer.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import pymongo

from benchmarks.builds import HERE, Build, build_at, measure_loading, publisher
from benchmarks.index import uploads_per_second
from benchmarks.load import drive
from benchmarks.scale import cpu_ms
from tests.changes.pypi_documents import document, file
from tests.conftest import free_port
from webapp.mongodb import embedded

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
    other, other_again = (build_at(chosen.other.resolve(), client, uri, name) for name in ("other", "other-again"))
    this, this_again = (build_at(HERE, client, uri, name) for name in ("this", "this-again"))
    mongod = int((folder / "mongodb" / "mongod.lock").read_text())
    print(f"{chosen.packages:,} packages of a made-up catalogue, every release of which has facts in this build\n")
    measure_loading(other, this, chosen.packages, mongod, [this_again, other_again])
    documents = folder / "documents"
    _write_documents(documents)
    for build in (other, this):
        for each in sorted(documents.iterdir()):
            build.run("flask", "--app", "app", "packages", "import", str(each))
    token = publisher(this.uri, other.database)
    with other.served(PAGE_CACHE_S="0") as others, this.served(PAGE_CACHE_S="0") as own:
        processes = {other: [*others, mongod], this: [*own, mongod]}
        _measure_pages(processes, chosen.rounds, chosen.seconds)
        _measure_uploads(processes, token, chosen.rounds, chosen.seconds)


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


if __name__ == "__main__":
    main()
