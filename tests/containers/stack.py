"""docker-compose.yml and its companions, brought up whole by docker-compose on podman's Docker API."""

import json
import os
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from tests.containers.machine import ROOT, STORE, environment, podman

START_S = 240
HTTP, HTTPS = 8080, 8443
SECRETS = ("SECRET_KEY", "LARDER_DB_PASSWORD", "MONGO_ROOT_PASSWORD", "MONGO_KEY")
# How often a container's health is checked: as often as the compose file and the images say, and more often at first.
HEALTH_S, HEALTH_STARTING_S = 10, 3
DATABASE_PORT = 27017
COMPOSE = ("docker-compose", "-p", "larder")


def wait_for(condition: Callable[[], object], what: str, seconds: float = START_S) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.25)


@contextmanager
def engine() -> Iterator[None]:
    """Podman's Docker API. Health checks, which systemd would start, are started here."""
    socket = STORE / "podman.sock"
    socket.unlink(missing_ok=True)
    for container in podman("ps", "-aq").split():
        podman("rm", "-f", "-t", "0", container)
    podman("volume", "prune", "-f")
    podman("network", "prune", "-f")
    with (STORE / "service.log").open("w") as log:
        command = ["podman", "system", "service", "--time=0", f"unix://{socket}"]
        service = subprocess.Popen(command, env=environment(), stdout=log, stderr=log)
    ended = threading.Event()
    checks = threading.Thread(target=_check_health, args=(ended,), daemon=True)
    try:
        wait_for(socket.exists, "podman's API", 30)
        checks.start()
        yield
    finally:
        ended.set()
        checks.join()
        service.terminate()
        service.wait(30)


def _check_health(ended: threading.Event) -> None:
    checked_at: dict[str, float] = {}
    while not ended.wait(1):
        for line in podman("ps", "--format", "{{.ID}} {{.Status}}", check=False).splitlines():
            container, status = line.split(" ", 1)
            every_s = HEALTH_STARTING_S if "(starting)" in status else HEALTH_S
            if "(" in status and time.monotonic() - checked_at.get(container, -every_s) >= every_s:
                podman("healthcheck", "run", container, check=False)
                checked_at[container] = time.monotonic()


