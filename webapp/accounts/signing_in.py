"""`/account/register`, `/account/login`, `/account/logout`, and the name in the navigation."""

import time
from typing import Any

from flask import Response, abort, flash, jsonify, make_response, redirect, render_template, request, url_for
from mongoengine.errors import NotUniqueError
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.blueprint import bp
from webapp.accounts.forms import NewPasswordForm, RegistrationForm, SignInForm
from webapp.documents import Package, User
from webapp.members import audit, confirming, limits, mails, passwords, recovery, sessions, tokens
from webapp.members.form_views import form_view, visitors_only
from webapp.members.forms import NothingForm
from webapp.members.next_page import safe_next
from webapp.members.registration import create_user

WRONG = "The username or password is incorrect."
TAKEN = "An account with this address already exists. Sign in, or reset your password."
LINK_OVER = "This link has expired or was already used. Sign in, or register again."
STORED_WEAKLY = "Your password is correct, but it was stored in a way that is no longer secure."
DISABLED = "An administrator has disabled this account."


class WeakHash(RuntimeError):
    """The password is right, and whoever reads the database could know it, too."""

    def __init__(self, user: User) -> None:
        super().__init__("the hash of this password is weak")
        self.user = user


def _next_page() -> dict[str, Any]:
    return {"initial": {"next": safe_next(request.args.get("next"))}}


@bp.route("/account/register", methods=["GET", "POST"])
@limits.limited_registration
@form_view(RegistrationForm, "accounts/register.html", _next_page)
def register(form: RegistrationForm) -> AnyResponse | None:
    """A new account: by a link in a mail where mail is configured, elsewhere signed in at once."""
    if mails.are_configured():
        return _register_by_mail(form)
    try:
        user = create_user(name=form.name.data, email=form.email.data, password=form.password.data)
    except NotUniqueError:
        form.refuse("email", TAKEN)
        return None
    return _welcomed(user, form.next.data)


def _register_by_mail(form: RegistrationForm) -> AnyResponse | None:
    """Send a link to the mailbox. The answer is the same whether the address has an account."""
    email = form.email.data
    if not mails.can_send_links():
        form.refuse("email", mails.NONE_SENT)
        return None
    if limits.count_mail(email):
        confirming.ask_to_register(form.name.data, email, safe_next(form.next.data) or "")
    return make_response(render_template("accounts/registration_sent.html", email=email))


def _registration(token: str) -> dict[str, Any]:
    registration = tokens.registration_of(token)
    if registration is None or User.objects.signing_in(registration.email).count():
        abort(410, LINK_OVER)
    return {"registration": registration}


@bp.route("/account/register/<token>", methods=["GET", "POST"])
@form_view(NewPasswordForm, "accounts/finish_registration.html", _registration)
def finish_registration(form: NewPasswordForm, token: str) -> AnyResponse | None:
    """Make the account of somebody who opened the link in the mail, with the password that they choose now."""
    registration = tokens.registration_of(token) or abort(410, LINK_OVER)
    if not form.is_strong([registration.name, registration.email]):
        return None
    try:
        user = create_user(name=registration.name, email=registration.email, password=form.password.data)
    except NotUniqueError:
        abort(410, LINK_OVER)
    return _welcomed(user, registration.next_address)


def _welcomed(user: User, next_address: str | None) -> AnyResponse:
    sessions.begin(user, remember=False, where=audit.where())
    flash(f"Welcome, {user.shown_name}.")
    return redirect(safe_next(next_address) or url_for("accounts.account"))


@bp.route("/account/login", methods=["GET", "POST"])
@visitors_only
@form_view(SignInForm, "accounts/login.html", _next_page)
def login(form: SignInForm) -> AnyResponse | None:
    """Sign in, and go on to where one came from."""
    try:
        user = authenticated(form.email.data, form.password.data)
    except WeakHash as error:
        form.refuse("password", DISABLED if error.user.is_disabled else _replacing(error.user))
        return None
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


def _replacing(user: User) -> str:
    """Send a link to a new password to a user whose hash is weak, and return what to say to them."""
    if not user.email or not mails.can_send_links():
        return f"{STORED_WEAKLY} Ask an administrator to reset it."
    if limits.count_mail(user.email):
        mails.later(lambda: recovery.send_link_to(user, "weak_password", "Choose a new password"))
    return f"{STORED_WEAKLY} Open the link we sent to your email address to choose a new one."


def authenticated(identifier: str, password: str) -> User | None:
    """Return the user whose address or username and password these are, or None.

    A failure takes the same time and leaves the same words in the audit log whether there is such an account. Raises
    TooManyRequests, ServiceUnavailable, and WeakHash when the password is right but was stored in a form that is weak.
    """
    attempt = limits.SignInAttempt(identifier)
    user, checked = _checked(identifier, password)
    if user is None or not checked.fits:
        return None
    attempt.succeeded()
    if checked.is_weak:
        raise WeakHash(user)
    if checked.new_hash:
        # Whoever changed the password in this moment has the newer hash.
        present = {"_id": user.id, "hashed_password": user.hashed_password}
        User._get_collection().update_one(present, {"$set": {"hashed_password": checked.new_hash}})
    return user


def _checked(identifier: str, password: str) -> tuple[User | None, passwords.Checked]:
    with passwords.a_place():
        started = time.monotonic()
        user = User.objects.account_of(identifier)
        checked = passwords.check(user.hashed_password if user else None, password)
        if not checked.fits:
            audit.record(audit.SIGN_IN_FAILED, "Failed to sign in.", user=user, target="" if user else "no account")
            passwords.wait_out(started)
    return user, checked


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
