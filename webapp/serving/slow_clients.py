"""Let clients that send or read slowly wait without blocking others.

granian keeps a thread busy while a body arrives or a streamed answer is sent
(https://github.com/emmett-framework/granian/issues/728). So each process has many more threads than requests it works
on at a time. `AtWork` limits the requests; `Shares` limits the threads that wait for clients, and how many of them one
address gets. Clients that make no progress are disconnected: see connections.py.
"""

import io
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Protocol, cast

from flask import Flask, Response, current_app, g, has_request_context, request
from werkzeug.exceptions import RequestEntityTooLarge, RequestTimeout, ServiceUnavailable

from webapp.rules.addresses import network_of
from webapp.serving.broken_transfers import noting
from webapp.serving.errors import RETRY_AFTER_S, http_error
from webapp.serving.per_app import PerApp

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# How many clients of each web process may send a body, or read a streamed answer, at the same time.
BODIES, STREAMS = 64, 128
# How many requests of each web process may wait for another index at the same time.
UPSTREAM = 32
# Larger answers are streamed, so that a client that does not read them occupies only a few pieces in memory.
WHOLE_BYTES = 256 * 1024
# The size of these pieces; about six of them are in memory for each client.
PIECE_BYTES = 256 * 1024
# Small, because granian's read waits for all of it.
READ_BYTES = 16 * 1024
# The time in which a form must arrive. Uploads have their own limit.
FORM_S = 60.0
BUSY = "Too many requests are being handled at the moment. Please try again in a few seconds."
PEER, AT_WORK = "larder.peer", "larder.at_work"


class Shares:
    """A number of places for waiting clients, shared fairly between addresses.

    An address may hold as many places as are still free: half of them if it is alone, a third if there are two, and so
    on. So there is one left for a newcomer even when several addresses take all they can get.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._held = Counter[str]()
        self._lock = threading.Lock()

    def take(self, address: str) -> Callable[[], None]:
        """Take a place, and return the function that releases it. Raises ServiceUnavailable."""
        with self._lock:
            if self._held[address] >= self._free:
                raise ServiceUnavailable(BUSY, retry_after=RETRY_AFTER_S)
            self._free -= 1
            self._held[address] += 1
        return partial(self._give_back, address)

    def _give_back(self, address: str) -> None:
        with self._lock:
            self._free += 1
            self._held[address] -= 1
            if not self._held[address]:
                del self._held[address]


class Turns:
    """A number of requests that may be worked on at a time. The others wait for their turn.

    Those that come back after waiting for their client go first. They hold an upload, so if newcomers were mixed with
    them, hundreds of uploads could pile up on the disk. Newcomers take turns by address, so one that sends hundreds of
    requests at once lets the others wait for one of them.
    """

    def __init__(self, places: int) -> None:
        self._free = places  # none while somebody waits
        self._returning = deque[threading.Event]()
        self._newcomers: dict[str, deque[threading.Event]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, address: str) -> Iterator[None]:
        """Wait for a turn, and let another request have it at the end."""
        self._wait_in(lambda: self._newcomers.setdefault(address, deque()))
        try:
            yield
        finally:
            self.leave()

    def come_back(self) -> None:
        """Wait for a turn, before all newcomers."""
        self._wait_in(lambda: self._returning)

    def leave(self) -> None:
        """Let another request have its turn, at the end or until this one comes back."""
        with self._lock:
            if self._returning:
                self._returning.popleft().set()
            elif self._newcomers:
                address = next(iter(self._newcomers))
                waiting = self._newcomers.pop(address)
                waiting.popleft().set()
                if waiting:
                    self._newcomers[address] = waiting  # behind the other addresses
            else:
                self._free += 1

    def _wait_in(self, queue: Callable[[], deque[threading.Event]]) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            comes = threading.Event()
            queue().append(comes)
        comes.wait()


class AtWork:
    """Limits how many requests the application works on at a time; those waiting for their client do not count."""

    def __init__(self, app: "WSGIApplication", requests: int) -> None:
        self._app = app
        self._turns = Turns(requests)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request when its turn has come."""
        # A socket for both families calls an IPv4 client ::ffff:192.0.2.1 (RFC 4291, section 2.5.5.2).
        environ["REMOTE_ADDR"] = environ.get("REMOTE_ADDR", "").removeprefix("::ffff:")
        environ[PEER] = environ["REMOTE_ADDR"]  # before a proxy's headers are trusted
        environ[AT_WORK] = self._turns
        with self._turns.turn(environ[PEER]):
            return self._app(environ, start_response)


