"""Connections to other hosts that cannot be held open by a trickle, and that lead to no private address by surprise."""

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Iterator
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

LATE = "the answer took too long"


class PrivateAddress(RuntimeError):
    """A host has a private address, and the index that led there has a public one."""


class BoundedAdapter(HTTPAdapter):
    """Gives up an answer whose head is not there in time, however it trickles in.

    A socket's own timeout begins again with each byte. Private addresses may be reached only where the index itself has
    one; what goes through a proxy is the proxy's to decide.
    """

    def __init__(self, timeout_s: float, index_host: str) -> None:
        self._timeout_s, self._index_host = timeout_s, index_host
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Let the pools make connections of this kind."""
        super().init_poolmanager(*args, **kwargs)
        bound = {"timeout_s": self._timeout_s, "index_host": self._index_host}
        plain = type("Plain", (_Bounded, HTTPConnection), bound)
        secure = type("Secure", (_Bounded, HTTPSConnection), bound)
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }


class _Bounded:
    """What both kinds of connections do more than urllib3's own."""

    timeout_s: float
    index_host: str
    host: str
    sock: socket.socket | None

    def connect(self) -> None:
        """Connect, and look where that led: a name may lead elsewhere at each look-up."""
        super().connect()  # type: ignore[misc]
        if self.sock and is_private(self.sock.getpeername()[0]) and not _leads_to_private(self.index_host):
            self.sock.close()
            raise PrivateAddress

    def getresponse(self) -> Any:
        """Return the answer once its head is there. Raises what a closed connection does when that takes too long."""
        with given_up_after(self.timeout_s, self.sock):
            return super().getresponse()  # type: ignore[misc]


@contextlib.contextmanager
def given_up_after(seconds: float, connection: socket.socket | None) -> Iterator[None]:
    """Close a connection when this block takes longer, whatever is being read from it. Raises TimeoutError then."""
    is_late = threading.Event()

    def give_up() -> None:
        is_late.set()
        with contextlib.suppress(OSError, AttributeError):
            connection.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if is_late.is_set():
            raise TimeoutError(LATE) from error
        raise
    finally:
        timer.cancel()
    if is_late.is_set():  # and what came in until then may look whole
        raise TimeoutError(LATE)


def is_private(address: str) -> bool:
    """Tell whether an IP address is not a public one: loopback, private, link-local and the like (RFC 6890)."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return not (mapped or parsed).is_global


def _leads_to_private(host: str) -> bool:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(is_private(str(each[4][0])) for each in found)
