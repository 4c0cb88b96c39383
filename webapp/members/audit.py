"""Record what members and administrators do in the audit log."""

from datetime import timedelta
from typing import Any

import bson
from flask import current_app, has_request_context, request

from webapp.documents import AuditEvent, User
from webapp.documents.base import utc_now
from webapp.members.sessions import signed_in_user

REGISTRATION = "registration"
SIGN_IN = "sign-in"
SIGN_IN_FAILED = "sign-in failed"
SIGN_OUT = "sign-out"
SINGLE_SIGN_ON = "single sign-on"
PASSWORD = "password"  # noqa: S105 - the name of a kind
TWO_FACTOR = "two-factor"
EMAIL = "e-mail"
PROFILE = "profile"
TOKEN = "token"  # noqa: S105 - the name of a kind
PROJECT = "project"
TEAM = "team"
UPLOAD = "upload"
DELETION = "deletion"
ADMINISTRATION = "administration"
KINDS = (
    REGISTRATION,
    SIGN_IN,
    SIGN_IN_FAILED,
    SIGN_OUT,
    SINGLE_SIGN_ON,
    PASSWORD,
    TWO_FACTOR,
    EMAIL,
    PROFILE,
    TOKEN,
    PROJECT,
    TEAM,
    UPLOAD,
    DELETION,
    ADMINISTRATION,
)

# A User-Agent header can have any length.
MAX_USER_AGENT = 200


def record(kind: str, description: str, *, user: User | None = None, by: User | None = None, target: str = "") -> None:
    """Record an event: who (the signed-in member, unless `by` is given), when, from where, and to what.

    `user` is the account concerned, if any.
    """
    now = utc_now()
    actor = by or (signed_in_user() if has_request_context() else None)
    event = {
        "_id": str(bson.ObjectId()),
        "created_date": now,
        "kind": kind,
        "description": description,
        "actor_id": actor.id if actor else None,
        "actor_name": actor.shown_name if actor else "not signed in" if has_request_context() else "command line",
        "user_id": user.id if user else None,
        "target": target or (f"user {user.shown_name}" if user else ""),
        **where(),
        "expires_at": now + timedelta(days=current_app.config["AUDIT_DAYS"]),
    }
    # To build and validate a document would take as long as the write.
    AuditEvent.objects.raw().insert_one({name: value for name, value in event.items() if value is not None})


def where() -> dict[str, Any]:
    """Return the address and the browser of the request; empty on the command line."""
    if not has_request_context():
        return {}
    agent = str(request.user_agent)[:MAX_USER_AGENT]
    return {"ip_address": request.remote_addr, "user_agent": agent or None}
