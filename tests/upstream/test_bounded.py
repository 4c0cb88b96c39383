"""What an upstream that is slow, or leads elsewhere, can do to this site: little."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import ServiceUnavailable

from tests.local_http import Answer, running, served
from tests.upstream.conftest import JSON, WHEEL, Other, configured, described, file_address, made_old, page
from webapp.openid.providers import Provider
from webapp.serving.errors import RETRY_AFTER_S
from webapp.serving.slow_clients import UPSTREAM, slow_clients
from webapp.upstream import bounded, fetching
from webapp.upstream.errors import UpstreamBusy, UpstreamFailed
from webapp.upstream.fetching import Fetcher

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100000\r\n\r\n"


@contextmanager
def trickling(head: bytes) -> Iterator[str]:
    """The address of a server that sends this head at once, and then a byte every 0.1 seconds."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(10_000)
            connection.sendall(head)
            while not stop.wait(0.1):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        thread.join(5)
        listener.close()


def fetcher(origin: str, *more: str) -> Fetcher:
    return Fetcher(0.5, origin, hosts=["127.0.0.1", *more])


def test_head_that_trickles_in_is_given_up() -> None:
    with trickling(b"HTTP/1.1 200 O") as origin:
        began = time.monotonic()

        with pytest.raises(UpstreamFailed):
            fetcher(origin).open(f"{origin}/simple/x/", {})

        assert time.monotonic() - began < 5


