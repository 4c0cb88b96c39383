"""Rules for publishing sessions: one that was edited by hand must not reserve its version forever."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import bson

from webapp.changes import claims, staging
from webapp.documents import PublishingSession
from webapp.documents.base import as_declared
from webapp.documents.publishing_session import LIVE
from webapp.inspection.findings import Finding


def broken_sessions() -> Iterator[Finding]:
    """Yield sessions that were edited so that they have to end; see `PublishingSession.was_edited`."""
    for son in PublishingSession.objects.raw().find().sort("_id", 1):
        session = PublishingSession(**as_declared(PublishingSession, son))
        if not session.was_edited:
            continue
        if session.state in LIVE:
            what = f"it lacks {', '.join(session.missing)}"
        else:
            what = f"its state is {session.state or 'absent'}"
            what += ", but it reserves its version" if session.live_key else ", which is unknown"
        yield Finding("publishing_sessions", son["_id"], "session", what, partial(_end, son["_id"]))


def _end(session_id: Any) -> bool:
    if not isinstance(session_id, bson.ObjectId):  # somebody inserted it by hand, and it has no files
        claims.end_if_edited(session_id)
        return True
    session = PublishingSession.objects(pk=session_id).declared_first()
    with suppress(staging.SessionGone):
        return session is None or not staging.current(session).was_edited
    return True
