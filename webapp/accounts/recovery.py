"""`/account/forgotten` and the emailed link that sets a new password."""

from typing import Any

from flask import abort, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.blueprint import bp
from webapp.accounts.forms import ForgottenForm, NewPasswordForm
from webapp.documents import User
from webapp.documents.api_token import revoke_all
from webapp.members import audit, limits, local_sign_in, mails, passwords, sessions, tokens
from webapp.members.form_views import form_view
from webapp.members.recovery import send_link

USED = "This link has expired, was already used, or you have signed in since. Request another one."


def _forgotten() -> dict[str, Any]:
    if local_sign_in.is_off():
        abort(403, local_sign_in.refusal())
    return {}


@bp.route("/account/forgotten", methods=["GET", "POST"])
@form_view(ForgottenForm, "accounts/forgotten.html", _forgotten)
def forgotten(form: ForgottenForm) -> AnyResponse | None:
    """Send a password reset link. The response is the same whether or not the account exists."""
    email = form.email.data
    if not mails.can_send_links():
        form.refuse("email", mails.NONE_SENT)
        return None
    if limits.count_mail(email):
        mails.later(lambda: send_link(email))
    return make_response(render_template("accounts/forgotten_sent.html", email=email))


def _reset(token: str) -> dict[str, Any]:
    user = tokens.user_of_reset(token) or abort(410, USED)
    if not local_sign_in.is_open_to(user):
        abort(403, local_sign_in.refusal())
    return {}


@bp.route("/account/reset/<token>", methods=["GET", "POST"])
@form_view(NewPasswordForm, "accounts/reset.html", _reset)
def reset(form: NewPasswordForm, token: str) -> AnyResponse | None:
    """Set the new password, end every session and revoke every API token of the account.

    Anyone who had access before must not keep publishing in the owner's name.
    """
    user = tokens.user_of_reset(token) or abort(410, USED)
    if not form.is_strong(user.words()):
        return None
    # Before and after: if the process dies in between, no token outlives the password it was made with.
    revoked = revoke_all(user.id)
    # If two people use the link at the same time, the first wins.
    present = {"_id": user.id, "hashed_password": user.hashed_password, "is_disabled": {"$ne": True}}
    change = {"$set": {"hashed_password": passwords.hash_password(form.password.data), "sessions": []}}
    if not User.objects.raw().update_one(present, change).matched_count:
        abort(410, USED)
    revoked += revoke_all(user.id)
    done = "Set a new password from an emailed link; all sessions were ended and all API tokens revoked."
    audit.record(audit.PASSWORD, done, user=user, by=user)
    sessions.forget()
    tokens_too = " Your API tokens were revoked; create new ones for your programs." if revoked else ""
    flash(f"Your password was changed. Sign in with the new one.{tokens_too}")
    return redirect(url_for("accounts.login"))
