"""Passwords: hashes, and what makes a password too weak."""

import secrets
from typing import Any, NamedTuple

from flask import Flask, current_app
from passlib.context import CryptContext
from zxcvbn import zxcvbn

MIN_LENGTH = 8
MAX_LENGTH = 4096
MIN_SCORE = 2
# What zxcvbn looks at: its time grows with the square of the length.
EXAMINED = 72

# The first is for new hashes; those of the old site verify, and are replaced at the first sign-in.
SCHEMES = ("argon2", "sha512_crypt")


class Checked(NamedTuple):
    """Whether a password fits, and the hash to keep instead of the stored one when that one is outdated."""

    fits: bool
    new_hash: str | None = None


def init_app(app: Flask) -> None:
    """Give the application its hashes, at the cost that the settings name."""
    app.extensions["passwords"] = CryptContext(
        list(SCHEMES),
        deprecated="auto",
        argon2__type="ID",
        argon2__memory_cost=app.config["PASSWORD_MEMORY_KIB"],
        argon2__rounds=app.config["PASSWORD_PASSES"],
        sha512_crypt__default_rounds=app.config["OLD_PASSWORD_ROUNDS"],
    )
    app.extensions["password_dummies"] = {}


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password."""
    hashed: str = _context().hash(password)
    return hashed


def check(stored_hash: str | None, password: str) -> Checked:
    """Tell whether a password fits to a stored hash.

    A failure takes one verification of each scheme, whatever is stored, and also when nothing is: its time does not
    tell whether there is such an account, nor whether it came from the old site.
    """
    scheme = _scheme_of(stored_hash)
    if scheme and stored_hash and _verifies(stored_hash, password):
        outdated = _context().needs_update(stored_hash)
        return Checked(fits=True, new_hash=hash_password(password) if outdated else None)
    for other in SCHEMES:
        if other != scheme:
            _verifies(_dummy(other), password)
    return Checked(fits=False)


def weakness(password: str, known_words: list[str]) -> str | None:
    """Return why a password is too easy to guess, in words for its owner, or None.

    `known_words` are the owner's own: name, address, username.
    """
    words = [part for word in known_words for part in (word, *word.replace("@", " ").replace(".", " ").split())]
    try:
        found: dict[str, Any] = zxcvbn(password[:EXAMINED], [word for word in words if word])
    except (ValueError, OverflowError):
        return None  # nothing of it is known, so it has no pattern that could be weak
    if found["score"] >= MIN_SCORE:
        return None
    feedback = found["feedback"]
    hints = [feedback["warning"], *feedback["suggestions"]]
    return " ".join(["This password is too easy to guess.", *(f"{hint.rstrip('.')}." for hint in hints if hint)])


def _context() -> CryptContext:
    context: CryptContext = current_app.extensions["passwords"]
    return context


def _scheme_of(stored_hash: str | None) -> str | None:
    """Return the scheme whose verification of this hash will take its time; None for what is no whole hash."""
    scheme = _context().identify(stored_hash or "", required=False)
    try:
        _context().handler(scheme).from_string(stored_hash) if scheme else None
    except (ValueError, TypeError):
        return None
    return scheme


def _verifies(stored_hash: str, password: str) -> bool:
    try:
        return bool(_context().verify(password, stored_hash))
    except (ValueError, TypeError):
        return False  # the scheme cannot hash such a password: a NUL for sha512_crypt, a length past 4,096


def _dummy(scheme: str) -> str:
    """Return the hash of something that nobody knows; made once, because that takes as long as a verification."""
    dummies: dict[str, str] = current_app.extensions["password_dummies"]
    if scheme not in dummies:
        dummies[scheme] = _context().handler(scheme).hash(secrets.token_urlsafe(32))
    return dummies[scheme]
