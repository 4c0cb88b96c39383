"""Connections to other hosts that a trickle cannot hold open, and that do not lead to private addresses by surprise."""

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

# Connections to one host that are used again; uv alone asks for 50 pages at once.
KEPT_OPEN = 64
LATE = "the answer took too long"
# Gateways turn these into the IPv4 address in the last 32 bits: NAT64 (RFC 6052) and stateless translation (RFC 2765).
_CARRYING = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::ffff:0:0:0/96"))
# What Python calls global, at least in 3.11, but is not (RFC 4291, 3879, 8215, 9602 and 9637).
_NOT_PUBLIC = tuple(
    ipaddress.IPv6Network(each) for each in ("::/96", "fec0::/10", "64:ff9b:1::/48", "5f00::/16", "3fff::/20")
)


class PrivateAddress(RuntimeError):
    """A host has a private address, which is not allowed here."""


class ClosedMeanwhile(ConnectionResetError):
    """The other side closed a connection just when it was used again, which it may (RFC 9112, section 9.3.1)."""


class BoundedAdapter(HTTPAdapter):
    """Limits how long a connection and the head of an answer may take, however slowly their bytes arrive.

    The timeout of a socket starts again with each byte. `allows_private` is asked whether an address may be private. A
    proxy decides on its own what it connects to.
    """

    def __init__(self, timeout_s: float, allows_private: Callable[[], bool]) -> None:
        self._timeout_s, self._allows_private = timeout_s, allows_private
        super().__init__(pool_maxsize=KEPT_OPEN)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools use bounded connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools(self._allows_private)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Make the pools that use a proxy use bounded connections too."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools(lambda: True)
        return manager

    def _pools(self, allows_private: Callable[[], bool]) -> dict[str, type[HTTPConnectionPool]]:
        bounds = {"timeout_s": self._timeout_s, "allows_private": staticmethod(allows_private)}
        plain = type("Plain", (_BoundedConnection, HTTPConnection), bounds)
        secure = type("Secure", (_BoundedConnection, HTTPSConnection), bounds)
        return {
            "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }


class _BoundedConnection:
    """What both kinds of connections add to urllib3's."""

    timeout_s: float
    allows_private: Callable[[], bool]
    host: str
    sock: socket.socket | None
    _opened: socket.socket | None = None
    _is_used = False

    def connect(self) -> None:
        """Connect, including TLS and the proxy's answer. Raises PrivateAddress, or TimeoutError if too slow."""
        self._is_used = False
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
        if leads_to_private(self.host) and not self.allows_private():
            raise PrivateAddress
        opened: socket.socket = super()._new_conn()  # type: ignore[misc]
        # A name may have other addresses each time it is looked up.
        if is_private(opened.getpeername()[0]) and not self.allows_private():
            opened.close()
            raise PrivateAddress
        # TLS takes over the socket before its handshake; a duplicate can still shut the connection down.
        self._opened = opened.dup()
        return opened

    def getresponse(self) -> Any:
        """Return the answer once its head has arrived. If that takes too long, raise like a closed connection."""
        was_used, self._is_used = self._is_used, True
        try:
            with given_up_after(self.timeout_s, lambda: self.sock):
                return super().getresponse()  # type: ignore[misc]
        except ConnectionError as error:
            if was_used:
                raise ClosedMeanwhile from error
            raise


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
    """Tell whether an IP address is not public: loopback, private, link-local, multicast and so on (RFC 6890).

    An IPv6 address that a gateway turns into an IPv4 address is as public as that one.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if any(parsed in network for network in _NOT_PUBLIC):
            return True
        parsed = _carried(parsed) or parsed
    return not parsed.is_global or parsed.is_multicast


def _carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address in an IPv6 address: mapped, 6to4, or in the last 32 bits of `_CARRYING`."""
    if any(address in network for network in _CARRYING):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def leads_to_private(host: str) -> bool:
    """Tell whether all addresses of a host are private."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(is_private(str(each[4][0])) for each in found)


def without_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep requests from sending the password that a .netrc file has for the host: pass this as `auth`."""
    return request
