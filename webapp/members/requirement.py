"""REQUIRE_2FA: who has to set up two-factor authentication, and by when."""

from datetime import datetime, timedelta

from flask import Flask, current_app, redirect, request, url_for
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response as AnyResponse

from config import BadConfig
from webapp.documents import Package, User
from webapp.documents.base import utc_now
from webapp.members import local_sign_in

NOBODY, ADMINS, PUBLISHERS, EVERYBODY = "none", "admins", "publishers", "all"
CHOICES = (NOBODY, ADMINS, PUBLISHERS, EVERYBODY)

# Open to members who are late: setting it up, and leaving.
STILL_OPEN = {
    "accounts.two_factor",
    "accounts.new_app",
    "accounts.new_passkey",
    "accounts.confirm_identity",
    "accounts.logout",
    "accounts.navigation",
}


def init_app(app: Flask) -> None:
    """Check the settings. Raises BadConfig."""
    if app.config["REQUIRE_2FA"] not in CHOICES:
        raise BadConfig(f"REQUIRE_2FA is {app.config['REQUIRE_2FA']!r}; it can be {', '.join(CHOICES)}")


def is_required_of(user: User) -> bool:
    """Tell whether this site requires two-factor authentication of a user.

    If they only sign in at the identity provider, asking for a second factor is its task.
    """
    if user.identity and not local_sign_in.has_password(user):
        return False
    asked: str = current_app.config["REQUIRE_2FA"]
    if asked in (NOBODY, EVERYBODY):
        return asked == EVERYBODY
    if user.is_admin:
        return True
    maintained = Package.objects.maintained_by(user.id, user.team_names)
    return asked == PUBLISHERS and bool(maintained.limit(1).count(with_limit_and_skip=True))


def due_date(user: User) -> datetime | None:
    """Return by when a user has to set it up, or None if they have or need not. The first call starts the days."""
    if user.has_second_factor or not is_required_of(user):
        return None
    if user.second_factor_due is None:
        user.second_factor_due = utc_now() + timedelta(days=current_app.config["GRACE_2FA_DAYS"])
        first = {"_id": user.id, "second_factor_due": None}
        User.objects.raw().update_one(first, {"$set": {"second_factor_due": user.second_factor_due}})
    due: datetime = user.second_factor_due
    return due


def is_late(user: User) -> bool:
    """Tell whether a user's days of grace are over."""
    due = due_date(user)
    return due is not None and due <= utc_now()


def lead_to_it(user: User) -> AnyResponse | None:
    """Return a redirect to the page that sets it up, if this member is late and asks for another page."""
    if request.endpoint in STILL_OPEN or not is_late(user):
        return None
    return redirect(url_for("accounts.two_factor"))


def refuse_programs(user: User) -> None:
    """Refuse the API tokens of a member who is late. Raises Forbidden."""
    if is_late(user):
        raise Forbidden(
            "This site requires two-factor authentication, which the owner of this API token has not set up. "
            "Sign in to the web site to set it up."
        )
