"""The second step of signing in: codes of an authenticator app (RFC 6238), recovery codes, and passkeys."""

import base64
import hashlib
import secrets
import time
from typing import NamedTuple

import segno
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from flask import current_app
from pymongo.errors import DuplicateKeyError

from webapp.documents import User
from webapp.documents.base import utc_now
from webapp.documents.second_factor import APP, MOST_FACTORS, SecondFactor
from webapp.members import audit, limits, mails, passkeys

# What authenticator apps expect, although RFC 6238 allows others: SHA-1, six digits, 30 seconds.
DIGITS = 6
STEP_S = 30
SECRET_BYTES = 20
# A clock may be off by one step: RFC 6238, section 5.2.
STEPS_OFF = (0, -1, 1)

RECOVERY_CODES = 10
# 80 random bits: too many to guess, so a plain digest is enough.
RECOVERY_BYTES = 10
RECOVERY_GROUP = 4

WRONG_CODE = "This code is not valid. It may have been used already, or the clock of your device may be wrong."
UNEXPECTED_CODE = "This is not the code that your app shows for this key. Check the clock of your device."


class Proof(NamedTuple):
    """How a user proved who they are: what to record, and how many recovery codes are left, if one was used."""

    how: str
    codes_left: int | None = None


def new_secret() -> str:
    """Return a new secret for an authenticator app, in base32."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def address_of(secret: str, user: User) -> str:
    """Return the otpauth:// address that an authenticator app reads."""
    name = user.email or user.username or str(user.id)
    return _totp(secret).get_provisioning_uri(name, current_app.config["SITE_NAME"])


def picture_of(address: str) -> str:
    """Return a QR code as inline SVG."""
    picture: str = segno.make(address, error="m").svg_inline(scale=4, border=2, light="#fff", dark="#000")
    return picture


def step_of(secret: str, code: str) -> int | None:
    """Return the step that a code belongs to, or None if it is not valid at this time."""
    typed = "".join(code.split())
    if not (len(typed) == DIGITS and typed.isascii() and typed.isdigit()):
        return None
    try:
        totp = _totp(secret)
    except ValueError:  # a secret that was edited by hand
        return None
    now = int(time.time()) // STEP_S
    for step in (now + off for off in STEPS_OFF):
        try:
            totp.verify(typed.encode(), step * STEP_S)
        except InvalidToken:
            continue
        return step
    return None


def add(user: User, factor: SecondFactor) -> list[str] | None:
    """Add a second factor, and return new recovery codes if it is the first one; None if there was no room.

    Raises DuplicateKeyError if this or another account has this passkey.
    """
    # The unique index compares accounts, but not the passkeys of one account.
    if User.objects.raw().count_documents({"_id": user.id, "second_factors.factor_id": factor.factor_id}):
        raise DuplicateKeyError("this account has the passkey")
    room = {
        "_id": user.id,
        f"second_factors.{MOST_FACTORS - 1}": {"$exists": False},
        "second_factors.factor_id": {"$ne": factor.factor_id},
    }
    change = {"$push": {"second_factors": factor.to_mongo().to_dict()}, "$unset": {"second_factor_due": ""}}
    User.objects.mend_lists(room, change)
    before = User.objects.raw().find_one_and_update(room, change)
    if before is None:
        return None
    tell(user, f"The {_kind(factor)} “{factor.name}” was added")
    return [] if before.get("second_factors") else renew_recovery_codes(user)


def remove(user: User, factor_id: str, *, keep_one: bool) -> bool | None:
    """Remove a second factor, and the recovery codes with the last one.

    None if there is none with this id, False if it is the last one and has to stay.
    """
    factor = next((each for each in user.second_factors or [] if each.factor_id == factor_id), None)
    if factor is None:
        return None
    users = User.objects.raw()
    present = {"_id": user.id} | ({"second_factors.1": {"$exists": True}} if keep_one else {})
    if not users.update_one(present, {"$pull": {"second_factors": {"factor_id": factor_id}}}).matched_count:
        return False
    users.update_one({"_id": user.id, "second_factors": []}, {"$unset": {"second_factors": "", "recovery_codes": ""}})
    tell(user, f"The {_kind(factor)} “{factor.name}” was removed")
    return True


