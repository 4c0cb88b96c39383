"""What a reader, and a program, is told when something goes wrong; and the database that goes away and comes back."""

import errno
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from pymongo.errors import (
    AutoReconnect,
    OperationFailure,
)
from werkzeug.exceptions import TooManyRequests

from tests.conftest import free_port, required
from tests.reading import one, page_of, read, words
from tests.serving.complaints import bulk, complaints
from webapp.documents import PackageTooLarge
from webapp.mongodb.mongod_programs import MongodNotFound, find_mongod
from webapp.rules.naming import InvalidName

JSON = {"Accept": "application/json"}
CODES = [
    (400, "Bad Request", "The request could not be understood."),
    (403, "Forbidden", "You do not have access to this page."),
    (404, "Not Found", "There is no page at this address."),
    (405, "Method Not Allowed", "This address does not support that method."),
    (413, "Request Entity Too Large", "The request is larger than this site accepts."),
    (429, "Too Many Requests", "You sent too many requests. Try again later."),
    (500, "Internal Server Error", "Something went wrong. The error has been logged."),
    (503, "Service Unavailable", "The database is unavailable. Please try again in a few seconds."),
]


@pytest.mark.parametrize(("code", "title", "message"), CODES)
def test_error_is_a_page_in_the_style_of_the_site(
    raising: Callable[[int], FlaskClient], code: int, title: str, message: str
) -> None:
    client = raising(code)

    response = client.get("/about")

    page = page_of(response, code)
    assert words(one(page, "h1")) == title
    assert words(one(page, ".error-code")) == str(code)
    assert words(one(page, "main .lead")) == message
    assert words(one(page, "title")) == f"{title} · Larder"
    assert one(page, "header .brand")["href"] == "/"
    assert one(page, "meta[name=robots]")["content"] == "noindex"
    assert response.headers["Cache-Control"] == "no-store"
    assert len(page.select("main form")) == (1 if code == 404 else 0)


@pytest.mark.parametrize(("code", "title", "message"), CODES)
@pytest.mark.parametrize(
    "accept", ["application/json", "application/json, text/html;q=0.5", "text/html;q=0.1, application/json"]
)
def test_program_that_asked_for_json_gets_json(
    raising: Callable[[int], FlaskClient], code: int, title: str, message: str, accept: str
) -> None:
    client = raising(code)

    response = client.get("/about", headers={"Accept": accept})

    assert (response.status_code, response.content_type) == (code, "application/json")
    assert response.json == {"message": title}


@pytest.mark.parametrize(
    "accept", ["*/*", "", "text/html, application/json", "image/png", "nonsense", "text/*", ";;;,,,"]
)
def test_everybody_else_gets_a_page(client: FlaskClient, accept: str) -> None:
    read(client, "/nothing", 404, headers={"Accept": accept})


@pytest.mark.parametrize(
    ("error", "code"),
    [(TooManyRequests(), 429), (RuntimeError("secret detail"), 500), (AutoReconnect("secret host"), 503)],
)
@pytest.mark.parametrize("headers", [{}, JSON, {"Accept": "text/html"}])
def test_error_of_an_upload_is_one_line_even_before_its_view(
    app: Flask, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, headers: dict[str, str]
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setitem(app.before_request_funcs, None, [fail])

    response = app.test_client().post("/legacy/", headers=headers)

    message = next(message for each, _, message in CODES if each == code)
    assert (response.status_code, response.mimetype) == (code, "text/plain")
    assert response.text == f"{message}\n"


def test_reason_of_our_own_is_told_to_both(client: FlaskClient) -> None:
    reason = "A page number is a whole number from 1 on."

    assert words(one(read(client, "/projects/?page=x", 400), ".lead")) == reason
    assert client.get("/projects/?page=x", headers=JSON).json == {"message": reason}


@pytest.mark.parametrize("address", ["/pypi/nothing/json", "/simple/nothing/"])
def test_pages_for_programs_answer_in_json_whatever_is_accepted(client: FlaskClient, address: str) -> None:
    response = client.get(address, headers={"Accept": "text/html"})

    assert response.status_code == 404
    assert response.json == {"message": "Not Found"}


def test_method_that_is_not_allowed_comes_with_those_that_are(client: FlaskClient) -> None:
    for headers in ({}, JSON):
        response = client.post("/projects/", headers=headers)

        assert response.status_code == 405
        assert {method.strip() for method in response.headers["Allow"].split(",")} == {"GET", "HEAD", "OPTIONS"}


def test_too_many_requests_say_when_to_come_back(raising: Callable[[Exception], FlaskClient]) -> None:
    client = raising(TooManyRequests(retry_after=30))

    response = client.get("/about")

    assert (response.status_code, response.headers["Retry-After"]) == (429, "30")


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("secret detail"),
        KeyError("secret detail"),
        OperationFailure("secret detail"),
        OperationFailure("secret detail", 13),
        bulk([{"code": 11000, "errmsg": "secret detail"}]),
    ],
)
@pytest.mark.parametrize("headers", [{}, JSON])
def test_mistake_of_ours_is_logged_with_its_traceback_and_told_without(
    raising: Callable[[Exception], FlaskClient],
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    headers: dict[str, str],
) -> None:
    client = raising(error)

    response = client.get("/about", headers=headers)

    text = response.get_data(as_text=True)
    assert response.status_code == 500
    assert "Internal Server Error" in text
    assert "secret detail" not in text
    assert "Traceback" not in text
    (record,) = complaints(caplog)
    assert record.getMessage() == "GET /about failed"
    assert record.exc_info is not None
    assert record.exc_info[1] is error


