"""Clients that connect and do nothing, or promise and do not send, or ask and do not read; they always come back."""

import contextlib
import itertools
import resource
import select
import socket
import threading
import time
from typing import Self

# A client that was disconnected, or that the site may have forgotten, connects again after so many seconds.
AGAIN_S = 10


class SlowCrowd:
    """Silent connections, readers that never read, and senders that never send, for the length of a `with` block."""

    def __init__(self, port: int, file: str, addresses: list[str], *, silent: int, readers: int, senders: int) -> None:
        self._port, self._addresses = port, itertools.cycle(addresses)
        self._requests = [
            *[b""] * silent,
            *[f"GET {file} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()] * readers,
            *[f"POST /account/login HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 1000\r\n\r\n".encode()]
            * senders,
        ]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep_connected, daemon=True)

    def __enter__(self) -> Self:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, len(self._requests) + 500)), hard))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _keep_connected(self) -> None:
        ended = select.poll()
        clients = {}
        for request in self._requests:
            client = self._connect(request)
            clients[client.fileno()] = client, request, time.monotonic()
            ended.register(client, 0)
        while not self._stop.wait(0.5):
            now = time.monotonic()
            gone = {number for number, _ in ended.poll(0)}
            old = {number for number, (_, _, since) in clients.items() if now - since > AGAIN_S}
            for number in gone | old:
                client, request, _ = clients.pop(number)
                ended.unregister(client)
                client.close()
                client = self._connect(request)
                clients[client.fileno()] = client, request, now
                ended.register(client, 0)
        for client, _, _ in clients.values():
            client.close()

    def _connect(self, request: bytes) -> socket.socket:
        client = socket.socket()
        client.bind((next(self._addresses), 0))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(5)
        with contextlib.suppress(OSError):
            client.connect(("127.0.0.1", self._port))
            client.sendall(request)
        return client
