import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import settings
from tests.deploy.conftest import ROOT, tool

SECRETS = {"SECRET_KEY": "a" * 64, "LARDER_DB_PASSWORD": "b" * 64, "MONGO_ROOT_PASSWORD": "c" * 64}


def compose(env_file: Path, *files: str, **values: str) -> subprocess.CompletedProcess[str]:
    """`docker-compose config`: what would be started, or what is missing."""
    options = [option for file in ("docker-compose.yml", *files) for option in ("-f", file)]
    environment = {name: value for name, value in os.environ.items() if name not in settings()} | values
    program = tool("docker-compose", "apt-get install docker-compose")
    command = [program, "--env-file", str(env_file), *options, "config"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def services(env_file: Path, *files: str, **values: str) -> dict[str, Any]:
    done = compose(env_file, *files, **values)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = yaml.safe_load(done.stdout)["services"]
    return found


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    """.env.example as an operator fills it in."""
    text = (ROOT / ".env.example").read_text()
    for name, value in SECRETS.items():
        text, count = re.subn(rf"^{name}=$", f"{name}={value}", text, flags=re.MULTILINE)
        assert count == 1
    path = tmp_path / ".env"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", SECRETS)
def test_missing_secret_stops_everything_by_its_name(env_file: Path, name: str) -> None:
    env_file.write_text(re.sub(rf"^{name}=.*$", f"{name}=", env_file.read_text(), flags=re.MULTILINE))

    done = compose(env_file)

    assert done.returncode == 1
    assert f"set {name} in .env" in done.stderr


def test_no_secret_reaches_who_does_not_need_it(env_file: Path) -> None:
    who = {
        name: {service for service, what in services(env_file).items() if value in str(what)}
        for name, value in SECRETS.items()
    }

    assert who == {
        "SECRET_KEY": {"site"},
        "LARDER_DB_PASSWORD": {"site", "mongo-init", "inspect"},
        "MONGO_ROOT_PASSWORD": {"mongo", "mongo-init"},
    }


def test_only_nginx_is_reached_from_outside(env_file: Path) -> None:
    ports = {name: service["ports"] for name, service in services(env_file).items() if "ports" in service}

    assert ports == {
        "nginx": [{"published": 8080, "target": 80}],
        "mongo": ["127.0.0.1:27017:27017/tcp"],
        "inspect": ["127.0.0.1:8081:8081/tcp"],
    }


def test_inspection_is_started_only_on_demand(env_file: Path) -> None:
    found = services(env_file)

    assert {name for name, service in found.items() if "profiles" in service} == {"inspect"}
    assert found["inspect"]["profiles"] == ["inspect"]


def test_each_starts_when_what_it_needs_is_healthy(env_file: Path) -> None:
    found = services(env_file)

    assert found["nginx"]["depends_on"]["site"]["condition"] == "service_healthy"
    assert found["site"]["depends_on"]["mongo"]["condition"] == "service_healthy"
    assert found["site"]["depends_on"]["mongo-init"]["condition"] == "service_completed_successfully"
    assert "healthcheck" in found["mongo"]


# What the image says for itself: folders inside the container.
OF_THE_IMAGE = {"MONGODB_DIR", "MAIL_DIR"}
# What docker-compose.yml decides, because it follows from the other services.
OF_COMPOSE = {"MONGODB_URI", "TRUSTED_PROXIES"}


def test_site_gets_every_setting_that_there_is(env_file: Path) -> None:
    given = set(services(env_file)["site"]["environment"])

    assert given - {"FLASK_SERVE_WORKERS"} == set(settings()) - OF_THE_IMAGE


def test_lines_of_the_env_file_reach_the_site_and_no_line_leaves_the_default(env_file: Path) -> None:
    names = set(settings()) - OF_THE_IMAGE - OF_COMPOSE - set(SECRETS)
    lines = [line for line in env_file.read_text().splitlines() if line.split("=")[0] not in names]
    env_file.write_text("\n".join(lines))
    not_there = services(env_file)["site"]["environment"]
    env_file.write_text("\n".join([*lines, *(f"{name}=of {name.lower()}" for name in names)]))

    there = services(env_file)["site"]["environment"]

    assert {name: there[name] for name in names} == {name: f"of {name.lower()}" for name in names}
    # Null: the container does not get it at all.
    assert {not_there[name] for name in names} == {None}


def test_three_members_are_one_replica_set(env_file: Path) -> None:
    found = services(env_file, "deploy/replica-set.yml", MONGO_KEY="0f")

    hosts = "mongo:27017,mongo2:27017,mongo3:27017"
    assert f"@{hosts}/larder?replicaSet=rs0" in found["site"]["environment"]["MONGODB_URI"]
    assert found["mongo-init"]["environment"]["MONGO_MEMBERS"] == hosts
    members = [found[name] for name in ("mongo", "mongo2", "mongo3")]
    assert {member["environment"]["MONGO_KEY"] for member in members} == {"0f"}
    assert len({str(member["volumes"]) for member in members}) == 3
    assert "set MONGO_KEY in .env" in compose(env_file, "deploy/replica-set.yml").stderr


def test_tls_is_a_file_more(env_file: Path) -> None:
    found = services(env_file, "deploy/tls.yml", TLS_CERTIFICATES="/etc/letsencrypt/live/example")

    assert found["site"]["environment"]["HTTPS_ONLY"] == "1"
    assert [port["target"] for port in found["nginx"]["ports"]] == [80, 443]
    assert "set TLS_CERTIFICATES in .env" in compose(env_file, "deploy/tls.yml").stderr


def test_linter_finds_nothing() -> None:
    files = ["docker-compose.yml", "deploy/replica-set.yml", "deploy/tls.yml"]
    linter = tool("dclint", "npm install --prefix .tools dclint")

    done = subprocess.run([linter, "-c", "deploy/dclint.yaml", *files], cwd=ROOT, capture_output=True, text=True)

    assert (done.returncode, done.stdout.strip()) == (0, "")
