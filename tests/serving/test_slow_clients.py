"""Clients that send or read slowly: they may wait, but not in the way of the others."""

import io
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import NamedTuple
from urllib.parse import urlencode

import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge, RequestTimeout, ServiceUnavailable
from werkzeug.test import TestResponse, run_wsgi_app, stream_encode_multipart

from tests.people import browser
from tests.publishing.uploads import basic, line, publisher, upload, wheel, wheel_name
from webapp.documents import Package, User
from webapp.serving import metrics, slow_clients
from webapp.serving.slow_clients import BODIES, BUSY, PIECE_BYTES, WHOLE_BYTES, AtWork, Body, Shares, Turn, Turns


def refused(shares: Shares, address: str) -> bool:
    try:
        shares.take(address)
    except ServiceUnavailable:
        return True
    return False


def test_one_address_gets_half_of_the_places_and_leaves_some_to_the_next() -> None:
    shares = Shares(8)

    taken = dict.fromkeys(("first", "second", "third"), 0)
    for address in taken:
        while not refused(shares, address):
            taken[address] += 1

    assert taken == {"first": 4, "second": 2, "third": 1}


def test_place_that_is_given_back_is_there_for_others() -> None:
    shares = Shares(2)
    give_back = shares.take("first")
    assert refused(shares, "first")

    give_back()

    shares.take("first")


class SlowBody(io.RawIOBase):
    """A body that does not come until the test lets it."""

    def __init__(self) -> None:
        self.asked, self.comes = threading.Event(), threading.Event()

    def readable(self) -> bool:
        return True

    def readinto(self, _: object) -> int:
        self.asked.set()
        self.comes.wait(10)
        return 0


@pytest.fixture
def places(app: Flask) -> Iterator[ExitStack]:
    """All places for bodies but two, and what holds them."""
    clients = slow_clients.slow_clients.of(app)
    with ExitStack() as held:
        for number in range(BODIES - 2):
            held.callback(clients.bodies.take(f"somebody {number}"))
        yield held


def send(app: Flask, body: SlowBody, address: str = "192.0.2.1") -> TestResponse:
    environ = {"wsgi.input": body, "CONTENT_LENGTH": "10", "CONTENT_TYPE": "application/json", "REMOTE_ADDR": address}
    return browser(app).post("/signup", environ_overrides=environ)


def test_address_that_sends_slowly_is_refused_more_and_another_is_not(app: Flask, places: ExitStack) -> None:
    body = SlowBody()

    with ThreadPoolExecutor(1) as senders:
        slow = senders.submit(send, app, body)
        assert body.asked.wait(10)
        more = browser(app).post("/account/login", data={"email": "ada"}, environ_base={"REMOTE_ADDR": "192.0.2.1"})
        other = browser(app).post("/account/login", data={"email": "ada"})
        body.comes.set()

    assert (more.status_code, more.headers["Retry-After"]) == (503, "5")
    assert BUSY in more.text
    assert other.status_code == 400
    assert slow.result().status_code == 400


def test_upload_is_refused_in_a_line_while_its_address_sends_slowly(app: Flask, places: ExitStack) -> None:
    _, secret = publisher()
    body = SlowBody()

    with ThreadPoolExecutor(1) as senders:
        senders.submit(send, app, body, "127.0.0.1")
        assert body.asked.wait(10)
        answer = upload(browser(app), secret, wheel(), wheel_name())
        body.comes.set()

    assert line(answer, 503) == BUSY
    assert answer.headers["Retry-After"] == "5"
    assert upload(browser(app), secret, wheel(), wheel_name()).status_code == 200


def test_stranger_who_uploads_takes_no_place(app: Flask, places: ExitStack) -> None:
    for number in range(2):
        places.callback(slow_clients.slow_clients.of(app).bodies.take(f"another {number}"))

    line(upload(browser(app), "larder-wrong", wheel(), wheel_name()), 403)