def test_tls_handshake_that_trickles_in_is_given_up() -> None:
    handshake_that_never_ends = b"\x16\x03\x03\x40\x00"  # the head of a TLS record of 16 kB (RFC 8446, 5.1)
    with trickling(handshake_that_never_ends) as origin:
        origin = origin.replace("http:", "https:")
        began = time.monotonic()

        with pytest.raises(UpstreamFailed):
            fetcher(origin).open(f"{origin}/simple/x/", {})

        assert time.monotonic() - began < 5


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_that_trickles_its_answer_is_given_up(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with trickling(b"HTTP/1.1 ") as proxy:
        monkeypatch.setenv(f"{scheme}_proxy", proxy)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        began = time.monotonic()

        with pytest.raises(UpstreamFailed):
            Fetcher(0.5, f"{scheme}://index.example", hosts=["index.example"]).open(f"{scheme}://index.example/x/", {})

        assert time.monotonic() - began < 5


def test_page_that_trickles_in_is_given_up() -> None:
    with trickling(HEAD) as origin:
        began = time.monotonic()
        asked = fetcher(origin)

        with asked.open(f"{origin}/simple/x/", {}) as answer, pytest.raises(UpstreamBusy):
            asked.read(answer, 100_000)

        assert time.monotonic() - began < 8


def test_chunked_page_whose_first_chunk_never_begins_is_given_up() -> None:
    with trickling(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0000") as origin:
        asked = fetcher(origin)

        with asked.open(f"{origin}/simple/x/", {}) as answer, pytest.raises(UpstreamFailed):
            asked.read(answer, 100_000)


def test_file_that_trickles_in_is_given_up() -> None:
    with trickling(HEAD) as origin:
        asked = fetcher(origin)

        with asked.open(f"{origin}/files/x", {}) as answer, pytest.raises(UpstreamBusy):
            list(asked.parts(answer, 1.0))


def test_only_a_share_of_the_requests_waits_for_upstream(app: Flask) -> None:
    clients = slow_clients()
    held = [clients.upstream.take(f"192.0.2.{number}") for number in range(UPSTREAM)]

    with served({"/x": Answer(body=b"a page")}) as origin, app.test_request_context("/simple/x/"):
        with pytest.raises(ServiceUnavailable) as refused:
            fetcher(origin).open(f"{origin}/x", {})
        for give_back in held:
            give_back()
        with fetcher(origin).open(f"{origin}/x", {}) as answer:
            assert answer.content == b"a page"

    assert refused.value.retry_after


def test_what_is_known_is_served_while_too_many_requests_wait_for_upstream(
    app: Flask, client: FlaskClient, other: Other
) -> None:
    address = file_address(client)
    client.get(address)
    made_old()

    with ExitStack() as places:
        hold_all(app, places)

        assert file_address(client) == address
        assert client.get(address).data == WHEEL
        cold = client.get("/simple/cold/")
        assert (cold.status_code, cold.headers["Retry-After"]) == (503, str(RETRY_AFTER_S))


def test_identity_provider_is_asked_while_too_many_requests_wait_for_upstream(app: Flask) -> None:
    with (
        served({"/keys": Answer(body=b'{"keys": []}')}) as issuer,
        app.test_request_context("/account/oidc/callback"),
        ExitStack() as places,
    ):
        hold_all(app, places)

        assert Provider(issuer, "OIDC_ISSUER").fetch(f"{issuer}/keys") == {"keys": []}


def hold_all(app: Flask, places: ExitStack) -> None:
    """Take all places of those who wait for the other index."""
    for number in range(UPSTREAM):
        places.callback(slow_clients.of(app).upstream.take(f"192.0.2.{number}"))


def test_page_that_trickles_in_is_given_up_sooner_if_an_older_one_is_known(
    app: Flask, client: FlaskClient, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = page(client)
    made_old()
    monkeypatch.setattr(fetching, "URGENT_S", 1)
    with trickling(HEAD) as origin:
        configured(app, monkeypatch, UPSTREAM_INDEX=f"{origin}/simple")
        began = time.monotonic()

        assert page(client) == known  # 15 s later otherwise

        assert time.monotonic() - began < 8


def test_page_that_comes_late_but_whole_is_taken_although_an_older_one_is_known(
    app: Flask, client: FlaskClient, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    page(client)
    made_old()
    monkeypatch.setattr(fetching, "URGENT_S", 1)
    other.lists(described(), versions=["1.0", "1.1"])
    with running(_in_two_parts(other.answers["/simple/larder-probe/"].body)) as origin:
        configured(app, monkeypatch, UPSTREAM_INDEX=f"{origin}/simple")

        assert page(client)["versions"] == ["1.0", "1.1"]


def _in_two_parts(body: bytes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", JSON)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for part, wait_s in ((body[:10], 0.5), (body[10:], 0.8)):
                time.sleep(wait_s)
                self.wfile.write(part)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    return Handler


def test_connection_that_is_closed_just_when_it_is_used_again_is_replaced() -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        is_used = False

        def do_GET(self) -> None:
            self.close_connection = self.is_used
            if not self.is_used:
                self.send_response(200)
                self.send_header("Content-Length", "1")
                self.end_headers()
                self.wfile.write(b"x")
            self.is_used = True

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with running(Handler) as origin:
        asked = fetcher(origin)
        for _ in range(3):
            answers = [asked.open(f"{origin}/x", {}) for _ in range(3)]
            assert [answer.content for answer in answers] == [b"x"] * 3


def test_other_hosts_are_asked_only_where_the_operator_lists_them() -> None:
    with served({"/x": Answer(body=b"a file")}) as origin:
        elsewhere = origin.replace("127.0.0.1", "localhost")

        with pytest.raises(UpstreamFailed, match="localhost is not one of the hosts in UPSTREAM_FILE_HOSTS"):
            fetcher(origin).open(f"{elsewhere}/x", {})
        with fetcher(origin, "localhost").open(f"{elsewhere}/x", {}) as answer:
            assert answer.content == b"a file"


def test_redirect_to_another_host_is_not_followed() -> None:
    leading_on = Answer(302, headers={"Location": "http://localhost:1/x"})
    with served({"/x": leading_on}) as origin, pytest.raises(UpstreamFailed, match="localhost is not one of the hosts"):
        fetcher(origin).open(f"{origin}/x", {})


def test_redirect_within_the_host_is_followed_a_few_times() -> None:
    answers = {"/a": Answer(302, headers={"Location": "/b"}), "/b": Answer(body=b"here")}
    answers["/loop"] = Answer(302, headers={"Location": "/loop"})
    with served(answers) as origin:
        with fetcher(origin).open(f"{origin}/a", {}) as answer:
            assert answer.content == b"here"
        with pytest.raises(UpstreamFailed, match="redirects more than 5 times"):
            fetcher(origin).open(f"{origin}/loop", {})


def test_public_index_leads_to_no_private_address(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (bounded, fetching):
        monkeypatch.setattr(module, "leads_to_private", lambda _: False)
    with served({"/x": Answer(body=b"inside")}) as origin, pytest.raises(UpstreamFailed, match="private address"):
        fetcher(origin).open(f"{origin}/x", {})


def test_private_address_is_not_even_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (bounded, fetching):
        monkeypatch.setattr(module, "leads_to_private", lambda host: host == "127.0.0.1")
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.3)
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"

    with listener:
        with pytest.raises(UpstreamFailed, match="private address"):
            Fetcher(0.5, "http://index.example", hosts=["index.example", "127.0.0.1"]).open(f"{origin}/x", {})

        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("169.254.169.254", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("::ffff:192.168.0.1", True),
        ("151.101.0.223", False),
        ("::ffff:151.101.0.223", False),
        ("2a04:4e42::223", False),
        ("64:ff9b::10.0.0.1", True),  # NAT64
        ("64:ff9b::151.101.0.223", False),
        ("64:ff9b:1::10.0.0.1", True),
        ("::ffff:0:169.254.169.254", True),  # stateless translation
        ("2002:a00:1::1", True),  # 6to4 of 10.0.0.1
        ("2002:9765:df::1", False),
        ("::10.0.0.1", True),
        ("fec0::1", True),
        ("224.0.0.1", True),
        ("ff0e::1", True),
    ],
)
def test_private_addresses_are_known(address: str, expected: bool) -> None:  # noqa: FBT001 - a parametrized value
    assert bounded.is_private(address) is expected
