"""Close connections whose clients make no progress, so that they give back what they hold.

A granian thread that waits for a client cannot be interrupted, but closing the connection ends its wait. The kernel
knows how many bytes each connection has moved (tcp(7), TCP_INFO). Clients that neither take an answer nor send the body
they promised are disconnected after some seconds. Only Linux has these counters; elsewhere connections stay open until
their clients close them.
"""

import contextlib
import logging
import os
import socket
import stat
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from webapp.rules.addresses import network_of
from webapp.serving.slow_clients import Body

log = logging.getLogger(__name__)

# A connection that the site waits for must move this many bytes in this many seconds.
ENOUGH_BYTES, PATIENCE_S = 10_000, 10.0
EVERY_S = 1.0
# The offsets of tcpi_bytes_acked, tcpi_bytes_received and tcpi_notsent_bytes in struct tcp_info (linux/tcp.h).
MOVED_AT, UNSENT_AT, INFO_BYTES = 120, 144, 148


@dataclass
class _Progress:
    """When a connection last moved enough, its counter at that time, and since when it has had unsent bytes."""

    moved_at: float
    moved_bytes: int
    unsent_since: float | None = None


class Guard:
    """Watches the connections that this process has accepted on a port."""

    def __init__(self, port: int, arriving: Collection[Body], most_of_one_address: int | None) -> None:
        """`arriving` has the bodies being read. Without a limit, one address may have any number of connections."""
        self._port, self._arriving, self._most = port, arriving, most_of_one_address
        self._progress: dict[int, _Progress] = {}

    def start(self) -> None:
        """Watch the connections in a background thread."""
        if sys.platform == "linux":
            threading.Thread(target=self._run, name="connections", daemon=True).start()

    def _run(self) -> None:
        while True:
            started = time.monotonic()
            try:
                self.look(started)
            except Exception:
                log.exception("the connections could not be looked at")
            # Use at most a tenth of the time, however many there are.
            time.sleep(max(EVERY_S, 9 * (time.monotonic() - started)))

    def look(self, now: float) -> None:
        """Close connections that are stuck, and those that one address has too many of."""
        waited_for = {network_of(body.peer) for body in list(self._arriving) if now - body.moved_at >= PATIENCE_S}
        progress: dict[int, _Progress] = {}
        connections = Counter[str]()
        for inode, connection in _accepted(self._port):
            with contextlib.suppress(OSError):  # its client has just closed it
                address = network_of(connection.getpeername()[0])
                connections[address] += 1
                progress[inode] = self._progress_of(inode, connection, now)
                too_many = self._most is not None and connections[address] > self._most
                if too_many or _is_stuck(progress[inode], now, is_waited_for=address in waited_for):
                    _disconnect(connection)
        self._progress = progress

    def _progress_of(self, inode: int, connection: socket.socket, now: float) -> _Progress:
        moved_bytes, unsent_bytes = _moved_and_unsent(connection)
        known = self._progress.get(inode)
        if known is None or moved_bytes - known.moved_bytes >= ENOUGH_BYTES or moved_bytes < known.moved_bytes:
            known = _Progress(now, moved_bytes, known.unsent_since if known else None)
        if not unsent_bytes:
            known.unsent_since = None
        elif known.unsent_since is None:
            known.unsent_since = now
        return known


def _is_stuck(progress: _Progress, now: float, *, is_waited_for: bool) -> bool:
    """Tell whether a client takes too little of an answer, or shares its address with one that sends no body."""
    if now - progress.moved_at < PATIENCE_S:
        return False
    takes_nothing = progress.unsent_since is not None and now - progress.unsent_since >= PATIENCE_S
    return takes_nothing or (is_waited_for and progress.unsent_since is None)


def _accepted(port: int) -> Iterator[tuple[int, socket.socket]]:
    """Yield a handle of each connection accepted on this port, under a number that stays the same."""
    for file in Path("/proc/self/fd").iterdir():
        try:
            # A copy, because granian may close its own at any time, and its number may then mean another file.
            copy = os.dup(int(file.name))
        except OSError:
            continue
        info = os.fstat(copy)
        if not stat.S_ISSOCK(info.st_mode):
            os.close(copy)
            continue
        with socket.socket(fileno=copy) as connection:
            try:
                is_ours = connection.family in (socket.AF_INET, socket.AF_INET6) and connection.getsockname()[1] == port
                if is_ours and connection.getpeername():
                    yield info.st_ino, connection
            except OSError:  # it is listening, or was closed
                continue


def _disconnect(connection: socket.socket) -> None:
    """Close a connection at once and drop unsent data, which the kernel would otherwise keep offering to the client."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RDWR)


def _moved_and_unsent(connection: socket.socket) -> tuple[int, int]:
    """Return how many bytes a connection has moved in both directions, and how many its client has yet to read."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, INFO_BYTES)
    sent, received = struct.unpack_from("=QQ", info, MOVED_AT)
    (unsent,) = struct.unpack_from("=I", info, UNSENT_AT)
    return sent + received, unsent
