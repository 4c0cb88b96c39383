"""A machine without containers (in one): Debian 12 with systemd, set up by the commands of docs/operating.md."""

import json
import re
import secrets
import time
from collections.abc import Iterator

import pytest

from tests.containers.guide import adapted, blocks
from tests.containers.machine import MACHINE, podman
from tests.containers.stack import wait_for
from tests.faults.conftest import Keep

NAME = "larder-machine"
ROOT_PASSWORD, DB_PASSWORD = secrets.token_hex(16), secrets.token_hex(16)
# systemd needs to mount and to make groups of processes; what it starts has what the units leave it.
RIGHTS = ("--systemd=always", "--cap-add=ALL", "--security-opt=seccomp=unconfined", "--tmpfs=/tmp")
# What the units may score, from 0 (no power) to 10.
SCORE = 2.0


class Machine:
    """Runs commands as its operator, who is root."""

    def shell(self, commands: str) -> str:
        return podman("exec", NAME, "bash", "-c", f"set -e\n{commands}")

    def write(self, path: str, text: str, mode: str = "644") -> None:
        self.shell(f"mkdir -p $(dirname {path})\ncat >> {path} <<'END'\n{text}\nEND\nchmod {mode} {path}")

    def active(self, unit: str) -> str:
        return self.shell(f"systemctl is-active {unit} || true")

    def page(self, address: str) -> str:
        """The status of a page, as nginx answers it."""
        return self.shell(f"curl -s -o /dev/null -w '%{{http_code}}' http://127.0.0.1{address} || true")


@pytest.fixture(scope="module")
def bare(docker: None) -> Iterator[Machine]:
    """The machine after the guide's first commands (Containerfile): Larder is there, nothing runs."""
    podman("run", "-d", "--name", NAME, *RIGHTS, MACHINE)
    machine = Machine()
    try:
        wait_for(lambda: machine.shell("systemctl is-system-running || true") in ("running", "degraded"), "systemd")
        yield machine
    finally:
        podman("rm", "-f", "-t", "10", NAME)


@pytest.fixture(scope="module")
def machine(bare: Machine) -> Machine:
    """The machine after the rest of them."""
    _install, mongod, database, environment, units, nginx, *_ = blocks("## Without containers")
    bare.write("/etc/mongod.conf", mongod)
    bare.shell("openssl rand -hex 32 > /etc/mongod.key; chown mongodb /etc/mongod.key; chmod 400 /etc/mongod.key")
    bare.shell("systemctl enable --now mongod")
    wait_for(lambda: "1" in bare.shell("mongosh --quiet --eval 'db.hello().ok' || true"), "MongoDB")
    initiate, root, init = re.split(r"\n(?=\w)", database)
    bare.shell(initiate)
    wait_for(lambda: "true" in bare.shell("mongosh --quiet --eval 'db.hello().isWritablePrimary'"), "a primary")
    bare.shell(adapted(root, {"passwordPrompt()": f'"{ROOT_PASSWORD}"'}))
    passwords = {"MONGO_ROOT_PASSWORD": ROOT_PASSWORD, "LARDER_DB_PASSWORD": DB_PASSWORD}
    bare.shell(adapted(init, {f"{name}=...": f"{name}={value}" for name, value in passwords.items()}))
    given = {"SECRET_KEY=...": f"SECRET_KEY={secrets.token_hex(32)}", "larder:...@": f"larder:{DB_PASSWORD}@"}
    bare.write("/etc/larder/environment", adapted(environment, given), "600")
    # The last of them would follow the log for ever.
    bare.shell(adapted(units, {"journalctl -u larder -f": ""}))
    bare.shell(nginx)
    wait_for(lambda: bare.page("/projects/") == "200", "the site")
    return bare


def test_everything_runs_after_the_commands_of_the_guide(machine: Machine) -> None:
    active = {name: machine.active(name) for name in ("mongod", "nginx", "larder", "larder-dump.timer")}

    assert set(active.values()) == {"active"}, active
    assert machine.page("/static/css/larder.css") == "200"
    assert machine.page("/bootstrap/static/css/bootstrap.min.css") == "200"
    assert machine.shell("systemctl --failed --no-legend") == ""
    assert machine.shell("ps -o user= -p $(systemctl show -P MainPID larder)") == "larder"


