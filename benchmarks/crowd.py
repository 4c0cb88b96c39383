"""`make bench NAME=crowd`: 200 readers at once for a minute: errors, times, and whether the memory stays as it is.

The floor is a bare view on the same server with the same readers. Nothing is kept between two requests, so each page is
a question to the database.
"""

import os
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.load import Measured, drive
from benchmarks.packages import fill
from config import Config
from tests.servers import Site, serving
from webapp import create_app
from webapp.mongodb import embedded

READERS, SECONDS = 200, 60
PATHS = ("/", "/projects/", "/project/click/", "/simple/click/", "/search/?q=http")
FLOOR_S = 10


def main() -> None:
    """Measure, and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        uri = embedded.acquire(Path(folder) / "mongodb")
        with create_app(type("BenchmarkConfig", (Config,), {"MONGODB_URI": uri})).app_context():
            packages = fill()
        with serving(Path(folder) / "log", uri) as site:
            print(f"{packages}; 2 web processes of 4 threads, {READERS} readers, {os.cpu_count()} cores for all\n")
            _print("/ping, which asks nothing", drive(f"{site.address}/ping", seconds=FLOOR_S, connections=READERS))
            memory: dict[int, float] = {}
            watch = threading.Thread(target=_watch, args=(site, memory))
            watch.start()
            measured = drive(*(site.address + path for path in PATHS), seconds=SECONDS, connections=READERS)
            watch.join()
        embedded.release()
    _print(f"{len(PATHS)} pages for {SECONDS} s", measured)
    print("memory of the web processes: " + ", ".join(f"{size:.0f} MB after {s} s" for s, size in memory.items()))
    if set(measured.statuses) != {200}:
        sys.exit("some answers were errors")


def _watch(site: Site, memory: dict[int, float]) -> None:
    started = time.monotonic()
    for second in (10, 20, 30, 40, 50, 58):
        time.sleep(max(0, started + second - time.monotonic()))
        memory[second] = sum(_resident_mb(pid) for pid in site.web_processes())


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1000


def _print(what: str, measured: Measured) -> None:
    times = ", ".join(f"p{percent} {measured.percentile(percent):.0f} ms" for percent in (50, 95, 99, 100))
    print(f"{what}: {measured.per_second:,.0f} answers/s, {times}, by status {measured.statuses}")


if __name__ == "__main__":
    main()
