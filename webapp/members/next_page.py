"""Where to go after signing in: an address on this site, or the account page."""

import re
from typing import Any
from urllib.parse import urlsplit

# Browsers drop tabs and line breaks from addresses, and treat a backslash as a slash.
_UNSAFE = re.compile(r"[\\\x00-\x20\x7f-\x9f]")
MAX_LENGTH = 2000


def safe_next(address: Any) -> str | None:
    r"""Return a path on this site, or None for anything that could lead to another one.

    "/project/flask/" stays; "//host", "/\host", "https://host", "javascript:..." and line breaks do not.
    """
    if not isinstance(address, str) or not address.startswith("/") or address.startswith("//"):
        return None
    if len(address) > MAX_LENGTH or _UNSAFE.search(address):
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return None if parts.scheme or parts.netloc else address
