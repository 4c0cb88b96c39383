"""Hashes of other sites are verified, and replaced at the first sign-in. Other software made those in hashes.txt."""

from pathlib import Path

import pytest
from flask import Flask

from tests import factories
from tests.people import ANOTHER, Browser, browser, errors, link_in, outbox
from tests.reading import one, page_of, words
from webapp.accounts import signing_in
from webapp.documents import AuditEvent, User
from webapp.members import other_hashes, passwords

# Of more than 72 bytes, which is all that bcrypt reads, the last one.
PASSWORDS = {"short": "nanoseconds matter", "other letters": "纳秒很重要，海军上将", "long": "x%$9 kLq!" * 12}
LINES = Path(__file__).with_name("hashes.txt").read_text("utf-8").splitlines()[1:]
HASHES = [tuple(line.split("\t")) for line in LINES]
WEAK = [each for each in HASHES if each[0] == "hashlib" or each[2].startswith("md5$")]
GOOD = [each for each in HASHES if each not in WEAK]


def member_with(stored_hash: str, **fields: object) -> User:
    return factories.user("Ada", **{"email": "ada@example.org", "hashed_password": stored_hash} | fields)


@pytest.mark.parametrize(("software", "which", "stored"), GOOD, ids=lambda text: text[:24])
def test_hash_of_another_site_signs_in_and_is_replaced(
    visitor: Browser, software: str, which: str, stored: str
) -> None:
    member_with(stored)

    refused = [visitor.sign_in("ada@example.org", wrong) for wrong in ("wrong", f"x{PASSWORDS[which]}", "x" * 4096)]
    kept = User.objects.get().hashed_password
    taken = visitor.sign_in("ada@example.org", PASSWORDS[which])

    assert [response.status_code for response in refused] == [400] * 3, software
    assert kept == stored
    assert taken.status_code == 302, software
    assert User.objects.get().hashed_password.startswith("$argon2id$")
    assert browser(visitor.application).sign_in("ada@example.org", PASSWORDS[which]).status_code == 302


def test_there_is_a_hash_of_every_scheme(app: Flask) -> None:
    schemes = {passwords.scheme_of(stored) for _, _, stored in HASHES}

    # argon2 and sha512_crypt are the site's own and the old site's: test_signing_in.py.
    others = {*passwords.SCHEMES, *passwords.WEAK_SCHEMES, *other_hashes.VERIFIERS}
    assert schemes == others - {"argon2", "sha512_crypt", "django_salted_sha1"}


@pytest.mark.parametrize(
    "stored",
    ["", "plain text", "!", "!unusable", "scrypt$", "scrypt$a$b$c$d$e", "scrypt$64$s$8$5$no base64", "scrypt:a:b$s$ff",
     "pbkdf2:sha256:x$s$ff", "pbkdf2:nothing:1$s$ff", "bcrypt$$2b$04$x", "$2b$04$x", "pbkdf2_sha256$1", "$5$"],
)  # fmt: skip
def test_hash_that_is_not_whole_signs_nobody_in(visitor: Browser, stored: str) -> None:
    member_with(stored)

    assert errors(visitor.sign_in("ada@example.org", "ff")) == {"password": signing_in.WRONG}
    assert User.objects.get().hashed_password == stored


@pytest.mark.parametrize(("software", "which", "stored"), WEAK, ids=lambda text: text[:24])
def test_weak_hash_signs_nobody_in_and_its_owner_gets_a_link(
    app: Flask, visitor: Browser, software: str, which: str, stored: str
) -> None:
    member_with(stored)

    wrong = visitor.sign_in("ada@example.org", "wrong")
    mails_before = len(outbox(app))
    right = visitor.sign_in("ada@example.org", PASSWORDS[which])

    assert errors(wrong) == {"password": signing_in.WRONG}
    assert mails_before == 0
    assert "Open the link we sent to your email address" in errors(right)["password"], software
    assert not visitor.is_signed_in()
    assert User.objects.get().hashed_password == stored
    [mail] = outbox(app)
    assert (mail.to, mail.subject) == (["ada@example.org"], "Choose a new password · Larder")
    assert visitor.send(link_in(mail), password=ANOTHER).status_code == 302
    assert visitor.sign_in("ada@example.org", ANOTHER).status_code == 302


