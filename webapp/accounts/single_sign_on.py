"""`/account/oidc/...`: sign in, connect an account, and confirm that it is you, at the identity provider."""

import logging
import time
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, flash, redirect, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from config import BadConfig
from webapp.accounts.blueprint import bp
from webapp.accounts.second_step import signed_in
from webapp.members import identities, local_sign_in, sessions
from webapp.members.form_views import confirmed_members_only, form_view, members_only, visitors_only
from webapp.members.forms import ButtonForm
from webapp.members.identities import NoAccount, Person
from webapp.members.next_page import safe_next
from webapp.members.sessions import AtProvider, me
from webapp.openid.providers import ProviderFailed
from webapp.openid.sign_on import (
    MAX_KEPT_TOKEN,
    Answer,
    Question,
    SignInFailed,
    SignOn,
    new_question,
    proved_at,
    required_claims,
    scopes_in,
    sign_on,
    was_proved_since,
)
from webapp.openid.verifying import TokenRefused, TokenTooLong
from webapp.serving.filters import absolute_url

log = logging.getLogger(__name__)

# Why somebody was sent to the provider.
SIGN_IN, CONFIRM, CONNECT = "sign in", "confirm", "connect"
# In the cookie: what was asked, and whom the provider named for an account to be connected.
ASKED, FOUND = "oidc", "oidc_found"
# How long a member may take to say that they want their account connected.
FOUND_AGE_S = 600
STAYS = "Your teams here stay as they are. Ask an administrator of this site if one is missing."
ENDED = "Your session here ended while you were away. Sign in, then try again."
UNASKED = "This sign-in took too long, or began in another browser. Try again."


def init_app(app: Flask) -> None:
    """Prepare the provider in OIDC_ISSUER. Raises BadConfig."""
    config = app.config
    sign_on.set(app, None)
    app.jinja_env.globals["sign_on"] = sign_on
    app.jinja_env.globals["has_password"] = local_sign_in.has_password
    if not config["OIDC_ISSUER"]:
        return
    for name in ("OIDC_CLIENT_ID", "SITE_URL"):
        if not config[name]:
            raise BadConfig(f"OIDC_ISSUER needs {name}")
    if "openid" not in scopes_in(config["OIDC_SCOPES"]):
        raise BadConfig("OIDC_SCOPES needs openid")
    if not all(name and all(values) for name, values in required_claims(config["OIDC_REQUIRED_CLAIMS"]).items()):
        raise BadConfig("OIDC_REQUIRED_CLAIMS needs names and values, such as hd=acme.example")
    anybody = config["READ_ACCESS"] == "public" and config["LOCAL_SIGN_IN"] == local_sign_in.EVERYBODY
    if config["OIDC_LINK_BY_EMAIL"] and anybody and not config["MAIL_SERVER"]:
        raise BadConfig("OIDC_LINK_BY_EMAIL needs MAIL_SERVER: now anybody can register with somebody else's address")
    if config["OIDC_ADMIN_GROUPS"] and not config["OIDC_GROUPS_CLAIM"]:
        raise BadConfig("OIDC_ADMIN_GROUPS needs OIDC_GROUPS_CLAIM")
    config["OIDC_NAME"] = config["OIDC_NAME"] or urlsplit(config["OIDC_ISSUER"]).hostname or ""
    sign_on.set(app, SignOn(config))


def _provider() -> SignOn:
    return sign_on() or abort(404, "This site has no single sign-on.")


def _return_address() -> str:
    return absolute_url("accounts.oidc_callback")


def _ask(purpose: str) -> AnyResponse:
    """Send somebody to the provider. The cookie keeps why, and what binds the answer to this browser."""
    provider, question = _provider(), new_question()
    address = safe_next(request.args.get("next"))
    try:
        target = provider.address(question, _return_address(), afresh=purpose == CONFIRM)
    except ProviderFailed as error:
        log.warning("single sign-on: %s", error)
        return _back(purpose, address, f"{provider.name} cannot be reached at the moment. Try again in a minute.")
    session[ASKED] = {"purpose": purpose, "next": address, "question": list(question)}
    return redirect(target)


def _back(purpose: str, address: str | None, message: str) -> AnyResponse:
    """Lead back to where somebody came from, and say what went wrong."""
    flash(message, "warning")
    if sessions.signed_in_user() is None:
        return redirect(url_for("accounts.login", next=address))
    if purpose == CONFIRM:
        return redirect(url_for("accounts.confirm_identity", next=address))
    return redirect(url_for("accounts.account"))


@bp.get("/account/oidc/start")
@visitors_only
def oidc_start() -> AnyResponse:
    """Sign in at the provider."""
    return _ask(SIGN_IN)


@bp.get("/account/oidc/confirm")
@members_only
def oidc_confirm() -> AnyResponse:
    """Confirm that it is you, by signing in at the provider once more."""
    if me().user.identity is None:
        abort(409, "This account is not connected.")
    return _ask(CONFIRM)


