"""Sign the messages of webhooks as Standard Webhooks 1.0 does.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

_PREFIX = "whsec_"


def new_secret() -> str:
    """Return a secret of 32 random bytes."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def headers_of(message_id: str, at: int, body: bytes, keys: Iterable[str]) -> dict[str, str]:
    """Return the headers that identify and sign a message; `at` is when it is sent, in seconds since 1970."""
    signed = f"{message_id}.{at}.".encode() + body
    signatures = [f"v1,{base64.b64encode(_digest(key, signed)).decode()}" for key in keys]
    return {"webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": " ".join(signatures)}


def _digest(key: str, signed: bytes) -> bytes:
    return hmac.digest(base64.b64decode(key.removeprefix(_PREFIX)), signed, hashlib.sha256)
