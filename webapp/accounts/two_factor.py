"""`/account/two-factor`: authenticator apps, passkeys and recovery codes."""

import secrets
from typing import Any

from flask import Response, abort, flash, make_response, redirect, render_template, session, url_for
from pymongo.errors import DuplicateKeyError
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.blueprint import bp
from webapp.accounts.forms import AppForm, PasskeyForm
from webapp.documents.base import utc_now
from webapp.documents.second_factor import APP, MOST_FACTORS, SecondFactor
from webapp.members import passkeys, requirement, second_factors
from webapp.members.form_views import confirmed_members_only, form_view
from webapp.members.forms import ButtonForm
from webapp.members.sessions import me
from webapp.rules.addresses import is_ip_address

NO_ROOM = f"You can have at most {MOST_FACTORS}. Remove one that you no longer need."
PASSKEY_TAKEN = "This passkey was not accepted. Try again."
PASSKEY_USED = "This passkey already belongs to an account."

# In the cookie, while an authenticator app is being set up: its secret.
NEW_SECRET = "new_secret"  # noqa: S105 - a name


@bp.get("/account/two-factor")
@confirmed_members_only
def two_factor() -> Response:
    """List the second factors of an account, and say whether the site requires one."""
    user = me().user
    page = render_template(
        "accounts/two_factor.html",
        factors=user.second_factors or [],
        codes_left=second_factors.codes_left(user),
        is_required=requirement.is_required_of(user),
        due=requirement.due_date(user),
        is_late=requirement.is_late(user),
        form=ButtonForm(),
    )
    return make_response(page)


def _app() -> dict[str, Any]:
    secret = session.setdefault(NEW_SECRET, second_factors.new_secret())
    address = second_factors.address_of(secret, me().user)
    return {"secret": secret, "address": address, "picture": second_factors.picture_of(address)}


@bp.route("/account/two-factor/app", methods=["GET", "POST"])
@confirmed_members_only
@form_view(AppForm, "accounts/new_app.html", _app)
def new_app(form: AppForm) -> AnyResponse | None:
    """Add an authenticator app, once it shows the right code."""
    secret = session[NEW_SECRET]
    step = second_factors.step_of(secret, form.code.data)
    if step is None:
        form.refuse("code", second_factors.UNEXPECTED_CODE)
        return None
    factor = SecondFactor(
        factor_id=secrets.token_urlsafe(16),
        kind=APP,
        name=form.name.data,
        secret=secret,
        last_step=step,
        created_at=utc_now(),
    )
    codes = second_factors.add(me().user, factor)
    if codes is None:
        form.refuse("name", NO_ROOM)
        return None
    session.pop(NEW_SECRET)
    return _added(factor, codes)


def _passkey() -> dict[str, Any]:
    host = passkeys.site().host
    return {"question": passkeys.question_for_new(me().user), "host": host, "has_name": not is_ip_address(host)}


@bp.route("/account/two-factor/passkey", methods=["GET", "POST"])
@confirmed_members_only
@form_view(PasskeyForm, "accounts/new_passkey.html", _passkey)
def new_passkey(form: PasskeyForm) -> AnyResponse | None:
    """Add a passkey or a security key."""
    user = me().user
    factor = passkeys.made(user, form.credential.data or "", form.name.data)
    if factor is None:
        form.refuse("name", PASSKEY_TAKEN)
        return None
    try:
        codes = second_factors.add(user, factor)
    except DuplicateKeyError:
        form.refuse("name", PASSKEY_USED)
        return None
    if codes is None:
        form.refuse("name", NO_ROOM)
        return None
    return _added(factor, codes)


def _added(factor: SecondFactor, codes: list[str]) -> AnyResponse:
    flash(f"“{factor.name}” was added.")
    return _shown(codes) if codes else redirect(url_for("accounts.two_factor"))


def _shown(codes: list[str]) -> Response:
    """Show recovery codes. This response is the only place that has them, so it does not redirect."""
    page = make_response(render_template("accounts/recovery_codes.html", codes=codes))
    page.headers["Cache-Control"] = "no-store"
    return page


@bp.post("/account/two-factor/codes")
@confirmed_members_only
@form_view(ButtonForm, "accounts/sign_out.html")
def new_recovery_codes(_: ButtonForm) -> AnyResponse:
    """Replace the recovery codes."""
    user = me().user
    if not user.has_second_factor:
        abort(409, "Add an authenticator app or a passkey first.")
    codes = second_factors.renew_recovery_codes(user)
    second_factors.tell(user, "New recovery codes were made")
    return _shown(codes)


@bp.post("/account/two-factor/<factor_id>/remove")
@confirmed_members_only
@form_view(ButtonForm, "accounts/sign_out.html")
def remove_factor(_: ButtonForm, factor_id: str) -> AnyResponse:
    """Remove a second factor."""
    user = me().user
    removed = second_factors.remove(user, factor_id, keep_one=requirement.is_required_of(user))
    if removed is None:
        abort(404, "It was already removed.")
    if not removed:
        abort(409, "This site requires two-factor authentication. Add another app or passkey first.")
    flash("It was removed, and is no longer asked for.")
    return redirect(url_for("accounts.two_factor"))
