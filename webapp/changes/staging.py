"""Publishing sessions: a release is collected out of sight, and published at once or not at all.

A session is one document, and each of its states is reached by one guarded write. Its files pass the same checks as any
upload; `claims.py` reserves their names. Publishing is the write by which the package lists all of them
(`staged_publishing.py`).
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import bson
from packaging.utils import NormalizedName
from pymongo.errors import DuplicateKeyError

from webapp.changes import claims, new_names
from webapp.changes.project_status import check_open
from webapp.changes.publishers import check_member
from webapp.changes.uploads import NotMaintained
from webapp.documents import Package, PublishingSession, ReleaseFile, StoredFile, User, contents
from webapp.documents.base import Plain, is_recent, utc_now
from webapp.documents.publishing_session import (
    CANCELED,
    COMPLETED,
    LIFETIME,
    OPEN,
    PENDING,
    PUBLISHED,
    PUBLISHING,
    REMEMBERED,
    SessionFile,
    live_key_of,
    new_stage_token,
    until,
)
from webapp.documents.stored_file import DELETED, DELETING, STORED

MOST_OF_PROJECT, MOST_OF_ACCOUNT = 20, 50
# How often to try to open a session whose version is reserved by one that has ended: others may do the same.
ATTEMPTS = 5


class SessionGone(RuntimeError):
    """There is no such session, or no longer one that can be changed."""


class SessionBusy(RuntimeError):
    """The session is being published, or one of its files is still arriving."""


class SessionExists(RuntimeError):
    """There is an open session of this version, `session`."""

    def __init__(self, session: PublishingSession) -> None:
        super().__init__(f"There is already an open publishing session for {session.package} {session.version}.")
        self.session = session


class TooManySessions(RuntimeError):
    """The project, or the account, has too many open sessions."""


def open_session(name: str, normalized_name: NormalizedName, version: str, by: User) -> PublishingSession:
    """Open a session for a version of a project, which need not exist yet.

    Raises NotMaintained, ProjectClosed, NameRefused, NameReserved, SessionExists, SessionBusy and TooManySessions.
    """
    is_new = check_permitted(normalized_name, by) is None
    live = PublishingSession.objects.live_of_project(normalized_name)
    mine = PublishingSession.objects.live_of_account(by.id)
    if live.count_up_to(MOST_OF_PROJECT) >= MOST_OF_PROJECT or mine.count_up_to(MOST_OF_ACCOUNT) >= MOST_OF_ACCOUNT:
        raise TooManySessions(
            f"A project can have {MOST_OF_PROJECT} open sessions, and an account {MOST_OF_ACCOUNT}. "
            "Publish or cancel one of them first."
        )
    now = utc_now()
    session = PublishingSession(
        package=normalized_name,
        name=name,
        version=version,
        live_key=live_key_of(normalized_name, version),
        state=OPEN,
        stage_token=new_stage_token(),
        created_at=now,
        created_by=by.id,
        creator=by.shown_name,
        expires_at=until(now, int(LIFETIME.total_seconds())),
    )
    session.validate()
    if is_new:
        # Last of all: nothing that is refused may leave a name reserved.
        new_names.take(normalized_name, by.id, session)
    for _ in range(ATTEMPTS):
        try:
            PublishingSession.objects.raw().insert_one(session.to_mongo())
        except DuplicateKeyError:
            _end_former(session)
        else:
            return session
    raise SessionBusy(
        f"Another publishing session reserves {normalized_name} {version}, and could not be ended. Try again; if that "
        "does not help, ask an administrator to run `flask db check`."
    )


def _end_former(opening: PublishingSession) -> None:
    """End the session that reserves this version. Raises SessionExists if that one is still live."""
    standing = PublishingSession.objects(live_key=opening.live_key).declared_first()
    with suppress(SessionGone):
        if standing and current(standing).is_live:
            raise SessionExists(standing) from None


def find(session_id: str, by: User) -> PublishingSession:
    """Return a session in its current state, for a user who may upload to its project. Raises SessionGone.

    Others are told the same as if there were none.
    """
    found = PublishingSession.objects(pk=session_id).declared_first() if bson.ObjectId.is_valid(session_id) else None
    if found is None:
        raise SessionGone("There is no such publishing session.")
    try:
        check_may_change(found, by, even_closed=True)
    except NotMaintained:
        raise SessionGone("There is no such publishing session.") from None
    session = current(found)
    if session.missing:
        raise SessionGone("An edit in the database damaged this publishing session, so it can no longer be used.")
    return session


def current(session: PublishingSession) -> PublishingSession:
    """Return a session after settling what a killed process or the time has left of it."""
    if session.state == PUBLISHING:
        settle_publishing(session)
    elif session.was_edited:
        claims.end_if_edited(session.pk)
        finish_cancelling(session.pk)
    elif session.state == OPEN and not session.is_open:
        claims.end_if_expired(session.pk)
        finish_cancelling(session.pk)
    elif session.state == OPEN and claims.end_deleted(session.package):
        finish_cancelling(session.pk)
    elif session.state == OPEN and session.has_pending:
        for each in session.files:
            _settle_pending(session, each)
    else:
        return session
    again = PublishingSession.objects(pk=session.pk).declared_first()
    if again is None:
        raise SessionGone("There is no such publishing session.")
    return again


def check_permitted(normalized_name: NormalizedName, by: User, *, even_closed: bool = False) -> Package | None:
    """Return the package, without its releases, if this user may upload to it; None if there is none.

    Raises NotMaintained, and ProjectClosed unless `even_closed`.
    """
    package = Package.objects(pk=normalized_name).managed().declared_first()
    if package is None:
        return None
    if package.role_of(by.id, by.team_names) is None:
        raise NotMaintained(f"{by.shown_name} does not maintain the project {normalized_name}.")
    if not even_closed:
        check_member(package)
        check_open(package)
    return package


def check_may_change(session: PublishingSession, by: User, *, even_closed: bool = False) -> Package | None:
    """Check the right to upload to a session's project; without one, only the member who opened the session has it."""
    package = check_permitted(session.package, by, even_closed=even_closed)
    if package is None and session.created_by != by.id:
        raise NotMaintained(f"{by.shown_name} did not open this session, and its project does not exist yet.")
    return package