class Body:
    """The body of a request while it arrives. Knows when the client last made progress."""

    def __init__(self, stream: "_Readable", peer: str, seconds: float) -> None:
        """`read` raises RequestTimeout after this many seconds."""
        self.peer = peer
        self.moved_at = time.monotonic()
        self._stream = stream
        self._end_at = self.moved_at + seconds

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes of the body, or the rest of it if `size` is negative."""
        if size < 0:
            return b"".join(iter(partial(self.read, READ_BYTES), b""))
        if time.monotonic() > self._end_at:
            raise RequestTimeout("The request took too long to arrive.")
        part = self._stream.read(min(size, READ_BYTES))
        self.moved_at = time.monotonic()
        return part


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class SlowClients:
    """The clients that this process waits for."""

    def __init__(self) -> None:
        self.bodies, self.streams, self.upstream = Shares(BODIES), Shares(STREAMS), Shares(UPSTREAM)
        self.arriving: set[Body] = set()


slow_clients = PerApp[SlowClients]("slow_clients")


def init_app(app: Flask) -> None:
    """Receive bodies before views run, send long answers in pieces, and answer 503 beyond the limits."""
    slow_clients.set(app, SlowClients())
    app.before_request(receive_body)
    app.after_request(share_out)


def receive_body() -> None:
    """Receive the body before anything else.

    Raises RequestEntityTooLarge, ServiceUnavailable and RequestTimeout.
    """
    says_body = request.content_length or "Transfer-Encoding" in request.headers
    if request.method in ("GET", "HEAD", "OPTIONS") and not says_body:
        return
    if "publishing" in request.blueprints:  # uploads are received after their token was checked
        return
    body = whole_body(current_app.config["MAX_CONTENT_LENGTH"], FORM_S)
    request.environ["wsgi.input"] = io.BytesIO(body)
    g.body_is_received = True


def limit_body(most: int) -> None:
    """Let the body of this request have this many bytes at most.

    Raises RequestEntityTooLarge, here or while the body is read in parts. Where a body ends by itself
    (`wsgi.input_terminated`), werkzeug refuses one that has reached its limit, because it does not look whether more
    follows, and cuts one that is read as a whole. So its limit is a byte more.
    """
    if (request.content_length or 0) > most:
        raise RequestEntityTooLarge
    request.max_content_length = most + 1


def whole_body(most: int, seconds: float) -> bytes:
    """Return the body of this request, of at most this many bytes.

    Raises RequestEntityTooLarge, and what `receiving` does.
    """
    limit_body(most)
    with receiving(seconds):
        body = request.get_data()
    if len(body) > most:
        raise RequestEntityTooLarge
    return body


@contextmanager
def receiving(seconds: float) -> Iterator[None]:
    """Let the body in `wsgi.input` be read without blocking other requests.

    Raises ServiceUnavailable if too many bodies are arriving. `read` raises RequestTimeout after this many seconds.
    """
    clients = slow_clients()
    environ = request.environ
    give_back = clients.bodies.take(network_of(request.remote_addr or ""))
    stream = environ["wsgi.input"]
    body = environ["wsgi.input"] = Body(stream, environ.get(PEER, ""), seconds)
    clients.arriving.add(body)
    with not_at_work():
        try:
            yield
        finally:
            # Now, because a request whose body is here waits for its turn, no longer for its client.
            clients.arriving.discard(body)
            environ["wsgi.input"] = stream
            give_back()


@contextmanager
def waiting_for_upstream() -> Iterator[None]:
    """Let a request wait for another index without blocking other requests.

    Raises ServiceUnavailable if too many are already waiting.
    """
    if not has_request_context():  # a command, which blocks nobody
        yield
        return
    clients = slow_clients()
    give_back = clients.upstream.take(network_of(request.remote_addr or ""))
    with not_at_work():
        try:
            yield
        finally:
            give_back()


@contextmanager
def not_at_work() -> Iterator[None]:
    """Let another request run while this one waits."""
    turns: Turns | None = request.environ.get(AT_WORK)
    if turns is None:  # under another web server
        yield
        return
    turns.leave()
    try:
        yield
    finally:
        turns.come_back()


def share_out(response: Response) -> Response:
    """Send a long answer in pieces while it holds a place, or answer 503."""
    if request.method == "HEAD" or response.status_code in (204, 304):
        return response
    size = response.content_length if response.is_streamed else response.calculate_content_length()
    if size is not None and size <= WHOLE_BYTES:
        if response.is_streamed:
            response.direct_passthrough = False
            try:
                response.set_data(
                    response.get_data()
                )  # in one piece, which granian takes without waiting for the client
            except Exception as error:
                noting(size)(0, error)
                raise
        return response
    clients = slow_clients()
    try:
        give_back = clients.streams.take(network_of(request.remote_addr or ""))
    except ServiceUnavailable as error:
        response.close()
        return http_error(error)
    if size is not None:
        response.content_length = size
    response.response = _Pieces(cast("Iterable[bytes]", response.response), give_back, noting(size))
    return response


class _Pieces:
    """An answer in pieces that releases its place when it has been sent or its client is gone.

    `note` gets the number of bytes sent before an error, and the error.
    """

    def __init__(
        self, parts: Iterable[bytes], give_back: Callable[[], None], note: Callable[[int, Exception], None]
    ) -> None:
        self._parts, self._give_back, self._note = parts, give_back, note
        self._sent = 0
        self._pieces = (
            part[start : start + PIECE_BYTES] for part in parts for start in range(0, len(part), PIECE_BYTES)
        )
        self._is_open = True

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            piece = next(self._pieces)
        except BaseException as error:  # the end, or an error that ends it
            self.close()
            if isinstance(error, Exception) and not isinstance(error, StopIteration):
                self._note(self._sent, error)
            raise
        self._sent += len(piece)
        return piece

    def close(self) -> None:
        """Release the place, once."""
        if self._is_open:
            self._is_open = False
            self._give_back()
            if close := getattr(self._parts, "close", None):
                close()
