"""The indexes that `benchmarks.peers` measures: how each is installed, started and filled."""

import base64
import contextlib
import hashlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import mongoengine
from uv import find_uv_bin

from benchmarks.migration_beside import checked_out
from benchmarks.servers import ROOT
from config import Config
from tests.conftest import free_port
from tests.publishing.uploads import basic, wheel_name
from webapp import create_app
from webapp.documents import DOCUMENTS, User, ensure_indexes
from webapp.documents.base import utc_now
from webapp.members.api_tokens import make_token
from webapp.mongodb import embedded

KEPT = ROOT / ".tools" / "peers"
OURS = "Larder"
JSON = "application/vnd.pypi.simple.v1+json"
LARGE = "bench-large"
CLIENTS, START_S = 4, 60


class Wheel(NamedTuple):
    """A wheel that every index has."""

    project: str
    version: str
    content: bytes

    @property
    def filename(self) -> str:
        """Return its file name."""
        return wheel_name(self.project, self.version)


class Running(NamedTuple):
    """An index that answers."""

    name: str
    simple: str  # the address of its simple index, with a slash at the end
    process: int
    upload_to: str = ""
    authorization: str = ""
    anew: str = ""  # the address of a simple index that keeps no page
    site: str = ""  # the address of its home page, if that is a web site
    memory: float = 0  # MB, where it is more than that of the process and its children

    def project(self, name: str, base: str = "") -> str:
        """Return the address of a project's page in the simple index."""
        return f"{base or self.simple}{name}/"


# What is installed, by the name of an index. pypiserver keeps no digest with watchdog 6, so it is measured with 2, too.
REQUIREMENTS = {
    "pypiserver": ("pypiserver==2.4.0", "watchdog==6.0.0"),
    "pypiserver, watchdog 2": ("pypiserver==2.4.0", "watchdog==2.1.9"),
    "simple-repository-server": ("simple-repository-server==0.10.0",),
    "devpi": ("devpi-server==6.20.3",),
    "pip": ("pip==26.3",),
}
Start = Callable[[list[Wheel], Wheel], contextlib.AbstractContextManager[tuple[Running, float]]]


