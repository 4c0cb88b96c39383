"""pulp_python as `benchmarks.peers` measures it, where PostgreSQL and Redis are at hand.

libpq's environment variables (PGHOST, PGPORT, PGUSER, PGPASSWORD) say where PostgreSQL is, and REDIS_URL says where
Redis is. Without them, they are looked for at 127.0.0.1 and their usual ports, PostgreSQL with the user `postgres`.
"""

import base64
import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.peer_clients import Refused, Running, asked, in_parallel
from benchmarks.peer_content import Content, Wheel
from benchmarks.peer_indexes import programs_of
from benchmarks.peer_larder import KEPT, MEMORY, START
from benchmarks.servers import Failed, memory_mb, serving, settled
from tests.conftest import free_port

DATABASE, PASSWORD = "larder_bench_pulp", "bench-bench"
POSTGRESQL = {"PGHOST": "127.0.0.1", "PGPORT": "5432", "PGUSER": "postgres"}
AUTHORIZATION = f"Basic {base64.b64encode(f'admin:{PASSWORD}'.encode()).decode()}"
API = "/pulp/api/v3/"


def what_pulp_lacks() -> str:
    """Return why pulp_python cannot be measured here, or an empty text."""
    try:
        _postgresql("psql", "-d", "postgres", "-c", "SELECT 1")
    except (OSError, Failed):
        return "PostgreSQL does not answer psql; PGHOST, PGPORT, PGUSER and PGPASSWORD say where it is"
    try:
        redis = urlsplit(_redis())
        socket.create_connection((redis.hostname or "127.0.0.1", redis.port or 6379), timeout=5).close()
    except OSError:
        return "Redis does not answer; REDIS_URL says where it is"
    return ""


def _redis() -> str:
    return os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")


def _variables() -> dict[str, str]:
    """Return libpq's variables as they are set, or as is usual."""
    return {name: os.environ.get(name, usual) for name, usual in POSTGRESQL.items()}


def _postgresql(program: str, *arguments: str | Path) -> None:
    """Run one of PostgreSQL's own programs, which must not ask for a password."""
    command = [program, "-w", *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ | _variables())
    if done.returncode:
        raise Failed(f"{program}: {done.stderr[-500:]}")


@contextlib.contextmanager
def _database() -> Iterator[None]:
    """Have an empty database while the context lasts."""
    _postgresql("dropdb", "--if-exists", "--force", DATABASE)
    _postgresql("createdb", DATABASE)
    try:
        yield
    finally:
        _postgresql("dropdb", "--force", DATABASE)


