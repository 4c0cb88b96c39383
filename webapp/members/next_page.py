"""Where to go after signing in: to an address of this site, or to the account."""

import re
from typing import Any
from urllib.parse import urlsplit

# Browsers drop tabs and line ends from an address, and take a backslash for a slash.
_UNSAFE = re.compile(r"[\\\x00-\x20\x7f-\x9f]")
MAX_LENGTH = 2000


def safe_next(address: Any) -> str | None:
    r"""Return a path of this site, or None for whatever could lead to another one.

    "/project/flask/" stays; "//host", "/\host", "https://host", "javascript:..." and line ends do not.
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
