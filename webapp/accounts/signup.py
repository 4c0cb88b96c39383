"""`POST /signup`: create an account from a program, with JSON."""

from typing import Any

from flask import Response, abort, jsonify, make_response, request
from mongoengine.errors import NotUniqueError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from webapp.accounts.blueprint import bp
from webapp.accounts.forms import SignupForm
from webapp.documents import User
from webapp.documents.user import fold
from webapp.members import email_confirmation, limits, mails
from webapp.members.registration import create_user
from webapp.serving.extensions import csrf

# The code by which clients of the old site recognize a taken name.
NAME_TAKEN = 401
FIELDS = ("username", "password", "email", "name")


@bp.post("/signup")
@limits.limited_registration
def signup() -> Response:
    """Register: {"username": ..., "password": ...}, optionally with "email" and "name".

    Where mail is configured, the account gets its address when it is confirmed. The answer does not tell whether
    another account has that address.
    """
    form = SignupForm(MultiDict(_texts(_json())))
    if not form.validate():
        abort(400, _reason(form.errors))
    if User.objects.in_any_case(form.username.data).plain_first():
        return make_response(jsonify(error_code=NAME_TAKEN), 400)
    email = form.email.data or ""
    asks = bool(email) and mails.are_configured()
    if asks and not mails.can_send_links():
        abort(400, f"email: {mails.NONE_SENT}")
    is_sent = asks and limits.count_mail(email)
    try:
        user = create_user(
            username=fold(form.username.data),
            password=form.password.data,
            name=form.name.data or "",
            **{"unconfirmed_email" if asks else "email": email},
        )
    except NotUniqueError:
        if User.objects(username=fold(form.username.data)).count():
            return make_response(jsonify(error_code=NAME_TAKEN), 400)
        abort(400, "email: another account uses this address.")
    if is_sent:
        email_confirmation.ask_to_confirm(user, email)
    return make_response(jsonify(message="User signed up successfully"))


# Browsers do not send JSON across sites without asking first, and no cookie is used here.
csrf.exempt(signup)


def _json() -> dict[str, Any]:
    try:
        sent = request.get_json()
    except (BadRequest, UnsupportedMediaType, RecursionError):
        abort(400, "Send a JSON object with the content type application/json.")
    if not isinstance(sent, dict):
        abort(400, "Send a JSON object.")
    return sent


def _texts(sent: dict[str, Any]) -> dict[str, str]:
    """Return the known fields of a registration; others are ignored."""
    for name in ("username", "password"):
        if name not in sent:
            abort(400, f"{name} is missing.")
    texts = {}
    for name in FIELDS:
        value = sent.get(name)
        if value is None and name in ("email", "name"):
            continue
        if not isinstance(value, str):
            abort(400, f"{name} must be text.")
        texts[name] = value
    return texts


def _reason(errors: dict[str, list[str]]) -> str:
    return " ".join(f"{name}: {message}" for name, messages in errors.items() for message in messages)
