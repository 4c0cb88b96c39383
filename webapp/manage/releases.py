"""`/manage/<name>/`: the releases and files of a project: yank, undo a yank, delete."""

from typing import Any

from flask import Response, abort, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.changes import withdrawing
from webapp.documents import Package, StoredFile
from webapp.documents.package import MAINTAINER, OWNER
from webapp.documents.package_page import package_page
from webapp.manage.blueprint import bp, button_for, deletion, is_confirmed, is_owner, permitted, project
from webapp.manage.forms import DeletionForm, YankForm
from webapp.members import audit
from webapp.members.form_views import form_view, members_only
from webapp.members.forms import ButtonForm
from webapp.members.notices import tell_owners
from webapp.members.sessions import me
from webapp.rules import naming
from webapp.rules.texts import counted
from webapp.serving.pagination import page_number

RELEASES_PER_PAGE = 50

Context = dict[str, Any]


@bp.get("/manage/<name>/")
@members_only
def releases(name: str) -> Response:
    """List the releases of a project, newest version first."""
    number = page_number()
    first = (number - 1) * RELEASES_PER_PAGE
    found = package_page(naming.normalize_name(name), None, first=first, count=RELEASES_PER_PAGE)
    package = permitted(Package(**found.package) if found else None, name, MAINTAINER)
    pages = max(1, -(-(package.release_count or 0) // RELEASES_PER_PAGE))
    if number > pages:
        abort(404, f"This list has only {counted(pages, 'pages')}.")
    warned = StoredFile.objects.with_warnings(package.pk).only("version").plain()
    page = render_template(
        "manage/releases.html",
        package=package,
        page=number,
        pages=pages,
        warned={naming.sort_key(file["version"]) for file in warned if "version" in file},
        used_bytes=StoredFile.objects.of_project(package.pk).total_bytes(),
    )
    return make_response(page)


def _release(name: str, version: str, role: str = MAINTAINER) -> Context:
    """Return a project and one of its releases, with its files."""
    found = package_page(naming.normalize_name(name), version, first=0, count=1)
    package = permitted(Package(**found.package) if found else None, name, role)
    release = found.release if found else None
    if release is None or release["version"] != version:
        abort(404, f"{package.name} has no release {version}.")
    return {"package": package, "release": release, "is_owner": is_owner(package)}


@bp.get("/manage/<name>/release/<path:version>")
@members_only
def release(name: str, version: str) -> Response:
    """Show a release, its files, and the available actions."""
    context = _release(name, version)
    names = [file.get("filename") for file in context["release"].get("files", [])]
    warned = StoredFile.objects.with_warnings(context["package"].pk).filter(pk__in=names).only("filename", "warnings")
    warnings = {file["filename"]: file.get("warnings", []) for file in warned.plain()}
    return make_response(render_template("manage/release.html", form=ButtonForm(), warnings=warnings, **context))


@bp.route("/manage/<name>/yank/<path:version>", methods=["GET", "POST"])
@members_only
@form_view(YankForm, "manage/yank.html", _release)
def yank(form: YankForm, name: str, version: str) -> AnyResponse:
    """Yank a release."""
    package = project(name)
    withdrawing.yank(package.pk, version, form.reason.data, me().user)
    audit.record(audit.PROJECT, f"Yanked {package.pk} {version}.", target=f"package {package.pk}")
    flash(f"{package.name} {version} was yanked.")
    return redirect(url_for("manage.release", name=package.pk, version=version))


@bp.post("/manage/<name>/unyank/<path:version>")
@members_only
@form_view(ButtonForm, "manage/act.html", button_for("Unyank the release"))
def unyank(_: ButtonForm, name: str, version: str) -> AnyResponse:
    """Undo a yank."""
    package = project(name)
    withdrawing.unyank(package.pk, version, me().user)
    audit.record(audit.PROJECT, f"Unyanked {package.pk} {version}.", target=f"package {package.pk}")
    flash(f"{package.name} {version} was unyanked.")
    return redirect(url_for("manage.release", name=package.pk, version=version))


def _release_deletion(name: str, version: str) -> Context:
    context = _release(name, version, OWNER)
    package = context.pop("package")
    return deletion(package, f"{package.name} {version}", **context)


@bp.route("/manage/<name>/delete-release/<path:version>", methods=["GET", "POST"])
@members_only
@form_view(DeletionForm, "manage/delete_release.html", _release_deletion)
def delete_release(form: DeletionForm, name: str, version: str) -> AnyResponse | None:
    """Delete a release and its files."""
    package = project(name, OWNER)
    if not is_confirmed(form, f"{package.name} {version}", f"{package.pk} {version}"):
        return None
    withdrawing.delete_release(package.pk, version, me().user)
    audit.record(audit.PROJECT, f"Deleted {package.pk} {version}.", target=f"package {package.pk}")
    tell_owners(package, f"{package.name} {version}")
    flash(f"{package.name} {version} was deleted.")
    return redirect(url_for("manage.releases", name=package.pk))


def _file_deletion(name: str, version: str, filename: str) -> Context:
    context = _release(name, version, OWNER)
    files = [file.get("filename") for file in context["release"].get("files", [])]
    if filename not in files:
        abort(404, f"This release has no file {filename}.")
    return deletion(context["package"], filename, release=context["release"], is_last=len(files) == 1)


@bp.route("/manage/<name>/delete-file/<filename>/of/<path:version>", methods=["GET", "POST"])
@members_only
@form_view(DeletionForm, "manage/delete_file.html", _file_deletion)
def delete_file(form: DeletionForm, name: str, version: str, filename: str) -> AnyResponse | None:
    """Delete one file of a release."""
    package = project(name, OWNER)
    if not is_confirmed(form, filename):
        return None
    is_left = withdrawing.delete_file(package.pk, version, filename, me().user)
    audit.record(audit.PROJECT, f"Deleted {filename}.", target=f"package {package.pk}")
    tell_owners(package, filename)
    flash(f"{filename} was deleted.")
    if is_left:
        return redirect(url_for("manage.release", name=package.pk, version=version))
    return redirect(url_for("manage.releases", name=package.pk))
