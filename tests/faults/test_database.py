"""A single database that goes away, is slow, has no connection left, fails each command in turn, or has a full disk."""

import contextlib
import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mongoengine
import pymongo
import pytest
import requests
from flask import Flask
from pymongo.errors import PyMongoError

from config import TestingConfig
from tests.faults.conftest import Keep
from tests.faults.load import Load
from tests.fuzzing import Fuzzer, catalogue
from tests.servers import Mongod, Site, failing, failpoint, mongod, serving
from tests.serving.test_errors import ASKING
from webapp import create_app
from webapp.changes import site_stats
from webapp.documents import DOCUMENTS, ensure_indexes

pytestmark = pytest.mark.faults

TEST_COMMANDS = ("--setParameter", "enableTestCommands=1", "--logpath", "/dev/null")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    with mongod(tmp_path_factory.mktemp("mongod") / "db", *TEST_COMMANDS) as server:
        yield server


@pytest.fixture(scope="module")
def site(database: Mongod, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    # More threads than connections, so that there can be too few of these.
    log = tmp_path_factory.mktemp("site") / "log"
    with serving(log, database.uri(), workers=1, threads=16, MONGODB_POOL=2) as site:
        yield site


def names_in(server: Mongod) -> set[str]:
    with server.client() as client:
        return {user["username"] for user in client["larder"].users.find({"username": {"$ne": None}})}


def check(load: Load, server: Mongod, fault: str, figures: Keep) -> None:
    acknowledged = load.acknowledged()
    lost = set(acknowledged) - names_in(server)
    figures(
        fault,
        writes_acknowledged=len(acknowledged),
        writes_found=len(acknowledged) - len(lost),
        seconds_without_reads=load.seconds_without("read"),
        longest_answer_in_seconds=load.longest_s(),
        reads=load.statuses("read"),
        writes=load.statuses("write"),
    )
    assert load.wrong == []
    assert set(load.statuses()) <= {200, 503}
    assert lost == set()


def test_killed_database_loses_nothing_and_is_used_again_as_soon_as_it_is_back(
    database: Mongod, site: Site, figures: Keep
) -> None:
    with Load(site) as load:
        for _ in range(3):
            load.wait("write")
            database.kill()
            time.sleep(1)
            database.start()
        load.wait("write")
        load.wait("read")

    # MongoDB forgets how many documents there are when it is killed.
    assert "Flask" in requests.get(f"{site.address}/projects/", timeout=30).text
    check(load, database, "single database killed three times, away for 1 s each", figures)


def test_full_pool_is_answered_503_in_time(database: Mongod, site: Site, figures: Keep) -> None:
    with failing(database, "find", "aggregate", blockConnection=True, blockTimeMS=1000), ThreadPoolExecutor(12) as many:
        asked = [many.submit(requests.get, f"{site.address}/projects/", timeout=30) for _ in range(12)]
        answers = [each.result() for each in asked]

    statuses = Counter(answer.status_code for answer in answers)
    longest_s = max(answer.elapsed.total_seconds() for answer in answers)
    figures("12 readers, 2 connections, slow", answers=dict(statuses), longest_answer_in_seconds=longest_s)
    assert set(statuses) == {200, 503}
    assert all("Retry-After" in answer.headers for answer in answers if answer.status_code == 503)
    assert longest_s < 8
    assert requests.get(f"{site.address}/projects/", timeout=30).status_code == 200


def test_slow_query_is_given_up_by_the_site_and_by_the_database(database: Mongod, site: Site, figures: Keep) -> None:
    with database.client() as client, failpoint(database, "waitInFindBeforeMakingBatch", shouldCheckForInterrupt=True):
        answer = requests.get(f"{site.address}/rss/updates.xml", timeout=30)
        time.sleep(0.5)
        finds = [each for each in client.admin.aggregate([{"$currentOp": {}}]) if "find" in each.get("command", {})]

    figures("query that does not end", status=answer.status_code, seconds=answer.elapsed.total_seconds())
    assert answer.status_code == 503
    assert answer.elapsed.total_seconds() < 4
    assert finds == []


def test_every_question_of_a_page_has_a_time_limit(database: Mongod, site: Site) -> None:
    with failpoint(database, "maxTimeAlwaysTimeOut"):  # which ends what has a limit, at once
        statuses = {page: requests.get(site.address + page, timeout=30).status_code for page in ASKING}

    assert statuses == dict.fromkeys(ASKING, 503)


# While a command fails, the driver tries it again and again, so this is how long each failure takes.
LIMIT_MS = 250


@pytest.fixture(scope="module")
def app(database: Mongod) -> Iterator[Flask]:
    """The site in this process."""
    mongoengine.disconnect_all()

    class Config(TestingConfig):
        MONGODB_URI = database.uri("fuzzed")
        MONGODB_TIMEOUT_MS = LIMIT_MS
        STATS_MAX_AGE_S = 3600

    app = create_app(Config)
    with app.app_context(), pymongo.timeout(0):
        ensure_indexes(DOCUMENTS)
        catalogue()
        site_stats.refresh()
    yield app
    mongoengine.disconnect_all()


def test_index_may_take_longer_to_build_than_a_request(database: Mongod, app: Flask) -> None:
    with failing(database, "createIndexes", blockConnection=True, blockTimeMS=4 * LIMIT_MS):
        ensure_indexes(DOCUMENTS[:1])


# What a command can end with, and how often all routes are tried while each one does.
FAILURES: dict[str, dict[str, Any]] = {
    "time limit": {"errorCode": 50},
    "not primary": {"errorCode": 10107},
    "stepping down": {"errorCode": 11602},
    "shutting down": {"errorCode": 11600},
    "connection closed": {"closeConnection": True},
    "disk full": {"errorCode": 14031},
    "write concern timed out": {"writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}},
    "write concern lost": {"writeConcernError": {"code": 91, "errmsg": "Replication is being shut down"}},
}
COMMANDS = ("find", "aggregate", "count", "distinct", "insert", "update", "delete", "findAndModify", "getMore")
TRIES = 40


def wait_until_used_again() -> None:
    """The site's driver looks for its server twice a second."""
    for _ in range(50):
        with contextlib.suppress(PyMongoError):
            mongoengine.get_connection().admin.command("ping")
            return
    raise AssertionError("the database is not used again")


@pytest.mark.parametrize("failure", FAILURES)
def test_failing_command_is_never_a_500(
    database: Mongod, app: Flask, failure: str, figures: Keep, caplog: pytest.LogCaptureFixture
) -> None:
    wait_until_used_again()
    fuzzer = Fuzzer(app, failure)
    statuses, broken = Counter[int](), []

    with failing(database, *COMMANDS, **FAILURES[failure]):
        for _ in range(TRIES):
            sent, response = fuzzer.send()
            statuses[response.status_code] += 1
            if response.status_code >= 500 and response.status_code != 503:
                broken.append(f"{response.status}: {sent}")
    wait_until_used_again()
    with failing(database, "insert", **FAILURES[failure]):
        name = f"u-{len(failure)}"
        signup = app.test_client().post("/signup", json={"username": name, "password": "nanoseconds, admiral"})

    figures(f"each command fails: {failure}", requests=TRIES, answers=dict(sorted(statuses.items())))
    assert broken == [], [record.exc_text for record in caplog.records if record.exc_info]
    assert (signup.status_code, signup.headers.get("Retry-After")) == (503, "5"), signup.text


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 GB. To mount one is root's right."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_full_disk_loses_nothing_that_was_acknowledged(small_disk: Path, tmp_path: Path, figures: Keep) -> None:
    ballast = small_disk / "ballast"
    with mongod(small_disk / "db", *TEST_COMMANDS) as server, serving(tmp_path / "log", server.uri()) as site:
        with Load(site) as load:
            load.wait("write")
            free = os.statvfs(small_disk)
            ballast.write_bytes(b"x" * (free.f_bavail * free.f_frsize - 300_000))
            with contextlib.suppress(PyMongoError), server.client() as client:
                for _ in range(100):
                    client["ballast"]["ballast"].insert_one({"text": os.urandom(500_000)})
            time.sleep(4)
            ended = server.has_ended()
            ballast.unlink()
            server.kill()
            server.start()
            load.wait("write")
            load.wait("read")

        check(load, server, f"disk full for some seconds (mongod {'ended by itself' if ended else 'went on'})", figures)
