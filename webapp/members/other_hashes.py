"""Hashes that passlib does not support: Werkzeug's, from Flask sites, and Django's scrypt. They are only verified."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable

from werkzeug.security import check_password_hash

# The most memory that one verification may use.
MAX_MEMORY_BYTES = 256 * 1024 * 1024


def scheme_of(stored_hash: str) -> str | None:
    """Return the name of a hash's scheme: "scrypt:32768:8:1$..." -> "werkzeug"; None for any other text."""
    method, _, rest = stored_hash.partition("$")
    if method.partition(":")[0] in ("scrypt", "pbkdf2") and ":" in method and rest.count("$") == 1:
        return "werkzeug"
    return "django_scrypt" if method == "scrypt" and rest.count("$") == 4 else None


def verify_werkzeug(stored_hash: str, password: str) -> bool:
    """Tell whether a password matches a hash of `werkzeug.security`. Raises ValueError for a malformed one."""
    return check_password_hash(stored_hash, password)


def verify_django_scrypt(stored_hash: str, password: str) -> bool:
    """Tell whether a password matches "scrypt$<work factor>$<salt>$<block size>$<parallelism>$<base64>".

    Source: ScryptPasswordHasher of Django 5.2. Raises ValueError for a malformed one.
    """
    _, factor, salt, block_size, parallelism, digest = stored_hash.split("$")
    n, r, p = int(factor), int(block_size), int(parallelism)
    try:
        expected = base64.b64decode(digest, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from None
    found = hashlib.scrypt(
        password.encode(), salt=salt.encode(), n=n, r=r, p=p, maxmem=MAX_MEMORY_BYTES, dklen=len(expected)
    )
    return hmac.compare_digest(found, expected)


VERIFIERS: dict[str, Callable[[str, str], bool]] = {
    "werkzeug": verify_werkzeug,
    "django_scrypt": verify_django_scrypt,
}
