"""`/manage/<name>/sessions/`: publishing sessions: open, look at, publish, extend and cancel them."""

from typing import Any

from flask import Response, abort, flash, make_response, redirect, render_template, url_for
from packaging.version import Version
from werkzeug.exceptions import Conflict
from werkzeug.wrappers import Response as AnyResponse

from webapp.changes import staging
from webapp.changes.claims import NameTaken
from webapp.changes.maintaining import NotPermitted, NotThere
from webapp.changes.project_status import ProjectClosed
from webapp.changes.publishers import OnlyPublishers
from webapp.changes.release_rules import NotReviewed, check_reviewed
from webapp.changes.signers import NotSigned
from webapp.changes.staged_files import take_out
from webapp.changes.staged_publishing import SessionChanged, publish_session
from webapp.changes.staging import SessionBusy, SessionExists, SessionGone, TooManySessions
from webapp.changes.uploads import NotMaintained
from webapp.documents import Package, PublishingSession
from webapp.documents.publishing_session import LIFETIME
from webapp.manage.blueprint import bp, project
from webapp.manage.forms import PublishForm, SessionForm
from webapp.manage.session_review import review
from webapp.members import audit
from webapp.members.form_views import form_view, members_only
from webapp.members.forms import ButtonForm
from webapp.members.sessions import me
from webapp.rules import naming
from webapp.serving.errors import http_error
from webapp.serving.filters import site_url

# How many sessions of a project are shown; those that have ended are forgotten after a week.
MOST_SHOWN = 50

Context = dict[str, Any]


@bp.errorhandler(SessionBusy)
@bp.errorhandler(NameTaken)
@bp.errorhandler(NotSigned)
def conflict(error: Exception) -> Response:
    """Answer 409 with the reason."""
    return http_error(Conflict(str(error)))


def _sessions(name: str) -> Context:
    package = project(name)
    found = PublishingSession.objects.of_project(package.pk).limit(MOST_SHOWN)
    sessions = [PublishingSession(**each) for each in found.plain()]
    return {"package": package, "sessions": [each for each in sessions if not each.missing]}


@bp.route("/manage/<name>/sessions/", methods=["GET", "POST"])
@members_only
@form_view(SessionForm, "manage/sessions.html", _sessions)
def publishing_sessions(form: SessionForm, name: str) -> AnyResponse | None:
    """List the publishing sessions of a project, and open another one."""
    package = project(name)
    try:
        opened = staging.open_session(package.name, package.pk, str(Version(form.version.data or "")), me().user)
    except (SessionExists, SessionBusy, TooManySessions, ProjectClosed, OnlyPublishers) as error:
        form.refuse("version", str(error))
        return None
    _record(opened, "Opened")
    return redirect(_address(opened))


def _session(name: str, session_id: str) -> tuple[PublishingSession, Package]:
    """Return a session, and its project, which need not exist yet. Raises NotFound."""
    try:
        session = staging.find(session_id, me().user)
    except SessionGone as error:
        abort(404, str(error))
    if session.package != naming.normalize_name(name):
        abort(404)
    package: Package | None = Package.objects(pk=session.package).managed().declared_first()
    return session, package or Package(normalized_name=session.package, name=session.name)


@bp.get("/manage/<name>/sessions/<session_id>")
@members_only
def publishing_session(name: str, session_id: str) -> Response:
    """Show a session: its files, what is odd in them, and how it differs from the latest release."""
    return _shown(*_session(name, session_id))


def _shown(session: PublishingSession, package: Package, problem: str | None = None) -> Response:
    return make_response(
        render_template(
            "manage/session.html",
            problem=problem,
            package=package,
            session=session,
            is_new=not _exists(session),
            publish_refusal=_refusal(package, session),
            review=review(session) if session.is_live else None,
            upload_address=site_url() + url_for("publishing.upload_to_session", session_id=session.pk),
            stage_address=site_url() + url_for("index_api.stage_index", token=session.stage_token),
            form=ButtonForm(),
        )
    )


