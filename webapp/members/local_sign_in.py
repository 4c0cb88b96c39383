"""LOCAL_SIGN_IN: who signs in here with a password or a passkey of this site, instead of at the identity provider."""

from flask import Flask, current_app

from config import BadConfig
from webapp.documents import User

EVERYBODY, ADMINS, NOBODY = "on", "admins", "off"


def init_app(app: Flask) -> None:
    """Check the setting. Raises BadConfig."""
    choice = app.config["LOCAL_SIGN_IN"]
    if choice not in (EVERYBODY, ADMINS, NOBODY):
        raise BadConfig(f"LOCAL_SIGN_IN is {choice!r}; it can be {EVERYBODY}, {ADMINS} or {NOBODY}")
    if choice != EVERYBODY and not app.config["OIDC_ISSUER"]:
        raise BadConfig(f"LOCAL_SIGN_IN={choice} needs OIDC_ISSUER: otherwise members could not sign in")


def is_for_everybody() -> bool:
    """Tell whether all members sign in here."""
    return bool(current_app.config["LOCAL_SIGN_IN"] == EVERYBODY)


def is_off() -> bool:
    """Tell whether nobody signs in here."""
    return bool(current_app.config["LOCAL_SIGN_IN"] == NOBODY)


def is_open_to(user: User) -> bool:
    """Tell whether a user may sign in here, with a password or a passkey."""
    return is_for_everybody() or (not is_off() and bool(user.is_admin))


def has_password(user: User) -> bool:
    """Tell whether a user has a password that still counts."""
    return bool(user.hashed_password) and is_open_to(user)


def has_only_password(user: User) -> bool:
    """Tell whether a password is all that a user has, so that forms ask for it and other pages need not."""
    return has_password(user) and not user.has_second_factor


def refusal() -> str:
    """Return the message for those who may not sign in here."""
    return f"Members of this site sign in with {current_app.config['OIDC_NAME']}."
