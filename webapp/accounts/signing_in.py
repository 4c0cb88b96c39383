"""`/account/register`, `/account/login`, `/account/logout`, and the name in the navigation."""

import time
from typing import Any

from flask import Response, abort, flash, jsonify, make_response, redirect, render_template, request, url_for
from mongoengine.errors import NotUniqueError
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.blueprint import bp
from webapp.accounts.forms import NewPasswordForm, RegistrationForm, SignInForm
from webapp.accounts.second_step import DISABLED, ask_for_second_step, signed_in
from webapp.documents import Package, User
from webapp.members import (
    audit,
    email_confirmation,
    inviting,
    limits,
    local_sign_in,
    mails,
    passwords,
    recovery,
    sessions,
    tokens,
)
from webapp.members.form_views import form_view, visitors_only
from webapp.members.forms import ButtonForm
from webapp.members.next_page import safe_next
from webapp.members.registration import create_user
from webapp.openid.sign_on import sign_on
from webapp.serving.filters import absolute_url

WRONG = "The username or password is incorrect."
TAKEN = "An account with this address already exists. Sign in, or reset your password."
LINK_OVER = "This link has expired or was already used. Sign in, or register again."
STORED_WEAKLY = "Your password is correct, but it was stored in a way that is no longer secure."


class WeakHash(RuntimeError):
    """The password is correct, but stored as a hash that is easy to crack."""

    def __init__(self, user: User) -> None:
        super().__init__("the hash of this password is weak")
        self.user = user


def _next_page() -> dict[str, Any]:
    return {"initial": {"next": safe_next(request.args.get("next"))}}


@bp.route("/account/register", methods=["GET", "POST"])
@limits.limited_registration
@form_view(RegistrationForm, "accounts/register.html", _next_page)
def register(form: RegistrationForm) -> AnyResponse | None:
    """Register: by an emailed link where mail is configured, otherwise immediately."""
    if mails.are_configured():
        return _register_by_mail(form)
    try:
        user = create_user(name=form.name.data, email=form.email.data, password=form.password.data)
    except NotUniqueError:
        form.refuse("email", TAKEN)
        return None
    return _welcomed(user, form.next.data)


def _register_by_mail(form: RegistrationForm) -> AnyResponse | None:
    """Send a link. The response is the same whether or not the address has an account."""
    email = form.email.data
    if not mails.can_send_links():
        form.refuse("email", mails.NONE_SENT)
        return None
    if limits.count_mail(email):
        email_confirmation.ask_to_register(form.name.data, email, safe_next(form.next.data) or "")
    return make_response(render_template("accounts/registration_sent.html", email=email))


def _registration(token: str) -> dict[str, Any]:
    registration = tokens.registration_of(token)
    if registration is None or User.objects.signing_in(registration.email).count():
        abort(410, LINK_OVER)
    return {"registration": registration}


@bp.route("/account/register/<token>", methods=["GET", "POST"])
@form_view(NewPasswordForm, "accounts/finish_registration.html", _registration)
def finish_registration(form: NewPasswordForm, token: str) -> AnyResponse | None:
    """Create the account once the emailed link was opened and a password chosen."""
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
    """Sign in, then return to the page the visitor came from."""
    if local_sign_in.is_off():
        abort(403, local_sign_in.refusal())
    try:
        user = authenticated(form.email.data, form.password.data)
    except WeakHash as error:
        form.refuse("password", _reason_against(error.user) or _replacing(error.user))
        return None
    if user is None:
        form.refuse("password", WRONG)
        return None
    if reason := _reason_against(user):
        # Shown only after the correct password, so it reveals nothing to others.
        form.refuse("email", reason)
        return None
    next_address = safe_next(form.next.data)
    if user.has_second_factor:
        ask_for_second_step(user, remember=form.remember.data)
        return redirect(url_for("accounts.second_step", next=next_address))
    return signed_in(user, "Signed in.", remember=form.remember.data, next_address=next_address)


def _reason_against(user: User) -> str | None:
    """Return why a user may not sign in with a password, or None if they may."""
    if user.is_disabled:
        return DISABLED
    return None if local_sign_in.is_open_to(user) else local_sign_in.refusal()


def _replacing(user: User) -> str:
    """Send a reset link to a user with a weak hash, and return the message to show."""
    if not user.email or not mails.can_send_links():
        return f"{STORED_WEAKLY} Ask an administrator to reset it."
    if limits.count_mail(user.email):
        mails.later(lambda: recovery.send_link_to(user, "weak_password", "Choose a new password"))
    return f"{STORED_WEAKLY} Open the link we sent to your email address to choose a new one."


def authenticated(identifier: str, password: str) -> User | None:
    """Return the user with this address or username and this password, or None.

    A failure takes the same time and logs the same audit event whether or not the account exists. Raises
    TooManyRequests, ServiceUnavailable, and WeakHash when the password is correct but its stored hash is weak.
    """
    attempt = limits.SignInAttempt(identifier)
    user, checked = _checked(identifier, password)
    if user is None or not checked.is_correct:
        return None
    attempt.succeeded()
    if checked.is_weak:
        raise WeakHash(user)
    if checked.new_hash:
        # If the password was changed meanwhile, the newer hash stays.
        present = {"_id": user.id, "hashed_password": user.hashed_password}
        rehashed = user.rehashed_as(checked.new_hash).to_mongo().to_dict()
        change = {"$set": {"hashed_password": checked.new_hash, "rehashed": rehashed}}
        if User.objects.raw().update_one(present, change).matched_count:
            user.hashed_password = checked.new_hash
    return user


def _checked(identifier: str, password: str) -> tuple[User | None, passwords.Checked]:
    with passwords.check_slot():
        started = time.monotonic()
        user = User.objects.account_of(identifier)
        checked = passwords.check(user.hashed_password if user else None, password)
        if not checked.is_correct:
            audit.record(audit.SIGN_IN_FAILED, "Failed to sign in.", user=user, target="" if user else "no account")
            passwords.pad_failed_sign_in(started)
    return user, checked


@bp.post("/account/logout")
@form_view(ButtonForm, "accounts/sign_out.html")
def logout(_: ButtonForm) -> AnyResponse:
    """Sign out of this browser, and offer to sign out of the identity provider if the session began there."""
    user, entry, provider = sessions.signed_in_user(), sessions.this_session(), sign_on()
    if user:
        audit.record(audit.SIGN_OUT, "Signed out.", user=user)
    sessions.end()
    if entry and entry.by_provider and provider:
        address = provider.end_address(entry.id_token, absolute_url("accounts.login"))
        if address:
            return make_response(render_template("accounts/signed_out_here.html", address=address))
    return redirect(url_for("home.index"))


@bp.get("/account/nav")
def navigation() -> Response:
    """Return who is signed in, their open invitations, and whether they maintain the project shown on the page.

    A script requests this, so that public pages can be cached and identical for everyone.
    """
    user = sessions.signed_in_user()
    if user is None:
        # Keep the session: it may hold the CSRF token of an open form.
        sessions.mark(0)
        return make_response(jsonify(name=None))
    administration = url_for("admin.index") if user.is_admin else None
    invited = inviting.waiting_for(user)
    return make_response(
        jsonify(
            name=user.shown_name,
            address=url_for("accounts.account"),
            administration=administration,
            invitations=len(invited.shown),
            has_more_invitations=invited.has_more,
            manages=_manages(user, request.args.get("project", "")),
        )
    )


def _manages(user: User, name: str) -> bool:
    package = Package.objects(pk=name).managed().declared_first() if name else None
    return package is not None and package.role_of(user.id, user.team_names) is not None