def _refusal(package: Package, session: PublishingSession) -> str | None:
    """Return why somebody else has to publish a session, or None."""
    try:
        check_reviewed(package, session, me().user)
    except NotReviewed as error:
        return str(error)
    return None


def _button(act: str) -> Any:
    """Return a function that loads the page of a button, shown only if its form had expired."""

    def load(name: str, session_id: str, **_: str) -> Context:
        session, package = _session(name, session_id)
        return {"package": package, "act": act, "is_new": not _exists(session)}

    return load


@bp.post("/manage/<name>/sessions/<session_id>/publish")
@members_only
@form_view(PublishForm, "manage/act.html", _button("Publish the session"))
def publish_session_now(form: PublishForm, name: str, session_id: str) -> AnyResponse:
    """Publish all files of a session at once, if they are the ones that the page showed."""
    session, package = _session(name, session_id)
    try:
        published = publish_session(session, me().user, form.seen.data or "")
    except SessionChanged as error:
        again = _shown(*_session(name, session_id), f"{error} Look at them again, then publish.")
        again.status_code = 409
        return again
    except (NotMaintained, NotReviewed, OnlyPublishers, ProjectClosed) as error:
        raise NotPermitted(str(error)) from None
    except SessionGone as error:
        raise NotThere(str(error)) from None
    _record(published, "Published")
    flash(f"{package.name} {session.version} was published.")
    return redirect(url_for("manage.publishing_sessions", name=session.package))


@bp.post("/manage/<name>/sessions/<session_id>/cancel")
@members_only
@form_view(ButtonForm, "manage/act.html", _button("Cancel the session"))
def cancel_session(_: ButtonForm, name: str, session_id: str) -> AnyResponse:
    """Cancel a session, and delete its files."""
    session, package = _session(name, session_id)
    try:
        staging.cancel(session, me().user)
    except SessionGone as error:
        raise NotThere(str(error)) from None
    _record(session, "Cancelled")
    flash(f"The publishing session of {package.name} {session.version} was cancelled.")
    if _exists(session):
        return redirect(url_for("manage.publishing_sessions", name=session.package))
    return redirect(url_for("manage.index"))


@bp.post("/manage/<name>/sessions/<session_id>/extend")
@members_only
@form_view(ButtonForm, "manage/act.html", _button("Extend the session"))
def extend_session(_: ButtonForm, name: str, session_id: str) -> AnyResponse:
    """Let a session live a week from now."""
    session, _package = _session(name, session_id)
    try:
        staging.extend(session, int(LIFETIME.total_seconds()), me().user)
    except (NotMaintained, OnlyPublishers, ProjectClosed) as error:
        raise NotPermitted(str(error)) from None
    except SessionGone as error:
        raise NotThere(str(error)) from None
    flash("The session was extended.")
    return redirect(_address(session))


@bp.post("/manage/<name>/sessions/<session_id>/remove/<filename>")
@members_only
@form_view(ButtonForm, "manage/act.html", _button("Remove the file"))
def remove_from_session(_: ButtonForm, name: str, session_id: str, filename: str) -> AnyResponse:
    """Remove a file from a session."""
    session, _package = _session(name, session_id)
    try:
        is_gone = take_out(session, filename, me().user)
    except (NotMaintained, OnlyPublishers, ProjectClosed) as error:
        raise NotPermitted(str(error)) from None
    except SessionGone as error:
        raise NotThere(str(error)) from None
    if is_gone:
        _record(session, f"Removed {filename} from")
    flash(f"{filename} was removed." if is_gone else "Nothing was changed.")
    return redirect(_address(session))


def _exists(session: PublishingSession) -> bool:
    """Tell whether the project of a session exists already."""
    return bool(Package.objects(pk=session.package).count_up_to(1))


def _address(session: PublishingSession) -> str:
    return url_for("manage.publishing_session", name=session.package, session_id=session.pk)


def _record(session: PublishingSession, done: str) -> None:
    what = f"{done} the publishing session of {session.package} {session.version}."
    audit.record(audit.PROJECT, what, target=f"package {session.package}")
