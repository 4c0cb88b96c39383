"""`/admin/packages/<name>`: who owns and maintains a project. Whoever it concerns is told, with the reason."""

from typing import Any

import bson
from flask import abort, redirect, url_for
from packaging.utils import NormalizedName
from werkzeug.wrappers import Response as AnyResponse

from webapp.admin.blueprint import bp
from webapp.admin.forms import MaintainerForm, ReasonForm, TransferForm
from webapp.admin.packages import act_on, done, package_or_404
from webapp.changes.maintaining import AccountGoes, add_maintainer, is_needed, remove_maintainer, transfer
from webapp.documents import User
from webapp.documents.package import OWNER
from webapp.members.form_views import confirmed_members_only, form_view
from webapp.members.sessions import signed_in_user

NOT_FOUND = "User not found."


def _package(name: str) -> dict[str, Any]:
    return {"package": package_or_404(name)}


@bp.route("/packages/<name>", methods=["GET", "POST"])
@confirmed_members_only
@form_view(MaintainerForm, "admin/maintainers.html", _package)
def maintainers(form: MaintainerForm, name: NormalizedName) -> AnyResponse | None:
    """Show a project and what can be done to it, and add a maintainer."""
    package, user, role = package_or_404(name), _user(form.user.data), form.role.data
    if user is None:
        form.refuse("user", NOT_FOUND)
        return None
    try:
        is_added = add_maintainer(name, user, role, signed_in_user())
    except AccountGoes as error:
        form.refuse("user", str(error))
        return None
    if not is_added:
        form.refuse("user", f"{user.shown_name} is already a maintainer, or the project has too many maintainers.")
        return None
    done(
        package,
        f"Made {user.shown_name} {'an' if role == OWNER else 'a'} {role} of {name}",
        form.reason.data,
        about=user,
    )
    return redirect(url_for("admin.maintainers", name=name))


def _removal(name: str, user_id: str) -> dict[str, Any]:
    package = package_or_404(name)
    person = next((each for each in package.maintainers if str(each.user_id) == user_id), None)
    if person is None:
        abort(404, "This user does not maintain this package.")
    consequence = f"{person.name or 'This user'} can no longer publish or manage the project."
    if is_needed(package, person.user_id):
        consequence += " Nobody else owns it, so afterwards only administrators can manage it."
    heading = f"Remove {person.name or 'this user'} from {package.name or name}"
    return {"package": package, "heading": heading, "consequence": consequence, "button": "Remove"}


@bp.route("/packages/<name>/remove/<user_id>", methods=["GET", "POST"])
@confirmed_members_only
@form_view(ReasonForm, "admin/reason.html", _removal)
def end_maintaining(form: ReasonForm, name: NormalizedName, user_id: str) -> AnyResponse:
    """Remove a maintainer from a package."""
    package = package_or_404(name)
    if not bson.ObjectId.is_valid(user_id) or not remove_maintainer(name, bson.ObjectId(user_id), signed_in_user()):
        abort(404, "This user does not maintain this package.")
    user = User.objects(pk=bson.ObjectId(user_id)).declared_first()
    who = user.shown_name if user else user_id
    done(package, f"Removed {who} from the maintainers of {name}", form.reason.data, about=user)
    return redirect(url_for("admin.maintainers", name=name))


@bp.route("/packages/<name>/transfer", methods=["GET", "POST"])
@confirmed_members_only
@form_view(
    TransferForm,
    "admin/reason.html",
    act_on(
        "Transfer",
        "The new owner becomes the only one. The owners until now become maintainers, and their invitations end.",
    ),
)
def transfer_project(form: TransferForm, name: NormalizedName) -> AnyResponse | None:
    """Make somebody the only owner of a project."""
    package, user = package_or_404(name), _user(form.user.data)
    if user is None or user.is_disabled:
        form.refuse("user", NOT_FOUND if user is None else "This account is disabled.")
        return None
    by = signed_in_user()
    try:
        is_transferred = by is not None and transfer(name, user, by)
    except AccountGoes as error:
        form.refuse("user", str(error))
        return None
    if not is_transferred:
        form.refuse("user", f"{user.shown_name} is already the only owner.")
        return None
    done(package, f"Transferred {name} to {user.shown_name}", form.reason.data, about=user)
    return redirect(url_for("admin.maintainers", name=name))


def _user(text: str) -> User | None:
    if bson.ObjectId.is_valid(text):
        by_id: User | None = User.objects(pk=bson.ObjectId(text)).declared_first()
        return by_id
    by_name: User | None = User.objects.account_of(text)
    return by_name
