"""Tell by their scheme which password hashes the site can verify, without revealing any part of them."""

import re

from webapp.members import passwords

# How hashes of schemes start that are used elsewhere but cannot be verified here.
_OTHERS = {
    "$1$": "md5_crypt",
    "$7$": "scrypt of crypt(3)",
    "$apr1$": "Apache's apr1",
    "$gy$": "gost-yescrypt",
    "$H$": "phpass",
    "$P$": "phpass",
    "$pbkdf2$": "pbkdf2_sha1",
    "$S$": "Drupal's sha512",
    "$scrypt$": "passlib's scrypt",
    "$sha1$": "sha1_crypt",
    "$y$": "yescrypt",
    "{BCRYPT}": "LDAP's BCRYPT",
    "{CRYPT}": "LDAP's CRYPT",
    "{MD5}": "LDAP's MD5",
    "{PBKDF2}": "LDAP's PBKDF2",
    "{SHA}": "LDAP's SHA",
    "{SHA256}": "LDAP's SHA256",
    "{SHA512}": "LDAP's SHA512",
    "{SMD5}": "LDAP's SMD5",
    "{SSHA}": "LDAP's SSHA",
    "{SSHA256}": "LDAP's SSHA256",
    "{SSHA512}": "LDAP's SSHA512",
    "crypt$": "Django's crypt",
    "sha256$": "Werkzeug's salted sha256",
    "sha512$": "Werkzeug's salted sha512",
}
_HEX = {64: "64 hex digits, like SHA-256", 96: "96 hex digits, like SHA-384", 128: "128 hex digits, like SHA-512"}


def unverifiable(stored_hash: str) -> str | None:
    """Return the scheme of a hash that cannot be verified here, or None if it can.

    Unknown forms are called "no known scheme", whatever they contain: they may be passwords.
    """
    scheme = passwords.scheme_of(stored_hash)
    if scheme in passwords.WEAK_SCHEMES:
        return f"{scheme}, weak"
    if scheme is not None:
        return None
    if stored_hash[0] in "!*":  # Django, and the passwd file, use this for accounts without a password
        return "a mark of no usable password"
    if name := next((name for start, name in _OTHERS.items() if stored_hash.startswith(start)), None):
        return name
    digits = len(stored_hash) if re.fullmatch(r"[0-9a-fA-F]+", stored_hash) else 0
    return _HEX.get(digits, "no known scheme")
