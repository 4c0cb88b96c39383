"""A load generator: some connections that each send one request after the other, in one process, without threads.

Raw sockets, because a Python HTTP client would be slower than the server that it measures.
"""

import contextlib
import itertools
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
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
    def __init__(self, connected: socket.socket, requests: Iterator[bytes]) -> None:
        self.socket = connected
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
    *urls: str,
    seconds: float,
    connections: int = 8,
    headers: dict[str, str] | None = None,
    in_turn: bool = False,
    processes: Sequence[int] = (),
) -> Measured:
    """Ask for these addresses of one site for some seconds: each connection for one again and again, or all in turn.

    Each of `processes` gets as many connections.
    """
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
            _Connection(connected, shared if in_turn else itertools.repeat(requests[number % len(requests)]))
            for number, connected in enumerate(_connected(address, connections, processes))
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


def _connected(address: tuple[str, int], connections: int, processes: Sequence[int]) -> list[socket.socket]:
    """Return connections, as many to each process.

    Linux deals connections to the processes that listen at a port by chance (SO_REUSEPORT), for instance six and two of
    eight; the six then wait for each other, and a measurement would tell of that chance.
    """
    if not processes:
        return [socket.create_connection(address) for _ in range(connections)]
    kept: dict[int, list[socket.socket]] = {process: [] for process in processes}
    others: list[socket.socket] = []
    each = -(-connections // len(processes))
    while any(len(mine) < each for mine in kept.values()):
        tried = socket.create_connection(address)
        # Once there is an answer, a process has taken the connection.
        first = _Connection(tried, itertools.repeat(f"GET /ping HTTP/1.1\r\nHost: {address[0]}\r\n\r\n".encode()))
        while first.receive() is None:
            pass
        mine = kept.get(_holder(address[1], tried.getsockname()[1], processes), others)
        (mine if len(mine) < each else others).append(tried)
    for other in others:
        other.close()
    return [connected for mine in kept.values() for connected in mine]


def _holder(port: int, client_port: int, processes: Sequence[int]) -> int:
    """Return which process has the other end of a connection. Source: proc(5), /proc/net/tcp."""
    ends = (f":{port:04X}", f":{client_port:04X}")
    rows = (row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:])
    inode = next(row[9] for row in rows if row[1].endswith(ends[0]) and row[2].endswith(ends[1]))
    for process in processes:
        for descriptor in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                if str(descriptor.readlink()) == f"socket:[{inode}]":
                    return process
    return 0


def _content_length(head: bytes) -> int:
    if head[9:12] == b"304":
        return 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line[15:])
    raise ValueError("the answer does not say how long it is")