@bp.get("/account/oidc/callback")
def oidc_callback() -> AnyResponse:
    """Take the answer of the provider, which is good for one use."""
    provider, asked = _provider(), session.pop(ASKED, None)
    if asked is None:
        return _back(SIGN_IN, None, UNASKED)
    purpose, address, question = asked["purpose"], asked["next"], Question(*asked["question"])
    if purpose != SIGN_IN and sessions.signed_in_user() is None:
        return _back(purpose, address, ENDED)
    try:
        answer = provider.answer(question, request.args, _return_address())
        if purpose == CONFIRM:
            _confirm(provider, question, answer)
            return redirect(address or url_for("accounts.account"))
        if purpose == CONNECT:
            _remember(provider.person(answer.claims))
            return redirect(url_for("accounts.oidc_connect"))
        return _signed_in(provider, answer, address)
    except (TokenRefused, ProviderFailed) as error:
        log.warning("single sign-on: %s", error)
        message = (
            f"{provider.name} could not say who you are. Try again in a minute; the site's log says what is wrong."
        )
    except TokenTooLong as error:
        log.warning("single sign-on: %s: let %s send only the groups that this site needs", error, provider.name)
        message = (
            f"{provider.name} sent more about you than this site reads, most likely because you are in very many "
            "groups. Ask an administrator of this site."
        )
    except (SignInFailed, NoAccount) as error:
        log.info("single sign-on: %s", error)
        message = str(error)
    return _back(purpose, address, message)


def _signed_in(provider: SignOn, answer: Answer, address: str | None) -> AnyResponse:
    """Sign somebody in to their account. Raises NoAccount."""
    user = identities.account_of(provider.person(answer.claims))
    kept = answer.id_token if len(answer.id_token) <= MAX_KEPT_TOKEN else ""
    at = AtProvider(kept, proved_at(answer.claims))
    response = signed_in(user, f"Signed in with {provider.name}.", remember=False, next_address=address, at=at)
    if provider.left_groups_out(answer.claims):
        log.warning("single sign-on: %s left out the groups of user %s, who has too many", provider.name, user.id)
        flash(f"{provider.name} did not say which groups you are in, because they are too many. {STAYS}", "warning")
    return response


def _confirm(provider: SignOn, question: Question, answer: Answer) -> None:
    """Accept that a member proved at the provider who they are. Raises SignInFailed."""
    identity, person = me().user.identity, provider.person(answer.claims)
    if identity is None or (person.issuer, person.subject) != (identity.issuer, identity.subject):
        raise SignInFailed(f"You signed in with {provider.name} as somebody else.")
    if not was_proved_since(answer.claims, question):
        raise SignInFailed(f"{provider.name} did not ask who you are. Sign out here and there, and sign in again.")
    sessions.confirm()


def _remember(person: Person) -> None:
    """Remember whom the provider named, until the member has confirmed that this is them."""
    session[FOUND] = [str(me().user.id), person.subject, person.email, person.name, int(time.time())]


def _found() -> dict[str, Any]:
    """Return whom the provider named for this member; ask it first if it did not just now."""
    user_id, subject, email, name, found_at = session.get(FOUND) or ("", "", "", "", 0)
    if user_id != str(me().user.id) or time.time() - found_at > FOUND_AGE_S:
        abort(_ask(CONNECT))
    issuer = _provider().provider.issuer
    return {"person": Person(issuer, subject, name, "", email, has_proved_email=False, groups=None)}


@bp.route("/account/oidc/connect", methods=["GET", "POST"])
@confirmed_members_only
@form_view(ButtonForm, "accounts/connect.html", _found)
def oidc_connect(_: ButtonForm) -> AnyResponse:
    """Connect the account to whom the provider named. The button keeps other sites from doing so."""
    person = _found()["person"]
    session.pop(FOUND)
    provider = _provider()
    try:
        identities.connect(me().user, person)
    except NoAccount as error:
        return _back(CONNECT, None, str(error))
    flash(f"You can sign in with {provider.name} now.")
    return redirect(url_for("accounts.account"))


def _disconnection() -> dict[str, Any]:
    if not local_sign_in.has_password(me().user):
        abort(409, "You have no password here, so you could not sign in any more.")
    return {}


@bp.route("/account/oidc/disconnect", methods=["GET", "POST"])
@confirmed_members_only
@form_view(ButtonForm, "accounts/disconnect.html", _disconnection)
def oidc_disconnect(_: ButtonForm) -> AnyResponse:
    """Disconnect the account of a member who can sign in with a password."""
    user, name = me().user, current_app.config["OIDC_NAME"]
    if identities.disconnect(user, user):
        flash(f"You can no longer sign in with {name}.")
    return redirect(url_for("accounts.account"))
