"""The other indexes that `benchmarks.peers` measures: how each is installed, filled and started."""

import base64
import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from uv import find_uv_bin

from benchmarks.peer_clients import Running, asked, fill
from benchmarks.peer_content import Content
from benchmarks.peer_larder import KEPT, MEMORY, START
from benchmarks.servers import memory_mb, serving, settled
from tests.conftest import free_port

GUNICORN = "gunicorn==26.2.0"
# What is installed for each index. simple-repository-server and proxpi choose the versions of what they need.
REQUIREMENTS = {
    "pypiserver": ("pypiserver==2.4.0", "watchdog==2.1.9", GUNICORN),
    "pypiserver, watchdog 6": ("pypiserver==2.4.0", "watchdog==6.0.0", GUNICORN),
    "simple-repository-server": ("simple-repository-server==0.10.0", "simple-repository==0.11.1"),
    "devpi": ("devpi-server==6.20.3", "devpi-web==5.1.1", "setuptools<81"),
    "proxpi": ("proxpi==1.3.0", GUNICORN),
    "pulp_python": ("pulp-python==3.36.4", "pulpcore==3.123.1", GUNICORN),
    "pip": ("pip==26.3",),
}
Started = contextlib.AbstractContextManager[tuple[Running, dict[str, float]]]


class Index(Protocol):
    """What is measured: it is filled once, and started in each round with what it was filled with."""

    name: str

    def fill(self) -> None:
        """Give it everything."""

    def started(self) -> Started:
        """Run it; gives its addresses, and what was found at its start."""


def programs_of(name: str) -> Path:
    """Install what an index needs, once, and return the folder of its programs."""
    folder = KEPT / name.replace(" ", "-").replace(",", "")
    wanted, noted = "\n".join(REQUIREMENTS[name]), folder / "installed.txt"
    if not noted.exists() or noted.read_text() != wanted:
        uv = find_uv_bin()
        subprocess.run([uv, "venv", "-q", "--clear", "--python", "3.11", folder], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--python", folder / "bin/python", *REQUIREMENTS[name]], check=True)
        noted.write_text(wanted)
    return folder / "bin"


@contextlib.contextmanager
def _found_at_start(
    running: Running, command: list[Any], ready: str, settings: dict[str, str] | None = None
) -> Iterator[tuple[Running, dict[str, float]]]:
    """Run an index that is one program."""
    with serving(command, ready, settings) as (process, seconds):
        settled([process])
        yield running._replace(processes=[process]), {START: seconds, MEMORY: memory_mb([process])}


class Pypiserver:
    """Serves one folder. It keeps a list of its files and their digests until watchdog tells of a change."""

    def __init__(self, name: str, place: Path, content: Content) -> None:
        self.name, self._files, self._content = name, place / "flat", content

    def fill(self) -> None:
        """Leave it to the start, which is as fast."""

    @contextlib.contextmanager
    def started(self) -> Iterator[tuple[Running, dict[str, float]]]:
        """Run it with two processes of four threads in gunicorn, which was faster than what it runs by itself."""
        shutil.rmtree(self._files, ignore_errors=True)
        self._files.mkdir(parents=True)
        for wheel in self._content.wheels:
            (self._files / wheel.filename).write_bytes(wheel.content)
        port = free_port()
        site = f"http://127.0.0.1:{port}"
        command = [programs_of(self.name) / "pypi-server", "run", "-i", "127.0.0.1", "-p", port, "-P", ".", "-a", "."]
        command += ["--disable-fallback", "--server", "gunicorn", self._files]
        settings = {"GUNICORN_CMD_ARGS": "--workers 2 --threads 4 --worker-class gthread"}
        running = Running(self.name, [], f"{site}/simple/", f"{site}/", anew=f"{site}/simple/")
        with _found_at_start(running, command, running.simple, settings) as found:
            yield found


class SimpleRepositoryServer:
    """Serves a folder of folders. It takes no uploads."""

    name = "simple-repository-server"

    def __init__(self, place: Path, content: Content) -> None:
        self._files, self._content = place / "nested", content

    def fill(self) -> None:
        """Write the files, which nobody changes."""
        for wheel in self._content.wheels:
            path = self._files / wheel.project / wheel.filename
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wheel.content)

    @contextlib.contextmanager
    def started(self) -> Iterator[tuple[Running, dict[str, float]]]:
        """Run it."""
        port = free_port()
        simple = f"http://127.0.0.1:{port}/simple/"
        command = [programs_of(self.name) / self.name, "--host", "127.0.0.1", "--port", port, self._files]
        with _found_at_start(Running(self.name, [], simple, anew=simple), command, simple) as found:
            yield found


