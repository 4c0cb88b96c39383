"""Providers of OpenID Connect: their discovery documents and their keys, fetched within bounds and cached."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from config import BadConfig
from webapp.serving.per_app import PerApp
from webapp.serving.slow_clients import waiting_for_upstream
from webapp.upstream.errors import UpstreamFailed
from webapp.upstream.fetching import Fetcher

MAX_BYTES = 300_000
MOST_KEYS = 100
TIMEOUT_S = 5
# Keys that an issuer withdrew are accepted for this long, and for a day if it does not answer.
FRESH_S, USABLE_S = 3600, 86_400
# How often unknown keys lead to another request: anybody can send tokens with invented ones.
ASK_AGAIN_S = 60
# How long a provider that did not answer is left alone, so that each visitor does not wait for it.
PAUSE_S = 10
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class ProviderFailed(RuntimeError):
    """A provider does not answer, or answers something unusable. The message says so on one line."""


class Provider:
    """One provider, known by its issuer: the address in its tokens."""

    def __init__(self, issuer: str, setting: str) -> None:
        """Raises BadConfig, naming the setting, if this cannot be an issuer."""
        if not is_secure(issuer):
            raise BadConfig(f"{setting} has {issuer!r}; expected an address such as https://gitlab.example.org")
        self.issuer = issuer
        self._document_lock, self._lock = threading.Lock(), threading.Lock()
        self._document: dict[str, Any] = {}
        self._document_at, self._document_asked_at = float("-inf"), float("-inf")
        self._document_failure = ""
        self._keys: dict[str, dict[str, Any]] = {}
        self._keys_at, self._asked_at = float("-inf"), float("-inf")

    def document(self) -> dict[str, Any]:
        """Return the discovery document, at most an hour old, or a day if the provider is away. Raises ProviderFailed.

        Source: OpenID Connect Discovery 1.0, section 4.
        """
        with _turn(self._document_lock):
            now = time.monotonic()
            if now - self._document_at >= FRESH_S and now - self._document_asked_at >= PAUSE_S:
                self._fetch_document(now)
            if now - self._document_at >= USABLE_S:
                raise ProviderFailed(self._document_failure)
            return self._document

    def _fetch_document(self, now: float) -> None:
        self._document_asked_at = now
        try:
            found = self.fetch(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self.issuer:
                raise ProviderFailed(f"{self.issuer} calls itself {str(found.get('issuer'))[:200]}")
        except ProviderFailed as error:
            self._document_failure = str(error)
            return
        self._document, self._document_at = found, now

    def endpoint(self, name: str) -> str:
        """Return an address from the discovery document. Raises ProviderFailed."""
        address = self.document().get(name)
        if not isinstance(address, str) or not is_secure(address):
            raise ProviderFailed(f"{self.issuer} names no usable {name}")
        return address

    def key(self, key_id: str) -> dict[str, Any] | None:
        """Return the public key with this id, or None. Raises ProviderFailed.

        The keys are fetched again when they are an hour old, and for an unknown id, at most once a minute.
        """
        with _turn(self._lock):
            now = time.monotonic()
            is_fresh = now - self._keys_at < FRESH_S
            if (key_id not in self._keys or not is_fresh) and now - self._asked_at >= ASK_AGAIN_S:
                self._fetch_keys(now)
            if now - self._keys_at >= USABLE_S:
                raise ProviderFailed(f"The keys of {self.issuer} could not be fetched; try again in a minute")
            return self._keys.get(key_id)

    def _fetch_keys(self, now: float) -> None:
        self._asked_at = now
        try:
            keys = self.fetch(self.endpoint("jwks_uri")).get("keys")
            usable = [each for each in keys if isinstance(each, dict)] if isinstance(keys, list) else []
            found = {each["kid"]: each for each in usable[:MOST_KEYS] if isinstance(each.get("kid"), str)}
            if not found:
                raise ProviderFailed(f"{self.issuer} has no keys")
        except ProviderFailed:
            if now - self._keys_at >= USABLE_S:
                raise
            return
        self._keys, self._keys_at = found, now

    def fetch(self, url: str, form: dict[str, str] | None = None, authorization: str = "") -> dict[str, Any]:
        """Return the JSON object at an address of the provider, to which a form may be posted. Raises ProviderFailed.

        A public provider cannot lead to private addresses.
        """
        headers = {"Accept": "application/json"} | ({"Authorization": authorization} if authorization else {})
        first = urlsplit(self.issuer).hostname or ""
        fetcher = Fetcher(TIMEOUT_S, "", hosts=[first, urlsplit(url).hostname or ""], named="that it names")
        try:
            with fetcher.open(url, headers, form=form) as answer:
                body = fetcher.read(answer, MAX_BYTES)
                status = answer.status_code
        except UpstreamFailed as error:
            raise ProviderFailed(f"{self.issuer} cannot be asked: {error}") from None
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            found = None
        if status != 200 or not isinstance(found, dict):
            said = f": {found['error']}"[:200] if isinstance(found, dict) and "error" in found else ""
            raise ProviderFailed(f"{urlsplit(url).hostname} answered {status} without what was asked for{said}")
        return found


@contextmanager
def _turn(lock: threading.Lock) -> Iterator[None]:
    """Let one request at a time ask the provider; those that wait for it block nobody else."""
    if not lock.acquire(blocking=False):
        with waiting_for_upstream():
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


# The providers in TRUSTED_ISSUERS by their addresses, and whom the tokens of their pipelines must be for.
issuers = PerApp[dict[str, Provider]]("trusted_issuers")
audience_of = PerApp[str]("trusted_audience")


def is_secure(address: str) -> bool:
    """Tell whether this is an https address; on this machine, http will do."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    is_plain = not (parts.query or parts.fragment or parts.username) and address.isprintable() and " " not in address
    return is_plain and bool(
        parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK))
    )
