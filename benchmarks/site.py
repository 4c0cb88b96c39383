"""`make bench NAME=site`: the site as in production, its pages beside a bare view and a view with one `find_one`.

The two views run on the same server with the same settings in the same minutes, so that each figure is a ratio too:
absolute figures differ from machine to machine and from hour to hour.
"""

import argparse
import os
import statistics
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import NamedTuple

from benchmarks.load import Measured, drive
from benchmarks.packages import fill
from benchmarks.servers import SERVERS, SITE_TARGET, served
from config import Config
from webapp import create_app
from webapp.mongodb import embedded

SITE, ANEW, FLOOR = "http://127.0.0.1:5016", "http://127.0.0.1:5017", "http://127.0.0.1:5018"
SECRET = "a key for a benchmark, worth nothing"


class Page(NamedTuple):
    """A page to measure, and what part of the `find_one` view's throughput it is to reach."""

    name: str
    url: str
    goal: float | None = None
    revalidate: bool = False


PATHS = ("/", "/project/click/", "/simple/click/", "/search/?q=http")
GOALS = {"/": 1.0, "/project/click/": 0.8}
PAGES = (
    Page("bare view", f"{FLOOR}/bare"),
    Page("find_one view", f"{FLOOR}/find-one"),
    *(Page(path, SITE + path, GOALS.get(path)) for path in PATHS),
    Page("/project/click/ 304", f"{SITE}/project/click/", 1.0, revalidate=True),
    # The same without the bytes that a process keeps for some seconds: what the first reader of a page costs.
    *(Page(f"{path} anew", ANEW + path) for path in PATHS),
    Page("/project/click/ 304 anew", f"{ANEW}/project/click/", revalidate=True),
)


def main() -> None:
    """Measure, and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--server", choices=SERVERS, default="granian")
    options.add_argument("--threads", type=int, default=4, help="threads of each of the two workers")
    options.add_argument("--seconds", type=float, default=2.0, help="length of one measurement")
    options.add_argument("--rounds", type=int, default=3, help="measurements of each page; the median one counts")
    chosen = options.parse_args()
    how = {"server": chosen.server, "threads": chosen.threads}
    with tempfile.TemporaryDirectory() as folder:
        uri = embedded.acquire(Path(folder) / "mongodb")
        with create_app(type("BenchmarkConfig", (Config,), {"MONGODB_URI": uri})).app_context():
            packages = fill()
        environment = os.environ | {"MONGODB_URI": uri, "SECRET_KEY": SECRET, "LARDER_ENV": "production"}
        with (
            served(SITE_TARGET, SITE, environment, **how),
            served(SITE_TARGET, ANEW, environment | {"PAGE_CACHE_S": "0"}, **how),
            served("benchmarks.floor:app", FLOOR, environment, **how),
        ):
            measured = [{page.name: _measure(page, chosen.seconds) for page in PAGES} for _ in range(chosen.rounds)]
        embedded.release()
    print(
        f"{packages}; {chosen.server}, 2 workers of {chosen.threads} threads, 8 connections; "
        f"median of {chosen.rounds} rounds of {chosen.seconds:g} s\n"
    )
    _print_table(measured)


def _print_table(rounds: list[dict[str, Measured]]) -> None:
    print(f"{'':26}{'requests/s':>11}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'of find_one':>13}{'goal':>7}")
    for page in PAGES:
        runs = [measured[page.name] for measured in rounds]
        ratios = [measured[page.name].per_second / measured["find_one view"].per_second for measured in rounds]
        median = sorted(runs, key=lambda run: run.per_second)[len(runs) // 2]
        goal = f"{page.goal:.1f}" if page.goal else ""
        times = "".join(f"{median.percentile(percent):9.2f}" for percent in (50, 95, 99))
        print(f"{page.name:26}{median.per_second:11,.0f}{times}{statistics.median(ratios):13.2f}{goal:>7}")


def _measure(page: Page, seconds: float) -> Measured:
    headers = {}
    if page.revalidate:
        # As `drive` asks: each encoding has an ETag of its own.
        asked = urllib.request.Request(page.url, headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(asked) as response:
            headers["If-None-Match"] = response.headers["ETag"]
    drive(page.url, seconds=0.3, headers=headers)
    measured = drive(page.url, seconds=seconds, headers=headers)
    expected = 304 if page.revalidate else 200
    if set(measured.statuses) != {expected}:
        sys.exit(f"{page.url} answered {measured.statuses} and not only {expected}")
    return measured


if __name__ == "__main__":
    main()