class Devpi:
    """An index with uploads and one that mirrors upstream, with the pages and the search of devpi-web."""

    name = "devpi"

    def __init__(self, place: Path, content: Content) -> None:
        self._filled, self._data, self._content = KEPT / f"devpi-{content.digest()}", place / "data", content

    def fill(self) -> None:
        """Upload everything, and wait for its search index. This takes minutes, so it is kept for later runs."""
        if (self._filled / "complete").exists():
            return
        shutil.rmtree(self._filled, ignore_errors=True)
        command = [self._program("devpi-init"), "--serverdir", self._filled, "--no-root-pypi"]
        subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with self._serving(self._filled, "+api") as (site, process, _):
            running = self._running(site)
            self._make_index(site, "bench", {"type": "stage", "bases": [], "acl_upload": ["root"]})
            fill(running, self._content.wheels)
            settled([process])
        (self._filled / "complete").touch()

    def _make_index(self, site: str, name: str, settings: dict[str, object]) -> None:
        headers = {"Authorization": self._running(site).authorization}
        asked(f"{site}root/{name}", json.dumps(settings).encode(), method="PUT", headers=headers)

    @contextlib.contextmanager
    def started(self) -> Iterator[tuple[Running, dict[str, float]]]:
        """Run it on a fresh copy."""
        shutil.rmtree(self._data, ignore_errors=True)
        shutil.copytree(self._filled, self._data)
        with self._serving(self._data, "root/bench/+simple/") as (site, process, seconds):
            settled([process])  # it looks through its search index first
            memory = memory_mb([process])
            self._make_index(site, "mirror", {"type": "mirror", "mirror_url": self._content.upstream})
            yield self._running(site)._replace(processes=[process]), {START: seconds, MEMORY: memory}

    def _program(self, name: str) -> Path:
        return programs_of(self.name) / name

    def _running(self, site: str) -> Running:
        said = json.loads(asked(f"{site}+login", json.dumps({"user": "root", "password": ""}).encode()))
        secret = base64.b64encode(f"root:{said['result']['password']}".encode()).decode()
        index = f"{site}root/bench"
        return Running(
            self.name,
            [],
            f"{index}/+simple/",
            upload_to=f"{index}/",
            authorization=f"Basic {secret}",
            anew=f"{index}/+simple/",
            home=site,
            project_page=f"{index}/{{}}/latest",
            search=f"{site}+search?query={{}}",
            proxy=f"{site}root/mirror/+simple/",
        )

    @contextlib.contextmanager
    def _serving(self, data: Path, ready: str) -> Iterator[tuple[str, int, float]]:
        port = free_port()
        site = f"http://127.0.0.1:{port}/"
        command = [self._program("devpi-server"), "--serverdir", data, "--host", "127.0.0.1", "--port", port]
        with serving([*command, "--enable-core-metadata"], f"{site}{ready}") as (process, seconds):
            yield site, process, seconds


class Proxpi:
    """Keeps what it fetched from upstream, and has nothing of its own."""

    name = "proxpi"

    def __init__(self, place: Path, content: Content) -> None:
        self._files, self._content = place / "fetched", content

    def fill(self) -> None:
        """Leave it to the first installation."""

    @contextlib.contextmanager
    def started(self) -> Iterator[tuple[Running, dict[str, float]]]:
        """Run it as its image does, in one process, but with four threads instead of two."""
        shutil.rmtree(self._files, ignore_errors=True)
        port = free_port()
        command = [programs_of(self.name) / "gunicorn", "proxpi.server:app", "--bind", f"127.0.0.1:{port}"]
        command += ["--worker-class", "gthread", "--threads", "4"]
        settings = {"PROXPI_INDEX_URL": self._content.upstream, "PROXPI_CACHE_DIR": str(self._files)}
        running = Running(self.name, [], "", proxy=f"http://127.0.0.1:{port}/index/")
        with _found_at_start(running, command, f"http://127.0.0.1:{port}/", settings) as found:
            yield found


def peers(place: Path, content: Content) -> list[Index]:
    """Return the other indexes."""
    return [
        Pypiserver("pypiserver", place / "pypiserver", content),
        Pypiserver("pypiserver, watchdog 6", place / "pypiserver", content),
        SimpleRepositoryServer(place / "simple-repository-server", content),
        Devpi(place / "devpi", content),
        Proxpi(place / "proxpi", content),
    ]
