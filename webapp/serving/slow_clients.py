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
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Protocol, cast

from flask import Flask, Response, current_app, g, has_request_context, request
from werkzeug.exceptions import (
    ClientDisconnected,
    LengthRequired,
    RequestEntityTooLarge,
    RequestTimeout,
    ServiceUnavailable,
)

from webapp.rules.addresses import network_of
from webapp.serving.broken_transfers import noting
from webapp.serving.errors import RETRY_AFTER_S, http_error
from webapp.serving.per_app import PerApp

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# How many clients of each web process may send a body, or read a streamed answer, at the same time.
BODIES, STREAMS = 64, 128
# How many requests of each web process may wait for another index at the same time: uv alone asks for 50 pages at once,
# and an address gets half of the places. Those who sign in do not wait behind them.
UPSTREAM, PROVIDERS = 128, 32
# A request that has been worked on for so long is slow.
SLOW_S = 1.0
# Larger answers are streamed, so that a client that does not read them occupies only a few pieces in memory.
WHOLE_BYTES = 256 * 1024
# The size of these pieces; about six of them are in memory for each client.
PIECE_BYTES = 256 * 1024
# Small, because granian's read waits for all of it.
READ_BYTES = 16 * 1024
# The time in which a form must arrive. Uploads have their own limit.
FORM_S = 60.0
CUT_OFF = "The connection was closed before all of the request had arrived."
NO_LENGTH = "Send the form with a Content-Length. Without one, the site cannot tell whether all of it has arrived."
BUSY = "Too many requests are being handled at the moment. Please try again in a few seconds."
PEER, TURN = "larder.peer", "larder.turn"
# The methods of requests that change nothing (RFC 9110, section 9.2.1).
READING = ("GET", "HEAD", "OPTIONS")


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


class _Kind:
    """The requests of one kind: those that are worked on, and those that wait for a turn.

    Those that come back after waiting for their client go first. They hold an upload, so if newcomers were mixed with
    them, hundreds of uploads could pile up on the disk. Newcomers take turns by address, so one that sends hundreds of
    requests at once lets the others wait for one of them.
    """

    def __init__(self) -> None:
        self.at_work: list[Turn] = []
        self.returning = deque["Turn"]()
        self.newcomers: dict[str, deque[Turn]] = {}

    def begin(self, turn: "Turn") -> None:
        """Let a request be worked on."""
        turn.began_at = time.monotonic()
        self.at_work.append(turn)
        turn.begins.set()

    def add(self, turn: "Turn", *, returns: bool) -> None:
        """Let a request wait until `turn.begins` is set."""
        turn.begins.clear()
        (self.returning if returns else self.newcomers.setdefault(turn.address, deque())).append(turn)

    def next(self) -> "Turn | None":
        """Take out the request whose turn it is, if any waits."""
        if self.returning:
            return self.returning.popleft()
        if not self.newcomers:
            return None
        address = next(iter(self.newcomers))
        waiting = self.newcomers.pop(address)
        if len(waiting) > 1:
            self.newcomers[address] = waiting  # behind the other addresses
        return waiting.popleft()


class Turns:
    """A number of requests that may be worked on at a time. The others wait for their turn.

    While both wait, half of the turns are for requests that read, and half for those that change something: an upload
    takes twenty times as long as a page, so many uploads would otherwise have nearly all of the time. Slow requests do
    not count towards this half, or a few of them would leave no turns to the others of their kind. But a kind never
    gets the last place while the other one waits, however slow its requests are.
    """

    def __init__(self, places: int) -> None:
        self._most_of_a_kind = places - 1
        self._free = places  # none while somebody waits
        self.reading, self.changing = _Kind(), _Kind()
        self._last: _Kind | None = None  # the kind that was last let from waiting to work
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, address: str, *, reads: bool = True) -> Iterator["Turn"]:
        """Wait for a turn, and let another request have it at the end."""
        turn = Turn(self, address, self.reading if reads else self.changing)
        self.wait(turn, returns=False)
        try:
            yield turn
        finally:
            turn.leave()

    def wait(self, turn: "Turn", *, returns: bool) -> None:
        """Wait until this request may be worked on."""
        with self._lock:
            if self._free:
                self._free -= 1
                turn.kind.begin(turn)
                return
            turn.kind.add(turn, returns=returns)
        turn.begins.wait()

    def leave(self, turn: "Turn") -> None:
        """Let the next request have this turn."""
        with self._lock:
            turn.kind.at_work.remove(turn)
            slow_since = time.monotonic() - SLOW_S

            def precedence(kind: _Kind) -> tuple[bool, int, bool]:
                has_its_most = len(kind.at_work) >= self._most_of_a_kind
                return has_its_most, sum(each.began_at > slow_since for each in kind.at_work), kind is self._last

            # The kind with fewer quick requests at work goes first, and of two with as many the one that did not go
            # last.
            for kind in sorted((self.reading, self.changing), key=precedence):
                if comes := kind.next():
                    self._last = kind
                    kind.begin(comes)
                    return
            self._free += 1


