"""What the images run, as plain processes: the shipped scripts and configurations, on other ports, in other folders."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pymongo
import pytest
import requests

from tests.conftest import free_port, required
from webapp.mongodb.mongod_programs import find_mongod

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
ROOT_PASSWORD, DB_PASSWORD = "root%of:all/evil@", "the-site.s_own~password"
SECRET = "a key for tests of the deployment, worth nothing"
START_S = 60


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in this folder start real servers: `make test-deploy` runs them, `make test` does not."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("deployment")


def tool(name: str, package: str) -> str:
    """The path of a program that CI installs."""
    folders = (os.environ["PATH"], "/usr/sbin", str(Path(sys.executable).parent), f"{ROOT}/.tools/node_modules/.bin")
    path = shutil.which(name, path=":".join(folders))
    if not path:
        required(f"{name} is not there: {package}")
    return path or name


def wait_for(condition: Callable[[], bool], what: str, seconds: float = START_S) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.1)


def listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(*command: str | Path, log: Path, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A server, stopped at the end of the block."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command], cwd=ROOT, env=os.environ | (env or {}), stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# --- MongoDB


def make_root(data: Path) -> None:
    """Do what the image's own entry point does for an empty folder: start without authentication, and make `root`."""
    port = free_port()
    with (
        running(find_mongod(), "--dbpath", data, "--port", str(port), log=data / "first.log"),
        connect(f"mongodb://127.0.0.1:{port}") as client,
    ):
        client.admin.command("createUser", "root", pwd=ROOT_PASSWORD, roles=["root"])


@contextmanager
def member(folder: Path, *, key: str = "", port: int = 0, root: bool = False) -> Iterator[int]:
    """A MongoDB that deploy/mongo/start.sh started, and its port."""
    port = port or free_port()
    data = folder / "data"
    if not data.exists():
        data.mkdir(parents=True)
        if root:
            make_root(data)
    # In place of the image's entry point, whose last line this is.
    entry_point = folder / "bin" / "docker-entrypoint.sh"
    entry_point.parent.mkdir(exist_ok=True)
    entry_point.write_text('#!/bin/sh\nexec "$@"\n')
    entry_point.chmod(0o755)
    env = {
        "PATH": f"{entry_point.parent}:{find_mongod().parent}:{os.environ['PATH']}",
        "TMPDIR": str(folder),
        "MONGO_KEY": key,
    }
    options = ["--port", str(port), "--dbpath", str(data), "--bind_ip", "127.0.0.1", "--nounixsocket"]
    # A member that is told to stop would wait 15 s for the others to take over.
    options += ["--wiredTigerCacheSizeGB", "0.25", "--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"]
    log = folder / "mongod.log"
    with running(DEPLOY / "mongo" / "start.sh", *options, log=log, env=env) as process:
        wait_for(lambda: process.poll() is not None or listens(port), "MongoDB")
        assert process.poll() is None, log.read_text()[-1000:]
        yield port


def run_init(*ports: int, root_password: str = ROOT_PASSWORD, db_password: str = DB_PASSWORD) -> str:
    """Run deploy/mongo/init.js as the service mongo-init does, and return what it says."""
    compose = (ROOT / "docker-compose.yml").read_text()
    found = re.search(r'entrypoint: (\["mongosh".*\])', compose)
    assert found
    command = [part.replace("/deploy/", f"{DEPLOY}/mongo/") for part in json.loads(found[1])]
    command[0] = tool("mongosh", "npm install --prefix .tools mongosh")
    env = {
        "MONGO_MEMBERS": ",".join(f"127.0.0.1:{port}" for port in ports),
        "MONGO_ROOT_PASSWORD": root_password,
        "LARDER_DB_PASSWORD": db_password,
    }
    done = subprocess.run(command, env=os.environ | env, capture_output=True, text=True, timeout=150)
    assert done.stderr == ""
    return f"{done.stdout}exit code {done.returncode}"


def site_uri(*ports: int, password: str = DB_PASSWORD) -> str:
    """MONGODB_URI as docker-compose.yml has it."""
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    return f"mongodb://larder:{password}@{hosts}/larder?replicaSet=rs0"


def connect(uri: str) -> pymongo.MongoClient[dict[str, Any]]:
    return pymongo.MongoClient(uri, serverSelectionTimeoutMS=START_S * 1000)


@pytest.fixture(scope="session")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a MongoDB as `docker compose up` leaves it: authentication, replica set, the site's user."""
    with member(tmp_path_factory.mktemp("mongo"), root=True) as port:
        assert run_init(port).endswith("exit code 0")
        yield port


# --- The site


def dockerfile_command(keyword: str) -> list[str]:
    """The command of the site's image that follows this keyword."""
    text = (ROOT / "Dockerfile").read_text().partition(" AS site\n")[2]
    found = re.search(rf"^{keyword}[^\[]*(\[.*\])$", text, re.MULTILINE)
    assert found
    command: list[str] = json.loads(found[1])
    return command


def entry_point(port: int, uploads_port: int | None = None) -> list[str]:
    """The command with which the image starts the site, on other ports."""
    flask, *options = dockerfile_command("CMD(?! .*python)")
    assert flask == "flask"
    other = {"0.0.0.0": "127.0.0.1", "8000": str(port), "8001": str(uploads_port or free_port())}
    listening = [other.get(option, option) for option in options]
    return [sys.executable, "-m", "flask", *listening]


def site_environment(**settings: str) -> dict[str, str]:
    """What the image and docker-compose.yml set, without the database."""
    return {"FLASK_APP": "app", "LARDER_ENV": "production", "SECRET_KEY": SECRET, "TRUSTED_PROXIES": "1"} | settings


