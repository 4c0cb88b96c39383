"""A small HTTP server on loopback or another address of this machine, with the answers that a test gives it."""

import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Answer(NamedTuple):
    """What the server answers at one path."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    # Bytes after which the connection is closed, although more were promised.
    cut_at: int | None = None
    headers: Mapping[str, str] = {}
    # Seconds after which the answer begins.
    delay_s: float = 0


@contextmanager
def served(
    answers: Mapping[str, Answer],
    asked: list[str] | None = None,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
) -> Iterator[str]:
    """The address of a server that gives these answers, and 404 at any other path; it notes the paths in `asked`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers.get(self.path, Answer(404, b'{"message": "Not Found"}'))
            if asked is not None:
                asked.append(self.path)
            time.sleep(answer.delay_s)
            if self.headers.get("If-None-Match", "") in answer.headers.values():
                answer = answer._replace(status=304, body=b"")
            if answer.status:
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(ConnectionError):  # a client may leave half way
                    self.wfile.write(answer.body[: answer.cut_at])
            self.close_connection = True

        def do_HEAD(self) -> None:
            answer = answers.get(self.path, Answer(404))
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with running(Handler, tls, host) as address:
        yield address


@contextmanager
def answering_posts(body: bytes) -> Iterator[str]:
    """The address of a server that reads whatever is posted to it, and answers this JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with running(Handler) as address:
        yield address


@contextmanager
def running(
    handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[str]:
    with ThreadingHTTPServer((host, 0), handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"https://localhost:{server.server_port}" if tls else f"http://{host}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class Posted(NamedTuple):
    """One request that a receiver got."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class Receiver:
    """What a receiver of posts got, and how it answers; a test may change that."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.got: list[Posted] = []
        self.status = 200
        self.delay_s = 0.0


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A server that takes any post."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append(Posted(self.path, dict(self.headers), body))
            time.sleep(receiver.delay_s)
            with suppress(ConnectionError):
                self.send_response(receiver.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    receiver = Receiver("")
    with running(Handler) as address:
        receiver.address = address
        yield receiver
