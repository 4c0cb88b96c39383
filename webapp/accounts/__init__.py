"""Accounts: public profiles, signing in, account pages, password recovery, and `/signup` for programs."""

from flask import Flask

from webapp.accounts import (
    own_pages,
    recovery,
    second_step,
    signing_in,
    signup,
    single_sign_on,
    token_pages,
    two_factor,
    typing,
    views,
    watching,
)
from webapp.accounts.blueprint import bp
from webapp.members import form_views, limits, local_sign_in, mails, passwords, requirement, sessions

__all__ = [
    "bp",
    "init_app",
    "own_pages",
    "recovery",
    "second_step",
    "signing_in",
    "signup",
    "single_sign_on",
    "token_pages",
    "two_factor",
    "typing",
    "views",
    "watching",
]


def init_app(app: Flask) -> None:
    """Set up passwords, sessions, limits, two-factor authentication, mail, form errors and single sign-on."""
    for part in (passwords, sessions, limits, requirement, mails, form_views, local_sign_in, single_sign_on):
        part.init_app(app)
