"""The embedded server, killed under a site that started it: it is back within ten seconds, with every write."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient

from tests.conftest import free_port
from tests.faults.conftest import Keep
from tests.faults.load import Load
from tests.servers import Site, serving
from webapp.mongodb import embedded
from webapp.mongodb.data_folder import server_pid

pytestmark = pytest.mark.faults

KILLS = 5


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "mongodb"


@pytest.fixture
def uri(data_dir: Path) -> Iterator[str]:
    yield embedded.acquire(data_dir, port=free_port())
    embedded.release()


@pytest.fixture
def site(uri: str, data_dir: Path, tmp_path: Path) -> Iterator[Site]:
    """The site as `make run` starts it, the only user of its server."""
    settings = {"LARDER_ENV": "development", "MONGODB_URI": "", "MONGODB_DIR": str(data_dir)}
    with serving(tmp_path / "log", uri, **settings) as site:
        embedded.release()
        yield site


def test_killed_server_is_back_within_ten_seconds_and_loses_nothing(
    site: Site, uri: str, data_dir: Path, figures: Keep
) -> None:
    with Load(site) as load:
        for _ in range(KILLS):
            load.wait("write")
            pid = server_pid(data_dir)
            assert pid
            os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
        load.wait("write")
        load.wait("read")

    with MongoClient[dict[str, str]](uri) as client:
        found = {user["username"] for user in client.larder.users.find({"username": {"$ne": None}})}
    acknowledged = load.acknowledged()
    figures(
        f"embedded server killed {KILLS} times, started again by the site",
        writes_acknowledged=len(acknowledged),
        writes_found=len(found & set(acknowledged)),
        seconds_without_reads=load.seconds_without("read"),
        seconds_without_writes=load.seconds_without("write"),
        reads=load.statuses("read"),
        writes=load.statuses("write"),
    )
    assert load.wrong == []
    assert set(load.statuses()) <= {200, 503}
    assert set(acknowledged) <= found
    assert max(load.seconds_without("read"), load.seconds_without("write")) < 10
