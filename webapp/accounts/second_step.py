"""The second step of signing in, signing in with a passkey alone, and confirming that it is still you."""

from typing import Any

from flask import abort, flash, redirect, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.blueprint import bp
from webapp.accounts.forms import ConfirmationForm, PasskeySignInForm, SecondStepForm
from webapp.documents import User
from webapp.documents.second_factor import APP, PASSKEY
from webapp.members import audit, local_sign_in, passkeys, requirement, second_factors, sessions, tokens
from webapp.members.confirmation import password_is_correct
from webapp.members.form_views import form_view, members_only, visitors_only
from webapp.members.next_page import safe_next
from webapp.members.sessions import me
from webapp.openid.sign_on import sign_on

DISABLED = "An administrator has disabled this account."
CHANGED = "Your password was just changed. Sign in with the new one."
TOO_LATE = "Signing in took too long. Enter your password again."
PASSKEY_REFUSED = "This passkey could not be verified. Try again, or sign in another way."

# In the cookie, between the two steps: whose password was entered, and whether to stay signed in.
HALF = "half"


def ask_for_second_step(user: User, *, remember: bool) -> None:
    """Note in the cookie that this user's password was entered."""
    session[HALF] = [tokens.for_second_step(user), bool(remember)]


def signed_in(
    user: User, event: str, *, remember: bool, next_address: str | None, at: sessions.AtProvider | None = None
) -> AnyResponse:
    """Sign a user in, record it, and lead on. `at` tells of a sign-in at the identity provider."""
    try:
        sessions.begin(user, remember=remember, where=audit.where(), at=at)
    except sessions.AccountDisabled:
        abort(403, DISABLED)
    except sessions.PasswordChanged:
        abort(409, CHANGED)
    audit.record(audit.SIGN_IN, event, user=user, by=user)
    due = requirement.due_date(user)
    if due:
        flash(f"This site requires two-factor authentication. Set it up by {due:%B %-d, %Y}.", "warning")
    return redirect(next_address or url_for("accounts.two_factor" if due else "accounts.account"))


def is_connected(user: User) -> bool:
    """Tell whether a user can sign in at the identity provider."""
    provider = sign_on()
    return provider is not None and user.identity is not None and user.identity.issuer == provider.provider.issuer


def _halfway() -> tuple[User, bool]:
    """Return whose password was entered, and whether to stay signed in; leads back if that is too long ago."""
    token, remember = session.get(HALF) or ("", False)
    user = tokens.user_of_second_step(token)
    if user is None or not user.has_second_factor:
        flash(TOO_LATE, "warning")
        abort(redirect(url_for("accounts.login", next=safe_next(request.values.get("next")))))
    return user, remember


def _ways_of(user: User) -> dict[str, Any]:
    """Return the variables that tell which second factors a user has."""
    kinds = {each.kind for each in user.second_factors or []}
    return {"has_app": APP in kinds, "question": passkeys.question_for(user) if PASSKEY in kinds else None}


def _second_step() -> dict[str, Any]:
    user, _ = _halfway()
    return _ways_of(user) | {"initial": {"next": safe_next(request.args.get("next"))}}


@bp.route("/account/login/second-step", methods=["GET", "POST"])
@visitors_only
@form_view(SecondStepForm, "accounts/second_step.html", _second_step)
def second_step(form: SecondStepForm) -> AnyResponse | None:
    """Finish signing in with a code or a passkey."""
    user, remember = _halfway()
    proof = second_factors.proof_of(user, code=form.code.data or "", credential=form.credential.data or "")
    if proof is None:
        audit.record(audit.SIGN_IN_FAILED, "Failed the second step of signing in.", user=user)
        form.refuse("code", PASSKEY_REFUSED if form.credential.data else second_factors.WRONG_CODE)
        return None
    event = f"Signed in with a password and {proof.how}."
    response = signed_in(user, event, remember=remember, next_address=safe_next(form.next.data))
    _warn_of_last_codes(proof)  # after the new session began, which forgets messages
    return response


def _passkey_alone() -> dict[str, Any]:
    if local_sign_in.is_off():
        abort(403, local_sign_in.refusal())
    return {"question": passkeys.question_for_anybody(), "initial": {"next": safe_next(request.args.get("next"))}}


@bp.route("/account/login/passkey", methods=["GET", "POST"])
@visitors_only
@form_view(PasskeySignInForm, "accounts/passkey_sign_in.html", _passkey_alone)
def passkey_sign_in(form: PasskeySignInForm) -> AnyResponse | None:
    """Sign in with a passkey alone. It verifies its user, by a PIN or a fingerprint."""
    credential = form.credential.data or ""
    user = passkeys.owner_of(credential)
    factor = passkeys.answered_by(user, credential, passkeys.ALONE) if user else None
    if user is None or factor is None:
        form.refuse("credential", PASSKEY_REFUSED)
        return None
    if not local_sign_in.is_open_to(user):
        form.refuse("credential", local_sign_in.refusal())
        return None
    event = f"Signed in with the passkey “{factor.name}”."
    return signed_in(user, event, remember=False, next_address=safe_next(form.next.data))


def _confirmation() -> dict[str, Any]:
    user = me().user
    ways = {"is_connected": is_connected(user), "has_password": local_sign_in.has_password(user)}
    return _ways_of(user) | ways | {"initial": {"next": safe_next(request.args.get("next"))}}


@bp.route("/account/confirm", methods=["GET", "POST"])
@members_only
@form_view(ConfirmationForm, "accounts/confirm_identity.html", _confirmation)
def confirm_identity(form: ConfirmationForm) -> AnyResponse | None:
    """Confirm that it is you, before something that others must not do in your place."""
    user = me().user
    credential = form.credential.data or ""
    if not credential and not form.password.data:
        form.refuse("password", "This field is required.")
        return None
    if not credential and not password_is_correct(form):
        return None
    if user.has_second_factor:
        proof = second_factors.proof_of(user, code=form.code.data or "", credential=credential)
        if proof is None:
            audit.record(audit.SIGN_IN_FAILED, "Failed to confirm who they are.", user=user)
            form.refuse("code", PASSKEY_REFUSED if credential else second_factors.WRONG_CODE)
            return None
        _warn_of_last_codes(proof)
    elif credential:
        abort(400, "This account has no passkey.")
    sessions.confirm()
    return redirect(safe_next(form.next.data) or url_for("accounts.account"))


def _warn_of_last_codes(proof: second_factors.Proof) -> None:
    if proof.codes_left is not None:
        left = f"{proof.codes_left} recovery code{'' if proof.codes_left == 1 else 's'} left"
        flash(f"You have {left}. Each works once.", "warning" if proof.codes_left < 3 else "message")