class Pulp:
    """Keeps what it knows in PostgreSQL, files on the disk, and answers in Redis."""

    name = "pulp_python"

    def __init__(self, place: Path, content: Content) -> None:
        self._filled, self._place, self._content = KEPT / f"pulp-{content.digest()}", place, content

    def fill(self) -> None:
        """Upload everything, then list it in one new version of a repository. It is kept for later runs."""
        if (self._filled / "complete").exists():
            return
        shutil.rmtree(self._filled, ignore_errors=True)
        self._filled.mkdir(parents=True)
        with _database():
            settings = self._settings(self._filled / "media", free_port())
            manager = programs_of(self.name) / "pulpcore-manager"
            for command in (["migrate"], ["reset-admin-password", "--password", PASSWORD]):
                environment = os.environ | settings
                subprocess.run([manager, *command], check=True, capture_output=True, env=environment)
            with self._api(settings, f"{API}status/") as (site, api, _), self._worker(settings, site):
                repository = _said(site, f"{API}repositories/python/python/", name="bench")["pulp_href"]
                index = {"name": "bench", "base_path": "bench", "repository": repository}
                _finish(site, f"{API}distributions/python/pypi/", **index)
                added = _uploaded(Running(self.name, [api], f"{site}/"), self._content.wheels)
                _finish(site, f"{repository}modify/", add_content_units=added)
            _postgresql("pg_dump", "-d", DATABASE, "-f", self._filled / "database.sql")
        (self._filled / "complete").touch()

    @contextlib.contextmanager
    def started(self) -> Iterator[tuple[Running, dict[str, float]]]:
        """Run it on a fresh copy, and once more without what Redis keeps."""
        media, port = self._place / "media", free_port()
        shutil.rmtree(media, ignore_errors=True)
        shutil.copytree(self._filled / "media", media)
        name = f"bench-{time.time_ns()}"  # what Redis still keeps of another round has another name
        index = f"/pypi/{name}/simple/"
        with _database():
            psql = ["psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", DATABASE]
            _postgresql(*psql, "-f", self._filled / "database.sql")
            rename = f"UPDATE core_distribution SET base_path = '{name}' WHERE name = 'bench'"
            _postgresql(*psql, "-c", rename, "-c", "ANALYZE")
            settings = self._settings(media, port)
            files = [programs_of(self.name) / "pulpcore-content", "-b", f"127.0.0.1:{port}", "-w", 2]
            with (
                self._api(settings, index) as (site, api, seconds),
                serving(files, f"http://127.0.0.1:{port}/pulp/content/", settings) as (content, _),
                self._worker(settings, site) as worker,
            ):
                processes = [api, content, worker]
                settled(processes)
                memory = memory_mb(processes)
                upstream = {"name": "upstream", "url": self._content.upstream.removesuffix("simple/")}
                remote = _said(site, f"{API}remotes/python/python/", policy="on_demand", **upstream)["pulp_href"]
                mirror = {"name": "upstream", "base_path": f"{name}-upstream", "remote": remote}
                _finish(site, f"{API}distributions/python/pypi/", **mirror)
                with self._api(settings | {"PULP_CACHE_ENABLED": "false"}, index) as (anew, without, _):
                    settled([without])
                    yield (
                        Running(
                            self.name,
                            [*processes, without],
                            f"{site}{index}",
                            upload_to=f"{site}/pypi/{name}/legacy/",
                            authorization=AUTHORIZATION,
                            anew=f"{anew}{index}",
                            proxy=f"{site}/pypi/{name}-upstream/simple/",
                        ),
                        {START: seconds, MEMORY: memory},
                    )

    @contextlib.contextmanager
    def _api(self, settings: dict[str, str], ready: str) -> Iterator[tuple[str, int, float]]:
        """Run two processes that answer pages and take uploads. They cannot have threads."""
        port = free_port()
        site = f"http://127.0.0.1:{port}"
        command = [programs_of(self.name) / "pulpcore-api", "-b", f"127.0.0.1:{port}", "-w", 2]
        with serving(command, f"{site}{ready}", settings) as (process, seconds):
            yield site, process, seconds

    @contextlib.contextmanager
    def _worker(self, settings: dict[str, str], site: str) -> Iterator[int]:
        """Run a process for tasks. It has no address; tasks wait until it is there."""
        with serving([programs_of(self.name) / "pulpcore-worker"], f"{site}{API}status/", settings) as (process, _):
            yield process

    def _settings(self, media: Path, files_port: int) -> dict[str, str]:
        """Write its settings, and return the variables that name them."""
        place = self._place
        (place / "work").mkdir(parents=True, exist_ok=True)
        (place / "key").write_bytes(base64.urlsafe_b64encode(bytes(32)))
        settings: dict[str, object] = {
            "SECRET_KEY": "bench",
            "DB_ENCRYPTION_KEY": str(place / "key"),
            "MEDIA_ROOT": str(media),
            "WORKING_DIRECTORY": str(place / "work"),
            "FILE_UPLOAD_TEMP_DIR": str(place / "work"),
            "CONTENT_ORIGIN": f"http://127.0.0.1:{files_port}",
            "ANALYTICS": False,
            "CACHE_ENABLED": True,
            "REDIS_URL": _redis(),
            # Its own choice takes 0.2 s of processor time for each request with a password.
            "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
            "DATABASES": {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": DATABASE}},
        }
        (place / "settings.py").write_text("\n".join(f"{key} = {value!r}" for key, value in settings.items()))
        return {"PULP_SETTINGS": str(place / "settings.py"), **_variables()}


def _said(site: str, path: str, **fields: object) -> Any:
    """Return what is answered to these fields, or to a question without any."""
    data = json.dumps(fields).encode() if fields else None
    return json.loads(asked(f"{site}{path}", data, headers={"Authorization": AUTHORIZATION}))


def _finish(site: str, path: str, **fields: object) -> None:
    """Ask for something that takes a while, and wait until it is done, at most ten minutes."""
    task, end = _said(site, path, **fields)["task"], time.monotonic() + 600
    while (state := _said(site, task)["state"]) in ("waiting", "running") and time.monotonic() < end:
        time.sleep(0.2)
    if state != "completed":
        raise Failed(f"{path}: the task is {state}")


def _uploaded(running: Running, wheels: list[Wheel]) -> list[str]:
    """Upload files that no repository lists yet, and return their paths."""
    found: list[str] = []
    headers = {"Content-Type": "multipart/form-data; boundary=bench", "Authorization": AUTHORIZATION}

    def do(connection: http.client.HTTPConnection, wheel: Wheel) -> None:
        field = f'--bench\r\nContent-Disposition: form-data; name="file"; filename="{wheel.filename}"\r\n\r\n'
        form = field.encode() + wheel.content + b"\r\n--bench--\r\n"
        connection.request("POST", f"{API}content/python/packages/upload/", form, headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 201:
            raise Refused(answer.status, f"{wheel.filename}: {said[:200]!r}")
        found.append(json.loads(said)["pulp_href"])

    in_parallel(running, wheels, 3600, do)
    return found