def test_weak_hash_in_capital_letters_is_one(app: Flask, visitor: Browser) -> None:
    member_with(WEAK[0][2].upper())

    assert "no longer secure" in errors(visitor.sign_in("ada@example.org", PASSWORDS["short"]))["password"]


@pytest.mark.parametrize(
    ("fields", "loopback", "said"),
    [
        ({"email": None, "username": "ada"}, "http://localhost", "Ask an administrator to reset it."),
        ({"username": "ada"}, "", "Ask an administrator to reset it."),
        ({"username": "ada", "is_disabled": True}, "http://localhost", "An administrator has disabled this account"),
    ],
    ids=["no address", "no mail", "disabled"],
)
def test_weak_hash_whose_owner_gets_no_mail_says_what_to_do(
    app: Flask,
    visitor: Browser,
    monkeypatch: pytest.MonkeyPatch,
    fields: dict[str, object],
    loopback: str,
    said: str,
) -> None:
    member_with(WEAK[0][2], **fields)
    monkeypatch.setitem(app.config, "LOOPBACK_URL", loopback)

    response = visitor.sign_in("ada", PASSWORDS["short"])

    assert said in errors(response)["password"]
    assert outbox(app) == []


class Clock:
    """A clock that a verification takes some time by, and what was waited for."""

    def __init__(self, verification_s: float) -> None:
        self.now, self.waited, self._verification_s = 100.0, [], verification_s  # type: ignore[var-annotated]

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waited.append(round(seconds, 3))

    def verify(self, *_: object) -> bool:
        self.now += self._verification_s
        return False


@pytest.mark.parametrize("identifier", ["ada@example.org", "nobody@example.org", "nobody", "broken@example.org"])
@pytest.mark.parametrize(("verification_s", "waited"), [(0.1, [0.9]), (0.75, [0.25]), (1.5, [])])
def test_failure_takes_the_same_time_whoever_it_is_and_whatever_was_verified(
    app: Flask,
    visitor: Browser,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    identifier: str,
    verification_s: float,
    waited: list[float],
) -> None:
    member_with(GOOD[0][2])
    factories.user("Broken", email="broken@example.org", hashed_password="$argon2id$broken")
    clock = Clock(verification_s)
    monkeypatch.setitem(app.config, "FAILED_SIGN_IN_MS", 1000)
    monkeypatch.setattr(passwords, "_verifies", clock.verify)
    token = visitor.token()
    for module in (passwords, signing_in):
        monkeypatch.setattr(module, "time", clock)

    visitor.post("/account/login", data={"csrf_token": token, "email": identifier, "password": "wrong"})

    assert clock.waited == waited
    assert ("its timing may reveal" in caplog.text) is (not waited)
    assert AuditEvent.objects.of_kind("sign-in failed").count() == 1


def test_success_waits_for_nothing(app: Flask, visitor: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    member_with(GOOD[0][2])
    monkeypatch.setitem(app.config, "FAILED_SIGN_IN_MS", 1000)
    monkeypatch.setattr(passwords, "pad_failed_sign_in", lambda _: pytest.fail("it waited"))

    assert visitor.sign_in("ada@example.org", PASSWORDS["short"]).status_code == 302


def test_those_who_fail_take_some_places_and_no_more(
    app: Flask, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "SLOT_WAIT_S", 0)
    token = visitor.token()
    places = [passwords.check_slot() for _ in range(passwords.MAX_CONCURRENT_CHECKS)]
    for place in places:
        place.__enter__()

    response = visitor.post("/account/login", data={"csrf_token": token, "email": "ada", "password": "wrong"})

    for place in places:
        place.__exit__(None, None, None)
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "2"
    assert "Too many people are signing in" in words(one(page_of(response, 503), ".lead"))
    assert visitor.sign_in("ada", "wrong").status_code == 400
