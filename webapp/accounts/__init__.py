"""Members: their public profiles, signing in, their own pages, recovery, and `/signup` for programs."""

from flask import Flask

from webapp.accounts import (
    form_views,
    limits,
    mails,
    own_pages,
    passwords,
    recovery,
    sessions,
    signing_in,
    signup,
    token_pages,
    views,
)
from webapp.accounts.blueprint import bp

__all__ = ["bp", "init_app", "own_pages", "recovery", "signing_in", "signup", "token_pages", "views"]


def init_app(app: Flask) -> None:
    """Set up what signing in needs."""
    for part in (passwords, sessions, limits, mails, form_views):
        part.init_app(app)
