"""`/account/tokens/`: create and revoke API tokens."""

from datetime import timedelta
from typing import Any

import bson
from flask import Response, abort, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.blueprint import bp
from webapp.documents import ApiToken, Package
from webapp.documents.base import utc_now
from webapp.members import audit, email_confirmation
from webapp.members.api_tokens import USER, make_token, may_still_have_token
from webapp.members.confirmation import password_is_correct
from webapp.members.form_views import confirmed_with_second_factor, form_view, members_only
from webapp.members.forms import ButtonForm
from webapp.members.sessions import me
from webapp.members.token_form import TokenForm
from webapp.serving.filters import site_url

MOST_TOKENS = 50
TOO_MANY = f"You can have at most {MOST_TOKENS} API tokens. Revoke one that you no longer need."


@bp.get("/account/tokens/")
@members_only
def api_tokens() -> Response:
    """List a member's tokens. The site stores only hashes of their secrets."""
    tokens = ApiToken.objects.of_user(me().user.id).plain()
    return make_response(render_template("accounts/tokens.html", tokens=tokens, now=utc_now(), form=ButtonForm()))


def _confirmed() -> dict[str, Any]:
    if email_confirmation.must_confirm(me().user):
        abort(403, email_confirmation.UNCONFIRMED)
    return {}


@bp.route("/account/tokens/new", methods=["GET", "POST"])
@confirmed_with_second_factor
@form_view(TokenForm, "accounts/new_token.html", _confirmed)
def new_token(form: TokenForm) -> AnyResponse | None:
    """Create a token. This response is the only place that shows its secret, so it does not redirect."""
    user = me().user
    if not password_is_correct(form):
        return None
    if ApiToken.objects.of_user(user.id).count() >= MOST_TOKENS:
        form.refuse("name", TOO_MANY)
        return None
    days = form.lifetime.data
    secret, token = make_token(
        user,
        name=form.name.data,
        projects=(form.project.data or "").split(),
        networks=(form.networks.data or "").split(),
        permissions=form.purpose.data.split(),
        expires_at=utc_now() + timedelta(days=int(days)) if days else None,
    )
    if not may_still_have_token(user):
        token.delete()
        abort(409, "Your password was just changed, so no token was created. Sign in again.")
    target = token.shown_scope if token.scope.kind != "account" else "everything"
    audit.record(audit.TOKEN, f"Created the API token “{token.name}” ({token.hint}…) for {target}.", user=user)
    return make_response(
        render_template(
            "accounts/token_made.html",
            exists=_exists(token),
            secret=secret,
            token=token,
            user_name=USER,
            address=site_url(),
        )
    )


def _exists(token: ApiToken) -> bool:
    """Tell whether there is the project that a token is for, as far as its owner can see."""
    return not token.scope.project or bool(Package.objects(pk=token.scope.project).count())


@bp.post("/account/tokens/<token_id>/revoke")
@members_only
@form_view(ButtonForm, "accounts/sign_out.html")
def revoke_token(_: ButtonForm, token_id: str) -> AnyResponse:
    """Revoke a token immediately."""
    user = me().user
    mine = {"_id": bson.ObjectId(token_id), "user_id": user.id} if bson.ObjectId.is_valid(token_id) else None
    token = ApiToken.objects.raw().find_one_and_delete(mine) if mine else None
    if token is None:
        abort(404, "API token not found. It may already have been revoked.")
    audit.record(audit.TOKEN, f"Revoked the API token “{token.get('name')}” ({token.get('hint')}…).", user=user)
    flash("The token was revoked. Programs that use it can no longer sign in.")
    return redirect(url_for("accounts.api_tokens"))
