"""`/admin/users`: find users, make and remove administrators, disable accounts."""

from collections.abc import Callable
from typing import Any

import bson
from flask import Response, abort, flash, make_response, redirect, render_template, request, url_for
from mongoengine.errors import NotUniqueError
from werkzeug.wrappers import Response as AnyResponse

from webapp.admin.blueprint import bp
from webapp.admin.forms import NewUserForm
from webapp.changes import administrators
from webapp.documents import AuditEvent, Package, User
from webapp.documents.base import utc_now
from webapp.members import audit, local_sign_in, mails
from webapp.members.form_views import confirmed_members_only, form_view
from webapp.members.forms import ButtonForm
from webapp.members.recovery import send_link_to
from webapp.members.sessions import me
from webapp.serving.pagination import paginate

MAX_QUERY_LENGTH = 254
RECENT = 20

# Actions on a user, by the last part of the URL: the function and its audit log message.
ACTIONS: dict[str, tuple[Callable[[bson.ObjectId], bool], str]] = {
    "make-administrator": (administrators.make_administrator, "Made {} an administrator."),
    "remove-administrator": (administrators.remove_administrator, "Removed {} as administrator."),
    "disable": (administrators.disable, "Disabled the account of {}."),
    "enable": (administrators.enable, "Enabled the account of {} and revoked its API tokens."),
}


@bp.get("/users")
def users() -> Response:
    """List users, newest first, or search for them."""
    text = request.args.get("q", "").strip()
    if len(text) > MAX_QUERY_LENGTH:
        abort(413, f"Use at most {MAX_QUERY_LENGTH} characters.")
    if text:
        people = User.objects.found(text).plain()
        found = {"items": people, "page": 1, "pages": 1, "total": len(people), "more": False}
    else:
        found = paginate([User.objects.youngest()])
    return make_response(render_template("admin/users.html", found=found, query_text=text))


@bp.get("/users/<user_id>")
def user(user_id: str) -> Response:
    """Show one user and the available actions."""
    person = user_or_404(user_id)
    page = render_template(
        "admin/user.html",
        person=person,
        packages=Package.objects.maintained_by(person.id).listed().limit(RECENT).plain(),
        events=AuditEvent.objects.about_user(person.id).limit(RECENT).plain(),
        form=ButtonForm(),
    )
    return make_response(page)


@bp.route("/users/new", methods=["GET", "POST"])
@form_view(NewUserForm, "admin/new_user.html")
def new_user(form: NewUserForm) -> AnyResponse | None:
    """Create an account for someone and email them a link to choose a password."""
    person = User(name=form.name.data, email=form.email.data, created_date=utc_now())
    try:
        person.save(force_insert=True)
    except NotUniqueError:
        form.refuse("email", "An account with this address already exists.")
        return None
    audit.record(audit.ADMINISTRATION, "Created the account.", user=person)
    if mails.can_send_links():
        _welcome(person)
        how = "a link to choose a password" if local_sign_in.is_open_to(person) else "a mail that says so"
        flash(f"{person.shown_name} now has an account. We sent them {how}.")
    else:
        flash(
            f"{person.shown_name} now has an account, but no email could be sent. Set a password on the command line."
        )
    return redirect(url_for("admin.user", user_id=person.id))


def _welcome(person: User) -> None:
    by = me().user.shown_name
    if local_sign_in.is_open_to(person):
        mails.later(lambda: send_link_to(person, "welcome", "Your new account", by=by))
        return
    address, name, link = person.email, person.shown_name, mails.link_to("accounts.login")
    mails.later(lambda: mails.send("welcome_at_provider", address, "Your new account", name=name, link=link, by=by))


def _act(user_id: str, act: str) -> dict[str, Any]:
    if act not in ACTIONS:
        abort(404)
    return {"person": user_or_404(user_id), "act": act}


@bp.route("/users/<user_id>/<act>", methods=["GET", "POST"])
@confirmed_members_only
@form_view(ButtonForm, "admin/act.html", _act)
def change_user(_: ButtonForm, user_id: str, act: str) -> AnyResponse:
    """Perform one of ACTIONS and record it in the audit log."""
    person = user_or_404(user_id)
    apply, description = ACTIONS[act]
    try:
        changed = apply(person.id)
    except administrators.LastAdministrator as error:
        abort(409, str(error))
    if changed:
        said = description.format(person.shown_name)
        audit.record(audit.ADMINISTRATION, said, user=person)
        _tell(person, said)
        flash(said)
    else:
        flash(f"{person.shown_name}: nothing to change.")
    return redirect(url_for("admin.user", user_id=user_id))


def _tell(person: User, said: str) -> None:
    """Tell a user, and all administrators, who was made or removed as one, or whose account was disabled or enabled."""
    told = {user.email: user for user in (person, *User.objects.administrators()) if user.email}
    by, subject = me().user.shown_name, said.rstrip(".")

    def tell() -> None:
        for address, user in told.items():
            mails.send("account_act", address, subject, name=user.shown_name, by=by, what=said[:1].lower() + said[1:])

    mails.later(tell)


def user_or_404(user_id: str) -> User:
    """Return the user with this ID, or abort with 404."""
    valid = bson.ObjectId.is_valid(user_id)
    person: User | None = User.objects(pk=bson.ObjectId(user_id)).declared_first() if valid else None
    return person or abort(404, "There is no user with this ID.")
