"""A load generator: some connections that each send one request after the other, in one process, without threads.

Raw sockets, because a Python HTTP client would be slower than the server that it measures.
"""

import itertools
import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Measured:
    """What one load found."""

    seconds: float
    milliseconds: list[float] = field(default_factory=list)  # of each answer
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.milliseconds) / self.seconds

    def percentile(self, percent: float) -> float:
        """The time in ms within which this part of the answers came."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


class _Connection:
    def __init__(self, host: str, port: int, requests: Iterator[bytes]) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = requests
        self.send()

    def send(self) -> None:
        self._received = b""
        self._missing: int | None = None
        self.started = time.perf_counter()
        self.socket.sendall(next(self._requests))

    def receive(self) -> int | None:
        """Read what is there; the status once the whole answer is."""
        part = self.socket.recv(1 << 18)
        if not part:
            raise ConnectionError("the server closed the connection")
        if self._missing is None:
            self._received += part
            head, end, body = self._received.partition(b"\r\n\r\n")
            if not end:
                return None
            self._missing = _content_length(head) - len(body)
        else:
            self._missing -= len(part)
        return int(self._received[9:12]) if self._missing <= 0 else None


def drive(
    *urls: str, seconds: float, connections: int = 8, headers: dict[str, str] | None = None, in_turn: bool = False
) -> Measured:
    """Ask for these addresses of one site for some seconds: each connection for one again and again, or all in turn."""
    requests = []
    for url in urls:
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        # As every browser and installer does, it takes compressed answers.
        fields = {"Host": parts.netloc, "Accept": "text/html", "Accept-Encoding": "gzip", **(headers or {})}
        lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        requests.append("\r\n".join(lines).encode())
    address = (parts.hostname or "127.0.0.1", parts.port or 80)
    measured = Measured(seconds)
    with selectors.DefaultSelector() as selector:
        shared = itertools.cycle(requests)
        opened = [
            _Connection(*address, shared if in_turn else itertools.repeat(requests[number % len(requests)]))
            for number in range(connections)
        ]
        for connection in opened:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        end = time.perf_counter() + seconds
        while (now := time.perf_counter()) < end:
            for key, _ in selector.select(end - now):
                status = key.data.receive()
                if status is not None:
                    measured.milliseconds.append((time.perf_counter() - key.data.started) * 1000)
                    measured.statuses[status] = measured.statuses.get(status, 0) + 1
                    key.data.send()
        for connection in opened:
            connection.socket.close()
    return measured


def _content_length(head: bytes) -> int:
    if head[9:12] == b"304":
        return 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line[15:])
    raise ValueError("the answer does not say how long it is")
