"""`make bench NAME=peers`: this site beside other package indexes, all in one run, with the same files.

Each index is started, checked and measured in turn, round after round (A B C A B C), so whatever else the machine does
meets all of them. A row shows the median of the rounds, and how far this site is ahead of the best other one.
`ARGS="--baseline COMMIT"` measures an earlier build of this site, too. The indexes are installed into `.tools/peers`.
wrk, of Debian's package of that name, makes the requests; pip and uv install.
"""

import argparse
import http.client
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from uv import find_uv_bin

from benchmarks.peer_indexes import (
    JSON,
    LARGE,
    OURS,
    Running,
    Wheel,
    asked,
    in_parallel,
    indexes,
    memory_mb,
    programs_of,
    upload,
)
from tests.publishing.uploads import wheel, wheel_name

HTML = "application/vnd.pypi.simple.v1+html, text/html;q=0.9"
PROJECTS, RELEASES, MANY, LARGE_MB = 50, 41, 500, 100  # 2,550 small wheels and a large one
NAMES = [f"bench-{number:02}" for number in range(PROJECTS)]
CROWDED = "bench-many"
LARGE_BYTES = LARGE_MB * 1_000_000 - 10_000  # it has a little more around it, and sites take 100 MB
CONNECTIONS = 8
_LINK = re.compile(r'href="([^"#]+)')


# name -> measured value, for one index in one round
Figures = dict[str, float]


class Row(NamedTuple):
    """One line of the table."""

    name: str
    unit: str
    to_reach: float  # times as good as the best other one

    @property
    def more_is_better(self) -> bool:
        """Tell whether it is a speed; otherwise it is a time or a size."""
        return self.unit.endswith("/s")


ROWS = [
    Row("wheels of 10 kB, 8 at a time", "/s", 1.2),
    Row(f"a wheel of {LARGE_MB} MB", "MB/s", 1.0),
    Row("uploads until installable, 4 at a time", "/s", 1.5),
    Row("uv pip install of 50 packages", "s", 1.2),
    Row("pip install of 50 packages", "s", 1.2),
    Row("/simple/NAME/ anew, JSON", "/s", 2.5),
    Row("/simple/NAME/ anew, HTML", "/s", 1.5),
    Row(f"/simple/NAME/ anew, {MANY} releases, JSON", "/s", 2.0),
    Row(f"/simple/NAME/ anew, {MANY} releases, HTML", "/s", 2.0),
    Row("project page anew", "/s", 1.0),
    Row("home page anew", "/s", 1.2),
    Row("start to the first page", "s", 1.0),
    Row("memory at start, all processes", "MB", 1.0),
]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--baseline", default=os.environ.get("BASELINE"), help="a commit to measure as well")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one measurement by wrk")
    parser.add_argument("--only", help="measure only the indexes whose name contains this, beside this site")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk makes the requests: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        starts = indexes(place, options.baseline)
        chosen = {name: start for name, start in starts.items() if name == OURS or (options.only or "") in name}
        wheels, content = small_wheels(), large_wheel()
        (place / "script.lua").write_text(SCRIPT)
        rounds: dict[str, list[Figures]] = {name: [] for name in chosen}
        for number in range(options.rounds):
            for name, start in chosen.items():
                print(f"round {number + 1}: {name}", file=sys.stderr)
                with start(wheels, content) as (running, started_s):
                    rounds[name].append(measured(place, running, started_s, wheels, options.seconds, number))
    show(rounds)


def small_wheels() -> list[Wheel]:
    """Return wheels of about 10 kB: of fifty projects, and of one with many releases."""
    wanted = [(name, f"1.{number}") for name in NAMES for number in range(RELEASES)]
    wanted += [(CROWDED, f"1.{number}") for number in range(MANY)]
    return [small_wheel(name, version) for name, version in wanted]


def small_wheel(name: str, version: str) -> Wheel:
    """Return a wheel of about 10 kB."""
    return Wheel(name, version, wheel(name, version, extra=_noise(name, 9_000)))


def large_wheel() -> Wheel:
    """Return a wheel of which nothing can be compressed."""
    return Wheel(LARGE, "1.0", wheel(LARGE, extra=_noise(LARGE, LARGE_BYTES)))


def _noise(name: str, size: int) -> dict[str, Any]:
    return {f"{name.replace('-', '_')}.bin": os.urandom(size)}


def files_of(page: str, form: str) -> dict[str, str] | None:
    """Return the address of each file that a project's page lists, or None if the index has no such form."""
    request = urllib.request.Request(page, headers={"Accept": form})
    with urllib.request.urlopen(request, timeout=60) as answer:
        is_json, body = "json" in answer.headers["Content-Type"], answer.read().decode()
    if is_json != (form == JSON):
        return None
    links = [file["url"] for file in json.loads(body)["files"]] if is_json else _LINK.findall(body)
    addresses = [urljoin(page, link).partition("#")[0] for link in links]
    return {address.rpartition("/")[2]: address for address in addresses if address.endswith(".whl")}


