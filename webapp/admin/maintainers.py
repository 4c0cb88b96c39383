"""`/admin/packages`: the maintainers of packages, and quarantine."""

from typing import Any

import bson
from flask import abort, flash, make_response, redirect, render_template, request, url_for
from packaging.utils import NormalizedName
from werkzeug.wrappers import Response as AnyResponse

from webapp.admin.blueprint import bp
from webapp.admin.forms import MaintainerForm, QuarantineForm
from webapp.changes.maintaining import add_maintainer, remove_maintainer
from webapp.changes.project_status import end_quarantine, quarantine
from webapp.documents import Package, User
from webapp.members import audit
from webapp.members.form_views import form_view
from webapp.members.forms import ButtonForm
from webapp.members.sessions import me, signed_in_user
from webapp.rules import naming
from webapp.serving.pagination import paginate


@bp.get("/packages")
def packages() -> AnyResponse:
    """Find a package by name, and list those in quarantine."""
    name = request.args.get("name", "").strip()
    if not name:
        found = paginate([Package.objects.quarantined().only("normalized_name", "name", "status")])
        return make_response(render_template("admin/packages.html", name="", found=found))
    try:
        package = Package.objects.named(name).only("normalized_name").plain_first()
    except naming.InvalidName:
        package = None
    if package is None:
        return make_response(render_template("admin/packages.html", name=name), 404)
    return redirect(url_for("admin.maintainers", name=package["normalized_name"]))


def _package(name: str) -> dict[str, Any]:
    # The views below get a NormalizedName, because any other spelling ends here with 404.
    package = Package.objects(pk=name).only("normalized_name", "name", "maintainers", "status").plain_first()
    return {"package": package or abort(404), "button_form": ButtonForm()}


@bp.route("/packages/<name>", methods=["GET", "POST"])
@form_view(MaintainerForm, "admin/maintainers.html", _package)
def maintainers(form: MaintainerForm, name: NormalizedName) -> AnyResponse | None:
    """List the maintainers of a package and add one."""
    user = _user(form.user.data)
    if user is None:
        form.refuse("user", "User not found.")
        return None
    if not add_maintainer(name, user, form.role.data, signed_in_user()):
        form.refuse("user", f"{user.shown_name} is already a maintainer, or the project has too many maintainers.")
        return None
    audit.record(
        audit.ADMINISTRATION, f"Made {user.shown_name} {form.role.data} of {name}.", user=user, target=f"package {name}"
    )
    flash(f"{user.shown_name} now maintains {name}.")
    return redirect(url_for("admin.maintainers", name=name))


@bp.post("/packages/<name>/remove/<user_id>")
@form_view(ButtonForm, "admin/act.html")
def end_maintaining(_: ButtonForm, name: NormalizedName, user_id: str) -> AnyResponse:
    """Remove a maintainer from a package."""
    if not bson.ObjectId.is_valid(user_id) or not remove_maintainer(name, bson.ObjectId(user_id), signed_in_user()):
        abort(404, "This user does not maintain this package.")
    user = User.objects(pk=bson.ObjectId(user_id)).declared_first()
    who = user.shown_name if user else user_id
    audit.record(
        audit.ADMINISTRATION, f"Removed {who} from the maintainers of {name}.", user=user, target=f"package {name}"
    )
    flash(f"{who} no longer maintains {name}.")
    return redirect(url_for("admin.maintainers", name=name))


@bp.route("/packages/<name>/quarantine", methods=["GET", "POST"])
@form_view(QuarantineForm, "admin/quarantine.html", _package)
def start_quarantine(form: QuarantineForm, name: NormalizedName) -> AnyResponse:
    """Stop offering the files of a package (PEP 792), and forbid changes to it."""
    if quarantine(name, form.reason.data, me().user):
        audit.record(audit.ADMINISTRATION, f"Quarantined {name}. Reason: {form.reason.data}", target=f"package {name}")
        flash(f"{name} is now quarantined.")
    else:
        flash(f"{name} was quarantined before.")
    return redirect(url_for("admin.maintainers", name=name))


@bp.post("/packages/<name>/end-quarantine")
@form_view(ButtonForm, "admin/act.html")
def stop_quarantine(_: ButtonForm, name: NormalizedName) -> AnyResponse:
    """Offer the files of a package again."""
    if not end_quarantine(name, me().user):
        abort(404, "This package is not quarantined.")
    audit.record(audit.ADMINISTRATION, f"Ended the quarantine of {name}.", target=f"package {name}")
    flash(f"{name} is no longer quarantined.")
    return redirect(url_for("admin.maintainers", name=name))


def _user(text: str) -> User | None:
    if bson.ObjectId.is_valid(text):
        by_id: User | None = User.objects(pk=bson.ObjectId(text)).declared_first()
        return by_id
    by_name: User | None = User.objects.account_of(text)
    return by_name