@contextmanager
def site(log: Path, *, uploads_port: int | None = None, **settings: str) -> Iterator[int]:
    """The site as its image runs it, and its port."""
    port = free_port()
    env = site_environment(MAIL_DIR=str(log.with_suffix(".mails")), **settings)
    with running(*entry_point(port, uploads_port), log=log, env=env) as process:

        def up() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                return requests.get(f"http://127.0.0.1:{port}/ready", timeout=5).status_code == 200
            except requests.ConnectionError:
                return False

        wait_for(up, "the site")
        yield port


# --- nginx


def render(template: Path, folder: Path, values: Mapping[str, str]) -> None:
    """Fill a template in with the program that nginx's image uses, in the same way."""
    names = " ".join(f"${{{name}}}" for name in values)
    text = subprocess.run(
        [tool("envsubst", "apt-get install gettext-base"), names],
        input=template.read_text(), env=os.environ | dict(values), capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    (folder / template.stem).write_text(text)


def files_in_the_image() -> list[tuple[Path, str]]:
    """What the Dockerfile copies for nginx to serve: where it is here, and where it goes to in /usr/share/larder."""
    text = (ROOT / "Dockerfile").read_text().partition(" AS nginx\n")[2]
    copies = re.findall(r"^COPY (?:--from=packages )?(\S+) /usr/share/larder/(\S+)$", text, re.MULTILINE)
    installed = Path(sysconfig.get_path("purelib"))
    return [
        (installed / source.partition("/site-packages/")[2] if source.startswith("/") else ROOT / source, target)
        for source, target in copies
    ]


class Nginx:
    """Debian's nginx with its own nginx.conf and our templates, in a folder of its own."""

    def __init__(
        self, folder: Path, site_port: int, *, uploads_port: int = 1, server: Path | None = None, **settings: str
    ) -> None:
        self.port, self.tls_port, self.site_port = free_port(), free_port(), site_port
        self.uploads_port = uploads_port
        self.folder, self.log = folder, folder / "log" / "access.log"
        self.address = f"http://127.0.0.1:{self.port}"
        for name in ("conf.d", "log", "temp"):
            (folder / name).mkdir(parents=True)
        for source, target in files_in_the_image():
            link = folder / "files" / target
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(source)
        values = {
            "LARDER_LISTEN": f"127.0.0.1:{self.port}",
            "LARDER_SITE": f"127.0.0.1:{site_port}",
            "LARDER_UPLOADS": f"127.0.0.1:{uploads_port}",
            "LARDER_FILES": str(folder / "files"),
            "LARDER_UPLOAD_LIMIT": "200m",
            "LARDER_FILES_CACHE": "off",
            "NGINX_LOCAL_RESOLVERS": "127.0.0.1",
        } | settings
        templates = {template.name: template for template in (DEPLOY / "nginx" / "templates").iterdir()}
        if server:
            templates[server.name] = server
        for template in templates.values():
            render(template, folder / "conf.d", values)
        for path in (folder / "conf.d").iterdir():
            text = path.read_text().replace("/var/log/nginx", str(folder / "log"))
            text = text.replace("/var/cache/nginx", str(folder / "temp"))
            path.write_text(text.replace("listen 443", f"listen 127.0.0.1:{self.tls_port}"))
        debian = Path("/etc/nginx/nginx.conf").read_text().replace("/var/log/nginx", str(folder / "log"))
        debian = debian.replace("/etc/nginx/conf.d", str(folder / "conf.d")).replace("/run/nginx.pid", f"{folder}/pid")
        # The folder of a test is its user's alone.
        debian = debian.replace("user www-data;", "user root;" if os.geteuid() == 0 else "")
        debian = re.sub(r"^\s*include /etc/nginx/(sites|modules)-enabled.*$", "", debian, flags=re.MULTILINE)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temp = "".join(f"{kind}_temp_path {folder}/temp/{kind};\n" for kind in kinds)
        (folder / "nginx.conf").write_text(debian.replace("http {", f"http {{\n{temp}", 1))
        shutil.copy("/etc/nginx/mime.types", folder)
        nginx = tool("nginx", "apt-get install nginx-light")
        self.command = [nginx, "-c", str(folder / "nginx.conf"), "-p", str(folder)]

    def test(self) -> str:
        """What nginx says to its configuration."""
        done = subprocess.run([*self.command, "-t"], capture_output=True, text=True, timeout=30)
        return done.stderr

    @contextmanager
    def running(self) -> Iterator["Nginx"]:
        with running(*self.command, "-g", "daemon off;", log=self.folder / "log" / "nginx.log"):
            wait_for(lambda: listens(self.port), self.test())
            yield self

    def line(self, request_id: str) -> dict[str, Any]:
        """What its log says of a request. It writes that when the answer has been sent."""
        wait_for(lambda: request_id in self.log.read_text(), "a line in the log")
        lines: list[dict[str, Any]] = [json.loads(line) for line in self.log.read_text().splitlines()]
        (line,) = [line for line in lines if line["request_id"] == request_id]
        return line


@pytest.fixture(scope="module")
def site_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site") / "site.log"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, mongo: int, site_log: Path) -> Iterator[Nginx]:
    """nginx in front of the site on MongoDB, as `docker compose up` starts them, with figures."""
    with ExitStack() as servers:
        settings = {"MONGODB_URI": site_uri(mongo), "METRICS": "1", "FLASK_SERVE_WORKERS": "2"}
        uploads_port = free_port()
        port = servers.enter_context(site(site_log, uploads_port=uploads_port, **settings))
        nginx = Nginx(tmp_path_factory.mktemp("nginx"), port, uploads_port=uploads_port)
        yield servers.enter_context(nginx.running())
