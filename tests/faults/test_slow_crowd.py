"""What everybody else gets while many clients hold their connections and do nothing with them."""

import hashlib
import os
import select
import socket
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import mongoengine
import pytest
import requests
from bs4 import BeautifulSoup
from requests.adapters import HTTPAdapter

from config import TestingConfig
from tests.faults.conftest import Keep
from tests.faults.slow_crowd import SlowCrowd
from tests.people import PASSWORD, member
from tests.publishing.uploads import token_of, wheel, wheel_name
from tests.servers import Mongod, Site, mongod, serving
from webapp import create_app
from webapp.documents import DOCUMENTS, ensure_indexes

pytestmark = pytest.mark.faults

FILE_BYTES = 30_000_000
SITE_S = 25
OTHERS = "127.0.0.99"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    with mongod(tmp_path_factory.mktemp("mongod") / "db", "--logpath", "/dev/null") as server:
        yield server


@pytest.fixture(scope="module")
def secret(database: Mongod) -> str:
    """The secret of a member's token."""
    mongoengine.disconnect_all()
    app = create_app(type("Config", (TestingConfig,), {"MONGODB_URI": database.uri()}))
    with app.app_context():
        ensure_indexes(DOCUMENTS)
        secret = token_of(member())
    mongoengine.disconnect_all()
    return secret


@pytest.fixture(scope="module")
def site(database: Mongod, secret: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site as `flask serve` starts it by itself: one web process, four requests at a time."""
    with serving(tmp_path_factory.mktemp("site") / "log", database.uri(), workers=1, threads=4, HTTPS_ONLY=0) as site:
        yield site


@pytest.fixture(scope="module")
def file(site: Site, secret: str) -> str:
    """The path of a large file."""
    content = wheel("heavy", extra={"heavy.bin": os.urandom(FILE_BYTES)})
    publish(site, secret, wheel_name("heavy"), content)
    digest = hashlib.sha256(content).hexdigest()
    return f"/files/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{wheel_name('heavy')}"


class FromAddress(HTTPAdapter):
    """Connections that come from an address."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *args: object, **kwargs: object) -> None:
        super().init_poolmanager(*args, source_address=(self._address, 0), **kwargs)  # type: ignore[arg-type]


def visitor(address: str = OTHERS) -> requests.Session:
    session = requests.Session()
    session.mount("http://", FromAddress(address))
    return session


def p95_ms(ask: Callable[[], requests.Response], number: int = 100) -> float:
    """The time within which 95 of 100 answers come, each asked for over a connection of its own."""
    times = []
    for _ in range(number):
        started = time.perf_counter()
        answer = ask()
        times.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200, answer.text
        time.sleep(0.02)
    return statistics.quantiles(times, n=20)[-1]


def sign_in(site: Site) -> None:
    session = visitor()
    form = BeautifulSoup(session.get(f"{site.address}/account/login", timeout=10).text, "html.parser")
    fields = {str(each["name"]): str(each["value"]) for each in form.select("main form input[type=hidden]")}
    fields |= {"email": "ada@example.org", "password": PASSWORD}
    answer = session.post(f"{site.address}/account/login", fields, timeout=10, allow_redirects=False)
    assert answer.status_code == 302, answer.text
    assert session.get(f"{site.address}/account", timeout=10).status_code == 200


def publish(site: Site, secret: str, name: str, content: bytes) -> None:
    answer = visitor().post(
        f"{site.address}/legacy/",
        {":action": "file_upload", "protocol_version": "1"},
        files={"content": (name, content)},
        auth=("__token__", secret),
        timeout=30,
    )
    assert answer.status_code == 200, answer.text


def download(site: Site, file: str, address: str = OTHERS) -> int:
    answer = visitor(address).get(site.address + file, timeout=30)
    return answer.status_code if len(answer.content) > FILE_BYTES or not answer.ok else 0


ONE, SEVERAL = ["127.0.0.2"], [f"127.0.0.{number}" for number in range(2, 10)]


@pytest.mark.parametrize("addresses", [ONE, SEVERAL], ids=["one address", "eight addresses"])
def test_others_notice_little_of_a_crowd_of_slow_clients(
    site: Site, secret: str, file: str, addresses: list[str], figures: Keep
) -> None:
    crowd = SlowCrowd(site.port, file, addresses, silent=1100, readers=40, senders=40)

    with crowd:
        time.sleep(3)
        began = time.monotonic()
        pings, pages, seconds = [], [], []
        while time.monotonic() - began < SITE_S:
            pings.append(p95_ms(lambda: visitor().get(f"{site.address}/ping", timeout=10)))
            pages.append(p95_ms(lambda: visitor().get(f"{site.address}/project/flask/", timeout=10)))
            started = time.monotonic()
            sign_in(site)
            version = f"{len(addresses)}.{len(pings)}"
            publish(site, secret, wheel_name(version=version), wheel(version=version))
            assert download(site, file) == 200
            seconds.append(time.monotonic() - started)
    left = time.monotonic()
    while set(statuses := back(site, file, addresses[0])) != {200}:
        assert time.monotonic() - left < 15, statuses
    back_s = time.monotonic() - left

    figures(
        f"1,100 silent connections, 40 readers and 40 senders, from {'one address' if addresses is ONE else 'eight'}",
        p95_of_ping_in_ms=max(pings),
        p95_of_a_project_page_in_ms=max(pages),
        seconds_to_sign_in_and_upload_and_download=max(seconds),
        seconds_until_forty_downloads_at_once_are_whole_again=back_s,
        most_MB_of_the_web_process=most_mb(site),
    )
    assert max(pings) < 100
    assert max(pages) < 250


def most_mb(site: Site) -> int:
    """The most memory that the web process ever held."""
    status = Path(f"/proc/{site.web_processes()[0]}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1000


def back(site: Site, file: str, address: str) -> Counter[int]:
    """What the address of the slow clients gets for 40 downloads at once."""
    with ThreadPoolExecutor(40) as many:
        return Counter(many.map(lambda _: download(site, file, address), range(40)))


STUCK = {
    "silent": b"",
    "never reads": b"GET <file> HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "never sends": b"POST /account/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n",
    "never ends its headers": b"GET / HTTP/1.1\r\nHost: local",
}


def test_clients_that_make_no_progress_are_disconnected(site: Site, file: str, figures: Keep) -> None:
    took = {}
    with ExitStack() as opened:
        ended = select.poll()
        names = {}
        for name, request in STUCK.items():
            client = opened.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", site.port))
            client.sendall(request.replace(b"<file>", file.encode()))
            # A read that would end is no sign: an answer may be there. The kernel tells when the site closed its end.
            ended.register(client, select.POLLRDHUP)
            names[client.fileno()] = name
        started = time.monotonic()
        while names and time.monotonic() - started < 20:
            for number, _ in ended.poll(100):
                took[names.pop(number)] = time.monotonic() - started
                ended.unregister(number)

    figures("clients that make no progress, disconnected after seconds", **took)
    assert names == {}


def test_nothing_but_http_1_is_spoken(site: Site) -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
    upgrade = (
        b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )

    answers = []
    for request in (preface, upgrade):
        with socket.create_connection(("127.0.0.1", site.port), timeout=20) as client:
            client.sendall(request)
            answers.append(client.recv(100))

    assert answers[0] == b"" or answers[0].startswith(b"HTTP/1.1 400")
    assert answers[1].startswith((b"HTTP/1.1 200", b"HTTP/1.1 400"))
