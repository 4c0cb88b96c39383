"""What `benchmarks.peers` measures of an index that runs, each time after a look whether it answers rightly."""

import http.client
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from uv import find_uv_bin

from benchmarks.peer_clients import (
    HTML,
    Answers,
    Rate,
    Refused,
    Running,
    Uploaders,
    asked,
    crowd,
    curl,
    files_of,
    in_parallel,
    install,
    installing,
    upload,
    wrk,
)
from benchmarks.peer_content import (
    CROWDED,
    JSON,
    LARGE,
    MANY,
    UPSTREAM,
    Content,
    Wheel,
    bad_uploads,
    small_wheel,
    upload_of,
)
from benchmarks.peer_indexes import programs_of
from benchmarks.servers import Failed, processor_s
from tests.publishing.uploads import wheel_name

# name -> measured value, for one index in one round
Figures = dict[str, float]
INSTALLERS, INSTALLED, UPLOADERS = 32, 5, 16
UPLOADS_S = 6
# How long a file that was uploaded may be missing on its page: an earlier build kept pages for some seconds.
LISTED_S = 30


class Measured(NamedTuple):
    """What was found about an index in one round, and what did not work."""

    figures: Figures
    problems: list[str]


def measured(place: Path, running: Running, content: Content, seconds: float) -> Measured:
    """Measure everything that an index can do. What does not work leaves out its own rows only."""
    names, uv, pip = content.projects, Path(find_uv_bin()), programs_of("pip") / "pip"
    installed = partial(_installed, place, running)
    parts: list[tuple[str, Callable[[], Figures]]] = [
        (running.simple, lambda: _files(place, running, content, seconds)),
        (running.simple, lambda: installed(uv, running.simple, names, "uv install of 50 projects")),
        (running.simple, lambda: installed(pip, running.simple, names, "pip install of 50 projects")),
        (running.proxy, lambda: installed(uv, running.proxy, UPSTREAM, "uv, from upstream, second time")),
        (running.anew, lambda: _simple_pages(place, running, content, seconds)),
        (running.home, lambda: _home_page(place, running, seconds)),
        (running.project_page, lambda: _project_page(place, running, content, seconds)),
        (running.search, lambda: _search(place, running, content, seconds)),
        (running.upload_to, lambda: _uploads(running)),
        (running.simple, lambda: _crowds(place, running, content)),
        (running.upload_to, lambda: _refused(running)),
    ]
    found = Measured({}, [])
    for address, part in parts:
        if address:
            try:
                found.figures.update(part())
            except (Failed, OSError, http.client.HTTPException, subprocess.SubprocessError) as error:
                found.problems.append(str(error) or repr(error))
    return found


def _files(place: Path, running: Running, content: Content, seconds: float) -> Figures:
    addresses: list[str] = []
    for name in (*content.projects, CROWDED):
        listed = files_of(f"{running.simple}{name}/", HTML) or {}
        expected = {wheel.filename for wheel in content.small if wheel.project == name}
        if not expected <= listed.keys():
            raise Failed(f"not all files of {name} are listed")
        addresses += [listed[filename] for filename in sorted(expected)]
    contents = {wheel.filename: wheel.content for wheel in content.small}
    for address in addresses[::50]:
        if asked(address) != contents[address.rpartition("/")[2]]:
            raise Failed(f"another file is sent at {address}")
    large = (files_of(f"{running.simple}{LARGE}/", HTML) or {})[wheel_name(LARGE)]
    if asked(large) != content.large.content:
        raise Failed(f"another file is sent at {large}")
    small = [address for address in addresses if not address.rpartition("/")[2].startswith(CROWDED.replace("-", "_"))]
    size = len(content.large.content)
    found = wrk(place, running, small, seconds)
    before = processor_s(running.processes)
    rates = [curl(large, size) for _ in range(3)]
    used = processor_s(running.processes) - before
    return {
        **_rate("wheels of 10 kB, 8 at a time", found),
        **_rate("a wheel of 100 MB", Rate(statistics.median(rates), 1000 * used / len(rates))),
    }


def _rate(row: str, found: Rate | Answers) -> Figures:
    """Return the figures of a row, as long as the index has one."""
    return {row: found.per_second, processor_row(row): found.processor_ms}


def processor_row(row: str) -> str:
    """Return the name of the row with the processor time of the index for each answer of another row."""
    return f"processor: {row}"


