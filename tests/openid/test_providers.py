"""Discovery documents and keys: fetched within bounds, cached, and fetched again."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler

import pytest
from flask import Flask

from config import BadConfig
from tests import local_http
from tests.local_http import Answer
from tests.openid.issuers import Issuer, as_json, issuing, public_jwk
from webapp.openid.providers import MAX_BYTES, Provider, ProviderFailed
from webapp.serving.slow_clients import TURN, Turns


@pytest.fixture(scope="module")
def running() -> Iterator[Issuer]:
    with issuing() as found:
        yield found


@pytest.fixture
def issuer(running: Issuer) -> Issuer:
    running.publishes("first", "ec-second")
    running.asked.clear()
    return running


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which a test moves on."""
    now = [1000.0]
    monkeypatch.setattr("webapp.openid.providers.time.monotonic", lambda: now[0])
    return now


def provider(issuer: Issuer) -> Provider:
    return Provider(issuer.address, "TRUSTED_ISSUERS")


def failure(issuer: Issuer) -> str:
    with pytest.raises(ProviderFailed) as failed:
        provider(issuer).key("first")
    return str(failed.value)


def test_keys_are_fetched_once(issuer: Issuer) -> None:
    found = provider(issuer)

    assert found.key("first") == public_jwk("first")
    assert found.key("ec-second") == public_jwk("ec-second")
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


def test_new_key_is_found_within_a_minute(issuer: Issuer, clock: list[float]) -> None:
    found = provider(issuer)
    found.key("first")
    issuer.publishes("first", "third")

    assert found.key("third") is None
    clock[0] += 61
    assert found.key("third") == public_jwk("third")


def test_unknown_keys_lead_to_one_request_a_minute(issuer: Issuer, clock: list[float]) -> None:
    found = provider(issuer)

    assert [found.key(f"invented-{number}") for number in range(50)] == [None] * 50
    assert issuer.asked.count("/keys") == 1


def test_withdrawn_key_is_forgotten_within_an_hour(issuer: Issuer, clock: list[float]) -> None:
    found = provider(issuer)
    found.key("first")
    issuer.publishes("ec-second")

    assert found.key("first") is not None
    clock[0] += 3601
    assert found.key("first") is None


def test_keys_last_a_day_while_the_issuer_is_away(issuer: Issuer, clock: list[float]) -> None:
    found = provider(issuer)
    found.key("first")
    issuer.answers["/.well-known/openid-configuration"] = Answer(503)
    issuer.answers["/keys"] = Answer(503)

    clock[0] += 80_000
    assert found.key("first") is not None
    clock[0] += 10_000
    with pytest.raises(ProviderFailed):
        found.key("first")


def test_empty_set_of_keys_replaces_nothing(issuer: Issuer, clock: list[float]) -> None:
    found = provider(issuer)
    found.key("first")
    issuer.answers["/keys"] = as_json({"keys": []})

    clock[0] += 3601
    assert found.key("first") is not None


def test_requests_that_wait_for_a_slow_issuer_block_no_others(app: Flask, issuer: Issuer) -> None:
    slow = issuer.answers["/keys"]._replace(delay_s=1.0)
    issuer.answers["/keys"] = slow
    found, turns = provider(issuer), Turns(1)

    def ask() -> None:
        with turns.turn("192.0.2.1") as turn, app.test_request_context(environ_overrides={TURN: turn}):
            found.key("first")

    waiting = [threading.Thread(target=ask) for _ in range(3)]
    for each in waiting:
        each.start()
    while "/keys" not in issuer.asked:
        time.sleep(0.01)

    with turns.turn("192.0.2.2"):
        assert sum(each.is_alive() for each in waiting) == 3
    for each in waiting:
        each.join()
    assert issuer.asked.count("/keys") == 1


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        ("/.well-known/openid-configuration", Answer(404), "answered 404 without what was asked for"),
        ("/.well-known/openid-configuration", Answer(body=b"{" * 100_000), "without what was asked for"),
        ("/.well-known/openid-configuration", Answer(body=b" " * (MAX_BYTES + 1)), "sent more than 1,000,000 bytes"),
        ("/.well-known/openid-configuration", as_json({"issuer": "https://evil.example"}), "calls itself https://evil"),
        ("/keys", Answer(body=b"[]"), "without what was asked for"),
        ("/keys", as_json({"keys": "none"}), "has no keys"),
        ("/keys", as_json({"keys": [1, {"kid": 1}]}), "has no keys"),
        ("/keys", Answer(302, headers={"Location": "http://192.0.2.1/keys"}), "192.0.2.1 is not one of the hosts"),
    ],
)
def test_unusable_answer_is_a_failure(issuer: Issuer, path: str, answer: Answer, said: str) -> None:
    issuer.answers[path] = answer

    assert said in failure(issuer)


@pytest.mark.parametrize("address", ["http://keys.example.org/", "file:///etc/passwd", 7, None, "https://a b/", "x"])
def test_keys_are_at_a_secure_address(issuer: Issuer, address: object) -> None:
    issuer.publishes("first", jwks_uri=address)

    assert failure(issuer) == f"{issuer.address} names no usable jwks_uri"