def remove_all(user: User) -> bool:
    """Remove every second factor and recovery code of a user, and tell whether there were any."""
    gone = {"$unset": {"second_factors": "", "recovery_codes": "", "second_factor_due": ""}}
    before = User.objects.raw().find_one_and_update({"_id": user.id}, gone)
    limits.forget_codes(user.id)
    return bool(before and before.get("second_factors"))


def renew_recovery_codes(user: User) -> list[str]:
    """Replace the recovery codes, and return the new ones, of which only digests are stored."""
    codes = [_grouped(base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode()) for _ in range(RECOVERY_CODES)]
    stored = [{"digest": _digest(code)} for code in codes]
    User.objects.raw().update_one({"_id": user.id}, {"$set": {"recovery_codes": stored}})
    return codes


def codes_left(user: User) -> int:
    """Return how many recovery codes a user can still use."""
    return sum(1 for each in user.recovery_codes or [] if not each.used_at)


def proof_of(user: User, *, code: str, credential: str) -> Proof | None:
    """Check a code or the answer of a passkey, which work once; None if neither is valid. Raises TooManyRequests."""
    limits.count_code(user.id)
    proof = _passkey(user, credential) if credential else _app(user, code) or _recovery_code(user, code)
    if proof:
        limits.take_back_code(user.id)
    return proof


def tell(user: User, what: str) -> None:
    """Record a change of a user's second factors, and mail it to them."""
    audit.record(audit.TWO_FACTOR, f"{what}.", user=user)
    address, name = user.email, user.shown_name
    if address:
        mails.later(lambda: mails.send("second_factor", address, what, name=name, what=what))


def _passkey(user: User, credential: str) -> Proof | None:
    factor = passkeys.answered_by(user, credential, passkeys.SECOND_STEP)
    return Proof(f"the passkey “{factor.name}”") if factor else None


def _app(user: User, code: str) -> Proof | None:
    for factor in user.second_factors or []:
        step = step_of(factor.secret, code) if factor.kind == APP and factor.secret else None
        if step is not None:
            # Only for a later step than the last: no code works twice, not even for two requests at one moment.
            unused = {"$elemMatch": {"factor_id": factor.factor_id, "last_step": {"$lt": step}}}
            change = {"second_factors.$.last_step": step, "second_factors.$.last_used_at": utc_now()}
            used = User.objects.raw().update_one({"_id": user.id, "second_factors": unused}, {"$set": change})
            return Proof(f"the authenticator app “{factor.name}”") if used.modified_count else None
    return None


def _recovery_code(user: User, code: str) -> Proof | None:
    unused = {"$elemMatch": {"digest": _digest(code), "used_at": None}}
    change = {"$set": {"recovery_codes.$.used_at": utc_now()}}
    used = User.objects.raw().update_one({"_id": user.id, "recovery_codes": unused}, change)
    if not used.modified_count:
        return None
    left = max(0, codes_left(user) - 1)
    tell(user, "A recovery code was used")
    return Proof("a recovery code", left)


def _totp(secret: str) -> TOTP:
    # A shorter key than cryptography asks for may come from a manual edit.
    return TOTP(base64.b32decode(secret), DIGITS, SHA1(), STEP_S, enforce_key_length=False)  # noqa: S303  # nosec B303


def _kind(factor: SecondFactor) -> str:
    return "authenticator app" if factor.kind == APP else "passkey"


def _grouped(code: str) -> str:
    return "-".join(code[at : at + RECOVERY_GROUP] for at in range(0, len(code), RECOVERY_GROUP)).lower()


def _digest(code: str) -> str:
    plain = "".join(each for each in code.lower() if each.isalnum())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
