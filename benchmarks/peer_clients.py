"""The clients of `benchmarks.peers`: wrk, curl, pip, uv, and one that uploads as twine does."""

import contextlib
import http.client
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from uv import find_uv_bin

from benchmarks.peer_content import JSON, Upload, Wheel, small_wheel, upload_of
from benchmarks.servers import Failed, processor_s

HTML = "application/vnd.pypi.simple.v1+html, text/html;q=0.9"
CLIENTS, CONNECTIONS = 4, 8
TRIES = 5
_LINK = re.compile(r'href="([^"#]+)')


class Running(NamedTuple):
    """An index that answers; what it cannot do has no address."""

    name: str
    processes: list[int]  # all that it consists of, but for those that they started
    simple: str  # the address of its simple index, with a slash at the end
    upload_to: str = ""
    authorization: str = ""
    # Pages for which no answer that was kept is used.
    anew: str = ""  # its simple index
    home: str = ""
    project_page: str = ""  # of the project {}
    search: str = ""  # for the word {}
    proxy: str = ""  # its simple index of what is upstream


def asked(
    address: str, data: bytes | None = None, *, method: str | None = None, headers: dict[str, str] | None = None
) -> bytes:
    """Return what is answered; anything but a success is an error."""
    fields = {"Accept": "*/*" if data is None else "application/json", "Content-Type": "application/json"}
    request = urllib.request.Request(address, data, fields | (headers or {}), method=method)
    with urllib.request.urlopen(request, timeout=120) as answer:
        body: bytes = answer.read()
    return body


def files_of(page: str, form: str) -> dict[str, str] | None:
    """Return the address of each wheel that a project's page lists, or None if the index has no such form."""
    request = urllib.request.Request(page, headers={"Accept": form})
    with urllib.request.urlopen(request, timeout=60) as answer:
        is_json, body = "json" in answer.headers["Content-Type"], answer.read().decode()
    if is_json != (form == JSON):
        return None
    links = [file["url"] for file in json.loads(body)["files"]] if is_json else _LINK.findall(body)
    addresses = [urljoin(page, link).partition("#")[0] for link in links]
    return {address.rpartition("/")[2]: address for address in addresses if address.endswith(".whl")}


# Asks for all addresses in turn. wrk gives each of its threads a copy, and there is one thread.
SCRIPT = """
local paths = {}
for path in io.lines(os.getenv("PATHS")) do table.insert(paths, path) end
local next = 0
request = function()
    next = next % #paths + 1
    return wrk.format("GET", paths[next])
end
done = function(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    local answered = summary.requests / summary.duration * 1000000
    io.write(string.format("FOUND %f %f %d %d\\n", answered, latency:percentile(95) / 1000, summary.requests, failed))
end
"""


class Answers(NamedTuple):
    """How fast some addresses were answered."""

    per_second: float
    p95_ms: float
    processor_ms: float  # of the index, for each answer


def wrk(place: Path, running: Running, addresses: list[str], seconds: float, accept: str = "*/*") -> Answers:
    """Ask for these addresses of an index in turn."""
    script, paths = place / "script.lua", place / "paths"
    script.write_text(SCRIPT)
    paths.write_text("\n".join(address.partition(urlsplit(address).netloc)[2] for address in addresses))
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--timeout", "30s", "-s", str(script)]
    command += ["-H", f"Accept: {accept}", "-H", "Accept-Encoding: gzip", addresses[0]]
    environment = os.environ | {"PATHS": str(paths)}
    before = processor_s(running.processes)
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    used = processor_s(running.processes) - before
    per_second, p95_ms, answers, failed = said.partition("FOUND ")[2].split()
    if int(failed):
        raise Failed(f"{addresses[0]}: {said}")
    return Answers(float(per_second), float(p95_ms), 1000 * used / int(answers))


def curl(address: str, size: int) -> float:
    """Fetch a file of this size, and return how many MB a second arrived."""
    command = ["curl", "-s", "-o", os.devnull, "-w", "%{speed_download} %{size_download}", address]
    speed, arrived = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    if int(arrived) != size:
        raise Failed(f"{address} sent {arrived} bytes instead of {size}")
    return float(speed) / 1_000_000


def installing(tool: Path, simple: str, names: list[str], target: Path) -> list[str]:
    """Return the command that installs these projects into an empty folder, without any cache."""
    if tool.name == "uv":
        command: list[Any] = [tool, "pip", "install", "--no-cache", "--no-config", "--python", sys.executable]
    else:
        command = [tool, "install", "--no-cache-dir", "--disable-pip-version-check", "--isolated"]
    return [*map(str, command), "-q", "--index-url", simple, "--target", str(target), *names]


