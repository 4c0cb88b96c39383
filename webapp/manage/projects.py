"""`/manage/`: a member's projects, and the settings, history and deletion of one."""

from typing import Any

from flask import Response, abort, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.changes import withdrawing
from webapp.changes.maintaining import end_maintaining, is_needed
from webapp.changes.project_status import IN_QUARANTINE, is_in_quarantine, set_status
from webapp.documents import JournalEntry, Package, ProjectStatus, StoredFile
from webapp.documents.package import OWNER
from webapp.documents.project_status import ACTIVE
from webapp.manage.blueprint import bp, button_for, deletion, is_confirmed, project
from webapp.manage.forms import DeletionForm, StatusForm
from webapp.manage.notices import tell_owners
from webapp.members import audit
from webapp.members.form_views import form_view, members_only
from webapp.members.forms import ButtonForm
from webapp.members.sessions import me
from webapp.rules import naming
from webapp.serving.filters import site_url
from webapp.serving.pagination import paginate

ENTRIES_PER_PAGE = 50


@bp.get("/manage/")
@members_only
def index() -> Response:
    """List the projects that a member maintains, or explain how to publish the first one."""
    user_id = me().user.id
    page = render_template(
        "manage/index.html",
        found=paginate([Package.objects.maintained_by(user_id).listed()]),
        used_bytes=int(StoredFile.objects.of_account(user_id).sum("size")),
        address=site_url(),
    )
    return make_response(page)


@bp.get("/manage/<name>/history")
@members_only
def history(name: str) -> Response:
    """Show who did what and when: the project's entries in the journal."""
    package = project(name)
    found = paginate([JournalEntry.objects.about_package(package.pk)], ENTRIES_PER_PAGE)
    return make_response(render_template("manage/history.html", package=package, found=found))


@bp.get("/manage/<name>/settings")
@members_only
def settings(name: str) -> Response:
    """Show the project's status, and how to leave or delete it."""
    package, user = project(name), me().user
    page = render_template(
        "manage/settings.html",
        package=package,
        is_owner=package.role_of(user.id) == OWNER,
        is_needed=is_needed(package, user.id),
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


@bp.post("/manage/<name>/leave")
@members_only
@form_view(ButtonForm, "manage/act.html", button_for("Leave the project"))
def leave(_: ButtonForm, name: str) -> AnyResponse:
    """Leave a project; the last owner cannot."""
    package, user = project(name), me().user
    end_maintaining(package.pk, user.id, user)
    audit.record(audit.PROJECT, f"Left {package.pk}.", user=user, target=f"package {package.pk}")
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
