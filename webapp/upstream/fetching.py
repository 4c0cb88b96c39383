"""Requests to the other index, limited in time, size and redirects."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import DecodeError, HTTPError, ProtocolError, ReadTimeoutError

from webapp.serving.slow_clients import waiting_for_upstream
from webapp.upstream.bounded import (
    KEPT_OPEN,
    BoundedAdapter,
    ClosedMeanwhile,
    PrivateAddress,
    given_up_after,
    leads_to_private,
    without_credentials,
)
from webapp.upstream.errors import UpstreamBusy, UpstreamFailed

log = logging.getLogger(__name__)

MAX_REDIRECTS = 5
PART_BYTES = 64 * 1024
# How long a host that did not answer is left alone, so that nobody waits in vain.
PAUSE_S = 10.0
URGENT_S = 3
# Files must arrive at this speed; a slower one would keep a thread of the site busy.
LEAST_BYTES_PER_S = 50_000
# And pages, if an older one is at hand: uv asks for 50 at once, which share a slow line.
LEAST_OF_PAGE_PER_S = 5_000


class Fetcher:
    """Sends requests to the other index; threads share its connections."""

    def __init__(
        self,
        timeout_s: float,
        origin: str,
        auth: tuple[str, str] | None = None,
        *,
        hosts: Sequence[str] | None,
        named: str = "in UPSTREAM_FILE_HOSTS",
        allows_private: Callable[[], bool] = lambda: False,
        waiting: Callable[[], AbstractContextManager[None]] = waiting_for_upstream,
    ) -> None:
        """Wait at most `timeout_s` seconds for the head of an answer, and for each part of its body.

        `auth` is only for addresses of this origin. Requests go only to `hosts`, of which the index's own is the first,
        and to private addresses only if that is private; `named` says in messages where these come from. Without
        `hosts` they go anywhere, but without credentials, even if a `.netrc` has some, and `allows_private` decides.
        Requests of readers wait in `waiting`.
        """
        self._timeout_s, self._waits = timeout_s, waiting
        self._hosts, self._named = hosts, named
        self._origin, self._auth = origin, auth
        self._session = requests.Session()
        allowed = allows_private if hosts is None else lambda: leads_to_private(hosts[0])
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, BoundedAdapter(timeout_s, allowed))
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._lock = threading.Lock()
        self._away: dict[str, float] = {}  # hosts, and until when they are left alone

    def open(
        self,
        url: str,
        headers: dict[str, str],
        *,
        is_urgent: bool = False,
        purpose: str = "",
        form: dict[str, str] | None = None,
    ) -> requests.Response:
        """Return the answer from an address, before its body is read; the caller closes it. Raises UpstreamFailed.

        If something older is at hand, the wait is short. A host that does not answer is left alone for a while, but if
        there is a `purpose`, then in that regard only. A `form` is posted, and not to where the answer redirects.
        """
        timeout_s = min(self._timeout_s, URGENT_S) if is_urgent else self._timeout_s
        end_at = time.monotonic() + self._timeout_s
        for _ in range(MAX_REDIRECTS + 1):
            response = self._asked(url, headers, timeout_s, purpose, form)
            if form is not None or not response.is_redirect:
                return response
            response.close()
            target = urljoin(url, response.headers["Location"])
            if url.startswith("https:") and not target.startswith("https:"):
                raise UpstreamFailed(f"{host_of(url)} redirects to an address without encryption")
            if time.monotonic() > end_at:
                raise UpstreamBusy(f"{host_of(url)} took longer than {self._timeout_s} seconds to redirect", PAUSE_S)
            url = target
        raise UpstreamFailed(f"{host_of(url)} redirects more than {MAX_REDIRECTS} times")

    def _asked(
        self, url: str, headers: dict[str, str], timeout_s: float, purpose: str, form: dict[str, str] | None
    ) -> requests.Response:
        host = host_of(url)
        if self._hosts is not None and host not in self._hosts:
            raise UpstreamFailed(f"{host} is not one of the hosts {self._named}, so it is not contacted")
        auth: Any = self._auth if url.startswith(f"{self._origin}/") else None
        if self._hosts is None or "Authorization" in headers:
            auth = without_credentials
        with self._lock:
            rest_s = max(self._away.get(each, 0.0) for each in (host, host + purpose)) - time.monotonic()
        if rest_s > 0:
            raise UpstreamBusy(f"{host} did not answer a moment ago", rest_s)
        request = partial(
            self._session.request,
            "GET" if form is None else "POST",
            url,
            data=form,
            headers=headers,
            timeout=timeout_s,
            auth=auth,
            stream=True,
            allow_redirects=False,
        )
        try:
            with self._waits():
                for _ in range(KEPT_OPEN if form is None else 0):
                    try:
                        return request()
                    except requests.ConnectionError as error:
                        # Others that were kept open may be closed by now, too.
                        if not isinstance(_broken(error), ClosedMeanwhile):
                            raise
                return request()
        except requests.Timeout:
            self.leave_alone(host + purpose)
            raise UpstreamBusy(f"{host} did not answer within {timeout_s} seconds", PAUSE_S) from None
        except requests.ConnectionError as error:
            is_broken = _broken(error) is not None
            if purpose or not is_broken:  # one answer that breaks off says nothing about the others
                self.leave_alone(host + purpose)
            what = "closed the connection, or sent something other than HTTP" if is_broken else "cannot be reached"
            raise UpstreamFailed(f"{host} {what}") from None
        except PrivateAddress:
            raise UpstreamFailed(f"{host} has a private address, which a public index may not lead to") from None
        except (requests.RequestException, ValueError) as error:
            log.info("%s: %s", host, error)
            raise UpstreamFailed(f"{host} led to an address that cannot be asked") from None

    def read(
        self, response: requests.Response, most: int, most_s: float | None = None, *, is_urgent: bool = False
    ) -> bytes:
        """Return a whole body, decompressed. Raises UpstreamFailed if it is larger than `most`, or takes too long.

        If something older is at hand, a body that only trickles is soon given up.
        """
        body, started, is_late = bytearray(), time.monotonic(), False
        with self._waits():
            parts = _arriving(response, decode_content=True)
            for part in self._parts(response, parts, most_s or self._timeout_s * 3):
                if is_late:
                    raise UpstreamBusy(f"{host_of(response.url)} sends too slowly")
                body += part
                if len(body) > most:
                    raise UpstreamFailed(f"{host_of(response.url)} sent more than {most:,} bytes")
                late_s = time.monotonic() - started - URGENT_S
                is_late = is_urgent and len(body) < late_s * LEAST_OF_PAGE_PER_S
        return bytes(body)

    def parts(self, response: requests.Response, most_s: float) -> Iterator[bytes]:
        """Yield the raw bytes of a file as they arrive: some servers declare a .tar.gz as compressed content.

        Raises UpstreamFailed if it breaks off, or is not complete after `most_s`.
        """
        return self._parts(response, _arriving(response, decode_content=False), most_s)

    def _parts(self, response: requests.Response, body: Iterator[bytes], most_s: float) -> Iterator[bytes]:
        host, end_at = host_of(response.url), time.monotonic() + most_s
        connection = getattr(response.raw.connection, "sock", None)
        try:
            with given_up_after(most_s, lambda: connection):
                for part in body:
                    yield part
                    if time.monotonic() > end_at:
                        raise TimeoutError
        except TimeoutError:
            raise UpstreamBusy(f"{host} took longer than {most_s:.0f} seconds") from None
        except (requests.ConnectionError, ReadTimeoutError):
            raise UpstreamBusy(f"{host} stopped sending") from None
        except DecodeError:
            raise UpstreamFailed(f"{host} sent something that cannot be decompressed") from None
        except (requests.RequestException, HTTPError):
            raise UpstreamFailed(f"{host} broke off before the end") from None

    def leave_alone(self, host: str) -> None:
        """Ask nothing of a host for a while, or of a host and a purpose in one text."""
        with self._lock:
            now = time.monotonic()
            self._away = {each: until for each, until in self._away.items() if until > now} | {host: now + PAUSE_S}


def _broken(error: requests.ConnectionError) -> Any:
    """Return what broke a connection that had been made, or None if there was none."""
    found = error.args[0] if error.args else None
    return found.args[-1] if isinstance(found, ProtocolError) else None


def _arriving(response: requests.Response, *, decode_content: bool) -> Iterator[bytes]:
    """Yield a body as it arrives; waiting for parts of a fixed size would let an upstream trickle forever."""
    raw = response.raw
    while not raw.closed:
        # Compressed bytes may not yield any data yet.
        if part := raw.read1(PART_BYTES, decode_content=decode_content):
            yield part
    if raw.length_remaining:
        raise UpstreamFailed(f"{host_of(response.url)} broke off before the end")


def host_of(url: str) -> str:
    """Return the host of an address, without a user name and password."""
    return urlsplit(url).hostname or "the other index"
