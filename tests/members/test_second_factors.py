"""Codes of authenticator apps and recovery codes."""

import base64
import hashlib

import pytest
from flask import Flask
from pymongo.errors import DuplicateKeyError

from tests import factories
from tests.members.conftest import STEP_S, Clock
from webapp.documents import User
from webapp.documents.base import utc_now
from webapp.documents.second_factor import MOST_FACTORS, RecoveryCode, SecondFactor
from webapp.members import second_factors
from webapp.members.second_factors import (
    add,
    address_of,
    codes_left,
    new_secret,
    picture_of,
    proof_of,
    remove,
    remove_all,
    renew_recovery_codes,
    step_of,
)

# RFC 6238, appendix B: the secret of its SHA-1 examples, and the last six digits of its codes.
SECRET = base64.b32encode(b"12345678901234567890").decode()
CODES = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"}


def app_factor(factor_id: str = "1", **fields: object) -> SecondFactor:
    return SecondFactor(factor_id=factor_id, kind="app", name="phone", secret=SECRET, last_step=0, **fields)


@pytest.mark.parametrize(("now", "code"), CODES.items())
def test_codes_are_those_of_the_standard(clock: Clock, now: int, code: str) -> None:
    clock.now = now

    assert step_of(SECRET, code) == now // 30
    assert step_of(SECRET, f" {code[:3]} {code[3:]}\n") == now // 30


@pytest.mark.parametrize(("off", "step"), [(-2, None), (-1, 37037036), (0, 37037036), (1, 37037036), (2, None)])
def test_clock_may_be_off_by_one_step(clock: Clock, off: int, step: int | None) -> None:
    clock.now = 1111111109 + off * STEP_S

    assert step_of(SECRET, CODES[1111111109]) == step


@pytest.mark.parametrize("typed", ["", "28708", "2870820", "28708x", "-87082", "２８７０８２"])
def test_what_is_not_six_digits_is_no_code(clock: Clock, typed: str) -> None:
    clock.now = 59

    assert step_of(SECRET, typed) is None


@pytest.mark.parametrize("secret", ["not base32!", "", "A"])
def test_secret_edited_by_hand_has_no_codes(secret: str) -> None:
    assert step_of(secret, "123456") is None


def test_new_secret_has_twenty_bytes_and_is_another_each_time() -> None:
    first, second = new_secret(), new_secret()

    assert first != second
    assert len(base64.b32decode(first)) == 20


def test_apps_read_the_name_of_the_user_and_of_the_site() -> None:
    site = Flask(__name__)
    site.config["SITE_NAME"] = "Our Packages"

    with site.app_context():
        address = address_of(SECRET, User(email="ada@example.org"))

    assert address.startswith("otpauth://totp/Our%20Packages:ada%40example.org?")
    assert f"secret={SECRET}" in address
    assert picture_of(address).startswith("<svg ")


@pytest.mark.parametrize("used", [0, 3, 10])
def test_used_recovery_codes_are_not_left(used: int) -> None:
    now = utc_now()
    codes = [RecoveryCode(digest=str(number), used_at=now if number < used else None) for number in range(10)]

    assert codes_left(User(recovery_codes=codes)) == 10 - used
    assert codes_left(User()) == 0


def test_recovery_codes_are_kept_as_digests_of_what_people_may_type(app: Flask) -> None:
    codes = renew_recovery_codes(factories.user())

    assert len(set(codes)) == 10
    assert {tuple(map(len, code.split("-"))) for code in codes} == {(4, 4, 4, 4)}
    plain = codes[0].replace("-", "").lower()
    assert User.objects.get().recovery_codes[0].digest == hashlib.sha256(plain.encode()).hexdigest()


def test_each_code_proves_once_who_somebody_is(app: Flask, clock: Clock) -> None:
    clock.now = 1111111109
    user = factories.user(second_factors=[app_factor()])
    codes = renew_recovery_codes(user)
    user.reload()

    def how(code: str) -> tuple[str, int | None] | None:
        proof = proof_of(user, code=code, credential="")
        return proof and (proof.how, proof.codes_left)

    with app.test_request_context():
        assert how(CODES[1111111109]) == ("the authenticator app “phone”", None)
        assert how(CODES[1111111109]) is None
        assert how(codes[3].upper().replace("-", " ")) == ("a recovery code", 9)
        assert how(codes[3]) is None
        assert how("") is None


def test_code_of_an_earlier_step_than_the_last_is_used_up(app: Flask, clock: Clock) -> None:
    clock.now = 1111111111
    user = factories.user(second_factors=[app_factor()])
    User.objects.update(__raw__={"$set": {"second_factors.0.last_step": 1111111111 // 30}})

    with app.test_request_context():
        assert proof_of(user, code=CODES[1111111109], credential="") is None


def test_first_factor_brings_recovery_codes_and_the_last_takes_them_away(app: Flask) -> None:
    user = factories.user(second_factor_due=utc_now())

    with app.test_request_context():
        first, second = add(user, app_factor("1")), add(user, app_factor("2"))
        user.reload()
        removed = [remove(user, each, keep_one=False) for each in ("3", "1")]
        user.reload()
        left = codes_left(user)
        removed += [remove(user, "2", keep_one=True), remove(user, "2", keep_one=False)]

    assert (len(first or []), second) == (10, [])
    assert (removed, left) == ([None, True, False, True], 10)
    stored = User.objects.raw().find_one({}) or {}
    assert not stored.keys() & {"second_factors", "recovery_codes", "second_factor_due"}


def test_factors_are_limited_and_differ(app: Flask) -> None:
    user = factories.user(second_factors=[app_factor(str(number)) for number in range(MOST_FACTORS - 1)])

    with app.test_request_context():
        with pytest.raises(DuplicateKeyError):
            add(user, app_factor("0"))
        last, too_many = add(user, app_factor("a")), add(user, app_factor("b"))

    assert (last, too_many) == ([], None)


def test_all_are_removed_at_once(app: Flask) -> None:
    user = factories.user(second_factors=[app_factor()], recovery_codes=[RecoveryCode(digest="a")])

    assert [remove_all(user), remove_all(user)] == [True, False]
    assert not (User.objects.raw().find_one({}) or {}).keys() & {"second_factors", "recovery_codes"}


def test_kinds_are_named_for_people() -> None:
    kinds = [second_factors._kind(SecondFactor(kind=kind)) for kind in ("app", "passkey")]

    assert kinds == ["authenticator app", "passkey"]