def extend(session: PublishingSession, seconds: int, by: User) -> PublishingSession:
    """Let a session live this long from now, unless it lives longer anyway; 30 days at most.

    Raises NotMaintained, OnlyPublishers, ProjectClosed and SessionGone.
    """
    check_may_change(session, by)
    later = {"$max": {"expires_at": until(utc_now(), seconds)}}
    still_open = {"_id": session.pk, "state": OPEN, "expires_at": {"$gt": utc_now()}}
    if not _sessions().update_one(still_open, later).matched_count:
        raise SessionGone("This session has ended, so it cannot be extended.")
    again = _again(session)
    if not Package.objects(pk=session.package).count_up_to(1):
        new_names.take(session.package, session.created_by, again)
    return again


def cancel(session: PublishingSession, by: User) -> None:
    """End a session; its files are deleted, and their names are free. Raises SessionBusy and SessionGone."""
    now = utc_now()
    ended = {"state": CANCELED, "ended_at": now, "ended_by": by.shown_name, "forget_at": now + REMEMBERED}
    is_open = {"_id": session.pk, "state": OPEN}
    if not _sessions().update_one(is_open, {"$set": ended, "$unset": {"live_key": ""}}).matched_count:
        if _again(session).state == PUBLISHING:
            raise SessionBusy("This session is being published.")
        raise SessionGone("This session has ended.")
    finish_cancelling(session.pk)


def cancel_all(normalized_name: NormalizedName, by: User) -> None:
    """End the open sessions of a project that was deleted, so that none of them brings it back."""
    for each in PublishingSession.objects.live_of_project(normalized_name).plain():
        with suppress(SessionBusy, SessionGone):
            cancel(PublishingSession(**each), by)


def cancel_of_account(user_id: bson.ObjectId) -> None:
    """End the open sessions of an account that was deleted, except those of projects that exist."""
    for each in PublishingSession.objects.live_of_account(user_id).plain():
        _end_ownerless(PublishingSession(**each))


def _end_ownerless(session: PublishingSession) -> bool:
    is_ended = claims.end_ownerless(session.pk, session.package)
    if is_ended:
        finish_cancelling(session.pk)
    return is_ended


def finish_cancelling(session_id: bson.ObjectId) -> None:
    """Delete the files of a session that was cancelled or has expired. A killed process may have left some of them."""
    canceled = PublishingSession.objects(pk=session_id, state=CANCELED).declared_first()
    if canceled is None:
        return
    for document in _files().find({"session": session_id}, {"metadata": 0}):
        claims.settle_staged(document)
    for each in canceled.files:
        if each.content_id:
            contents.delete(each.content_id)
    _sessions().update_one({"_id": session_id, "state": CANCELED}, {"$set": {"files": []}})
    if not canceled.package:  # by an edit; `new_names` releases the name when somebody wants it
        return
    others = PublishingSession.objects.live_of_project(canceled.package)
    if not Package.objects(pk=canceled.package).count_up_to(1) and not others.count_up_to(1):
        new_names.give_back(canceled.package)