class Stack:
    """The services of some compose files, with an .env of their own, under the project's name `larder`."""

    def __init__(self, folder: Path, *files: str, **settings: str) -> None:
        self.root, self.folder = ROOT, folder
        self.files = ["docker-compose.yml", *files]
        self.secrets = {name: secrets.token_hex(32) for name in SECRETS}
        lines = (self.root / ".env.example").read_text().splitlines()
        given = self.secrets | settings
        kept = [line for line in lines if line.split("=")[0] not in given]
        self.env = folder / "env"
        self.env.write_text("\n".join([*kept, *(f"{name}={value}" for name, value in given.items())]) + "\n")
        self.began = 0.0

    def compose(self, *arguments: str, check: bool = True) -> str:
        """Run docker-compose as an operator does, and return what it says."""
        options = [option for file in self.files for option in ("-f", file)]
        command = [*COMPOSE, "--env-file", str(self.env), *options, *arguments]
        done = subprocess.run(
            command, cwd=self.root, env=environment(), capture_output=True, text=True, timeout=START_S * 2, check=False
        )
        said = done.stdout + done.stderr
        assert not check or done.returncode == 0, f"{' '.join(arguments)}: {said[-3000:]}\n{self.logs()[-3000:]}"
        return said

    @contextmanager
    def running(self) -> Iterator["Stack"]:
        self.began = time.monotonic()
        try:
            self.up()
            yield self
        finally:
            self.compose("--profile", "inspect", "down", "-v", "--remove-orphans", "-t", "5", check=False)

    def up(self, *arguments: str) -> None:
        self.compose("up", "-d", "--no-build", *arguments)
        wait_for(lambda: self.health("nginx") == "healthy", "a healthy nginx")

    def name(self, service: str) -> str:
        """The container of a service."""
        found = podman("ps", "-a", "--filter", f"label=com.docker.compose.service={service}", "--format", "{{.Names}}")
        assert found, f"no container of {service}"
        return found.split()[0]

    def inspect(self, service: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(podman("inspect", self.name(service)))[0]
        return found

    def health(self, service: str) -> str:
        status: str = self.inspect(service)["State"].get("Health", {}).get("Status", "")
        return status

    def run(self, service: str, *command: str, user: str = "", check: bool = True) -> str:
        """What a command says in the container of a service."""
        who = ["--user", user] if user else []
        return podman("exec", *who, self.name(service), *command, check=check)

    def kill(self, service: str) -> None:
        """Kill the first process of a container as the kernel does, so that the engine restarts it."""
        os.kill(self.inspect(service)["State"]["Pid"], signal.SIGKILL)

    def address(self, service: str) -> str:
        """The address of a container in the network of the stack."""
        [network] = self.inspect(service)["NetworkSettings"]["Networks"].values()
        address: str = network["IPAddress"]
        return address

    @contextmanager
    def database(self, service: str = "mongo", user: str = "root") -> Iterator[MongoClient[Any]]:
        """The database in this container, as this user sees it."""
        password = self.secrets["MONGO_ROOT_PASSWORD" if user == "root" else "LARDER_DB_PASSWORD"]
        source = "admin" if user == "root" else "larder"
        with MongoClient[Any](
            self.address(service), DATABASE_PORT, username=user, password=password, authSource=source,
            directConnection=True, serverSelectionTimeoutMS=60_000,
        ) as client:  # fmt: skip
            yield client

    @contextmanager
    def cut(self, service: str, port: int = DATABASE_PORT) -> Iterator[None]:
        """Let nothing through between a container and whatever listens on this port, itself included."""
        inside = ["nsenter", "-t", str(self.inspect(service)["State"]["Pid"]), "-n", "iptables", "-w"]
        rules = [
            [chain, "!", "-i" if chain == "INPUT" else "-o", "lo", "-p", "tcp", way, str(port), "-j", "DROP"]
            for chain in ("INPUT", "OUTPUT")
            for way in ("--dport", "--sport")
        ]
        for rule in rules:
            subprocess.run([*inside, "-A", *rule], check=True, capture_output=True)
        try:
            yield
        finally:
            for rule in rules:
                subprocess.run([*inside, "-D", *rule], check=True, capture_output=True)

    def logs(self, *services: str) -> str:
        names = [self.name(service) for service in services] or podman("ps", "-a", "--format", "{{.Names}}").split()
        said = [
            subprocess.run(["podman", "logs", name], env=environment(), capture_output=True, text=True, check=False)
            for name in names
        ]
        return "\n".join(done.stdout + done.stderr for done in said)


def upload_token(stack: Stack, module: str = "webapp.members.api_tokens") -> str:
    """The secret of a token of a member who may be new, made in the site's container."""
    program = (
        "from app import app\n"
        "from webapp.documents import User\n"
        f"from {module} import make_token\n"
        "with app.app_context():\n"
        "    ada = {'name': 'Ada Lovelace', 'email': 'ada@example.org'}\n"
        "    user = User.objects(**ada).first() or User(**ada).save()\n"
        "    print(make_token(user, name='tests', project=None, permissions=['upload', 'read'], expires_at=None)[0])\n"
    )
    return stack.run("site", "python", "-c", program).splitlines()[-1]


def make_certificate(folder: Path) -> Path:
    """A folder as certbot's, with a certificate for localhost, and beside it `ca.pem`, which signed that."""
    folder.mkdir()
    (folder / "names").write_text(
        "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\n"
    )
    for command in (
        "req -x509 -newkey rsa -nodes -days 2 -subj /CN=tests -addext keyUsage=keyCertSign -keyout ca.key -out ca.pem",
        "req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout privkey.pem -out site.csr",
        "x509 -req -in site.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out fullchain.pem",
    ):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
    return folder