def test_units_have_little_power(machine: Machine, figures: Keep) -> None:
    found = {}
    for unit in ("larder", "larder-dump"):
        said = machine.shell(f"systemd-analyze security --no-pager {unit}.service")
        found[unit] = float(re.findall(r"exposure level for \S+ ([\d.]+)", said)[0])

    figures("systemd-analyze security, from 0 (no power) to 10", **found)
    assert max(found.values()) <= SCORE


def test_site_is_started_again_after_it_was_killed(machine: Machine) -> None:
    before = machine.shell("systemctl show -P MainPID larder")

    machine.shell("systemctl kill --signal=SIGKILL larder")

    wait_for(lambda: machine.page("/projects/") == "200", "the site again")
    assert machine.shell("systemctl show -P MainPID larder") != before
    assert machine.shell("systemctl show -P NRestarts larder") == "1"


def test_restart_ends_requests_in_progress_and_is_a_success(machine: Machine, figures: Keep) -> None:
    began = time.monotonic()
    machine.shell("systemctl restart larder")
    wait_for(lambda: machine.page("/projects/") == "200", "the site again")

    figures("systemctl restart larder", seconds=time.monotonic() - began)
    log = machine.shell("journalctl -u larder -o cat")
    assert "Deactivated successfully" in log
    assert "Failed with result" not in log.rpartition("Deactivated successfully")[2]


def test_nginx_reloads_without_losing_a_reader(machine: Machine) -> None:
    machine.shell("nginx -t && systemctl reload nginx")

    assert [machine.page("/projects/") for _ in range(5)] == ["200"] * 5


def test_log_is_json_with_request_ids_in_the_journal(machine: Machine) -> None:
    head = machine.shell("curl -s -o /dev/null -D - http://127.0.0.1/projects/")
    [request_id] = re.findall(r"(?i)x-request-id: (\w+)", head)
    [command] = [line for line in "\n".join(blocks("## Watching")).splitlines() if line.startswith("journalctl")]

    said = machine.shell(adapted(command, {"0af7651916cd43dd8448eb211c80319c": request_id}))

    assert json.loads(said.splitlines()[0])["request_id"] == request_id


def test_timer_dumps_at_night_and_a_dump_is_whole(machine: Machine) -> None:
    assert "03:1" in machine.shell("systemctl cat larder-dump.timer")
    assert "larder-dump.service" in machine.shell("systemctl list-timers --no-pager --no-legend larder-dump.timer")
    machine.shell("cd /var/backups/larder; install -d -o larder old; touch -d '20 days ago' old")

    machine.shell("systemctl start larder-dump")

    [dump] = machine.shell("ls -d /var/backups/larder/*").split()
    assert machine.shell(f"stat -c '%U %a' {dump}") == "larder 700"
    assert "The dump is whole" in machine.shell(f"cd /opt/larder; .venv/bin/flask --app app db load --check {dump}")


def test_log_of_mongodb_is_rotated(machine: Machine) -> None:
    found = blocks("## Watching")
    [settings] = [block for block in found if block.startswith("logAppend")]
    [rules] = [block for block in found if block.startswith("/var/log/mongodb")]
    present, missing = settings.splitlines()
    machine.shell(f"sed -i 's/^  {present}$/  {present}\\n  {missing}/' /etc/mongod.conf")
    machine.write("/etc/logrotate.d/mongod", rules)
    machine.shell("systemctl restart mongod")
    wait_for(lambda: machine.page("/projects/") == "200", "the site again")

    machine.shell("logrotate --force /etc/logrotate.d/mongod")

    assert machine.active("mongod") == "active"
    wait_for(lambda: machine.shell("stat -c %s /var/log/mongodb/mongod.log") != "0", "a line in the new log")
    assert int(machine.shell("stat -c %s /var/log/mongodb/mongod.log.1")) > 0


def test_machine_starts_everything_again(machine: Machine, figures: Keep) -> None:
    podman("restart", "-t", "60", NAME)
    began = time.monotonic()
    wait_for(lambda: machine.page("/projects/") == "200", "the site after the start of the machine")

    figures("machine with systemd started again", seconds=time.monotonic() - began)
    assert machine.shell("systemctl --failed --no-legend") == ""
