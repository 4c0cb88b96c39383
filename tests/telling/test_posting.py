"""Posting within bounds."""

import socket
import time

import pytest

from tests.local_http import receiving
from webapp.telling import posting
from webapp.telling.posting import post

LOCAL = frozenset(["127.0.0.1"])


def test_answer_tells_success() -> None:
    with receiving() as receiver:
        outcome = post(receiver.address, b"{}", {"webhook-id": "msg_1"}, LOCAL)

    assert outcome.is_success
    assert receiver.got[0].headers["webhook-id"] == "msg_1"
    assert receiver.got[0].body == b"{}"


def test_redirect_is_a_failure_and_not_followed() -> None:
    with receiving() as receiver:
        receiver.status = 307
        outcome = post(receiver.address, b"{}", {}, LOCAL)

    assert (outcome.is_success, outcome.status) == (False, 307)
    assert len(receiver.got) == 1


def test_private_address_is_not_even_connected_to() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)

    with listener:
        outcome = post(f"http://localhost:{listener.getsockname()[1]}/", b"{}", {}, LOCAL)

        assert outcome.problem == "its address is private, and WEBHOOK_PRIVATE_HOSTS does not list it"
        with pytest.raises(TimeoutError):
            listener.accept()


def test_silent_receiver_costs_only_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started = time.monotonic()
        outcome = post(f"http://127.0.0.1:{listener.getsockname()[1]}/", b"{}", {}, LOCAL)

    assert outcome.problem == "no answer within 0 seconds"
    assert time.monotonic() - started < 2


def test_problems_are_said_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert post(f"http://127.0.0.1:{port}/", b"{}", {}, LOCAL).problem == "it cannot be reached"
    assert post("http://[::1/", b"{}", {}, LOCAL).problem == "it cannot be asked: InvalidURL"
    with receiving() as receiver:
        secure = receiver.address.replace("http:", "https:")
        assert "certificate" in (post(secure, b"{}", {}, LOCAL).problem or "")
