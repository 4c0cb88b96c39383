"""`/admin/packages/`: every project, and what administrators do to one, with a reason that its owners are told."""

import re
from typing import Any

from flask import abort, flash, make_response, redirect, render_template, request, url_for
from packaging.utils import NormalizedName, canonicalize_name
from werkzeug.wrappers import Response as AnyResponse

from webapp.admin.blueprint import bp
from webapp.admin.forms import EndQuarantineForm, QuarantineForm, ReasonForm, RemovalForm
from webapp.changes import withdrawing
from webapp.changes.maintaining import NotThere
from webapp.changes.project_status import end_quarantine, quarantine
from webapp.documents import Package, User
from webapp.documents.package_page import package_page
from webapp.members import audit
from webapp.members.form_views import confirmed_members_only, form_view
from webapp.members.notices import tell_of_act
from webapp.members.sessions import me
from webapp.serving.pagination import paginate

MAX_QUERY_LENGTH = 200


@bp.get("/packages/")
def packages() -> AnyResponse:
    """List all projects by name, those with a text in their name, or those in quarantine."""
    text = request.args.get("name", "").strip()
    if len(text) > MAX_QUERY_LENGTH:
        abort(413, f"Use at most {MAX_QUERY_LENGTH} characters.")
    is_quarantined = request.args.get("status") == "quarantined"
    question = Package.objects.quarantined() if is_quarantined else Package.objects.order_by("pk")
    name = canonicalize_name(text)
    questions = [question]
    if text:
        others = question.filter(__raw__={"_id": {"$regex": re.escape(name), "$ne": name}})
        questions = [question.filter(pk=name), others]
    found = paginate([each.only(*Package.objects.LISTED, "maintainers") for each in questions])
    shown = {"name": text, "status": "quarantined" if is_quarantined else ""}
    return make_response(render_template("admin/packages.html", found=found, **shown))


def package_or_404(name: str) -> Package:
    """Return a project without its releases; any other spelling than the normalized one ends here with 404."""
    package: Package | None = Package.objects(pk=name).managed().declared_first()
    return package or abort(404, f"There is no project called “{name}” on this site.")


def act_on(act: str, consequence: str, button: str = "") -> Any:
    """Return a function that loads the page of an act: what is done, what follows, and the words on its button."""

    def load(name: str, version: str = "") -> dict[str, Any]:
        package = package_or_404(name)
        shown = f"{package.name or name} {version}".rstrip()
        if version:
            found = package_page(NormalizedName(name), version, first=0, count=1)
            if found is None or found.release is None or found.release["version"] != version:
                abort(404, f"{package.name or name} has no release {version}.")
        return {
            "package": package,
            "heading": f"{act} {shown}",
            "consequence": consequence,
            "button": button or act,
            "expected": shown,
        }

    return load


def done(package: Package, what: str, reason: str, about: User | None = None) -> None:
    """Record what an administrator did, tell the owners and whom it is about, and say so on the next page."""
    said = f"{what}. Reason: {reason}"
    audit.record(audit.ADMINISTRATION, said, user=about, target=f"package {package.pk}")
    tell_of_act(package, what, reason=reason, also=[about.id] if about else [])
    flash(f"{what}. Its owners are told.")


@bp.route("/packages/<name>/quarantine", methods=["GET", "POST"])
@form_view(
    QuarantineForm,
    "admin/reason.html",
    act_on(
        "Quarantine",
        "The project stays visible, but its files cannot be downloaded or installed, and its maintainers cannot "
        "upload, yank or delete. Copies that other people downloaded are not affected. You can end the quarantine at "
        "any time.",
    ),
)
def start_quarantine(form: QuarantineForm, name: NormalizedName) -> AnyResponse:
    """Stop offering the files of a package (PEP 792), and forbid changes to it."""
    package = package_or_404(name)
    if quarantine(name, form.reason.data, me().user):
        done(package, f"Quarantined {name}", form.reason.data)
    else:
        flash(f"{name} was quarantined before.")
    return redirect(url_for("admin.maintainers", name=name))


@bp.route("/packages/<name>/end-quarantine", methods=["GET", "POST"])
@form_view(
    EndQuarantineForm,
    "admin/reason.html",
    act_on(
        "End the quarantine of", "The files of the project can be installed again, and its maintainers can change it."
    ),
)
def stop_quarantine(form: EndQuarantineForm, name: NormalizedName) -> AnyResponse:
    """Offer the files of a package again."""
    package = package_or_404(name)
    if not end_quarantine(name, me().user):
        abort(404, "This package is not quarantined.")
    done(package, f"Ended the quarantine of {name}", form.reason.data)
    return redirect(url_for("admin.maintainers", name=name))


@bp.route("/packages/<name>/yank/<path:version>", methods=["GET", "POST"])
@form_view(
    ReasonForm,
    "admin/reason.html",
    act_on(
        "Yank", "Installers choose the release only when someone asks for exactly this version. The reason is public."
    ),
)
def yank(form: ReasonForm, name: NormalizedName, version: str) -> AnyResponse:
    """Yank a release."""
    package = package_or_404(name)
    _withdrawn(withdrawing.yank, name, version, form.reason.data)
    done(package, f"Yanked {name} {version}", form.reason.data)
    return redirect(url_for("manage.release", name=name, version=version))


@bp.route("/packages/<name>/delete-release/<path:version>", methods=["GET", "POST"])
@confirmed_members_only
@form_view(
    RemovalForm,
    "admin/reason.html",
    act_on("Delete", "The release and its files are permanently deleted, and their names cannot be reused."),
)
def delete_release(form: RemovalForm, name: NormalizedName, version: str) -> AnyResponse | None:
    """Delete a release and its files."""
    package = package_or_404(name)
    if not form.names(f"{package.name or name} {version}", f"{name} {version}"):
        return None
    _withdrawn(withdrawing.delete_release, name, version)
    done(package, f"Deleted {name} {version}", form.reason.data)
    return redirect(url_for("manage.releases", name=name))


@bp.route("/packages/<name>/delete", methods=["GET", "POST"])
@confirmed_members_only
@form_view(
    RemovalForm,
    "admin/reason.html",
    act_on(
        "Delete",
        "The project, its releases and all files are permanently deleted. File names cannot be reused. The name of the "
        "project becomes available: the next person to upload to it owns it.",
    ),
)
def delete_project(form: RemovalForm, name: NormalizedName) -> AnyResponse | None:
    """Delete a project with all its releases and files."""
    package = package_or_404(name)
    if not form.names(package.name or name, name):
        return None
    _withdrawn(withdrawing.delete_project, name)
    done(package, f"Deleted the project {name}", form.reason.data)
    return redirect(url_for("admin.packages"))


def _withdrawn(act: Any, name: NormalizedName, *what: str) -> None:
    try:
        act(name, *what, me().user, as_administrator=True)
    except NotThere as error:
        abort(404, str(error))
