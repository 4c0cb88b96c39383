"""Tokens for the links in mails: signed, limited in time, and invalid once what they are about has changed."""

import hashlib
import hmac
from typing import NamedTuple

import bson
from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer
from packaging.utils import NormalizedName

from webapp.changes.maintaining import INVITATION_AGE
from webapp.documents import User

RESET_AGE_S = 2 * 3600
WELCOME_AGE_S = 7 * 24 * 3600
SECOND_STEP_AGE_S = 300
EMAIL_AGE_S = 24 * 3600
REGISTRATION_AGE_S = 24 * 3600
# Longer addresses to continue at are left out of the link.
MAX_NEXT_LENGTH = 500


class EmailChange(NamedTuple):
    """A confirmed address, and the user who wants it."""

    user: User
    email: str


class Registration(NamedTuple):
    """A registration, and the address on this site to continue at; empty for the account page."""

    name: str
    email: str
    next_address: str


def for_reset(user: User) -> str:
    """Return a token to set a new password. Using it makes it invalid, and so does signing in."""
    return _serializer("reset").dumps([str(user.id), _state(user.hashed_password, user.last_login, user.email_folded)])


def for_welcome(user: User) -> str:
    """Return a token to set the first password of an account that an administrator made."""
    return _serializer("welcome").dumps(
        [str(user.id), _state(user.hashed_password, user.last_login, user.email_folded)]
    )


def user_of_reset(token: str) -> User | None:
    """Return the user who may set a new password with this token, or None if it is invalid, expired or used."""
    values = _load("reset", token, RESET_AGE_S) or _load("welcome", token, WELCOME_AGE_S)
    user = _user(values[0]) if len(values) == 2 else None
    if user is None or user.is_disabled:
        return None
    expected = _state(user.hashed_password, user.last_login, user.email_folded)
    return user if hmac.compare_digest(values[1].encode(), expected.encode()) else None


def for_second_step(user: User) -> str:
    """Return a token that tells that somebody knows this user's password. A new password makes it invalid."""
    return _serializer("second step").dumps([str(user.id), _state(user.hashed_password)])


def user_of_second_step(token: str) -> User | None:
    """Return the user whose password was entered, or None if it took too long or the password has changed."""
    values = _load("second step", token, SECOND_STEP_AGE_S)
    user = _user(values[0]) if len(values) == 2 else None
    if user is None or user.is_disabled:
        return None
    return user if hmac.compare_digest(values[1].encode(), _state(user.hashed_password).encode()) else None


def for_email(user: User, email: str) -> str:
    """Return a token that confirms a new address."""
    return _serializer("e-mail").dumps([str(user.id), email, _state(user.hashed_password, user.email_folded)])


def email_change_of(token: str) -> EmailChange | None:
    """Return the change that this token confirms, or None."""
    values = _load("e-mail", token, EMAIL_AGE_S)
    user = _user(values[0]) if len(values) == 3 else None
    if user is None or user.is_disabled:
        return None
    expected = _state(user.hashed_password, user.email_folded)
    return EmailChange(user, values[1]) if hmac.compare_digest(values[2].encode(), expected.encode()) else None


def for_registration(name: str, email: str, next_address: str) -> str:
    """Return a token that finishes a registration. It contains everything, because nothing is stored before."""
    return _serializer("registration").dumps(
        [name, email, next_address if len(next_address) <= MAX_NEXT_LENGTH else ""]
    )


def registration_of(token: str) -> Registration | None:
    """Return the registration that this token finishes, or None."""
    values = _load("registration", token, REGISTRATION_AGE_S)
    return Registration(*values) if len(values) == 3 else None


def for_invitation(normalized_name: NormalizedName, invitation_id: str) -> str:
    """Return a token that invites somebody to a project. The project knows whether it is still valid."""
    return _serializer("invitation").dumps([normalized_name, invitation_id])


def invitation_of(token: str) -> tuple[str, str]:
    """Return the project and the invitation of a token; two empty strings if it is invalid."""
    values = _load("invitation", token, int(INVITATION_AGE.total_seconds()))
    return (values[0], values[1]) if len(values) == 2 else ("", "")


def for_team_invitation(team: str, invitation_id: str) -> str:
    """Return a token that invites somebody to a team. The team knows whether it is still valid."""
    return _serializer("team invitation").dumps([team, invitation_id])


def team_invitation_of(token: str) -> tuple[str, str]:
    """Return the team and the invitation of a token; two empty strings if it is invalid."""
    values = _load("team invitation", token, int(INVITATION_AGE.total_seconds()))
    return (values[0], values[1]) if len(values) == 2 else ("", "")


def _serializer(purpose: str) -> URLSafeTimedSerializer:
    # Tokens of one kind are invalid for the others, because the purpose is part of the key.
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=f"larder {purpose}")


def _load(purpose: str, token: str, max_age_s: int) -> list[str]:
    try:
        values = _serializer(purpose).loads(token, max_age=max_age_s)
    except BadData:
        return []
    return values if isinstance(values, list) and all(isinstance(value, str) for value in values) else []


def _user(user_id: str) -> User | None:
    user: User | None = User.objects(pk=bson.ObjectId(user_id)).declared_first()
    return user


def _state(*parts: object) -> str:
    """Return a digest of values whose change makes the token invalid. The token does not reveal them."""
    text = "\n".join(str(part or "") for part in parts)
    return hmac.new(current_app.config["SECRET_KEY"].encode(), text.encode(), hashlib.sha256).hexdigest()
