"""From the images of an older version to today's and back, as docs/operating.md says; and without a failed request."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.containers.conftest import BUSY
from tests.containers.disasters import suffering
from tests.containers.guide import adapted, blocks
from tests.containers.machine import OLD_VERSION, ROOT, environment, podman
from tests.containers.stack import COMPOSE, Stack, upload_token, wait_for
from tests.containers.visitors import ADDRESS, get, is_signed_in, is_up, publish, register, sign_in
from tests.faults.conftest import Keep
from tests.publishing import uploads

PROJECT = "larder-upgraded"

# What an operator types, where there is no Docker and no registry: `--build` takes the images that were built before of
# the version that is checked out, and what docker-compose 1 lacks podman does.
DOCKER = """#!/bin/bash
set -eu
case "$1 $2" in
"compose cp")
  # As Docker does: what is copied belongs to whoever copies it.
  podman cp "larder_${3%%:*}_1:${3#*:}" "$4"
  exec chown -R "$(id -u):$(id -g)" "$4" ;;
"compose build" | "compose up")
  if [ "$2" = build ] || [[ " $* " = *" --build "* ]]; then
    built=larder-new; [[ $(git rev-parse HEAD) = OLD_VERSION* ]] && built=larder-old
    for name in site nginx; do podman tag "${built}_$name" "docker.io/library/larder_$name"; done
    [ "$2" != build ] || exit 0
  fi
  shift; exec COMPOSE ${*/--build/--no-build} ;;
compose*)
  shift; exec COMPOSE "$@" ;;
*)
  exec podman "${@//larder-site-/larder_site_}" ;;
esac
"""
MONGOSH = """#!/bin/sh
address=$(echo "$1" | sed "s#//larder@#//larder:$LARDER_DB_PASSWORD@#"); shift
exec podman exec larder_mongo_1 mongosh --quiet "$address" "$@"
"""


# Podman 4.3 splits the older version's command at its blanks. Today's has none.
HEALTH = """
services:
  mongo:
    healthcheck:
      test: ["CMD", "mongosh", "--quiet", "--eval", "quit(1-db.hello().ok)"]
"""


class Operator(Stack):
    """Somebody who follows the guide in a clone of the repository."""

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(folder, **settings)
        self.root = folder / "larder"
        self.programs = folder / "programs"
        self.programs.mkdir()
        docker = DOCKER.replace("OLD_VERSION", OLD_VERSION).replace("COMPOSE", " ".join(COMPOSE))
        for name, text in (("docker", docker), ("mongosh", MONGOSH)):
            (self.programs / name).write_text(text)
            (self.programs / name).chmod(0o755)
        self.shell(
            f"git clone -q --bare {ROOT} origin && git -C origin branch -q -f main $(git -C {ROOT} rev-parse HEAD) && "
            f"git clone -q -b main origin larder && git -C larder reset -q --hard {OLD_VERSION}",
            folder,
        )
        (self.root / "health.yml").write_text(HEALTH)
        (self.root / ".env").write_text(f"{self.env.read_text()}COMPOSE_FILE=docker-compose.yml:health.yml\n")

    def shell(self, commands: str, folder: Path | None = None) -> str:
        """Run commands as written, and return what they say."""
        own = environment() | {"PATH": f"{self.programs}:{os.environ['PATH']}"}
        own["LARDER_DB_PASSWORD"] = self.secrets["LARDER_DB_PASSWORD"]
        done = subprocess.run(
            ["bash", "-e", "-c", commands], cwd=folder or self.root, env=own, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout


@pytest.fixture(scope="module")
def operator(docker: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """A site of the older version, which is up; afterwards the names of today's images are what they were."""
    for name in ("site", "nginx"):
        podman("tag", f"larder_{name}", f"docker.io/library/larder-new_{name}")
    person = Operator(tmp_path_factory.mktemp("operator"), **BUSY)
    try:
        # The older version sometimes set its database up before that listened to others; then one said `up` again.
        person.shell("docker compose up -d --build || docker compose up -d")
        wait_for(is_up, "the older version")
        yield person
    finally:
        person.shell("docker compose down -v --remove-orphans -t 5")
        for name in ("site", "nginx"):
            podman("tag", f"larder-new_{name}", f"docker.io/library/larder_{name}")


@pytest.fixture(scope="module")
def member(operator: Operator) -> requests.Session:
    """The browser of a member who signed in before the upgrade, and published a file."""
    register("grace")
    answer = publish(upload_token(operator, "webapp.accounts.api_tokens"), PROJECT)
    assert answer.status_code == 200, answer.text
    return sign_in("grace")[0]


def installed() -> bytes:
    """The file that an installer gets."""
    [found] = re.findall(r'href="([^"#]+1\.0-py3[^"#]+whl)', get(f"/simple/{PROJECT}/").text)
    return get(found.removeprefix(ADDRESS)).content


def test_data_of_the_older_version_is_upgraded_and_restored(
    operator: Operator, member: requests.Session, figures: Keep
) -> None:
    operator.shell(blocks("## Backup")[0])

    began = time.monotonic()
    pull, repair, *_ = blocks("## Upgrade")
    operator.shell(pull)
    wait_for(is_up, "today's version")
    took = time.monotonic() - began
    upgraded = operator.shell("git rev-parse HEAD").strip()
    operator.shell(repair)
    findings = operator.shell("docker compose exec -T site flask db check --deep || true")
    today = belongings(member)

    operator.shell(adapted(blocks("### Going back")[0], {"VERSION": OLD_VERSION}))
    operator.shell(adapted(blocks("## Restore")[0], {"dump-2026-11-20": "dump-$(date +%F)"}))
    wait_for(is_up, "the older version again")

    assert findings.endswith("No findings.\n"), findings
    assert upgraded == operator.shell("git rev-parse origin/main").strip()
    assert today == belongings(member) == (uploads.wheel(PROJECT, "1.0"), True, 302)
    assert operator.shell("git rev-parse HEAD").startswith(OLD_VERSION)
    figures(f"upgrade from {OLD_VERSION}, with the start of everything", seconds=took)


def belongings(browser: requests.Session) -> tuple[bytes, bool, int]:
    """What a member still has: the file, the session, and the password."""
    return installed(), is_signed_in(browser), sign_in("grace")[1]


def test_sites_are_replaced_without_a_failed_request(operator: Operator, figures: Keep) -> None:
    operator.shell("git checkout -q main && docker compose up -d --build --scale site=2")
    wait_for(is_up, "today's version")
    wait_for(lambda: healthy(operator) == 2, "two healthy sites")
    commands = adapted(blocks("### Without a pause")[0], {"site=2": "site=4"})
    build, nginx, more, _look, end, remove = commands.splitlines()
    operator.shell(f"{build}\n{nginx}")
    wait_for(is_up, "nginx")

    with suffering(operator, figures, "two sites replaced by two others, behind nginx") as load:
        operator.shell(more)
        wait_for(lambda: healthy(operator) == 4, "four healthy sites")
        for number in "12":
            operator.shell(f"{end}\n{remove}".replace("larder-site-1", f"larder-site-{number}"))
            load.wait("write", 10)

    assert set(load.statuses()) == {200}


def healthy(operator: Operator) -> int:
    status = operator.shell("docker ps --format '{{.Names}} {{.Status}}'")
    return sum("_site_" in line and "(healthy)" in line for line in status.splitlines())