def install(command: list[str], target: Path, expected: int) -> float:
    """Install, check that everything is there, and return the seconds that it took."""
    shutil.rmtree(target, ignore_errors=True)
    began = time.perf_counter()
    done = subprocess.run(command, env=_own_environment(), capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if done.returncode or len(list(target.glob("*.dist-info"))) != expected:
        raise Failed(f"{' '.join(command[:3])}: {done.stdout[-500:]} {done.stderr[-500:]}")
    return took


def crowd(simple: str, names: list[str], place: Path, size: int) -> tuple[list[float], int]:
    """Let so many uv install at once; return the seconds that each took, and how many failed."""
    took: list[float] = []
    failed = []

    def one(number: int) -> None:
        target = place / f"installed-{number}"
        command = installing(Path(find_uv_bin()), simple, names, target)
        began = time.perf_counter()
        done = subprocess.run(command, env=_own_environment(), capture_output=True, text=True, check=False)
        took.append(time.perf_counter() - began)
        if done.returncode or len(list(target.glob("*.dist-info"))) != len(names):
            failed.append(done.stderr[-300:])
        shutil.rmtree(target, ignore_errors=True)

    _at_once([threading.Thread(target=one, args=(number,)) for number in range(size)])
    for said in failed[:3]:
        print(said, file=sys.stderr)
    return took, len(failed)


def _own_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_"))}


def _at_once(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Uploaders:
    """Clients in a process of their own, each of which uploads to a project of its own until it is told to stop."""

    def __init__(self, running: Running, prefix: str, clients: int) -> None:
        self._stop = multiprocessing.Event()
        self._result: multiprocessing.Queue[tuple[int, list[str]]] = multiprocessing.Queue()
        arguments = (running, prefix, clients, self._stop, self._result)
        self._process = multiprocessing.Process(target=_upload_until, args=arguments)
        self._process.start()

    def stop(self) -> tuple[int, list[str]]:
        """Return how many files were taken, and what was said to the others."""
        self._stop.set()
        result = self._result.get(timeout=120)
        self._process.join()
        return result


def _upload_until(running: Running, prefix: str, clients: int, stop: Event, result: Any) -> None:
    taken, errors = [0] * clients, []

    def one(number: int) -> None:
        connection = http.client.HTTPConnection(urlsplit(running.simple).netloc, timeout=60)
        for release in range(100_000):
            if stop.is_set():
                break
            try:
                upload(connection, running, upload_of(small_wheel(f"{prefix}-{number}", f"1.{release}")))
                taken[number] += 1
            except (OSError, http.client.HTTPException, Refused) as error:
                errors.append(str(error))
                connection.close()

    _at_once([threading.Thread(target=one, args=(number,)) for number in range(clients)])
    result.put((sum(taken), errors))


class Rate(NamedTuple):
    """How many were done a second, and what one cost the index."""

    per_second: float
    processor_ms: float


def in_parallel(
    running: Running, wheels: Iterable[Wheel], seconds: float, do: Callable[[http.client.HTTPConnection, Wheel], None]
) -> Rate:
    """Do something with each wheel, several at a time, for at most so many seconds; return how it went."""
    waiting = iter(wheels)
    taking = threading.Lock()
    failures: list[BaseException] = []
    done: list[str] = []

    def work() -> None:
        connection = http.client.HTTPConnection(urlsplit(running.simple).netloc, timeout=300)
        try:
            while not failures and time.perf_counter() < began + seconds:
                with taking:
                    each = next(waiting, None)
                if each is None:
                    break
                do(connection, each)
                done.append(each.filename)
        except (OSError, http.client.HTTPException, Refused) as error:
            failures.append(error)
        connection.close()

    began, before = time.perf_counter(), processor_s(running.processes)
    _at_once([threading.Thread(target=work) for _ in range(CLIENTS)])
    took, used = time.perf_counter() - began, processor_s(running.processes) - before
    if failures:
        raise Failed(repr(failures[0]))
    return Rate(len(done) / took, 1000 * used / max(1, len(done)))


def fill(running: Running, wheels: list[Wheel]) -> None:
    """Upload all of these, patiently."""

    def do(connection: http.client.HTTPConnection, wheel: Wheel) -> None:
        for _ in range(60):
            with contextlib.suppress(Refused):
                return upload(connection, running, upload_of(wheel))
            time.sleep(1)
        return upload(connection, running, upload_of(wheel))

    in_parallel(running, wheels, 3600, do)


class Refused(Exception):
    """An upload was not taken."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"{status}: {said}")
        self.status = status


def upload(connection: http.client.HTTPConnection, running: Running, sent: Upload) -> None:
    """Send the form that twine sends, up to five times if the server fails, as twine does. Raises Refused."""
    wheel = sent.wheel
    fields = {
        ":action": "file_upload",
        "protocol_version": "1",
        "metadata_version": "2.1",
        "name": wheel.project,
        "version": wheel.version,
        "summary": wheel.summary,
        "description": wheel.description,
        "description_content_type": "text/markdown",
        "filetype": "bdist_wheel",
        "pyversion": "py3",
        "sha256_digest": sent.sha256,
    }
    parts = [
        f'--bench\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{text}\r\n' for key, text in fields.items()
    ]
    parts.append(
        f'--bench\r\nContent-Disposition: form-data; name="content"; filename="{wheel.filename}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    form = "".join(parts).encode() + wheel.content + b"\r\n--bench--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=bench"}
    if running.authorization:
        headers["Authorization"] = running.authorization
    for _ in range(TRIES):
        connection.request("POST", urlsplit(running.upload_to).path, form, headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status < 500:
            break
    if not 200 <= answer.status < 300:
        raise Refused(answer.status, f"{wheel.filename}: {said[:200]!r}")