def test_body_is_known_to_be_waited_for_while_it_comes_in(app: Flask) -> None:
    body = SlowBody()
    arriving = slow_clients.slow_clients.of(app).arriving

    with ThreadPoolExecutor(1) as senders:
        senders.submit(send, app, body)
        assert body.asked.wait(10)
        waited_for = len(arriving)
        body.comes.set()

    assert (waited_for, len(arriving)) == (1, 0)


def test_body_that_takes_too_long_is_given_up() -> None:
    body = Body(io.BytesIO(b"0123456789"), "192.0.2.1", seconds=-1)

    with pytest.raises(RequestTimeout):
        body.read()


def test_body_that_ends_too_early_is_refused() -> None:
    """A server ends the stream when the client goes away, as if that were all."""
    for size, said in ((3, b"012"), (10, b"0123456789"), (None, b"0123456789"), (0, b"0123456789")):
        body = Body(io.BytesIO(said), "192.0.2.1", 60, size)
        assert b"".join(iter(lambda body=body: body.read(4), b"")) == said  # type: ignore[misc]
        assert body.read() == b""

    for sent in (b"", b"0", b"012345678"):
        with pytest.raises(ClientDisconnected):
            Body(io.BytesIO(sent), "192.0.2.1", 60, 10).read()


def short(sent: bytes, more: int, content_type: str) -> dict[str, object]:
    """What a server says of a request that was cut off: more bytes were announced than came."""
    stream = {"wsgi.input": io.BytesIO(sent), "wsgi.input_terminated": True}
    return stream | {"CONTENT_LENGTH": str(len(sent) + more), "CONTENT_TYPE": content_type}


@pytest.mark.parametrize("more", [0, 1, 13])
def test_form_that_is_cut_off_does_nothing(app: Flask, more: int) -> None:
    person = browser(app)
    fields = person.hidden_fields("/account/register") | {"name": "Ada", "email": "ada@example.org"}
    form = urlencode({**fields, "password": "nanoseconds matter, admiral"}).encode()

    answer = person.post("/account/register", environ_overrides=short(form, more, "application/x-www-form-urlencoded"))

    assert (answer.status_code, User.objects.count()) == ((400, 0) if more else (302, 1))


@pytest.mark.parametrize("more", [0, 1, 13])
def test_upload_that_is_cut_off_does_nothing(app: Flask, more: int) -> None:
    _, secret = publisher()
    fields = {
        ":action": "file_upload",
        "protocol_version": "1",
        "content": FileStorage(io.BytesIO(wheel()), wheel_name()),
    }
    form, _, boundary = stream_encode_multipart(fields)
    environ = short(form.read(), more, f"multipart/form-data; boundary={boundary}")

    answer = browser(app).post("/legacy/", headers={"Authorization": basic(secret)}, environ_overrides=environ)

    assert (answer.status_code, Package.objects.count()) == ((400, 0) if more else (200, 1))


