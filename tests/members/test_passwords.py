"""Hashes of passwords, and passwords that are too easy to guess."""

import contextlib
import subprocess
import sys
import threading
from typing import Any

import pytest
from flask import Flask
from werkzeug.exceptions import ServiceUnavailable

from webapp.members import passwords
from webapp.members.passwords import check, hash_password, scheme_of, weakness

GOOD = "the analytical engine weaves"


def test_own_hash_is_argon2id_with_a_salt_and_verifies_its_password_alone(app: Flask) -> None:
    stored = hash_password(GOOD)

    assert stored.startswith("$argon2id$")
    assert stored != hash_password(GOOD)
    assert check(stored, GOOD) == (True, None, False)
    assert check(stored, GOOD + " ") == (False, None, False)


NOTHING_IS_LOADED_LATE = """
from flask import Flask
from passlib.registry import get_crypt_handler
from passlib.utils.handlers import BackendMixin
from webapp.members import passwords

def late(cls):
    raise SystemExit(f"{cls.name} is loaded by its first password")

app = Flask("site")
app.config.update(PASSWORD_MEMORY_KIB=64, PASSWORD_PASSES=1)
passwords.init_app(app)
BackendMixin._stub_requires_backend = classmethod(late)
with app.app_context():
    for scheme in passwords.SCHEMES:
        handler = get_crypt_handler(scheme)
        cheap = {"rounds": handler.min_rounds} if getattr(handler, "min_rounds", None) else {}
        assert passwords.check(handler.using(**cheap).hash("secret"), "secret").is_correct, scheme
"""


def test_every_scheme_is_ready_before_the_first_password() -> None:
    """passlib does not load one safely while two threads have a password for it."""
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", NOTHING_IS_LOADED_LATE], capture_output=True, text=True)

    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("stored", [None, "", "!", "$argon2id$broken", "plain"])
def test_what_is_no_hash_verifies_nothing(app: Flask, stored: str | None) -> None:
    assert check(stored, "") == (False, None, False)
    assert check(stored, stored or "x") == (False, None, False)


@pytest.mark.parametrize(
    ("stored", "scheme"),
    [
        (None, None),
        ("", None),
        ("$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0$BnbPgN6aSmG9Jidda9haVnAr9GjM0ydCUfXCZnQJoZM", "argon2"),
        ("5f4dcc3b5aa765d61d8327deb882cf99", "hex_md5"),
        ("nothing", None),
    ],
)
def test_scheme_is_known_by_the_hash(stored: str | None, scheme: str | None) -> None:
    assert scheme_of(stored) == scheme


def test_weak_hash_is_right_and_weak_and_not_replaced(app: Flask) -> None:
    assert check("5f4dcc3b5aa765d61d8327deb882cf99", "password") == (True, None, True)
    assert check("5f4dcc3b5aa765d61d8327deb882cf99", "passw0rd") == (False, None, False)


def test_hash_of_lower_cost_is_replaced(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = hash_password(GOOD)
    dearer = app.extensions["passwords"].copy(argon2__rounds=app.config["PASSWORD_PASSES"] + 1)
    monkeypatch.setitem(app.extensions, "passwords", dearer)

    checked = check(stored, GOOD)

    assert checked.is_correct
    assert checked.new_hash is not None
    assert check(checked.new_hash, GOOD) == (True, None, False)


@pytest.mark.parametrize(
    ("password", "known", "is_weak"),
    [
        ("password1", [], True),
        ("aaaaaaaaaa", [], True),
        (GOOD, [], False),
        ("Quillfeather", [], False),
        ("Quillfeather", ["Ada Quillfeather"], True),
        ("quillfeather", ["ada@quillfeather.example"], True),
        (GOOD * 100, [], False),
    ],
)
def test_password_that_is_easily_guessed_is_named_so(password: str, known: list[str], is_weak: bool) -> None:  # noqa: FBT001 - a parametrized value
    found = weakness(password, known)

    assert (found is not None) is is_weak
    assert found is None or found.startswith("This password is too easy to guess.")


def test_words_of_one_person_say_nothing_of_the_password_of_another() -> None:
    """Two judge at the same moment, and threads take turns much more often than they usually do."""
    people = [("quistelmarn", ["quistelmarn"]), ("tholvendrik", ["tholvendrik"])]
    wrong: list[str] = []

    def judge(password: str, known: list[str]) -> None:
        wrong.extend(password for _ in range(40) if weakness(password, known) is None)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=judge, args=person) for person in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)

    assert wrong == []


def test_only_so_many_are_signed_in_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "SLOT_WAIT_S", 0.01)
    with contextlib.ExitStack() as busy:
        for _ in range(3):
            busy.enter_context(passwords.check_slot())
        with pytest.raises(ServiceUnavailable) as refused:
            busy.enter_context(passwords.check_slot())
    assert refused.value.retry_after == 2
    with passwords.check_slot():
        pass


@pytest.mark.parametrize(("ms", "took_s", "waited"), [(0, 0.0, []), (1000, 0.25, [0.75]), (1000, 1.5, [])])
def test_failed_sign_in_takes_its_time(
    app: Flask, monkeypatch: pytest.MonkeyPatch, ms: int, took_s: float, waited: list[float]
) -> None:
    slept: list[Any] = []
    monkeypatch.setitem(app.config, "FAILED_SIGN_IN_MS", ms)
    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    monkeypatch.setattr("time.sleep", slept.append)

    passwords.pad_failed_sign_in(100.0 - took_s)

    assert slept == waited