def test_name_that_is_none_is_not_found_and_a_package_too_large_is_refused(
    raising: Callable[[Exception], FlaskClient],
) -> None:
    assert raising(InvalidName("x")).get("/about").status_code == 404
    response = raising(PackageTooLarge("botocore: its document would take 16,000,000 bytes")).get(
        "/about", headers=JSON
    )

    assert response.status_code == 413
    assert response.json == {"message": "botocore: its document would take 16,000,000 bytes"}


def test_page_that_was_not_found_searches_for_the_name(client: FlaskClient) -> None:
    page = read(client, f"/project/{'x' * 10_000}/", 404)

    assert one(page, "main input")["value"] == "x" * 200
    assert one(read(client, "/nothing", 404), "main input")["value"] == ""


@pytest.mark.parametrize(
    "host", ['a"><script>', "[::1", "a b", "", "x" * 300, "host:port", "host:99999", "a/b", "user@host"]
)
@pytest.mark.parametrize("headers", [{}, JSON])
def test_host_that_is_none_is_refused(client: FlaskClient, host: str, headers: dict[str, str]) -> None:
    response = client.get("/", headers={**headers, "Host": host})

    assert response.status_code == 400
    assert "script>" not in response.get_data(as_text=True).replace("</script>", "")
    assert response.is_json == bool(headers)


ROOT = Path(__file__).parents[2]
# Addresses that ask the database, each in a way of its own.
ASKING = [
    "/",
    "/project/example/",
    "/projects/",
    "/search/?q=a",
    "/stats/",
    "/license/MIT/",
    "/language/c/",
    "/user/ada/",
]
ASKING += ["/company/history", "/classifier/a/", "/rss/updates.xml", "/sitemap.xml", "/simple/", "/pypi/example/json"]
NOT_ASKING = ["/about", "/ping", "/health", "/robots.txt", "/opensearch.xml", "/static/css/larder.css"]
START_S = 30


class Mongod:
    """A server of the test's own, which goes away and comes back on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        try:
            mongod = find_mongod()
        except MongodNotFound as error:
            required(str(error))
            raise
        command = [str(mongod), "--dbpath", str(self.folder), "--bind_ip", "127.0.0.1", "--port", str(self.port)]
        command += ["--nounixsocket", "--wiredTigerCacheSizeGB", "0.25", "--quiet"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(START_S)
            self.process = None


@pytest.fixture(scope="module")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    server = Mongod(tmp_path_factory.mktemp("mongod"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def address(mongod: Mongod) -> Iterator[str]:
    """The address of a site, in a process of its own, whose database does not run yet."""
    port = free_port()
    environment = {"LARDER_ENV": "development", "MONGODB_URI": f"mongodb://127.0.0.1:{mongod.port}/larder"}
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "run", "--port", str(port)],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    assert wait_for(f"{address}/ping", 200)
    yield address
    process.terminate()
    process.wait(START_S)


def wait_for(address: str, status: int) -> bool:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            if requests.get(address, timeout=START_S).status_code == status:
                return True
        except requests.ConnectionError:
            pass  # the site itself is starting
        time.sleep(0.05)
    return False


def test_database_away_is_answered_503_on_every_page(address: str) -> None:
    asked = [(path, headers) for path in ASKING for headers in ({}, JSON)]

    with ThreadPoolExecutor(len(asked)) as readers:
        responses = list(readers.map(lambda each: requests.get(address + each[0], headers=each[1], timeout=60), asked))

    for (path, headers), response in zip(asked, responses, strict=True):
        assert (response.status_code, response.headers["Retry-After"]) == (503, "5"), path
        assert "The database is unavailable." in response.text
        assert "Traceback" not in response.text
        if headers:
            assert response.json() == {"message": CODES[-1][2]}


def test_database_away_is_answered_within_some_seconds(address: str) -> None:
    response = requests.get(f"{address}/projects/", timeout=START_S)

    assert response.status_code == 503
    assert response.elapsed.total_seconds() < 10  # pymongo alone would wait for 30


@pytest.mark.parametrize("path", NOT_ASKING)
def test_what_asks_no_database_needs_none(address: str, path: str) -> None:
    assert requests.get(address + path, timeout=START_S).status_code == 200


def test_site_is_back_with_its_database_each_time_without_a_restart(address: str, mongod: Mongod) -> None:
    for _ in range(2):
        mongod.start()

        assert wait_for(f"{address}/projects/", 200)
        assert requests.get(f"{address}/ready", timeout=START_S).json()["status"] == "success"

        mongod.stop()

    assert requests.get(f"{address}/projects/", timeout=START_S).status_code == 503


def test_full_disk_of_the_site_is_said_in_one_line(
    raising: Callable[[Exception], FlaskClient], caplog: pytest.LogCaptureFixture
) -> None:
    response = raising(OSError(errno.ENOSPC, "No space left on device")).get("/about")

    assert response.status_code == 507
    assert "The disk of the site is full" in response.get_data(as_text=True)
    (record,) = complaints(caplog)
    assert record.getMessage() == "no room: GET /about: [Errno 28] No space left on device"
    assert record.exc_info is None


def test_disk_of_the_site_that_was_full_at_its_start_is_said_in_one_line(
    raising: Callable[[Exception], FlaskClient], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)  # as in a process that has stored nothing yet
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "missing")])
    with pytest.raises(FileNotFoundError) as raised:
        tempfile.TemporaryFile().close()

    response = raising(raised.value).get("/about")

    assert response.status_code == 507
    assert "The disk of the site is full" in response.get_data(as_text=True)


def test_other_error_of_the_system_is_a_fault(
    raising: Callable[[Exception], FlaskClient], caplog: pytest.LogCaptureFixture
) -> None:
    response = raising(OSError(errno.EIO, "Input/output error")).get("/about")

    assert response.status_code == 500
    (record,) = complaints(caplog)
    assert record.exc_info
