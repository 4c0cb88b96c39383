"""`make bench NAME=python_beside ARGS="--python PATH"`: the site under another Python, beside the one that runs this.

PATH is the interpreter of another environment with the requirements. Both run in turn, and the processor time of an
answer counts, which hardly depends on what else the machine does.
"""

import argparse
import contextlib
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.load import drive
from benchmarks.packages import fill
from benchmarks.servers import SITE_TARGET, processor_s, served, settled
from config import Config
from webapp import create_app
from webapp.mongodb import embedded

PATHS = ("/", "/project/click/", "/simple/click/", "/search/?q=http")
# Pages that a process keeps for some seconds, and pages that are made anew each time.
KINDS = {"": "5", " anew": "0"}
FIRST_PORT = 5021
# A page, or a start up to its first answer: processor time in ms under either interpreter.
Round = dict[str, list[float]]


def main() -> None:
    """Measure, and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--python", required=True, help="the other interpreter")
    options.add_argument("--seconds", type=float, default=2.0, help="length of one measurement")
    options.add_argument("--rounds", type=int, default=7, help="measurements of each page; the median one counts")
    chosen = options.parse_args()
    pythons = [sys.executable, chosen.python]
    with tempfile.TemporaryDirectory() as folder:
        uri = embedded.acquire(Path(folder) / "mongodb")
        with create_app(type("BenchmarkConfig", (Config,), {"MONGODB_URI": uri})).app_context():
            packages = fill()
        secret = "a key for a benchmark, worth nothing"
        environment = os.environ | {"MONGODB_URI": uri, "SECRET_KEY": secret, "LARDER_ENV": "production"}
        starts: list[Round] = [{"start": _starts(pythons, environment)} for _ in range(chosen.rounds)]
        rounds = _pages(pythons, environment, chosen.rounds, chosen.seconds)
        embedded.release()
    print(f"{packages}; granian, 2 workers of 4 threads; median of {chosen.rounds} rounds of {chosen.seconds:g} s\n")
    names = [subprocess.check_output([python, "--version"], text=True).strip() for python in pythons]
    print(f"{'processor time, ms':26}{names[0]:>15}{names[1]:>15}{'ratio':>8}")
    for measured in (starts, rounds):
        for page in measured[0]:
            this, other = (statistics.median(found[page][which] for found in measured) for which in (0, 1))
            ratio = statistics.median(found[page][1] / found[page][0] for found in measured)
            print(f"{page:26}{this:15,.2f}{other:15,.2f}{ratio:8.2f}")


def _starts(pythons: list[str], environment: dict[str, str]) -> list[float]:
    found = []
    for python in pythons:
        with served(SITE_TARGET, f"http://127.0.0.1:{FIRST_PORT}", environment, python=python) as server:
            found.append(processor_s([server]) * 1000)
    return found


def _pages(pythons: list[str], environment: dict[str, str], rounds: int, seconds: float) -> list[Round]:
    with contextlib.ExitStack() as stack:
        running: dict[str, list[tuple[str, int]]] = {}
        ports = itertools.count(FIRST_PORT)
        for kind, kept_s in KINDS.items():
            running[kind] = []
            for python in pythons:
                address = f"http://127.0.0.1:{next(ports)}"
                own = environment | {"PAGE_CACHE_S": kept_s}
                server = stack.enter_context(served(SITE_TARGET, address, own, python=python))
                running[kind].append((address, server))
                for path in PATHS:
                    drive(address + path, seconds=0.5)
        settled([server for servers in running.values() for _, server in servers])
        return [
            {
                path + kind: [_milliseconds(each, path, seconds) for each in running[kind]]
                for kind in KINDS
                for path in PATHS
            }
            for _ in range(rounds)
        ]


def _milliseconds(site: tuple[str, int], path: str, seconds: float) -> float:
    """Return the processor time of an answer."""
    address, server = site
    before = processor_s([server])
    answers = drive(address + path, seconds=seconds)
    if set(answers.statuses) != {200}:
        sys.exit(f"{address}{path} answered {answers.statuses} and not only 200")
    return (processor_s([server]) - before) * 1000 / len(answers.milliseconds)


if __name__ == "__main__":
    main()
