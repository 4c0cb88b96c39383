"""What many do at the same moment, on the site's own web server with two processes."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
from bs4 import BeautifulSoup
from pymongo import MongoClient
from pymongo.database import Database

import config
from tests.conftest import database_uri, free_port
from tests.people import PASSWORD

pytestmark = pytest.mark.real_server

AT_ONCE = 50
# On a busy machine a body may find no place within 20 ms (slow_clients.py): nobody has looked at such a form.
BUSY = 503


class Served(NamedTuple):
    """A site that is served, and its database."""

    address: str
    database: Database[dict[str, object]]


@pytest.fixture(scope="module")
def served(mongod_uri: str) -> Iterator[Served]:
    """The site under `flask serve` with two web processes."""
    port, name = free_port(), f"larder_two_{uuid.uuid4().hex[:12]}"
    environment = os.environ | {"LARDER_ENV": "testing", "MONGODB_URI": database_uri(mongod_uri, name)}
    command = [sys.executable, "-W", "ignore", "-m", "flask", "--app", "app", "serve"]
    with MongoClient[dict[str, object]](mongod_uri) as client:
        # Else the first start fills the index, which takes longer than these tests.
        client[name].site_stats.insert_one({"_id": "site"})
        process = subprocess.Popen(
            [*command, "--port", str(port), "--workers", "2"],
            env=environment,
            cwd=Path(config.__file__).parent,
            stdout=subprocess.DEVNULL,
        )
        address = f"http://127.0.0.1:{port}"
        try:
            wait_for(f"{address}/ping", process)
            yield Served(address, client[name])
        finally:
            process.terminate()
            process.wait(30)
            client.drop_database(name)


def wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < end:
        try:
            requests.get(address, timeout=5)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the site does not answer")


def send_at_once(served: Served, path: str, forms: list[dict[str, str]]) -> list[int]:
    """Open a form in as many browsers as there are fillings for it; then send all of them."""
    opened = []
    for fields in forms:
        browser = requests.Session()
        page = BeautifulSoup(browser.get(served.address + path, timeout=10).text, "html.parser")
        opened.append((browser, fields | {"csrf_token": str(page.select("main [name=csrf_token]")[0]["value"])}))

    def send(one: tuple[requests.Session, dict[str, str]]) -> int:
        with one[0] as browser:
            return browser.post(served.address + path, data=one[1], allow_redirects=False, timeout=30).status_code

    with ThreadPoolExecutor(len(opened)) as people:
        return sorted(people.map(send, opened))


def test_fifty_registrations_of_one_address_at_once_give_one_account(served: Served) -> None:
    spellings = ["ada@example.org", "ADA@example.org", " Ada@Example.org"]
    forms = [{"name": "Ada", "email": spellings[number % 3], "password": PASSWORD} for number in range(AT_ONCE)]

    codes = send_at_once(served, "/account/register", forms)

    assert [code for code in codes if code != BUSY] == [302] + [400] * (AT_ONCE - 1 - codes.count(BUSY))
    assert served.database.users.count_documents({"email_folded": "ada@example.org"}) == 1
    assert served.database.auditing.count_documents({"kind": "registration"}) == 1


def test_fifty_guesses_at_once_get_ten_answers(served: Served) -> None:
    codes = send_at_once(served, "/account/login", [{"email": "ada@example.org", "password": "wrong"}] * AT_ONCE)

    looked_at = [code for code in codes if code != BUSY]
    assert looked_at == [400] * 10 + [429] * (len(looked_at) - 10)
    assert len(looked_at) > AT_ONCE / 2