def test_chunked_form_is_refused_and_one_without_a_body_is_not(app: Flask) -> None:
    """The end of a chunked form may be missing, and nobody could tell."""
    environ = {"wsgi.input": io.BytesIO(b"email=ada&password=nano"), "wsgi.input_terminated": True}
    chunked = {**environ, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_TYPE": "application/x-www-form-urlencoded"}
    empty = {"wsgi.input": io.BytesIO(), "wsgi.input_terminated": True, "CONTENT_TYPE": chunked["CONTENT_TYPE"]}

    assert browser(app).post("/account/login", environ_overrides=chunked).status_code == 411
    assert browser(app).post("/account/login", environ_overrides=empty).status_code == 400  # it has no CSRF token


Answering = Callable[[Callable[[], Response]], FlaskClient]


@pytest.fixture
def answering() -> Answering:
    """A small site with a page of this kind, which works on one request at a time."""

    def site(view: Callable[[], Response]) -> FlaskClient:
        app = Flask("site")
        app.config |= {"MAX_CONTENT_LENGTH": 1000, "METRICS": 0}
        metrics.init_app(app)
        slow_clients.init_app(app)
        app.add_url_rule("/", view_func=view, methods=["GET", "POST"])
        app.wsgi_app = AtWork(app.wsgi_app, 1)  # type: ignore[method-assign]
        return app.test_client()

    return site


def test_request_whose_body_is_waited_for_lets_another_be_worked_on(
    answering: Answering,
) -> None:
    client = answering(lambda: Response(request.get_data()))
    body = SlowBody()

    with ThreadPoolExecutor(1) as senders:
        slow = senders.submit(client.post, environ_overrides={"wsgi.input": body, "CONTENT_LENGTH": "10"})
        assert body.asked.wait(10)
        other = client.application.test_client().get("/")
        assert not slow.done()
        body.comes.set()

    assert other.status_code == 200


def test_request_whose_body_is_here_holds_no_place_for_bodies_while_it_waits_for_its_turn(answering: Answering) -> None:
    begun, goes_on = threading.Event(), threading.Event()

    def view() -> Response:
        if request.method == "GET":
            begun.set()
            goes_on.wait(10)
        return Response("")

    client = answering(view)
    clients = slow_clients.slow_clients.of(client.application)
    body = SlowBody()
    with ThreadPoolExecutor(2) as people:
        sender = people.submit(client.post, environ_overrides={"wsgi.input": body, "CONTENT_LENGTH": "10"})
        assert body.asked.wait(10)
        reader = people.submit(client.application.test_client().get)
        assert begun.wait(10)
        body.comes.set()
        patience = time.monotonic() + 5
        while clients.arriving and time.monotonic() < patience:
            time.sleep(0.01)
        waited_for, waits = len(clients.arriving), not sender.done()
        taken = [clients.bodies.take("127.0.0.1") for _ in range(BODIES // 2)]
        goes_on.set()

    assert (waited_for, waits, len(taken)) == (0, True, BODIES // 2)
    assert reader.result().status_code == 200


def test_as_many_have_a_turn_as_there_are_places() -> None:
    turns, begun, ends = Turns(3), threading.Semaphore(0), threading.Event()

    def work() -> None:
        with turns.turn("first"):
            begun.release()
            ends.wait(10)

    with ThreadPoolExecutor(10) as people:
        for _ in range(10):
            people.submit(work)
        at_once = sum(begun.acquire(timeout=1) for _ in range(3)) + begun.acquire(timeout=0.1)
        ends.set()
        rest = sum(begun.acquire(timeout=5) for _ in range(7))

    assert (at_once, rest) == (3, 7)


class Comes(NamedTuple):
    """A request that comes from this address, or back after it waited for its client."""

    address: str
    reads: bool = False
    returns: bool = False


def waiting_for(turns: Turns) -> int:
    """How many requests wait for a turn."""
    kinds = (turns.reading, turns.changing)
    return sum(len(kind.returning) + sum(map(len, kind.newcomers.values())) for kind in kinds)


def in_turn(turns: Turns, waiting: list[Comes]) -> list[str]:
    """The order in which requests have their turn that came in this one."""
    order = list[str]()

    def come(request: Comes) -> None:
        turn = Turn(turns, request.address, turns.reading if request.reads else turns.changing)
        turns.wait(turn, returns=request.returns)
        order.append(request.address)
        turn.leave()

    with ThreadPoolExecutor(len(waiting)) as people, turns.turn("holds all others"):
        for number, each in enumerate(waiting, 1):
            people.submit(come, each)
            while waiting_for(turns) < number:
                time.sleep(0.001)
    return order


def test_who_comes_back_goes_first_and_newcomers_take_turns_by_address() -> None:
    waiting = ["a", "a", "a", "b", "c", "back", "b", "back"]

    order = in_turn(Turns(1), [Comes(address, returns=address == "back") for address in waiting])

    assert order == ["back", "back", "a", "b", "c", "a", "b", "a"]


def test_readers_and_those_who_change_something_take_turns_while_both_wait() -> None:
    uploads = [Comes(f"upload {number}", returns=True) for number in range(4)]
    pages = [Comes(f"page {number}", reads=True) for number in range(2)]

    order = in_turn(Turns(1), [*uploads, *pages])

    assert order == ["page 0", "upload 0", "page 1", "upload 1", "upload 2", "upload 3"]


def test_many_uploads_leave_half_of_the_turns_to_pages() -> None:
    """Two of the four uploads that are worked on go on, and two end: readers have their turns, and not the fifth."""
    turns, begun = Turns(4), list[str]()
    ends = {name: threading.Event() for name in ("first", "second", "third", "fourth", "later", "page", "another")}

    def come(name: str) -> None:
        with turns.turn(name, reads=name in ("page", "another")):
            begun.append(name)
            ends[name].wait(10)

    with ThreadPoolExecutor(7) as people:
        for number, name in enumerate(ends, 1):
            people.submit(come, name)
            while len(begun) + waiting_for(turns) < number:
                time.sleep(0.001)
        before = list(begun)
        ends["first"].set()
        ends["second"].set()
        while len(begun) < 6:
            time.sleep(0.001)
        after = begun[4:]
        for end in ends.values():
            end.set()

    assert before == ["first", "second", "third", "fourth"]
    assert sorted(after) == ["another", "page"]
    assert begun[6:] == ["later"]


@pytest.mark.parametrize("reads", [True, False])
def test_slow_requests_leave_turns_to_others_of_their_kind(monkeypatch: pytest.MonkeyPatch, *, reads: bool) -> None:
    """Two slow ones of a kind, and one of the other kind, leave one place. Both kinds take turns there."""
    monkeypatch.setattr(slow_clients, "SLOW_S", 0.0)
    turns = Turns(4)
    with turns.turn("slow", reads=reads), turns.turn("slow", reads=reads), turns.turn("slow", reads=not reads):
        order = in_turn(turns, [Comes(name, reads=reads == (name == "same")) for name in ["same", "other"] * 3])

    assert order == (["same", "other"] if reads else ["other", "same"]) * 3


@pytest.mark.parametrize("reads", [True, False])
def test_slow_requests_of_one_kind_never_take_the_last_place(monkeypatch: pytest.MonkeyPatch, *, reads: bool) -> None:
    monkeypatch.setattr(slow_clients, "SLOW_S", 0.0)
    turns = Turns(4)
    with ExitStack() as slow:
        for _ in range(3):
            slow.enter_context(turns.turn("slow", reads=reads))
        order = in_turn(turns, [Comes(name, reads=reads == (name == "same")) for name in ["same", "other"] * 3])

    assert order == ["other"] * 3 + ["same"] * 3


def test_no_turn_is_lost_between_many_who_come_and_go() -> None:
    turns = Turns(2)

    def come_and_go(number: int) -> int:
        for _ in range(50):
            with turns.turn(str(number % 3), reads=number % 2 == 0) as turn:
                turn.leave()
                turn.come_back()
        return 50

    with ThreadPoolExecutor(12) as people:
        assert sum(people.map(come_and_go, range(12), timeout=60)) == 600

    left = [(kind.at_work, len(kind.returning), kind.newcomers) for kind in (turns.reading, turns.changing)]
    assert (turns._free, left) == (2, [([], 0, {}), ([], 0, {})])


def test_request_that_is_worked_on_makes_the_next_one_wait(
    answering: Answering,
) -> None:
    begun, goes_on = threading.Event(), threading.Event()

    def view() -> Response:
        begun.set()
        goes_on.wait(10)
        return Response("")

    client = answering(view)
    with ThreadPoolExecutor(2) as readers:
        first = readers.submit(client.get)
        assert begun.wait(10)
        begun.clear()
        second = readers.submit(client.application.test_client().get)
        both_at_once = begun.wait(0.1)
        goes_on.set()

    assert not both_at_once
    assert first.result().status_code == second.result().status_code == 200


LARGE = bytes(range(256)) * (4 * WHOLE_BYTES // 256)


def sent(client: FlaskClient, method: str = "GET") -> tuple[list[bytes], str, Callable[[], None]]:
    """The pieces that a web server is given, the status, and what it calls when the client is gone."""
    environ = client.application.test_request_context("/", method=method).request.environ
    app_iter, status, _ = run_wsgi_app(client.application.wsgi_app, environ)
    pieces = list(app_iter)
    return pieces, status, getattr(app_iter, "close", lambda: None)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Response(LARGE),
        lambda: Response(iter([LARGE[:10], LARGE[10:]])),
        lambda: Response(iter([LARGE]), direct_passthrough=True),
    ],
    ids=["page", "stream", "file"],
)
def test_long_answer_goes_out_in_pieces_and_gives_its_place_back(
    answering: Answering, make: Callable[[], Response]
) -> None:
    client = answering(make)
    streams = slow_clients.slow_clients.of(client.application).streams = Shares(1)

    pieces, status, _ = sent(client)

    assert status == "200 OK"
    assert b"".join(pieces) == LARGE
    assert max(map(len, pieces)) <= PIECE_BYTES
    streams.take("the next one")


def test_long_answer_is_refused_while_its_address_reads_others_slowly(
    answering: Answering,
) -> None:
    closed = threading.Event()

    def view() -> Response:
        response = Response(iter([LARGE]))
        response.call_on_close(closed.set)
        return response

    client = answering(view)
    streams = slow_clients.slow_clients.of(client.application).streams = Shares(2)
    streams.take("127.0.0.1")

    answer = client.get("/", headers={"Accept": "application/json"})

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert closed.is_set()


def test_client_that_goes_away_gives_its_place_back(
    answering: Answering,
) -> None:
    client = answering(lambda: Response(iter([LARGE])))
    streams = slow_clients.slow_clients.of(client.application).streams = Shares(1)
    answer = client.get("/", buffered=False)
    assert refused(streams, "the next one")

    answer.close()

    streams.take("the next one")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_short_answer_needs_no_place(answering: Answering, method: str) -> None:
    def view() -> Response:
        response = Response(iter([b"a", b"b"]), direct_passthrough=True)
        response.content_length = 2
        return response

    client = answering(view)
    slow_clients.slow_clients.of(client.application).streams = Shares(0)

    pieces, status, _ = sent(client, method)

    assert status == "200 OK"
    assert pieces == ([b"ab"] if method == "GET" else [])


def test_ipv4_client_of_a_socket_for_both_families_has_its_ipv4_address() -> None:
    seen: list[str] = []

    def application(environ: dict[str, str], _: object) -> list[bytes]:
        seen.append(environ["REMOTE_ADDR"])
        return []

    for address in ("::ffff:192.0.2.1", "2001:db8::1", "192.0.2.1"):
        AtWork(application, 1)({"REMOTE_ADDR": address}, lambda *_: None)  # type: ignore[arg-type]

    assert seen == ["192.0.2.1", "2001:db8::1", "192.0.2.1"]


@pytest.mark.parametrize(("size", "status"), [(999, 200), (1000, 200), (1001, 413), (5000, 413)])
@pytest.mark.parametrize("is_told", [True, False], ids=["length told", "chunked"])
def test_body_may_have_the_limit_itself_where_it_ends_by_itself(
    answering: Answering, size: int, status: int, *, is_told: bool
) -> None:
    client = answering(lambda: Response(request.get_data()))
    body = b"x" * size
    environ = {"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True}
    environ |= {"CONTENT_LENGTH": str(size)} if is_told else {"HTTP_TRANSFER_ENCODING": "chunked"}

    answer = client.post(environ_overrides=environ)

    assert answer.status_code == status
    assert status != 200 or answer.data == body


def test_body_that_is_read_in_parts_may_have_the_limit_itself(app: Flask) -> None:
    for size, taken in ((9, 9), (10, 10), (11, None), (99, None)):
        environ = {"wsgi.input": io.BytesIO(b"x" * size), "wsgi.input_terminated": True}
        with app.test_request_context("/", method="POST", environ_overrides=environ):
            slow_clients.limit_body(10)
            try:
                parts = iter(lambda: request.stream.read(4), b"")
                found: int | None = len(b"".join(parts))
            except RequestEntityTooLarge:
                found = None
        assert found == taken, size
