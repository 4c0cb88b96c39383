"""Passwords: their hashes, including those from other sites, and how strong they are."""

import logging
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from flask import Flask, current_app
from passlib.context import CryptContext
from passlib.registry import get_crypt_handler
from werkzeug.exceptions import ServiceUnavailable

from webapp.members import other_hashes
from webapp.serving.per_app import PerApp

log = logging.getLogger(__name__)

MIN_LENGTH = 8
MAX_LENGTH = 4096
MIN_SCORE = 2
# How many characters zxcvbn looks at; its time grows with the square of the length.
EXAMINED = 72

# The first scheme makes new hashes. The others are verified, and replaced at the first sign-in.
SCHEMES = (
    "argon2",
    "sha512_crypt",
    "sha256_crypt",
    "bcrypt",
    "bcrypt_sha256",
    "pbkdf2_sha512",
    "pbkdf2_sha256",
    "django_pbkdf2_sha256",
    "django_pbkdf2_sha1",
    "django_bcrypt",
    "django_bcrypt_sha256",
    "django_argon2",
)
# Passwords are easily recovered from such hashes: they sign nobody in, and the owner gets a link to a new one.
WEAK_SCHEMES = ("hex_md5", "hex_sha1", "django_salted_md5", "django_salted_sha1")
# Tells schemes apart without an application: the move from SQL has none.
_ALL_SCHEMES = CryptContext([*SCHEMES, *WEAK_SCHEMES])
# bcrypt reads this many bytes. The library refuses longer passwords, which other sites cut before hashing.
BCRYPT_BYTES = 72

# Sign-ins that a process handles at a time. A failed one occupies its thread for a while, and `flask serve` has four by
# default.
MAX_CONCURRENT_CHECKS = 3
SLOT_WAIT_S = 0.2
_check_slots = threading.BoundedSemaphore(MAX_CONCURRENT_CHECKS)
# zxcvbn keeps the words that it is told where all threads look for them.
_judging = threading.Lock()


class Checked(NamedTuple):
    """Whether a password is correct, and the hash that should replace an outdated one."""

    is_correct: bool
    new_hash: str | None = None
    is_weak: bool = False  # a hash of WEAK_SCHEMES


hashing = PerApp[CryptContext]("passwords")
dummy = PerApp[str]("password_dummy")


def init_app(app: Flask) -> None:
    """Configure the hash schemes, with the costs from the settings."""
    context = CryptContext(
        [*SCHEMES, *WEAK_SCHEMES],
        deprecated="auto",
        argon2__type="ID",
        argon2__memory_cost=app.config["PASSWORD_MEMORY_KIB"],
        argon2__rounds=app.config["PASSWORD_PASSES"],
    )
    hashing.set(app, context)
    dummy.set(app, "")
    _load_schemes()


def _load_schemes() -> None:
    """Load what each scheme needs, in 35 ms.

    passlib would do so for the first password; if two threads have one at that moment, it may fail for one of them.
    """
    for scheme in SCHEMES:
        handler = get_crypt_handler(scheme)
        if hasattr(handler, "set_backend"):
            handler.set_backend()


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password."""
    hashed: str = hashing().hash(password)
    return hashed


def check(stored_hash: str | None, password: str) -> Checked:
    """Check a password against a stored hash. If there is none to verify, verify a dummy, which takes as long."""
    scheme = scheme_of(stored_hash)
    if scheme is None or stored_hash is None:
        _verifies("argon2", _dummy(), password)
        return Checked(is_correct=False)
    if not _verifies(scheme, stored_hash, password):
        return Checked(is_correct=False)
    if scheme in WEAK_SCHEMES:
        return Checked(is_correct=True, is_weak=True)
    outdated = scheme in other_hashes.VERIFIERS or hashing().needs_update(stored_hash)
    return Checked(is_correct=True, new_hash=hash_password(password) if outdated else None)


def scheme_of(stored_hash: str | None) -> str | None:
    """Return the scheme of a stored hash: one of SCHEMES, WEAK_SCHEMES or `other_hashes.VERIFIERS`.

    None if the site cannot verify it, so that its owner needs a new password.
    """
    text = stored_hash or ""
    scheme: str | None = _ALL_SCHEMES.identify(text, required=False)
    return scheme or other_hashes.scheme_of(text)


@contextmanager
def check_slot() -> Iterator[None]:
    """Limit how many sign-ins this process handles at a time. Raises ServiceUnavailable beyond that."""
    if not _check_slots.acquire(timeout=SLOT_WAIT_S):
        raise ServiceUnavailable("Too many people are signing in right now. Try again in a few seconds.", retry_after=2)
    try:
        yield
    finally:
        _check_slots.release()


def pad_failed_sign_in(started: float) -> None:
    """Wait until a failed sign-in that started then (monotonic clock, s) has taken FAILED_SIGN_IN_MS.

    Hashes from other sites take from 20 to 500 ms. Verifying one of each kind at every failure would let anybody keep
    the processors busy; waiting does not.
    """
    due_s = current_app.config["FAILED_SIGN_IN_MS"] / 1000
    left_s = due_s - (time.monotonic() - started)
    if left_s > 0:
        time.sleep(left_s)
    elif due_s:
        log.warning(
            "a failed sign-in took %d ms longer than FAILED_SIGN_IN_MS: its timing may reveal the account",
            -left_s * 1000,
        )


def weakness(password: str, known_words: list[str]) -> str | None:
    """Return why a password is too easy to guess, as a message for its owner, or None.

    `known_words` are the owner's name, address and username.
    """
    from zxcvbn import zxcvbn  # its lists of words take 12 MB, which only a new password needs

    words = [part for word in known_words for part in (word, *word.replace("@", " ").replace(".", " ").split())]
    try:
        with _judging:
            found: dict[str, Any] = zxcvbn(password[:EXAMINED], [word for word in words if word])
    except (ValueError, OverflowError):
        return None  # no known pattern, so none that could be weak
    if found["score"] >= MIN_SCORE:
        return None
    feedback = found["feedback"]
    hints = [feedback["warning"], *feedback["suggestions"]]
    return " ".join(["This password is too easy to guess.", *(f"{hint.rstrip('.')}." for hint in hints if hint)])


def _verifies(scheme: str, stored_hash: str, password: str) -> bool:
    verify = other_hashes.VERIFIERS.get(scheme)
    try:
        if verify:
            return verify(stored_hash, password)
        secret: Any = password.encode()[:BCRYPT_BYTES] if scheme in ("bcrypt", "django_bcrypt") else password
        return bool(hashing().verify(secret, stored_hash))
    except (ValueError, TypeError):
        # The hash is incomplete, or its scheme cannot hash such a password: one with a NUL, or a very long one.
        return False


def _dummy() -> str:
    """Return the hash of an unknown password; made once, because it takes as long as a verification."""
    if not dummy():
        dummy.set(current_app, hash_password(secrets.token_urlsafe(32)))
    return dummy()
