"""`/account/register`, `/account/login`, `/account/logout`, and the name in the navigation."""

from typing import Any

from flask import Response, flash, jsonify, make_response, redirect, request, url_for
from mongoengine.errors import NotUniqueError
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.blueprint import bp
from webapp.accounts.forms import RegistrationForm, SignInForm
from webapp.documents import Package, User
from webapp.members import audit, limits, passwords, sessions
from webapp.members.form_views import form_view, visitors_only
from webapp.members.forms import NothingForm
from webapp.members.next_page import safe_next
from webapp.members.registration import create_user

WRONG = "There is no account with this name and this password."
TAKEN = "There is an account with this address already. Sign in to it, or ask for a new password."
DISABLED = "This account was disabled by an administrator."


def _next_page() -> dict[str, Any]:
    return {"initial": {"next": safe_next(request.args.get("next"))}}


@bp.route("/account/register", methods=["GET", "POST"])
@limits.limited_registration
@form_view(RegistrationForm, "accounts/register.html", _next_page)
def register(form: RegistrationForm) -> AnyResponse | None:
    """A new account, signed in at once."""
    try:
        user = create_user(name=form.name.data, email=form.email.data, password=form.password.data)
    except NotUniqueError:
        form.refuse("email", TAKEN)
        return None
    sessions.begin(user, remember=False, where=audit.where())
    flash(f"Welcome, {user.shown_name}.")
    return redirect(safe_next(form.next.data) or url_for("accounts.account"))


@bp.route("/account/login", methods=["GET", "POST"])
@visitors_only
@form_view(SignInForm, "accounts/login.html", _next_page)
def login(form: SignInForm) -> AnyResponse | None:
    """Sign in, and go on to where one came from."""
    user = authenticated(form.email.data, form.password.data)
    if user is None:
        form.refuse("password", WRONG)
        return None
    try:
        sessions.begin(user, remember=form.remember.data, where=audit.where())
    except sessions.AccountDisabled:
        # Only who knows the password is told so.
        form.refuse("email", DISABLED)
        return None
    audit.record(audit.SIGN_IN, "Signed in.", user=user, by=user)
    return redirect(safe_next(form.next.data) or url_for("accounts.account"))


def authenticated(identifier: str, password: str) -> User | None:
    """Return the user whose address or username and password these are, or None. Raises TooManyRequests.

    An account that is not there costs the same questions, hashes and words in the audit log as one that is.
    """
    attempt = limits.SignInAttempt(identifier)
    user: User | None = User.objects.signing_in(identifier).declared_first()
    checked = passwords.check(user.hashed_password if user else None, password)
    if user is None or not checked.fits:
        audit.record(audit.SIGN_IN_FAILED, "Failed to sign in.", user=user, target="" if user else "no account")
        return None
    attempt.succeeded()
    if checked.new_hash:
        # Whoever changed the password in this moment has the newer hash.
        present = {"_id": user.id, "hashed_password": user.hashed_password}
        User._get_collection().update_one(present, {"$set": {"hashed_password": checked.new_hash}})
    return user


@bp.post("/account/logout")
@form_view(NothingForm, "accounts/sign_out.html")
def logout(_: NothingForm) -> AnyResponse:
    """Sign out of this browser."""
    user = sessions.signed_in_user()
    if user:
        audit.record(audit.SIGN_OUT, "Signed out.", user=user)
    sessions.end()
    return redirect(url_for("home.index"))


@bp.get("/account/nav")
def navigation() -> Response:
    """Who is signed in, and whether they look after the project that the page is about.

    Asked by a script, so that public pages can be the same bytes for everybody.
    """
    user = sessions.signed_in_user()
    if user is None:
        # The session itself stays: it may hold the token of a form that is open.
        sessions.mark(0)
        return make_response(jsonify(name=None))
    administration = url_for("admin.index") if user.is_admin else None
    return make_response(
        jsonify(
            name=user.shown_name,
            address=url_for("accounts.account"),
            administration=administration,
            manages=_manages(user, request.args.get("project", "")),
        )
    )


def _manages(user: User, normalized_name: str) -> bool:
    package = Package.objects(pk=normalized_name).managed().declared_first() if normalized_name else None
    return package is not None and package.role_of(user.id) is not None