class Turn:
    """The turn of one request, which it can let others have while it waits for its client."""

    def __init__(self, turns: Turns, address: str, kind: _Kind) -> None:
        self.address, self.kind = address, kind
        self.begins, self.began_at = threading.Event(), 0.0
        self._turns = turns

    def leave(self) -> None:
        """Let another request have its turn, at the end or until this one comes back."""
        self._turns.leave(self)

    def come_back(self) -> None:
        """Wait for a turn, before all newcomers."""
        self._turns.wait(self, returns=True)


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
        with self._turns.turn(environ[PEER], reads=environ.get("REQUEST_METHOD") in READING) as turn:
            environ[TURN] = turn
            return self._app(environ, start_response)


class Body:
    """The body of a request while it arrives. Knows when the client last made progress.

    When a client goes away, granian ends the stream as if the body were complete, so the bytes are counted: half a form
    may look like a whole one, with half a password (RFC 9112, section 8).
    """

    def __init__(self, stream: "_Readable", peer: str, seconds: float, size: int | None = None) -> None:
        """`read` raises RequestTimeout after this many seconds, ClientDisconnected if fewer than `size` bytes come."""
        self.peer = peer
        self._left = size or 0
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
        self._left -= len(part)
        if size and not part and self._left > 0:
            raise ClientDisconnected(CUT_OFF)
        return part


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class SlowClients:
    """The clients that this process waits for."""

    def __init__(self) -> None:
        self.bodies, self.streams = Shares(BODIES), Shares(STREAMS)
        self.upstream, self.providers = Shares(UPSTREAM), Shares(PROVIDERS)
        self.arriving: set[Body] = set()


slow_clients = PerApp[SlowClients]("slow_clients")


def init_app(app: Flask) -> None:
    """Receive bodies before views run, send long answers in pieces, and answer 503 beyond the limits."""
    slow_clients.set(app, SlowClients())
    app.before_request(receive_body)
    app.after_request(share_out)


def receive_body() -> None:
    """Receive the body before anything else.

    Raises LengthRequired, and what `whole_body` does.
    """
    says_body = request.content_length or "Transfer-Encoding" in request.headers
    if request.method in READING and not says_body:
        return
    if "publishing" in request.blueprints:  # uploads are received after their token was checked
        return
    # JSON and the parts of a multipart form show where they end.
    if "Transfer-Encoding" in request.headers and request.mimetype == "application/x-www-form-urlencoded":
        raise LengthRequired(NO_LENGTH)
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

    Raises ServiceUnavailable if too many bodies are arriving. `read` raises RequestTimeout after this many seconds, and
    ClientDisconnected if the body ends before its Content-Length.
    """
    clients = slow_clients()
    environ = request.environ
    give_back = clients.bodies.take(network_of(request.remote_addr or ""))
    stream = environ["wsgi.input"]
    body = environ["wsgi.input"] = Body(stream, environ.get(PEER, ""), seconds, request.content_length)
    clients.arriving.add(body)
    with not_at_work():
        try:
            yield
        finally:
            # Now, because a request whose body is here waits for its turn, no longer for its client.
            clients.arriving.discard(body)
            environ["wsgi.input"] = stream
            give_back()


def waiting_for_upstream() -> AbstractContextManager[None]:
    """Let a request wait for another index without blocking other requests.

    Raises ServiceUnavailable if too many are already waiting.
    """
    return _waiting(lambda: slow_clients().upstream)


def waiting_for_provider() -> AbstractContextManager[None]:
    """Let a request wait for an identity provider without blocking other requests. Raises ServiceUnavailable."""
    return _waiting(lambda: slow_clients().providers)


@contextmanager
def _waiting(places: Callable[[], Shares]) -> Iterator[None]:
    if not has_request_context():  # a command, which blocks nobody
        yield
        return
    give_back = places().take(network_of(request.remote_addr or ""))
    with not_at_work():
        try:
            yield
        finally:
            give_back()


@contextmanager
def not_at_work() -> Iterator[None]:
    """Let another request run while this one waits."""
    turn: Turn | None = request.environ.get(TURN)
    if turn is None:  # under another web server
        yield
        return
    turn.leave()
    try:
        yield
    finally:
        turn.come_back()


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
