"""Who is signed in: a signed cookie names one of the sessions in the user's document.

The cookie alone is not enough: signing out, changing the password or "sign out everywhere" removes the session from the
document, and copies of the cookie become invalid.
"""

import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import bson
from flask import Flask, Response, abort, after_this_request, current_app, g, redirect, request, session, url_for
from pymongo import ReadPreference
from werkzeug.exceptions import Unauthorized
from werkzeug.wrappers import Response as AnyResponse

from webapp.documents import User
from webapp.documents.base import is_recent, utc_now
from webapp.documents.user import MOST_SESSIONS, Session
from webapp.serving.errors import http_error, wants_json

# Scripts can read this cookie; it only says that asking for the name in the navigation is worthwhile.
MARKER_COOKIE = "signed_in"
# Parts of User-Agent headers, most specific first: each browser also claims to be those after it.
BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrom", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
# The cookie's key for the member. Flask-Login used it too, so its sessions continued when it was replaced.
MEMBER = "_user_id"
# The cookie is rewritten at most this often.
REFRESH_S = 60
# Actions that cannot be undone ask for the password if it was last entered longer ago than this.
FRESH = timedelta(minutes=30)


class AccountDisabled(RuntimeError):
    """An administrator disabled the account."""


class PasswordChanged(RuntimeError):
    """The password changed while somebody signed in with the old one."""


class AtProvider(NamedTuple):
    """A sign-in at the identity provider: its ID token, and when the member proved who they are, if it says so."""

    id_token: str
    proved_at: datetime | None


class Member(NamedTuple):
    """A signed-in user and their session."""

    user: User
    session_id: str


def init_app(app: Flask) -> None:
    """Configure the cookies."""
    secure = bool(app.config["HTTPS_ONLY"])
    app.config |= {
        # Browsers accept a cookie of this name only from this host itself, over HTTPS and for all paths.
        "SESSION_COOKIE_NAME": "__Host-session" if secure else "session",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": secure,
        "PERMANENT_SESSION_LIFETIME": max(app.config["REMEMBER_S"], app.config["SESSION_ABSOLUTE_S"]),
        # Otherwise every public page would carry its reader's cookie into caches.
        "SESSION_REFRESH_EACH_REQUEST": False,
    }
    app.add_template_filter(browser_name)


def begin(user: User, *, remember: bool, where: dict[str, Any], at: AtProvider | None = None) -> None:
    """Sign a user in, with a new session id and a new CSRF token. Raises AccountDisabled and PasswordChanged.

    A new password ends all sessions, so none may begin with the old one at the same moment. `at` tells of a sign-in at
    the identity provider.
    """
    now = utc_now()
    lifetime_s = current_app.config["REMEMBER_S" if remember else "SESSION_ABSOLUTE_S"]
    session_id = secrets.token_urlsafe(32)
    entry = {"session_id": session_id, "created_date": now, "expires_at": now + timedelta(seconds=lifetime_s)}
    if at:
        entry |= {"by_provider": True, "id_token": at.id_token, "confirmed_at": at.proved_at}
    entry |= where
    entry = {name: value for name, value in entry.items() if value}
    change = {
        "$push": {"sessions": {"$each": [entry], "$slice": -MOST_SESSIONS}},
        "$set": {"last_login": now},
    }
    unchanged = {"_id": user.id, "is_disabled": {"$ne": True}, "hashed_password": user.hashed_password}
    if not User.objects.change_lists(unchanged, change):
        raise AccountDisabled if User.objects(pk=user.id, is_disabled=True).count() else PasswordChanged
    user.last_login = now
    session.clear()
    session.permanent = remember
    session["seen"] = int(time.time())
    session[MEMBER] = f"{user.id} {session_id}"
    g.member = Member(user, session_id)
    mark(lifetime_s if remember else None)


def end() -> None:
    """Sign out the member of this request, and delete the session."""
    member = signed_in_member()
    if member:
        change = {"$pull": {"sessions": {"session_id": member.session_id}}}
        User.objects.change_lists({"_id": member.user.id}, change)
    forget()


def forget() -> None:
    """Delete the cookies."""
    session.clear()
    g.member = None
    mark(0)


def end_others(user_id: bson.ObjectId, kept_session_id: str | None = None) -> None:
    """Sign a user out everywhere, or everywhere else."""
    others = {"sessions": {"session_id": {"$ne": kept_session_id}}}
    User.objects.raw().update_one({"_id": user_id, "sessions": {"$type": "array"}}, {"$pull": others})


