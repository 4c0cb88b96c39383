"""What many upload at the same moment, and what becomes of a process that is killed, on the site's own web server."""

import contextlib
import hashlib
import io
import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import requests
from flask import Flask

from tests.publishing import uploads
from tests.publishing.uploads import wheel, wheel_name
from tests.servers import Site, serving
from webapp.documents import StoredFile, contents
from webapp.documents.base import utc_now

# As the images run it: two web processes, several seconds each.
pytestmark = [pytest.mark.real_server, pytest.mark.deployment]

MAX_FILE_BYTES = 20_000_000
# What the rest of the form may have.
FORM_BYTES = 4_000_000
# What the sockets hold in between.
UNDERWAY_BYTES = 16_000_000


@pytest.fixture(scope="module")
def served(site: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site under `flask serve` with two web processes, on the test's own database."""
    log = tmp_path_factory.mktemp("served") / "log"
    uri = site.config["MONGODB_URI"]
    with serving(log, uri, workers=2, HTTPS_ONLY=0, MAX_FILE_BYTES=MAX_FILE_BYTES) as running:
        yield running


@pytest.fixture
def secret(served: Site, app: Flask) -> str:
    """The token of a member."""
    return uploads.publisher()[1]


class Paced(io.BytesIO):
    """A body that takes a while to send: 1.5 MB about 0.3 s."""

    def read(self, size: int | None = -1, /) -> bytes:
        time.sleep(0.003)
        return super().read(size)


def send(
    served: Site, secret: str, content: bytes, filename: str, body: type[io.BytesIO] = io.BytesIO
) -> requests.Response:
    form = {":action": "file_upload", "sha256_digest": hashlib.sha256(content).hexdigest()}
    address, files = f"{served.address}/legacy/", {"content": (filename, content)}
    whole = requests.Request("POST", address, data=form, files=files).prepare()
    assert isinstance(whole.body, bytes)
    headers = {"Content-Type": whole.headers["Content-Type"]}
    return requests.post(address, data=body(whole.body), headers=headers, auth=("__token__", secret), timeout=60)


def send_at_once(
    served: Site, secret: str, files: list[tuple[bytes, str]], body: type[io.BytesIO] = io.BytesIO
) -> list[requests.Response]:
    with ThreadPoolExecutor(len(files)) as people:
        return list(people.map(lambda each: send(served, secret, each[0], each[1], body), files))


def test_one_of_twenty_uploads_of_a_file_name_at_once_wins(served: Site, secret: str) -> None:
    files = [(wheel(extra={"more.py": f"# {number}"}), wheel_name()) for number in range(20)]

    answers = send_at_once(served, secret, files)

    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19
    assert all("File already exists" in answer.text for answer in answers if answer.status_code == 400)
    [kept] = [content for answer, (content, _) in zip(answers, files, strict=True) if answer.status_code == 200]
    listed = requests.get(f"{served.address}/pypi/larder-probe/json", timeout=10).json()
    assert requests.get(listed["urls"][0]["url"], timeout=10).content == kept


def test_hundred_uploads_to_one_project_at_once_are_all_listed(served: Site, secret: str) -> None:
    versions = [f"1.{number}" for number in range(100)]

    answers = send_at_once(served, secret, [(wheel(version=each), wheel_name(version=each)) for each in versions])

    assert {answer.status_code for answer in answers} == {200}, {answer.text for answer in answers}
    page = requests.get(
        f"{served.address}/simple/larder-probe/",
        headers={"Accept": "application/vnd.pypi.simple.v1+json"},
        timeout=10,
    ).json()
    assert {each["filename"] for each in page["files"]} == {wheel_name(version=each) for each in versions}


def test_large_uploads_at_once_wait_for_each_other_and_readers_go_on(served: Site, secret: str) -> None:
    many = os.urandom(1_500_000)
    files = [(wheel(f"big-{each}", extra={"data": many}), wheel_name(f"big-{each}")) for each in range(8)]

    with ThreadPoolExecutor(1) as sender:
        sent = sender.submit(send_at_once, served, secret, files, Paced)
        pages = []
        while not sent.done():
            pages.append(requests.get(f"{served.address}/projects/", timeout=10))

    assert [answer.status_code for answer in sent.result()] == [200] * 8
    assert {page.status_code for page in pages} == {200}
    assert max(page.elapsed.total_seconds() for page in pages) < 5


def test_body_without_an_end_is_cut(served: Site, secret: str) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield b'--b\r\nContent-Disposition: form-data; name="content"; filename="a.whl"\r\n\r\n'
        while True:
            taken += 65_536
            yield bytes(65_536)

    started = time.monotonic()
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    try:
        answer = requests.post(
            f"{served.address}/legacy/", data=endless(), headers=headers, auth=("__token__", secret), timeout=30
        )
    except requests.ConnectionError:
        pass  # the site closed the connection while it was sent to
    else:
        assert answer.status_code == 413

    assert MAX_FILE_BYTES < taken < MAX_FILE_BYTES + FORM_BYTES + UNDERWAY_BYTES
    assert time.monotonic() - started < 15
    assert requests.get(f"{served.address}/projects/", timeout=10).status_code == 200


def test_silent_strangers_keep_nobody_from_uploading(served: Site, secret: str) -> None:
    beginning = b"POST /legacy/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"

    with contextlib.ExitStack() as opened:
        strangers = [
            opened.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=5)) for _ in range(8)
        ]
        for stranger in strangers:
            stranger.sendall(beginning)
        told = [stranger.recv(65_536) for stranger in strangers]
        answer = send(served, secret, wheel(), wheel_name())

    assert all(each.startswith(b"HTTP/1.1 401 ") for each in told)
    assert answer.status_code == 200, answer.text
    assert answer.elapsed.total_seconds() < 5


def test_upload_whose_process_is_killed_leaves_nothing_and_can_be_sent_again(served: Site, secret: str) -> None:
    content = wheel(extra={"data": os.urandom(MAX_FILE_BYTES - 100_000)})

    with ThreadPoolExecutor(1) as sender:
        sent = sender.submit(send, served, secret, content, wheel_name())
        while not (contents.Chunk.objects.count() or sent.done()):
            pass
        # Which of them has it is not known.
        for process in served.web_processes():
            os.kill(process, signal.SIGKILL)
        with pytest.raises(requests.ConnectionError):
            sent.result()
    served.wait_until_up()

    assert StoredFile.objects.get().state == "arriving"
    for address in ("/project/larder-probe/", "/simple/larder-probe/", "/pypi/larder-probe/json"):
        assert requests.get(served.address + address, timeout=10).status_code == 404
    age_claims()
    again = send(served, secret, content, wheel_name())
    assert again.status_code == 200, again.text
    listed = requests.get(f"{served.address}/pypi/larder-probe/json", timeout=10).json()
    assert requests.get(listed["urls"][0]["url"], timeout=10).content == content
    assert contents.Contents.objects.count() == 1


def age_claims() -> None:
    """Let a minute pass for every claim."""
    past = utc_now() - timedelta(seconds=61)
    StoredFile._get_collection().update_many({"state": "arriving"}, {"$set": {"alive_at": past}})