def measured(
    place: Path, running: Running, started_s: float, wheels: list[Wheel], seconds: float, number: int
) -> Figures:
    """Return the figures of an index, after a look whether it answers rightly."""
    anew = running.anew or running.simple
    figures = {"start to the first page": started_s}
    figures["memory at start, all processes"] = running.memory or memory_mb(running.process)
    addresses: list[str] = []
    for name in (*NAMES, CROWDED):
        listed = files_of(running.project(name), HTML)
        expected = {each.filename for each in wheels if each.project == name}
        if listed is None or not expected <= listed.keys():
            sys.exit(f"{running.name} does not list all files of {name}")
        addresses += [listed[filename] for filename in sorted(expected)]
    some = wheels[7]
    if asked(next(each for each in addresses if each.endswith(some.filename))) != some.content:
        sys.exit(f"{running.name} sends another file than {some.filename}")

    figures["wheels of 10 kB, 8 at a time"] = wrk(place, addresses[: PROJECTS * RELEASES], seconds)
    large = (files_of(running.project(LARGE), HTML) or {})[wheel_name(LARGE)]
    figures[f"a wheel of {LARGE_MB} MB"] = statistics.median(_rate(large) for _ in range(5))
    for form, accept in (("JSON", JSON), ("HTML", HTML)):
        for name, kind in ((NAMES[7], ""), (CROWDED, f", {MANY} releases")):
            if files_of(running.project(name, anew), accept) is not None:
                rate = wrk(place, [running.project(name, anew)], seconds, accept)
                figures[f"/simple/NAME/ anew{kind}, {form}"] = rate
    if running.site:
        figures["home page anew"] = wrk(place, [running.site], seconds, "text/html")
        figures["project page anew"] = wrk(place, [f"{running.site}project/{NAMES[7]}/"], seconds, "text/html")
    figures |= {
        "uv pip install of 50 packages": install(place, running.simple, "uv"),
        "pip install of 50 packages": install(place, running.simple, "pip"),
    }
    if running.upload_to:
        new = [small_wheel(f"new-{number}-{each % 20}", f"1.{each}") for each in range(200)]
        took = in_parallel(running, new, lambda connection, each: _until_listed(connection, running, each))
        figures["uploads until installable, 4 at a time"] = len(new) / took
    return figures


def _until_listed(connection: http.client.HTTPConnection, running: Running, each: Wheel) -> None:
    upload(connection, running, each)
    path = urlsplit(running.project(each.project)).path
    for _ in range(1000):
        connection.request("GET", path, headers={"Accept": HTML})
        if each.filename.encode() in connection.getresponse().read():
            return
    raise RuntimeError(f"{each.filename} is not listed")


def _rate(address: str) -> float:
    """Return how many MB a second curl gets."""
    command = ["curl", "-s", "-o", os.devnull, "-w", "%{speed_download} %{size_download}", address]
    speed, size = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    if int(size) < LARGE_BYTES:
        sys.exit(f"{address} sent {size} bytes")
    return float(speed) / 1_000_000


# Asks for all addresses in turn. wrk gives each of its threads a copy, and there is one thread.
SCRIPT = """
local paths = {}
for path in io.lines(os.getenv("PATHS")) do table.insert(paths, path) end
local next = 0
request = function()
    next = next % #paths + 1
    return wrk.format("GET", paths[next])
end
"""


def wrk(place: Path, addresses: list[str], seconds: float, accept: str = "*/*") -> float:
    """Return how many requests for these addresses of one site are answered a second."""
    (place / "paths").write_text("\n".join(urlsplit(address).path for address in addresses))
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", str(place / "script.lua")]
    command += ["-H", f"Accept: {accept}", "-H", "Accept-Encoding: gzip", addresses[0]]
    environment = os.environ | {"PATHS": str(place / "paths")}
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        sys.exit(f"{addresses[0]}: {said}")
    return float(said.partition("Requests/sec:")[2].split()[0])


def install(place: Path, simple: str, tool: str) -> float:
    """Return the seconds of an installation of all small projects into an empty folder, without any cache."""
    target = place / "installed"
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_"))}
    command: list[Any]
    if tool == "uv":
        command = [find_uv_bin(), "pip", "install", "--no-cache", "--no-config", "--python", sys.executable]
    else:
        command = [programs_of("pip") / "pip", "install", "--no-cache-dir", "--disable-pip-version-check", "--isolated"]
    command += ["-q", "--index-url", simple, "--target", target, *NAMES]
    times = []
    for _ in range(3):
        shutil.rmtree(target, ignore_errors=True)
        began = time.perf_counter()
        done = subprocess.run(list(map(str, command)), env=own, capture_output=True, text=True, check=False)
        times.append(time.perf_counter() - began)
        if done.returncode or len(list(target.glob("*.dist-info"))) != PROJECTS:
            sys.exit(f"{tool} from {simple}: {done.stderr[-500:]}")
    return statistics.median(times)


def show(rounds: dict[str, list[Figures]]) -> None:
    """Print the medians, and how many times better this site is than the best other one."""
    middle = {
        name: {row.name: statistics.median(each[row.name] for each in found) for row in ROWS if row.name in found[0]}
        for name, found in rounds.items()
    }
    print(
        f"{PROJECTS * RELEASES + MANY:,} wheels of 10 kB; medians of {len(rounds[OURS])} rounds; "
        f"load {os.getloadavg()[0]:.1f}\n"
    )
    print(f"{'':48}{'':6}" + "".join(f"{name:>26}" for name in middle) + f"{'of the best':>14}{'to reach':>10}")
    for row in ROWS:
        values = {name: found[row.name] for name, found in middle.items() if row.name in found}
        others = [value for name, value in values.items() if not name.startswith(OURS)]
        ratio = ""
        if others and OURS in values:
            best = max(others) if row.more_is_better else min(others)
            ratio = f"{values[OURS] / best if row.more_is_better else best / values[OURS]:.2f}"
        shown = "".join(f"{_shown(values[name]) if name in values else '-':>26}" for name in middle)
        print(f"{row.name:48}{row.unit:6}{shown}{ratio:>14}{row.to_reach:>10}")


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


if __name__ == "__main__":
    main()
