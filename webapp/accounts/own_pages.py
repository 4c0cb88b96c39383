"""`/account` and what members change there."""

from typing import Any

from flask import Response, abort, flash, make_response, redirect, render_template, url_for
from pymongo.errors import DuplicateKeyError
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.blueprint import bp
from webapp.accounts.forms import DeletionForm, EmailForm, PasswordForm, ProfileForm, is_same_address
from webapp.changes.administrators import LastAdministrator
from webapp.changes.leaving import delete_account as delete
from webapp.changes.leaving import needing
from webapp.changes.maintaining import LastOwner, rename_maintainer
from webapp.documents import ApiToken, AuditEvent, Package, User, Watcher
from webapp.documents.api_token import revoke_all
from webapp.documents.base import utc_now
from webapp.documents.user import address_of, fold
from webapp.members import (
    audit,
    email_confirmation,
    inviting,
    limits,
    local_sign_in,
    mails,
    passwords,
    sessions,
    tokens,
)
from webapp.members.confirmation import password_is_correct
from webapp.members.form_views import confirmed_with_second_factor, form_view, members_only
from webapp.members.forms import ButtonForm
from webapp.members.sessions import me
from webapp.serving.pagination import paginate

RECENT = 10
USERNAME_TAKEN = "This username is taken."
ADDRESS_TAKEN = "Another account uses this address."


@bp.get("/account")
@members_only
def account() -> Response:
    """Show the account: profile, packages, sessions and recent activity."""
    member = me()
    now = utc_now()
    user = member.user
    page = render_template(
        "accounts/account.html",
        user=user,
        public_address=url_for("accounts.profile", id_or_username=address_of(user.id, user.username)),
        this_session=member.session_id,
        open_sessions=[each for each in reversed(user.sessions or []) if each.expires_at and each.expires_at > now],
        found=paginate([Package.objects.maintained_by(user.id, user.team_names).listed()]),
        events=AuditEvent.objects.about_user(user.id).limit(RECENT).plain(),
        token_count=ApiToken.objects.of_user(user.id).count(),
        watched_count=len((Watcher.objects(pk=user.id).only("projects").plain_first() or {}).get("projects", [])),
        invited=inviting.open_to(user),
        form=ButtonForm(),
    )
    return make_response(page)


def _profile() -> dict[str, Any]:
    user = me().user
    return {"initial": {name: user[name] for name in ("name", "username", "profile_image_url")}}


@bp.route("/account/profile", methods=["GET", "POST"])
@members_only
@form_view(ProfileForm, "accounts/edit_profile.html", _profile)
def edit_profile(form: ProfileForm) -> AnyResponse | None:
    """Edit name, username and picture. The name is copied to the packages that the user maintains."""
    user = me().user
    username = form.username.data or ""
    if username != (user.username or ""):  # one from an old site may be in capitals, or like another's
        username = fold(username)
        if username and User.objects.in_any_case(username).filter(pk__ne=user.id).plain_first():
            form.refuse("username", USERNAME_TAKEN)
            return None
    values = {
        "name": form.name.data,
        "username": username,
        "profile_image_url": form.profile_image_url.data,
    }
    change = {"$set": {key: value for key, value in values.items() if value}}
    absent = {key: "" for key, value in values.items() if not value}
    try:
        User.objects.raw().update_one({"_id": user.id}, change | ({"$unset": absent} if absent else {}))
    except DuplicateKeyError:
        form.refuse("username", USERNAME_TAKEN)
        return None
    rename_maintainer(user.id, form.name.data)
    audit.record(audit.PROFILE, "Changed the profile.", user=user)
    flash("Your profile was updated.")
    return redirect(url_for("accounts.account"))


def _password() -> dict[str, Any]:
    if not local_sign_in.has_password(me().user):
        abort(409, "You have no password here. " + local_sign_in.refusal())
    return {"token_count": ApiToken.objects.of_user(me().user.id).count()}


@bp.route("/account/password", methods=["GET", "POST"])
@confirmed_with_second_factor
@form_view(PasswordForm, "accounts/change_password.html", _password)
def change_password(form: PasswordForm) -> AnyResponse | None:
    """Change the password and sign out every other browser. Revoke API tokens if the member asks for it."""
    member = me()
    if not password_is_correct(form):
        return None
    if not form.is_strong(member.user.words()):
        return None
    present = {"_id": member.user.id, "hashed_password": member.user.hashed_password}
    change = {
        "$set": {"hashed_password": passwords.hash_password(form.new_password.data)},
        "$pull": {"sessions": {"session_id": {"$ne": member.session_id}}},
    }
    if not User.objects.raw().update_one(present, change).matched_count:
        form.refuse("password", "Your password was just changed from another browser. Reload the page and try again.")
        return None
    audit.record(audit.PASSWORD, "Changed the password; all other sessions were ended.", user=member.user)
    if form.revoke_tokens.data and revoke_all(member.user.id):
        audit.record(audit.TOKEN, "Revoked all API tokens while changing the password.", user=member.user)
        flash("Your API tokens were revoked. Programs that use them can no longer sign in.")
    _tell_of_new_password(member.user)
    flash("Your password was changed, and you were signed out everywhere else.")
    return redirect(url_for("accounts.account"))