def signed_in_member() -> Member | None:
    """Return the member who makes this request, or None."""
    if "member" not in g:
        g.member = load_member(session.get(MEMBER))
    member: Member | None = g.member
    return member


def signed_in_user() -> User | None:
    """Return the user who makes this request, or None."""
    member = signed_in_member()
    return member.user if member else None


def is_fresh(*, when_opened: bool = False) -> bool:
    """Tell whether the member recently signed in, or confirmed that it is them, in this session.

    With `when_opened`, whether they had when they opened a form that they may have filled in for a while.
    """
    entry = this_session()
    if entry is None:
        return False
    # The identity provider may sign somebody in who proved there long before who they are.
    began = None if entry.by_provider and entry.confirmed_at else entry.created_date
    times = [each for each in (began, entry.confirmed_at) if each]
    return any(is_recent(each, 2 * FRESH if when_opened else FRESH) for each in times)


def this_session() -> Session | None:
    """Return the session of this request, or None if nobody is signed in."""
    member = signed_in_member()
    entries: list[Session] = (member.user.sessions or []) if member else []
    return next((each for each in entries if member and each.session_id == member.session_id), None)


def confirm() -> None:
    """Record that the member confirmed that it is them."""
    member = signed_in_member()
    if member:
        ours = {"_id": member.user.id, "sessions.session_id": member.session_id}
        User.objects.raw().update_one(ours, {"$set": {"sessions.$.confirmed_at": utc_now()}})


def me() -> Member:
    """Return the member who makes this request. Aborts with 403 if there is none."""
    return signed_in_member() or abort(403)


def load_member(text: Any) -> Member | None:
    """Return the member that the cookie's text "USER_ID SESSION_ID" names.

    None if the session has ended or was idle for too long, or if the account is disabled.
    """
    user_id, _, session_id = text.partition(" ") if isinstance(text, str) else ("", "", "")
    if not bson.ObjectId.is_valid(user_id) or _is_idle():
        return None
    # A secondary of a replica set may not know yet that the session has ended.
    users = User.objects.read_preference(ReadPreference.PRIMARY)
    user = users.with_session(bson.ObjectId(user_id), session_id).declared_first()
    entries = [each for each in (user.sessions or [] if user else []) if each.session_id == session_id]
    if not entries or not entries[0].expires_at or entries[0].expires_at <= utc_now():
        return None
    return Member(user, session_id)


def to_sign_in() -> AnyResponse:
    """Redirect to the sign-in page, and back afterwards. Programs get 401."""
    if wants_json():
        return http_error(Unauthorized("Sign in first."))
    address = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("accounts.login", next=address))


def to_confirm() -> AnyResponse:
    """Redirect to the page where members confirm that it is them, and back afterwards. Programs get 401."""
    if wants_json():
        return http_error(Unauthorized("Confirm that it is you first."))
    address = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("accounts.confirm_identity", next=address))


def browser_name(user_agent: str | None) -> str:
    """Return the usual name of a browser, such as "Firefox on Windows", or the text itself if it is unknown."""
    text = user_agent or "Unknown browser"
    browser = next((name for part, name in BROWSERS if part in text), None)
    system = next((name for part, name in SYSTEMS if part in text), None)
    return f"{browser} on {system}" if browser and system else text


def _is_idle() -> bool:
    now, seen = int(time.time()), session.get("seen")
    limit_s = current_app.config["REMEMBER_S" if session.permanent else "SESSION_IDLE_S"]
    if not isinstance(seen, int) or now - seen > limit_s:
        return True
    if abs(now - seen) >= REFRESH_S:
        session["seen"] = now
    return False


def mark(max_age_s: int | None) -> None:
    """Set the marker cookie: for this many seconds, for as long as the browser runs (None), or delete it (0)."""
    secure = bool(current_app.config["HTTPS_ONLY"])

    def set_marker(response: Response) -> Response:
        if max_age_s == 0:
            response.delete_cookie(MARKER_COOKIE, secure=secure, samesite="Lax")
        else:
            response.set_cookie(MARKER_COOKIE, "1", max_age=max_age_s, secure=secure, samesite="Lax")
        return response

    setting: Callable[[Response], Response] = set_marker
    after_this_request(setting)
