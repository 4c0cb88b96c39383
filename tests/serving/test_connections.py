"""Real connections: one end is the site's, the other a client's."""

import contextlib
import io
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from webapp.serving.connections import ENOUGH_BYTES, PATIENCE_S, Guard
from webapp.serving.slow_clients import Body

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what connections have moved")

LATER = PATIENCE_S + 1


class Connection(NamedTuple):
    """Both ends of a connection."""

    site: socket.socket
    client: socket.socket

    def is_open(self) -> bool:
        try:
            return self.client.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) != b""
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False

    def offer_more_than_fits(self) -> None:
        """Send to the client until the kernel takes no more."""
        self.site.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.site.send(bytes(1_000_000))


Connect = Callable[[], Connection]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def connect(listener: socket.socket) -> Iterator[Connect]:
    with ExitStack() as opened:

        def connect() -> Connection:
            client = opened.enter_context(socket.create_connection(listener.getsockname()))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)  # or the kernel would hold megabytes for it
            return Connection(opened.enter_context(listener.accept()[0]), client)

        yield connect


def guard(listener: socket.socket, *arriving: Body, most: int | None = None) -> Guard:
    return Guard(listener.getsockname()[1], arriving, most)


def body(peer: str = "127.0.0.1") -> Body:
    """A body that has not moved since the clock began."""
    waited_for = Body(io.BytesIO(), peer, 60)
    waited_for.moved_at = 0
    return waited_for


def test_client_that_does_not_read_its_answer_is_disconnected(listener: socket.socket, connect: Connect) -> None:
    watching, stuck, idle = guard(listener), connect(), connect()
    stuck.offer_more_than_fits()

    # The kernel goes on handing bytes over for a moment, so the first looks may still find some moving.
    for now in range(4 * int(PATIENCE_S)):
        watching.look(now)

    # What the client holds already is still there to be read, so the site's end is looked at.
    with pytest.raises(OSError, match=r"pipe|reset"):
        stuck.site.send(b"more")
    assert idle.is_open()


def test_client_that_reads_steadily_is_left(listener: socket.socket, connect: Connect) -> None:
    watching, reading = guard(listener), connect()
    reading.offer_more_than_fits()

    for now in range(0, 30, 5):
        watching.look(now)
        read = 0
        while read < 50 * ENOUGH_BYTES:
            read += len(reading.client.recv(ENOUGH_BYTES))
        reading.offer_more_than_fits()

    assert reading.is_open()


def test_answer_that_took_long_to_make_is_not_held_against_its_client(
    listener: socket.socket, connect: Connect
) -> None:
    watching, waiting = guard(listener), connect()

    watching.look(0)
    waiting.offer_more_than_fits()
    watching.look(3 * PATIENCE_S)
    watching.look(3 * PATIENCE_S + 1)

    assert waiting.is_open()


def test_client_that_does_not_send_the_body_it_promised_is_disconnected(
    listener: socket.socket, connect: Connect
) -> None:
    watching, silent = guard(listener, body()), connect()

    watching.look(0)
    watching.look(LATER)

    assert not silent.is_open()


def test_nobody_is_disconnected_for_a_body_of_another_address(listener: socket.socket, connect: Connect) -> None:
    watching, other = guard(listener, body("192.0.2.1")), connect()

    watching.look(0)
    watching.look(LATER)

    assert other.is_open()


def test_client_that_sends_its_body_steadily_is_left(listener: socket.socket, connect: Connect) -> None:
    watching, sending = guard(listener, body()), connect()

    watching.look(0)
    sending.client.sendall(bytes(ENOUGH_BYTES))
    sending.site.recv(ENOUGH_BYTES)
    watching.look(LATER)

    assert sending.is_open()


def test_client_that_sends_a_few_bytes_now_and_then_is_disconnected(listener: socket.socket, connect: Connect) -> None:
    watching, dripping = guard(listener, body()), connect()

    for now in range(int(LATER) + 1):
        watching.look(now)
        with contextlib.suppress(OSError):
            dripping.client.sendall(b"a")

    assert not dripping.is_open()


def test_one_address_has_no_more_than_its_share_of_the_connections(listener: socket.socket, connect: Connect) -> None:
    watching, connections = guard(listener, most=3), [connect() for _ in range(5)]

    watching.look(0)

    assert sum(each.is_open() for each in connections) == 3


def test_connections_of_other_kinds_are_left_alone(listener: socket.socket, connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, socket.create_connection(other.getsockname()) as client:
        accepted, _ = other.accept()
        watching = guard(listener, body(), most=0)

        watching.look(0)
        watching.look(LATER)

        assert Connection(accepted, client).is_open()
        accepted.close()
