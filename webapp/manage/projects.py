"""`/manage/`: a member's projects, and the settings, history and deletion of one."""

from typing import Any

from flask import Response, abort, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.changes import withdrawing
from webapp.changes.maintaining import end_maintaining, is_needed
from webapp.changes.project_status import IN_QUARANTINE, is_in_quarantine, set_status
from webapp.changes.release_rules import Impossible, set_rule
from webapp.changes.signers import set_signers
from webapp.documents import JournalEntry, Package, ProjectStatus, PublishingSession, StoredFile
from webapp.documents.package import OWNER, REVIEWED, SESSIONS
from webapp.documents.project_status import ACTIVE
from webapp.manage.blueprint import bp, button_for, deletion, is_confirmed, is_owner, project
from webapp.manage.forms import DIRECT, DeletionForm, ReleaseRuleForm, SignersForm, StatusForm
from webapp.manage.history import sentence_of
from webapp.members import audit
from webapp.members.form_views import confirmed_members_only, form_view, members_only
from webapp.members.forms import ButtonForm
from webapp.members.notices import tell_of_act, tell_owners
from webapp.members.sessions import me
from webapp.rules import naming
from webapp.serving.extensions import signature_verifier
from webapp.serving.filters import site_url
from webapp.serving.pagination import paginate

ENTRIES_PER_PAGE = 50
RULES = {
    DIRECT: "are published as soon as they are uploaded",
    SESSIONS: "come through publishing sessions only",
    REVIEWED: "come through publishing sessions only, published by an owner other than the uploader",
}
MOST_SESSIONS = 50


@bp.get("/manage/")
@members_only
def index() -> Response:
    """List the projects that a member maintains, or explain how to publish the first one."""
    user = me().user
    sessions = PublishingSession.objects.live_of_account(user.id).limit(MOST_SESSIONS)
    page = render_template(
        "manage/index.html",
        found=paginate([Package.objects.maintained_by(user.id, user.team_names).listed()]),
        used_bytes=StoredFile.objects.of_account(user.id).total_bytes(),
        address=site_url(),
        sessions=[each for each in sessions.plain() if not PublishingSession(**each).missing],
    )
    return make_response(page)


@bp.get("/manage/<name>/history")
@members_only
def history(name: str) -> Response:
    """Show who did what and when: the project's entries in the journal."""
    package = project(name)
    found = paginate([JournalEntry.objects.about_package(package.pk)], ENTRIES_PER_PAGE)
    page = render_template("manage/history.html", package=package, found=found, sentence_of=sentence_of)
    return make_response(page)


@bp.get("/manage/<name>/settings")
@members_only
def settings(name: str) -> Response:
    """Show the project's status, and how to leave or delete it."""
    package, user = project(name), me().user
    page = render_template(
        "manage/settings.html",
        package=package,
        is_owner=is_owner(package),
        maintains=any(each.user_id == user.id for each in package.maintainers),
        is_needed=is_needed(package, user.id),
        verifies=_verifies(),
        rules=RULES,
        form=ButtonForm(),
    )
    return make_response(page)


def _status(name: str) -> dict[str, Any]:
    package = project(name, OWNER)
    if is_in_quarantine(package):
        abort(403, IN_QUARANTINE)
    status = package.status or ProjectStatus()
    initial = {"status": status.marker or ACTIVE, "reason": status.reason, "successor": status.successor}
    return {"package": package, "initial": initial}


@bp.route("/manage/<name>/status", methods=["GET", "POST"])
@members_only
@form_view(StatusForm, "manage/status.html", _status)
def status(form: StatusForm, name: str) -> AnyResponse | None:
    """Set the status of a project (PEP 792); an archived one accepts no new files."""
    package, marker, successor = project(name, OWNER), form.status.data, form.successor.data or None
    if successor and naming.normalize_name(successor) == package.pk:
        form.refuse("successor", "A project cannot succeed itself.")
        return None
    chosen = ProjectStatus(marker=marker, reason=form.reason.data or None, successor=successor)
    if set_status(package.pk, None if marker == ACTIVE else chosen, me().user):
        audit.record(audit.PROJECT, f"Marked {package.pk} as {marker}.", target=f"package {package.pk}")
        flash(f"{package.name} is now {marker}.")
    else:
        flash("Nothing was changed.")
    return redirect(url_for("manage.settings", name=package.pk))