def settle_publishing(session: PublishingSession) -> None:
    """Decide what became of a session whose process was killed while it was being published.

    If its files were published, it is over, even if they were deleted since; otherwise it is open again.
    """
    if session.alive_at and is_recent(session.alive_at, timedelta(seconds=claims.LIFETIME_S)):
        return
    if _were_published(session):
        finish_publishing(session, session.attempt)
    else:
        reopen(session)


def _were_published(session: PublishingSession) -> bool:
    """Tell whether the package ever listed the files of a session; it lists all of them in one write."""
    names = [each.filename for each in session.files]
    # Until then nobody but the session has these names.
    theirs = {"_id": {"$in": names}, "package": session.package, "state": {"$in": [STORED, DELETING, DELETED]}}
    if _files().count_documents(theirs, limit=1):
        return True
    # An edit by hand may have taken away what an entry says of its file.
    return any(each.file is not None and claims.is_listed_here(session.package, each.file) for each in session.files)


def reopen(session: PublishingSession) -> None:
    """Let a session that was being published, in this attempt, be open again, unless its project was deleted."""
    again = {"$set": {"state": OPEN}, "$unset": {"attempt": "", "alive_at": "", "ended_by": ""}}
    _sessions().update_one(_in_attempt(session, session.attempt), again)
    # Nobody could end a session that was being published.
    claims.end_if_edited(session.pk)
    claims.end_deleted(session.package)
    finish_cancelling(session.pk)


def finish_publishing(session: PublishingSession, attempt: str) -> None:
    """Record that a session's files are published, and so are they."""
    now = utc_now()
    over = {"live_key": "", "attempt": "", "alive_at": ""}
    ended = {"state": PUBLISHED, "ended_at": now, "forget_at": now + REMEMBERED}
    _sessions().update_one(_in_attempt(session, attempt), {"$set": ended, "$unset": over})
    for document in _files().find({"session": session.pk}, {"metadata": 0}):
        claims.settle_staged(document)


def _in_attempt(session: PublishingSession, attempt: str | None) -> Plain:
    """Return the condition for a session that is being published in this attempt; None if an edit removed its name."""
    return {"_id": session.pk, "state": PUBLISHING, "attempt": attempt or {"$not": {"$gt": ""}}}


def _settle_pending(session: PublishingSession, entry: SessionFile) -> None:
    """Let a file of a session be what is stored, if the process that was about to replace it was killed."""
    if entry.state != PENDING or entry.replacement is None:
        return
    document = StoredFile.objects(pk=entry.filename, session=session.pk).declared_first()
    lifetime = timedelta(seconds=claims.LIFETIME_S)
    if document is None or (document.alive_at and is_recent(document.alive_at, lifetime)):
        return
    stored = entry.replacement if document.sha256 == entry.replacement.sha256 else entry.file
    if stored is None:  # by an edit; the file has to be removed
        return
    complete(session, {"filename": entry.filename, "attempt": entry.attempt}, stored, entry.uploaded_by, entry.senders)
    _files().update_one({"_id": entry.filename, "attempt": entry.attempt}, {"$unset": {"attempt": "", "alive_at": ""}})


def complete(
    session: PublishingSession,
    which: Plain,
    file: ReleaseFile,
    uploaded_by: bson.ObjectId,
    senders: Iterable[bson.ObjectId] | None,
) -> bool:
    """Let a session list this file as completed, in the place of the entry that `which` describes."""
    people: Plain = {"uploaded_by": uploaded_by, "senders": sorted(senders or ()) or None}
    listed = SessionFile(filename=file.filename, state=COMPLETED, file=file, **people)
    place = {"_id": session.pk, "state": OPEN, "files": {"$elemMatch": which}}
    return bool(_sessions().update_one(place, {"$set": {"files.$": listed.to_mongo()}}).matched_count)


def settle_leftovers() -> int:
    """Settle sessions that have expired, or that a killed process or a deleted account left; return how many ended."""
    live = [PublishingSession(**each) for each in PublishingSession.objects(live_key__gt="").plain()]
    return sum(not current(each).is_live or (_is_ownerless(each) and _end_ownerless(each)) for each in live)


def _is_ownerless(session: PublishingSession) -> bool:
    return not User.objects(pk=session.created_by).count_up_to(1)


def _again(session: PublishingSession) -> PublishingSession:
    found = PublishingSession.objects(pk=session.pk).declared_first()
    if found is None:
        raise SessionGone("There is no such publishing session.")
    return found


def _sessions() -> Any:
    return PublishingSession.objects.raw()


def _files() -> Any:
    return StoredFile.objects.raw()