def test_public_issuer_leads_to_no_private_address(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Provider("https://8.8.8.8", "TRUSTED_ISSUERS")

    with pytest.raises(ProviderFailed, match="private address"):
        found.fetch(f"{issuer.address}/keys")


@pytest.mark.parametrize(
    "issuer_address",
    ["http://gitlab.example.org", "gitlab.example.org", "https://", "https://[::1", "https://a/?b"],
)
def test_issuer_without_tls_is_refused_at_the_start(issuer_address: str) -> None:
    with pytest.raises(BadConfig, match="TRUSTED_ISSUERS has"):
        Provider(issuer_address, "TRUSTED_ISSUERS")


def test_provider_that_is_away_is_left_alone_for_a_while(issuer: Issuer, clock: list[float]) -> None:
    found = provider(issuer)
    issuer.answers["/.well-known/openid-configuration"] = Answer(status=503)

    for _ in range(3):
        with pytest.raises(ProviderFailed, match="answered 503"):
            found.document()
    assert len(issuer.asked) == 1

    issuer.publishes("first")
    clock[0] += 11
    assert found.document()["issuer"] == issuer.address


def test_old_document_serves_while_the_provider_is_away(issuer: Issuer, clock: list[float]) -> None:
    found = provider(issuer)
    found.document()
    issuer.answers["/.well-known/openid-configuration"] = Answer(status=503)

    clock[0] += 3601
    assert found.document()["issuer"] == issuer.address
    assert found.document()["issuer"] == issuer.address
    assert len(issuer.asked) == 2
    clock[0] += 86_400
    with pytest.raises(ProviderFailed, match="answered 503"):
        found.document()


@contextmanager
def trickling(head: bytes) -> Iterator[tuple[str, list[float]]]:
    """The address of a server whose answers begin like this and never end, and when it was asked."""
    asked_at: list[float] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked_at.append(time.monotonic())
            with suppress(OSError):
                self.wfile.write(head)
                while True:
                    self.wfile.write(b" ")
                    time.sleep(0.05)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with local_http.running(Handler) as address:
        yield address, asked_at


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"


def waits(ask: Callable[[], object], number: int) -> list[tuple[float, str]]:
    """How many seconds so many requests at once wait, and what they are told."""
    found: list[tuple[float, str]] = []

    def wait() -> None:
        began, said = time.monotonic(), ""
        try:
            ask()
        except ProviderFailed as error:
            said = str(error)
        found.append((time.monotonic() - began, said))

    threads = [threading.Thread(target=wait) for _ in range(number)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return found


@pytest.mark.parametrize("question", ["document", "key"])
@pytest.mark.parametrize("head", [HEAD, HEAD[:20]], ids=["body", "head"])
def test_nobody_waits_longer_than_one_attempt(monkeypatch: pytest.MonkeyPatch, head: bytes, question: str) -> None:
    monkeypatch.setattr("webapp.openid.providers.TIMEOUT_S", 0.5)
    monkeypatch.setattr("webapp.openid.providers.PAUSE_S", 0.3)  # shorter than an attempt, as ten seconds may be
    with trickling(head) as (address, asked_at):
        found = Provider(address, "OIDC_ISSUER")

        waited = waits(lambda: found.document() if question == "document" else found.key("first"), 9)

    assert len(asked_at) == 1
    assert max(seconds for seconds, _ in waited) < 3  # nine attempts one after the other take 4.5
    assert len({said for _, said in waited}) == 1
    assert "cannot be asked" in waited[0][1]


def test_redirects_make_no_attempt_longer(monkeypatch: pytest.MonkeyPatch, issuer: Issuer) -> None:
    monkeypatch.setattr("webapp.openid.providers.TIMEOUT_S", 0.5)
    path = "/.well-known/openid-configuration"
    issuer.answers[path] = Answer(302, headers={"Location": path}, delay_s=0.3)

    assert failure(issuer).endswith("127.0.0.1 took longer than 0.5 seconds to redirect")
    assert len(issuer.asked) == 2


def test_known_key_does_not_wait_while_an_invented_one_is_looked_for(issuer: Issuer, clock: list[float]) -> None:
    found = provider(issuer)
    found.key("first")
    clock[0] += 61
    asked = len(issuer.asked)
    issuer.answers["/keys"] = issuer.answers["/keys"]._replace(delay_s=1.0)
    attacker = threading.Thread(target=found.key, args=["invented"])
    attacker.start()
    while len(issuer.asked) == asked:
        time.sleep(0.01)

    assert waits(lambda: found.key("first"), 3)
    assert attacker.is_alive()
    attacker.join()


def test_old_document_serves_while_one_request_asks_for_a_new_one(issuer: Issuer, clock: list[float]) -> None:
    found = provider(issuer)
    found.document()
    clock[0] += 3601
    path = "/.well-known/openid-configuration"
    issuer.answers[path] = issuer.answers[path]._replace(delay_s=1.0)
    asking = threading.Thread(target=found.document)
    asking.start()
    while len(issuer.asked) == 1:
        time.sleep(0.01)

    assert found.document()["issuer"] == issuer.address
    assert asking.is_alive()
    asking.join()
    assert len(issuer.asked) == 2
