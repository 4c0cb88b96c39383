"""Publish a session: one write of its package makes all files visible.

    the session is closed -> the package lists the files -> the session ends -> the claims are settled

A process that is killed before the second step has published nothing, and the session is open again a minute later;
after it, everything is published. `staging.settle_publishing` finds out which.
"""

import time
from functools import partial
from typing import Any

import bson

from webapp.changes import claims
from webapp.changes.listing import NewFile, NewRelease, list_files
from webapp.changes.project_status import check_open
from webapp.changes.publishers import check_member
from webapp.changes.pypi_json import keep_labels
from webapp.changes.release_rules import NotReviewed, check_reviewed
from webapp.changes.rendering import render_into, stored_rendering
from webapp.changes.signers import check_signed
from webapp.changes.staging import SessionBusy, SessionGone, check_may_change, finish_publishing, reopen
from webapp.changes.stating import statement_of, with_rendered
from webapp.changes.uploads import REFUSALS, NotMaintained, check_owner_stays
from webapp.documents import JournalEntry, Maintainer, Package, PublishingSession, StoredFile, User
from webapp.documents.base import utc_now
from webapp.documents.package import OWNER
from webapp.documents.publishing_session import COMPLETED, ERROR, OPEN, PENDING, PUBLISHING
from webapp.documents.release_facts import description_id_of
from webapp.rendering import RenderersBusy
from webapp.rules.distributions import WHEEL
from webapp.rules.signatures import Signer

# After these errors it is certain that the package lists none of the files.
_REFUSALS = (*REFUSALS, NotReviewed, SessionBusy, SessionGone, RenderersBusy)


class SessionChanged(RuntimeError):
    """The files of the session are not the ones that were seen."""


def publish_session(session: PublishingSession, by: User, seen: str | None = None) -> PublishingSession:
    """Publish all files of a session, or none, and return it; `seen` is the fingerprint that it must have, if any.

    Raises NotMaintained, ProjectClosed, NotReviewed, NotSigned, SessionGone, SessionBusy, SessionChanged, NameTaken,
    PackageTooLarge, ConcurrentChange and RenderersBusy. After any other error it is unknown what the database has done;
    a minute later `staging.current` finds out.
    """
    if stored := check_may_change(session, by):
        check_reviewed(stored, session, by)
    closed = _close(session, by)
    if seen is not None and closed.fingerprint != seen:
        reopen(closed)
        raise SessionChanged("The files of this session changed since you saw them. Nothing was published.")
    try:
        package = _list(closed, _new_release(closed), by)
        if stored is None:
            check_owner_stays(package)
    except _REFUSALS:
        reopen(closed)
        raise
    finish_publishing(closed, closed.attempt)
    keep_labels(package)
    return PublishingSession.objects(pk=session.pk).declared_first()


def _close(session: PublishingSession, by: User) -> PublishingSession:
    """Let nobody change a session any more. Raises SessionGone and SessionBusy."""
    now = utc_now()
    ready = {"_id": session.pk, "state": OPEN, "expires_at": {"$gt": now}, "files.state": {"$nin": [PENDING, ERROR]}}
    ready |= {"files.filename": {"$gt": ""}}
    closed = {"state": PUBLISHING, "attempt": str(bson.ObjectId()), "alive_at": now, "ended_by": by.shown_name}
    if _sessions().update_one(ready, {"$set": closed}).matched_count:
        return PublishingSession.objects(pk=session.pk).declared_first()
    standing = PublishingSession.objects(pk=session.pk).declared_first()
    if standing is None or not standing.is_live:
        raise SessionGone("This session has ended.")
    if standing.state == PUBLISHING:
        raise SessionBusy("This session is already being published.")
    if not standing.files:
        raise SessionBusy("This session has no files yet, so there is nothing to publish.")
    pending = [each.filename for each in standing.files if each.state != COMPLETED]
    raise SessionBusy(f"These files have not arrived completely: {', '.join(pending)}. Upload or remove them first.")


def _new_release(closed: PublishingSession) -> NewRelease:
    """Return what the files of a session state, wheels first, with each of their descriptions rendered once."""
    wanted = StoredFile.objects.of_session(closed.pk).only("metadata", "entry_points", "sha256")
    documents = {document["filename"]: document for document in wanted.plain()}
    stored = stored_rendering(closed.package)
    rendered: dict[str | None, Package] = {}
    files = []
    if edited := [each.filename for each in closed.files if each.file is None]:
        raise SessionBusy(f"{edited[0]} is not there as the session lists it. Upload it again.")
    for each in sorted(closed.files, key=lambda each: (each.file.packagetype != WHEEL, each.filename)):
        document = documents.get(each.filename, {})
        if document.get("sha256") != each.file.sha256:
            raise SessionBusy(f"{each.filename} is not there as the session lists it. Upload it again.")
        entry_points = document.get("entry_points")
        statement = statement_of(document["metadata"], each.file.packagetype, each.filename, entry_points)
        said = statement.said
        text = description_id_of(said.description, said.description_content_type)
        render_into(said, rendered.get(text, stored))
        rendered[text] = said
        files.append(NewFile(each.file, statement))
    return NewRelease(files[0].statement.said.name, closed.package, closed.version, files)


def _list(closed: PublishingSession, new: NewRelease, by: User) -> Package:
    started, now = time.monotonic(), utc_now()
    mine = {"_id": closed.pk, "state": PUBLISHING, "attempt": closed.attempt}
    if not _sessions().update_one(mine, {"$set": {"alive_at": now}}).matched_count:
        raise SessionBusy("Publishing took too long. Please try again.")

    def heartbeat() -> None:
        # A minute without a sign of life, and others may decide what became of the session.
        if time.monotonic() - started > claims.GIVE_UP_S:
            raise SessionBusy("Publishing took too long. Please try again in a minute.")

    for each in new.files:
        each.file.uploaded_at = now  # installers are told when a file appeared
    return with_rendered(partial(list_files, new, by, partial(_admit, closed, by), heartbeat))


def _admit(closed: PublishingSession, by: User, package: Package, is_new: bool) -> None:  # noqa: FBT001 - as it is called
    if is_new:
        # A deletion is in the journal before the package is gone.
        deleted_at = JournalEntry.objects.last_deletion(package.pk)
        if deleted_at and deleted_at >= closed.created_at:
            raise SessionGone(f"The project {package.pk} was deleted, so this session of it was cancelled.")
        package.maintainers = [Maintainer(user_id=by.id, name=by.shown_name, role=OWNER)]
        return
    if package.role_of(by.id, by.team_names) is None:
        raise NotMaintained(f"{by.shown_name} does not maintain the project {package.pk}.")
    check_member(package)
    check_open(package)
    check_reviewed(package, closed, by)
    for each in closed.files:
        check_signed(package, Signer(each.file.signed_by, {}) if each.file.signed_by else None)


def _sessions() -> Any:
    return PublishingSession.objects.raw()
