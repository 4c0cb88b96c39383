"""Accounts: public profiles, signing in, account pages, password recovery, and `/signup` for programs."""

from flask import Flask

from webapp.accounts import own_pages, recovery, signing_in, signup, token_pages, views
from webapp.accounts.blueprint import bp
from webapp.members import form_views, limits, mails, passwords, sessions

__all__ = ["bp", "init_app", "own_pages", "recovery", "signing_in", "signup", "token_pages", "views"]


def init_app(app: Flask) -> None:
    """Set up passwords, sessions, limits, mail and form errors."""
    for part in (passwords, sessions, limits, mails, form_views):
        part.init_app(app)