def programs_of(name: str) -> Path:
    """Install what an index needs, once, and return the folder of its programs."""
    folder = KEPT / name.replace(" ", "-").replace(",", "")
    if not (folder / "complete").exists():
        uv = find_uv_bin()
        subprocess.run([uv, "venv", "-q", "--clear", "--python", "3.11", folder], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--python", folder / "bin/python", *REQUIREMENTS[name]], check=True)
        (folder / "complete").touch()
    return folder / "bin"


def indexes(place: Path, baseline: str | None) -> dict[str, Start]:
    """Return how each index is started."""
    files = place / "files"
    starts = {OURS: _larder(OURS, sys.executable, ROOT, place / "ours")}
    if baseline:
        name = f"{OURS} {baseline[:7]}"
        python = checked_out(baseline, place / "other")
        starts[name] = _larder(name, str(python), place / "other", place / "theirs")
    for name in ("pypiserver", "pypiserver, watchdog 2"):
        starts[name] = _of_folder(
            name, files, lambda programs, port: [programs / "pypi-server", "run", "-p", port, "-i", "127.0.0.1",
                                                 "-P", ".", "-a", ".", files], upload_to="/",
        )  # fmt: skip
    starts["simple-repository-server"] = _of_folder(
        "simple-repository-server", files,
        lambda programs, port: [programs / "simple-repository-server", "--host", "127.0.0.1", "--port", port, files],
    )  # fmt: skip
    starts["devpi"] = _devpi(place / "devpi")
    return starts


def _of_folder(name: str, files: Path, command_of: Callable[[Path, str], list[Any]], upload_to: str = "") -> Start:
    @contextlib.contextmanager
    def start(wheels: list[Wheel], large: Wheel) -> Iterator[tuple[Running, float]]:
        shutil.rmtree(files, ignore_errors=True)  # without what was uploaded in the round before
        for each in (*wheels, large):
            # pypiserver watches each folder; simple-repository-server wants one for each project.
            folder = files if upload_to else files / each.project
            folder.mkdir(parents=True, exist_ok=True)
            (folder / each.filename).write_bytes(each.content)
        port = free_port()
        simple = f"http://127.0.0.1:{port}/simple/"
        with serving(command_of(programs_of(name), str(port)), simple) as (process, seconds):
            yield Running(name, simple, process, f"http://127.0.0.1:{port}{upload_to}" if upload_to else ""), seconds

    return start


def _devpi(data: Path) -> Start:
    @contextlib.contextmanager
    def start(wheels: list[Wheel], large: Wheel) -> Iterator[tuple[Running, float]]:
        programs, port, is_new = programs_of("devpi"), free_port(), not data.exists()
        if is_new:
            command: list[Any] = [programs / "devpi-init", "--serverdir", data, "--no-root-pypi"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        index = f"http://127.0.0.1:{port}/root/bench"
        command = [programs / "devpi-server", "--serverdir", data, "--host", "127.0.0.1", "--port", str(port)]
        with serving(command, index.replace("root/bench", "+api")) as (process, seconds):
            root = {"user": "root", "password": ""}
            answer = json.loads(asked(index.replace("root/bench", "+login"), json.dumps(root).encode()))
            password = answer["result"]["password"]
            secret = "Basic " + base64.b64encode(f"root:{password}".encode()).decode()
            running = Running("devpi", f"{index}/+simple/", process, f"{index}/", secret)
            if is_new:
                settings = json.dumps({"type": "stage", "bases": [], "acl_upload": ["root"]}).encode()
                asked(index, settings, method="PUT", headers={"Authorization": secret})
                fill(running, [*wheels, large])
            yield running, seconds

    return start


def _larder(name: str, python: str, folder: Path, data: Path) -> Start:
    """The site as `flask serve` starts it, with two web processes; a second one keeps no page."""
    command = [python, "-m", "flask", "--app", "app", "serve", "--workers", "2", "--port"]

    @contextlib.contextmanager
    def at(port: int, uri: str, **settings: str) -> Iterator[tuple[str, int, float]]:
        own = {"MONGODB_URI": uri, "SECRET_KEY": "a key for a benchmark, worth nothing", "LARDER_ENV": "production"}
        site = f"http://127.0.0.1:{port}"
        with serving([*command, str(port)], f"{site}/simple/", own | settings, folder) as (process, seconds):
            yield site, process, seconds

    @contextlib.contextmanager
    def start(wheels: list[Wheel], large: Wheel) -> Iterator[tuple[Running, float]]:
        if not data.exists():
            with _mongod(data) as (uri, _), at(free_port(), uri) as (site, process, _):
                fill(Running(name, f"{site}/simple/", process, f"{site}/legacy/", basic(_token(uri))), [*wheels, large])
        with _mongod(data) as (uri, mongod):
            token = basic(_token(uri))
            with at(free_port(), uri) as (site, process, seconds):
                memory = memory_mb(process) + memory_mb(mongod)
                with at(free_port(), uri, PAGE_CACHE_S="0") as (anew, _, _):
                    running = Running(name, f"{site}/simple/", process, f"{site}/legacy/", token)
                    yield running._replace(anew=f"{anew}/simple/", site=f"{anew}/", memory=memory), seconds

    return start


@contextlib.contextmanager
def _mongod(data: Path) -> Iterator[tuple[str, int]]:
    """The embedded server on a folder of its own; gives the address of its database, and its process."""
    uri = embedded.acquire(data, port=free_port())
    try:
        yield uri, int((data / "mongod.lock").read_text())
    finally:
        embedded.release()


def _token(uri: str) -> str:
    """Return a token that may upload anything."""
    with create_app(type("PeersConfig", (Config,), {"MONGODB_URI": uri})).app_context():
        ensure_indexes(DOCUMENTS)
        user = User.objects(name="A publisher").first() or User(name="A publisher", created_date=utc_now()).save()
        token: str = make_token(user, name="bench", project=None, permissions=["upload"], expires_at=None)[0]
    mongoengine.disconnect_all()
    return token


@contextlib.contextmanager
def serving(
    command: list[Any], ready: str, settings: dict[str, str] | None = None, folder: Path | None = None
) -> Iterator[tuple[int, float]]:
    """Run a server; gives its process, and the seconds from its start to its first answer at `ready`."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_"))}
    began = time.perf_counter()
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([*map(str, command)], env=environment | (settings or {}), cwd=folder, **quiet)
    try:
        while True:
            with contextlib.suppress(OSError):
                asked(ready)
                break
            if server.poll() is not None or time.perf_counter() - began > START_S:
                sys.exit(f"{command[0]} did not start")
            time.sleep(0.01)
        yield server.pid, time.perf_counter() - began
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def fill(running: Running, wheels: list[Wheel]) -> None:
    """Upload all of these."""
    in_parallel(running, wheels, lambda connection, each: upload(connection, running, each))


def in_parallel(
    running: Running, wheels: list[Wheel], do: Callable[[http.client.HTTPConnection, Wheel], None]
) -> float:
    """Do something with each wheel, several at a time, and return the seconds that it took."""
    waiting = iter(wheels)
    taking = threading.Lock()
    failures: list[BaseException] = []

    def work() -> None:
        connection = http.client.HTTPConnection(urlsplit(running.simple).netloc, timeout=300)
        try:
            while not failures:
                with taking:
                    each = next(waiting, None)
                if each is None:
                    break
                do(connection, each)
        except (OSError, http.client.HTTPException, RuntimeError) as error:
            failures.append(error)
        connection.close()

    began = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit(f"{running.name}: {failures[0]}")
    return time.perf_counter() - began


def upload(connection: http.client.HTTPConnection, running: Running, wanted: Wheel) -> None:
    """Send the form that twine sends."""
    fields = {
        ":action": "file_upload",
        "protocol_version": "1",
        "metadata_version": "2.1",
        "name": wanted.project,
        "version": wanted.version,
        "filetype": "bdist_wheel",
        "pyversion": "py3",
        "sha256_digest": hashlib.sha256(wanted.content).hexdigest(),
    }
    parts = [
        f'--bench\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{text}\r\n' for key, text in fields.items()
    ]
    parts.append(
        f'--bench\r\nContent-Disposition: form-data; name="content"; filename="{wanted.filename}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    form = "".join(parts).encode() + wanted.content + b"\r\n--bench--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=bench"}
    if running.authorization:
        headers["Authorization"] = running.authorization
    connection.request("POST", urlsplit(running.upload_to).path, form, headers)
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"the upload of {wanted.filename} was answered {answer.status}: {said[:200]!r}")


def asked(
    address: str, data: bytes | None = None, *, method: str | None = None, headers: dict[str, str] | None = None
) -> bytes:
    """Return what is answered; anything but 200 is an error."""
    fields = {
        "Accept": JSON if data is None and not headers else "application/json",
        "Content-Type": "application/json",
    }
    request = urllib.request.Request(address, data, fields | (headers or {}), method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        body: bytes = answer.read()
    return body


def memory_mb(process: int) -> float:
    """Return the memory of a process and of those that it started, in MB; what they share counts once."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:])
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return int(fields["Pss"].split()[0]) / 1000 + sum(memory_mb(int(child)) for child in children)
