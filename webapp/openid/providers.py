"""Providers of OpenID Connect: their discovery documents and their keys, fetched within bounds and cached."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from config import BadConfig
from webapp.serving.per_app import PerApp
from webapp.serving.slow_clients import waiting_for_provider
from webapp.upstream.errors import UpstreamFailed
from webapp.upstream.fetching import Fetcher

# The answer with an ID token may have an access token with as many groups beside it.
MAX_BYTES = 1_000_000
MOST_KEYS = 100
# For a connection, for the head of an answer, and for its body. pypa/gh-action-pypi-publish waits five seconds for this
# site, and prints no reason after that.
TIMEOUT_S = 4
# Keys that an issuer withdrew are accepted for this long, and for a day if it does not answer.
FRESH_S, USABLE_S = 3600, 86_400
# How often unknown keys lead to another request: anybody can send tokens with invented ones.
ASK_AGAIN_S = 60
# How long a provider is left alone after a failure, so that each visitor does not wait for it.
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
        self._document = _Kept(self._fetch_document)
        self._keys = _Kept(self._fetch_keys)

    def document(self) -> dict[str, Any]:
        """Return the discovery document, at most an hour old, or a day if the provider is away. Raises ProviderFailed.

        Source: OpenID Connect Discovery 1.0, section 4.
        """
        return self._document.get()

    def _fetch_document(self) -> dict[str, Any]:
        found = self.fetch(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.issuer:
            raise ProviderFailed(f"{self.issuer} calls itself {str(found.get('issuer'))[:200]}")
        return found

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
        return self._keys.get(key_id).get(key_id)

    def _fetch_keys(self) -> dict[str, Any]:
        keys = self.fetch(self.endpoint("jwks_uri")).get("keys")
        usable = [each for each in keys if isinstance(each, dict)] if isinstance(keys, list) else []
        found = {each["kid"]: each for each in usable[:MOST_KEYS] if isinstance(each.get("kid"), str)}
        if not found:
            raise ProviderFailed(f"{self.issuer} has no keys")
        return found

    def fetch(self, url: str, form: dict[str, str] | None = None, authorization: str = "") -> dict[str, Any]:
        """Return the JSON object at an address of the provider, to which a form may be posted. Raises ProviderFailed.

        A public provider cannot lead to private addresses.
        """
        headers = {"Accept": "application/json"} | ({"Authorization": authorization} if authorization else {})
        first = urlsplit(self.issuer).hostname or ""
        hosts = [first, urlsplit(url).hostname or ""]
        fetcher = Fetcher(TIMEOUT_S, "", hosts=hosts, named="that it names", waiting=waiting_for_provider)
        try:
            with fetcher.open(url, headers, form=form) as answer:
                body = fetcher.read(answer, MAX_BYTES, TIMEOUT_S)
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


class _Kept:
    """What a provider last answered to one question, which one request at a time asks of it.

    Others wait for that request only if nothing older serves them, and then share its outcome: nobody waits longer than
    one attempt takes.
    """

    def __init__(self, ask: Callable[[], dict[str, Any]]) -> None:
        self._ask, self._lock = ask, threading.Lock()
        self._found: dict[str, Any] = {}
        self._found_at = self._left_alone_until = float("-inf")
        self._failure = ""

    def get(self, needed: str | None = None) -> dict[str, Any]:
        """Return the answer, after asking again if it is an hour old or lacks what is needed. Raises ProviderFailed."""
        if not self._serves(needed, FRESH_S):
            self._bring_up_to_date(needed)
        if not self._serves(None, USABLE_S):
            raise ProviderFailed(self._failure)
        return self._found

    def _serves(self, needed: str | None, seconds: float) -> bool:
        has_it = needed is None or needed in self._found
        return has_it and time.monotonic() - self._found_at < seconds

    def _bring_up_to_date(self, needed: str | None) -> None:
        if not self._lock.acquire(blocking=False):
            if self._serves(needed, USABLE_S):
                return
            with waiting_for_provider():
                self._lock.acquire()
        try:
            # Those who waited find what was just answered, or the pause after a failure.
            if not self._serves(needed, FRESH_S) and time.monotonic() >= self._left_alone_until:
                self._try()
        finally:
            self._lock.release()

    def _try(self) -> None:
        asked_at = time.monotonic()
        try:
            self._found, self._found_at = self._ask(), asked_at
        except ProviderFailed as error:
            self._failure = str(error)
            pause_s = PAUSE_S
        else:
            pause_s = ASK_AGAIN_S
        # The pause begins now: an attempt may take longer than it.
        self._left_alone_until = time.monotonic() + pause_s


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