def _verifies() -> bool:
    """Tell whether this site verifies who signed attestations."""
    return signature_verifier() is not None


def _signers(name: str) -> dict[str, Any]:
    package = project(name, OWNER)
    if is_in_quarantine(package):
        abort(403, IN_QUARANTINE)
    return {"package": package, "initial": {"signers": "\n".join(package.signers or [])}}


@bp.route("/manage/<name>/signers", methods=["GET", "POST"])
@members_only
@form_view(SignersForm, "manage/signers.html", _signers)
def signers(form: SignersForm, name: str) -> AnyResponse | None:
    """Choose who has to sign the new files of a project (PEP 740)."""
    package, chosen = project(name, OWNER), form.chosen()
    if chosen and not _verifies():
        form.refuse("signers", "This site does not verify attestations, so nobody could upload. Remove all signers.")
        return None
    if set_signers(package.pk, chosen, me().user):
        said = f"have to be signed by {' or '.join(chosen)}" if chosen else "need no attestations"
        audit.record(audit.PROJECT, f"New files of {package.pk} {said}.", target=f"package {package.pk}")
        flash("The signers were changed.")
    else:
        flash("Nothing was changed.")
    return redirect(url_for("manage.settings", name=package.pk))


def _release_rule(name: str) -> dict[str, Any]:
    package = project(name, OWNER)
    if is_in_quarantine(package):
        abort(403, IN_QUARANTINE)
    owners = [each for each in [*package.maintainers, *(package.teams or [])] if each.role == OWNER]
    return {"package": package, "is_only_owner": len(owners) < 2, "initial": {"rule": package.release_rule or DIRECT}}


@bp.route("/manage/<name>/release-rule", methods=["GET", "POST"])
@confirmed_members_only
@form_view(ReleaseRuleForm, "manage/release_rule.html", _release_rule)
def release_rule(form: ReleaseRuleForm, name: str) -> AnyResponse | None:
    """Choose whether new files come through publishing sessions, and who publishes these."""
    package, chosen = project(name, OWNER), form.rule.data
    try:
        is_changed = set_rule(package.pk, None if chosen == DIRECT else chosen, me().user)
    except Impossible as error:
        form.refuse("rule", str(error))
        return None
    if is_changed:
        said = RULES[chosen]
        audit.record(audit.PROJECT, f"New files of {package.pk} {said}.", target=f"package {package.pk}")
        tell_of_act(package, f"Chose that new files {said}")
        flash(f"From now on, new files {said}.")
    else:
        flash("Nothing was changed.")
    return redirect(url_for("manage.settings", name=package.pk))


@bp.route("/manage/<name>/leave", methods=["GET", "POST"])
@confirmed_members_only
@form_view(ButtonForm, "manage/act.html", button_for("Leave the project", about="You no longer maintain {project}."))
def leave(_: ButtonForm, name: str) -> AnyResponse:
    """Leave a project; the last owner cannot."""
    package, user = project(name), me().user
    end_maintaining(package.pk, user.id, user)
    audit.record(audit.PROJECT, f"Left {package.pk}.", user=user, target=f"package {package.pk}")
    tell_of_act(package, f"Left {package.name}")
    flash(f"You no longer maintain {package.name}.")
    return redirect(url_for("manage.index"))


def _deletion(name: str) -> dict[str, Any]:
    package = project(name, OWNER)
    return deletion(package, package.name)


@bp.route("/manage/<name>/delete", methods=["GET", "POST"])
@members_only
@form_view(DeletionForm, "manage/delete_project.html", _deletion)
def delete_project(form: DeletionForm, name: str) -> AnyResponse | None:
    """Delete a project with all its releases and files."""
    package = project(name, OWNER)
    if not is_confirmed(form, package.name, package.pk):
        return None
    withdrawing.delete_project(package.pk, me().user)
    audit.record(audit.PROJECT, f"Deleted the project {package.pk}.", target=f"package {package.pk}")
    tell_owners(package, f"the project {package.name}")
    flash(f"{package.name} was deleted.")
    return redirect(url_for("manage.index"))