def _tell_of_new_password(user: User) -> None:
    address, name = user.email, user.shown_name
    if address:
        forgotten = mails.link_to("accounts.forgotten")
        mails.later(
            lambda: mails.send("password_changed", address, "Your password was changed", name=name, forgotten=forgotten)
        )


def _present_email() -> dict[str, Any]:
    user = me().user
    return {"user": user, "initial": {"email": user.unconfirmed_email}}


@bp.route("/account/email", methods=["GET", "POST"])
@confirmed_with_second_factor
@form_view(EmailForm, "accounts/change_email.html", _present_email)
def change_email(form: EmailForm) -> AnyResponse | None:
    """Request a change of address: send a link to the new one and a notice to the current one."""
    user, email = me().user, form.email.data
    if not password_is_correct(form):
        return None
    if is_same_address(email, user.email):
        form.refuse("email", "This is already your address.")
        return None
    if not mails.can_send_links():
        form.refuse("email", mails.NONE_SENT)
        return None
    if not limits.count_mail(email):
        form.refuse("email", "Too many emails were sent to this address. Try again later.")
        return None
    email_confirmation.ask_to_confirm(user, email)
    audit.record(audit.EMAIL, f"Asked to change the address to {email}.", user=user)
    return make_response(render_template("accounts/email_asked.html", email=email))


def _email_change(token: str) -> dict[str, Any]:
    change = tokens.email_change_of(token)
    if change is None:
        abort(410, "This link has expired, was already used, or the account has changed since.")
    return {"email": change.email, "account": change.user.shown_name}


@bp.route("/account/email/<token>", methods=["GET", "POST"])
@form_view(ButtonForm, "accounts/confirm_email.html", _email_change)
def confirm_email(_: ButtonForm, token: str) -> AnyResponse:
    """Switch to the new address. It takes a click on a button because mail scanners open every link."""
    user, email = tokens.email_change_of(token) or abort(410)
    former = user.email
    present = {"_id": user.id, "email_folded": user.email_folded, "hashed_password": user.hashed_password}
    change = {"$set": {"email": email, "email_folded": fold(email)}, "$unset": {"unconfirmed_email": ""}}
    try:
        changed = User.objects.raw().update_one(present, change).matched_count
    except DuplicateKeyError:
        abort(409, ADDRESS_TAKEN)
    if not changed:
        abort(410, "This link was just used.")
    audit.record(audit.EMAIL, f"Changed the address from {former or 'none'} to {email}.", user=user, by=user)
    if former:
        name = user.shown_name
        mails.later(
            lambda: mails.send("email_changed", former, "Your email address was changed", name=name, email=email)
        )
    flash(f"Your address is now {email}.")
    return redirect(url_for("accounts.account"))


@bp.post("/account/sessions/end")
@members_only
@form_view(ButtonForm, "accounts/sign_out.html")
def end_sessions(_: ButtonForm) -> AnyResponse:
    """Sign out everywhere, including this browser."""
    user = me().user
    sessions.end_others(user.id)
    audit.record(audit.SIGN_OUT, "Signed out everywhere.", user=user)
    sessions.forget()
    return redirect(url_for("accounts.login"))


def _deletion() -> dict[str, Any]:
    user = me().user
    packages = Package.objects.maintained_by(user.id).only("name").plain()
    return {"in_the_way": needing(user), "packages": packages}


@bp.route("/account/delete", methods=["GET", "POST"])
@confirmed_with_second_factor
@form_view(DeletionForm, "accounts/delete.html", _deletion)
def delete_account(form: DeletionForm) -> AnyResponse | None:
    """Delete the account, unless it is the last owner of a package or the last administrator of the site."""
    user = me().user
    if _deletion()["in_the_way"] or not password_is_correct(form):
        return None
    try:
        is_deleted = delete(user.id)
    except (LastOwner, LastAdministrator) as error:
        _say(form, str(error))
        return None
    if not is_deleted:
        _say(form, "Your account is just being deleted from another browser.")
        return None
    audit.record(audit.DELETION, "Deleted the account.", user=user)
    sessions.forget()
    return make_response(render_template("accounts/deleted.html"))


def _say(form: DeletionForm, message: str) -> None:
    """Say something beside the password, or above the form of those who have none."""
    if "password" in form:
        form.refuse("password", message)
    else:
        flash(message, "warning")