def _simple_pages(place: Path, running: Running, content: Content, seconds: float) -> Figures:
    figures: Figures = {}
    rows = {"/simple/NAME/ anew": content.projects[0], f"the same with {MANY} releases": CROWDED}
    for row, name in rows.items():
        expected = {wheel.filename for wheel in content.small if wheel.project == name}
        for form, accept in (("JSON", JSON), ("HTML", HTML)):
            page = f"{running.anew}{name}/"
            listed = files_of(page, accept)
            if listed is None:  # it has no such form
                continue
            if not expected <= listed.keys():
                raise Failed(f"not all files of {name} are listed as {form}")
            figures |= _rate(f"{row}, {form}", wrk(place, running, [page], seconds, accept))
    return figures


def _home_page(place: Path, running: Running, seconds: float) -> Figures:
    if "<html" not in _read(running.home):
        raise Failed(f"{running.home} does not answer with a page")
    return _rate("home page anew", wrk(place, running, [running.home], seconds, "text/html"))


def _project_page(place: Path, running: Running, content: Content, seconds: float) -> Figures:
    page, newest = running.project_page.format(content.projects[0]), _newest(content, content.projects[0])
    text = _read(page)
    if any(part not in text for part in (newest.project, newest.version, newest.summary)):
        raise Failed(f"{page} does not show {newest.project} {newest.version}")
    return _rate("project page anew", wrk(place, running, [page], seconds, "text/html"))


def _search(place: Path, running: Running, content: Content, seconds: float) -> Figures:
    searches = {running.search.format(word): names for word, names in content.searches().items()}
    for address, names in searches.items():
        text = _read(address)
        if not any(name in text for name in names):
            raise Failed(f"{address} finds none of {names}")
    row, found = "search of a word anew, p95", wrk(place, running, list(searches), seconds, "text/html")
    return {row: found.p95_ms, processor_row(row): found.processor_ms}


def _read(page: str) -> str:
    return asked(page, headers={"Accept": "text/html"}).decode()


def _newest(content: Content, name: str) -> Wheel:
    return [wheel for wheel in content.small if wheel.project == name][-1]


def _installed(place: Path, running: Running, tool: Path, simple: str, names: list[str], row: str) -> Figures:
    """Return the seconds of an installation of these projects, as a row; uv's first one does not count."""
    target = place / "installed"
    command = installing(tool, simple, names, target)
    if tool.name == "uv":
        install(command, target, len(names))
    before = processor_s(running.processes)
    times = [install(command, target, len(names)) for _ in range(2)]
    used = processor_s(running.processes) - before
    return {row: statistics.median(times), processor_row(row): 1000 * used / len(times)}


def _uploads(running: Running) -> Figures:
    """Return how many files a second are sent and then listed."""

    def until_listed(connection: http.client.HTTPConnection, wheel: Wheel) -> None:
        upload(connection, running, upload_of(wheel))
        path = urlsplit(f"{running.simple}{wheel.project}/").path
        end = time.perf_counter() + LISTED_S
        while time.perf_counter() < end:
            connection.request("GET", path, headers={"Accept": HTML})
            if wheel.filename.encode() in connection.getresponse().read():
                return
        raise Refused(200, f"{wheel.filename} is not listed")

    wheels = [small_wheel(f"new-{number % 20}", f"1.{number}") for number in range(2_000)]
    found = in_parallel(running, wheels, UPLOADS_S, until_listed)
    return _rate("uploads until installable, 4 at a time", found)


def _crowds(place: Path, running: Running, content: Content) -> Figures:
    """Let many install, first alone, then while others upload."""
    alone, failed = crowd(running.simple, content.projects[:INSTALLED], place, INSTALLERS)
    figures = {"32 uv install 5 projects each, median": statistics.median(alone)}
    if running.upload_to:
        uploaders = Uploaders(running, "crowd", UPLOADERS)
        beside, failed_beside = crowd(running.simple, content.projects[:INSTALLED], place, INSTALLERS)
        took = max(beside)
        taken, errors = uploaders.stop()
        for said in errors[:3]:
            print(said, file=sys.stderr)
        median = statistics.median(beside)
        figures |= {
            "the same, beside 16 that upload": median,
            "times as long beside the uploads": median / figures["32 uv install 5 projects each, median"],
            "errors of both": failed + failed_beside + len(errors),
            "uploads meanwhile": taken / took,
        }
    return figures


def _refused(running: Running) -> Figures:
    """Return how many bad uploads are refused. A server error does not count as a refusal."""
    refused = 0
    for sent in bad_uploads().values():
        connection = http.client.HTTPConnection(urlsplit(running.simple).netloc, timeout=60)
        try:
            upload(connection, running, sent)
        except Refused as error:
            refused += 400 <= error.status < 500
        connection.close()
    return {"bad uploads refused": refused}
