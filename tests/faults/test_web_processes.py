"""A web process that is killed, a site that is told to stop, and clients that are slow on purpose."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from pymongo import MongoClient

from tests.faults.conftest import Keep
from tests.faults.load import REFUSED, Load
from tests.servers import Mongod, Site, failing, mongod, serving

pytestmark = pytest.mark.faults

SLOW_CLIENTS = 200


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    options = ("--setParameter", "enableTestCommands=1", "--logpath", "/dev/null")
    with mongod(tmp_path_factory.mktemp("mongod") / "db", *options) as server:
        yield server


@pytest.fixture
def site(database: Mongod, tmp_path: Path) -> Iterator[Site]:
    with serving(tmp_path / "log", database.uri()) as site:
        yield site


def test_killed_web_process_leaves_the_others_at_work_and_comes_back(site: Site, figures: Keep) -> None:
    killed, other = site.web_processes()

    with Load(site) as load:
        load.wait("write")
        os.kill(killed, signal.SIGKILL)
        started = time.monotonic()
        while len(now := site.web_processes()) != 2 or killed in now:
            assert time.monotonic() - started < 10, now
            time.sleep(0.01)
        load.wait("read", 200)
        load.wait("write")

    assert other in site.web_processes()
    assert load.wrong == []
    # Those whose connections the process held lost them, with the one request that was on its way.
    assert set(load.statuses()) <= {200, REFUSED}
    assert load.statuses().get(REFUSED, 0) <= 6
    assert load.seconds_without("read") < 3
    figures(
        "web process killed by kill -9",
        seconds_without_reads=load.seconds_without("read"),
        answers=load.statuses(),
    )


def test_site_that_is_told_to_stop_finishes_what_it_has_begun(site: Site, database: Mongod, figures: Keep) -> None:
    pages = ["/projects/", "/project/flask/", "/simple/flask/", "/search/?q=a"]
    slowly = failing(database, "find", "aggregate", blockConnection=True, blockTimeMS=1000)
    with ThreadPoolExecutor(len(pages)) as readers, slowly:
        asked = [readers.submit(requests.get, site.address + page, timeout=30) for page in pages]
        time.sleep(0.5)

        site.process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        time.sleep(0.3)
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{site.address}/ping", timeout=10)
        answers = [each.result() for each in asked]
        code = site.process.wait(30)

    took_s = time.monotonic() - started
    assert [answer.status_code for answer in answers] == [200] * len(pages)
    assert all("</html>" in answer.text for answer in answers)
    assert code == 128 + signal.SIGTERM
    figures("SIGTERM with slow requests on their way", answered=len(answers), seconds_to_the_end=took_s)


HEADERS = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = b"POST /signup HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n"


@pytest.mark.parametrize("beginning", [HEADERS, BODY], ids=["headers", "body"])
def test_clients_that_send_a_byte_a_second_do_not_stop_the_others(site: Site, beginning: bytes, figures: Keep) -> None:
    with Drip(site.port, beginning) as slow, Load(site, readers=4, writers=0) as load:
        time.sleep(12)
        still_open = slow.open_connections()

    figures(
        f"{SLOW_CLIENTS} clients that send {'headers' if beginning is HEADERS else 'a body'} a byte a second, for 12 s",
        still_connected=still_open,
        longest_answer_in_seconds=load.longest_s(),
        answers=load.statuses(),
    )
    assert set(load.statuses()) == {200}
    assert load.longest_s() < 5
    assert still_open < SLOW_CLIENTS


class Drip:
    """Connections that each begin a request, and go on with it a byte a second until the site has enough."""

    def __init__(self, port: int, beginning: bytes) -> None:
        self._address, self._beginning = ("127.0.0.1", port), beginning
        self._sockets: list[socket.socket] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._drip, daemon=True)

    def __enter__(self) -> "Drip":
        for _ in range(SLOW_CLIENTS):
            connection = socket.create_connection(self._address)
            connection.sendall(self._beginning)
            self._sockets.append(connection)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for connection in self._sockets:
            connection.close()

    def open_connections(self) -> int:
        """How many the site has not given up."""
        return len(self._sockets)

    def _drip(self) -> None:
        while not self._stop.wait(1):
            for connection in list(self._sockets):
                try:
                    connection.sendall(b"a")
                except OSError:
                    self._sockets.remove(connection)
                    connection.close()


@pytest.mark.parametrize("gives_up", [lambda client: client.shutdown(socket.SHUT_WR), socket.socket.close])
def test_request_that_is_cut_off_changes_nothing(
    site: Site, database: Mongod, gives_up: Callable[[socket.socket], None]
) -> None:
    def sign_up(username: str, more: int) -> None:
        body = json.dumps({"username": username, "password": "nanoseconds matter, admiral"})
        head = "POST /signup HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
        with socket.create_connection(("127.0.0.1", site.port)) as client:
            client.sendall(f"{head}Content-Length: {len(body) + more}\r\n\r\n{body}".encode())
            if more:
                gives_up(client)
            else:
                client.recv(1000)

    names = [f"cut{number}{time.monotonic_ns()}" for number in range(3)]
    for name, more in zip(names, (1, 30, 0), strict=True):
        sign_up(name, more)

    with MongoClient[Any](database.uri()) as server:
        users = server.get_default_database().users
        deadline = time.monotonic() + 10
        while not users.count_documents({"username": names[2]}):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert [user["username"] for user in users.find({"username": {"$in": names}})] == names[2:]
