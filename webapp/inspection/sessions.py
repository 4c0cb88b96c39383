"""Rules for publishing sessions: one that was edited by hand must not reserve its version forever."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import bson

from webapp.changes import claims, staging
from webapp.documents import PublishingSession
from webapp.documents.base import as_declared
from webapp.documents.publishing_session import OPEN
from webapp.inspection.findings import Finding


def broken_sessions() -> Iterator[Finding]:
    """Yield sessions in an unknown state, without an end, or that have ended but still reserve their version."""
    fields = {"state": 1, "live_key": 1, "expires_at": 1}
    for son in PublishingSession.objects.raw().find({}, fields).sort("_id", 1):
        session = PublishingSession(**as_declared(PublishingSession, son))
        if session.was_edited:
            what = f"its state is {session.state or 'absent'}"
            what += ", but it reserves its version" if session.live_key else ", which is unknown"
        elif session.state == OPEN and session.expires_at is None:
            what = "it does not say when it expires"
        else:
            continue
        yield Finding("publishing_sessions", son["_id"], "session", what, partial(_end, son["_id"]))


def _end(session_id: Any) -> bool:
    claims.end_if_edited(session_id)
    claims.end_if_expired(session_id)
    if isinstance(session_id, bson.ObjectId):  # otherwise somebody inserted it by hand, and it has no files
        staging.finish_cancelling(session_id)
    return True
