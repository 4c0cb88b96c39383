"""Connections to other hosts that a trickle cannot hold open, and that do not lead to private addresses by surprise."""

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

LATE = "the answer took too long"


class PrivateAddress(RuntimeError):
    """A host has a private address, but the index that led there has a public one."""


class BoundedAdapter(HTTPAdapter):
    """Limits how long a connection and the head of an answer may take, however slowly their bytes arrive.

    The timeout of a socket starts again with each byte. Private addresses are allowed only if the index itself has one.
    A proxy decides on its own what it connects to.
    """

    def __init__(self, timeout_s: float, index_host: str) -> None:
        self._timeout_s, self._index_host = timeout_s, index_host
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools use bounded connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools(self._index_host)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Make the pools that use a proxy use bounded connections too."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools(None)
        return manager

    def _pools(self, index_host: str | None) -> dict[str, type[HTTPConnectionPool]]:
        bounds = {"timeout_s": self._timeout_s, "index_host": index_host}
        plain = type("Plain", (_BoundedConnection, HTTPConnection), bounds)
        secure = type("Secure", (_BoundedConnection, HTTPSConnection), bounds)
        return {
            "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }


class _BoundedConnection:
    """What both kinds of connections add to urllib3's."""

    timeout_s: float
    index_host: str | None  # None: a proxy connects to the host
    host: str
    sock: socket.socket | None
    _opened: socket.socket | None = None

    def connect(self) -> None:
        """Connect, including TLS and the proxy's answer. Raises PrivateAddress, or TimeoutError if too slow."""
        try:
            with given_up_after(self.timeout_s, lambda: self._opened):
                super().connect()  # type: ignore[misc]
        except BaseException:
            if self.sock:
                self.sock.close()
            raise
        finally:
            if self._opened:
                self._opened.close()
                self._opened = None

    def _new_conn(self) -> socket.socket:
        """Open the TCP connection to an allowed address."""
        if self.index_host is not None and _leads_to_private(self.host):
            self._refuse_unless_index_is_private()
        opened: socket.socket = super()._new_conn()  # type: ignore[misc]
        # A name may have other addresses each time it is looked up.
        if self.index_host is not None and is_private(opened.getpeername()[0]):
            try:
                self._refuse_unless_index_is_private()
            except PrivateAddress:
                opened.close()
                raise
        # TLS takes over the socket before its handshake; a duplicate can still shut the connection down.
        self._opened = opened.dup()
        return opened

    def _refuse_unless_index_is_private(self) -> None:
        if self.index_host is not None and not _leads_to_private(self.index_host):
            raise PrivateAddress

    def getresponse(self) -> Any:
        """Return the answer once its head has arrived. If that takes too long, raise like a closed connection."""
        with given_up_after(self.timeout_s, lambda: self.sock):
            return super().getresponse()  # type: ignore[misc]


@contextlib.contextmanager
def given_up_after(seconds: float, connection: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Shut down a connection if this block takes longer, and raise TimeoutError, whatever is being read from it."""
    is_late = threading.Event()

    def give_up() -> None:
        is_late.set()
        with contextlib.suppress(OSError, AttributeError):
            connection().shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]

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
    if is_late.is_set():  # and what arrived until then may look complete
        raise TimeoutError(LATE)


def is_private(address: str) -> bool:
    """Tell whether an IP address is not public: loopback, private, link-local and so on (RFC 6890)."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return not (mapped or parsed).is_global


def _leads_to_private(host: str) -> bool:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(is_private(str(each[4][0])) for each in found)
