import os
import subprocess
import time
from pathlib import Path

import pytest
import requests

from tests.conftest import free_port
from tests.deploy.conftest import ROOT, entry_point, member, run_init, running, site_environment, site_uri, wait_for

LATE_S = 20


def start_and_wait(port: int, **settings: str) -> tuple[int, str, float]:
    """Start the site as its image does; return its exit code, what it said, and how long that took."""
    started = time.monotonic()
    done = subprocess.run(
        entry_point(port), cwd=ROOT, env=os.environ | site_environment(**settings),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
    )  # fmt: skip
    said = "\n".join(line for line in done.stdout.splitlines() if line[:1] not in ("", "{"))
    return done.returncode, said, time.monotonic() - started


def test_database_that_comes_up_late_is_waited_for(tmp_path: Path) -> None:
    mongo, web = free_port(), free_port()
    with member(tmp_path / "mongo", port=mongo, root=True):
        run_init(mongo)

    log = tmp_path / "site.log"
    with running(*entry_point(web), log=log, env=site_environment(MONGODB_URI=site_uri(mongo))) as process:
        time.sleep(LATE_S)
        waiting = (process.poll(), log.read_text())
        with member(tmp_path / "mongo", port=mongo):
            wait_for(lambda: "Larder is at" in log.read_text(), "the site")
            wait_for(lambda: answers(web), "the site")

    assert waiting[0] is None
    assert "The database does not answer yet. Waiting up to 60 s ..." in waiting[1]
    assert "Traceback" not in log.read_text()


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/ready", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


def test_database_that_does_not_come_ends_the_wait() -> None:
    code, said, seconds = start_and_wait(free_port(), MONGODB_URI=site_uri(free_port()), MONGODB_WAIT_S="3")

    assert code == 1
    assert said.splitlines()[-1].startswith("Error: the database does not answer: 127.0.0.1:")
    assert "password" not in said
    assert seconds < 30


def test_wrong_password_ends_it_at_once(mongo: int) -> None:
    code, said, seconds = start_and_wait(free_port(), MONGODB_URI=site_uri(mongo, password="wrong-password"))

    assert code == 1
    assert said == "Error: the database refuses what the site asks of it: Authentication failed. See MONGODB_URI."
    assert seconds < 30


def test_database_of_somebody_else_ends_it_at_once(mongo: int) -> None:
    uri = site_uri(mongo).replace("/larder?", "/somebody_elses?authSource=larder&")

    code, said, _ = start_and_wait(free_port(), MONGODB_URI=uri)

    assert code == 1
    assert said.startswith("Error: the database refuses what the site asks of it: not authorized on somebody_elses")
    assert said.count("\n") == 0


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("SECRET_KEY", "", "production needs a SECRET_KEY of its own, of at least 32 characters"),
        ("SECRET_KEY", "short", "production needs a SECRET_KEY of its own, of at least 32 characters"),
        ("MONGODB_URI", "", "production needs MONGODB_URI"),
        ("MONGODB_URI", "mongodb://larder:p@ss@mongo/larder", "MONGODB_URI cannot be used"),
    ],
)
def test_missing_setting_ends_it_with_one_line(setting: str, value: str, reason: str) -> None:
    settings = {"MONGODB_URI": site_uri(free_port())} | {setting: value}

    code, said, _ = start_and_wait(free_port(), **settings)

    assert code == 1
    assert said.startswith(f"FAILED: {reason}")
    assert said.count("\n") == 0
    assert "p@ss" not in said
