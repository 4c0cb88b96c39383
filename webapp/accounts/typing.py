"""`/account/typing`: what a form would object to, asked by a script while somebody types. Forms work without it."""

from flask import Response, jsonify, make_response, request
from limits import parse

from webapp.accounts.blueprint import bp
from webapp.documents import Package, User
from webapp.members import limits, passwords
from webapp.members.forms import MAX_NAME_LENGTH
from webapp.members.sessions import signed_in_user
from webapp.rules.naming import InvalidName

# Two seconds between questions are slower than people type; the script waits until they pause.
LIMIT = parse("60/minute")
GOOD = "This password is hard to guess."
NO_PROJECT = "There is no such project that you can see. Uploading creates it, if the name is free."
NOT_YOURS = "You do not maintain this project, so the token could not upload to it."


@bp.post("/account/typing")
def while_typing() -> Response:
    """Return messages about what was typed so far, by field: a new password, a username or a project.

    It changes and stores nothing. Like every form it needs a CSRF token, so other sites cannot ask.
    """
    limits.count(LIMIT, ("typing by address", limits.network()))
    typed = {name: value[: passwords.MAX_LENGTH] for name, value in request.form.items()}
    said = {
        name: ask(typed)
        for name, ask in (("password", _password), ("username", _username), ("project", _project))
        if typed.get(name)
    }
    response = make_response(jsonify({name: message for name, message in said.items() if message}))
    response.headers["Cache-Control"] = "no-store"
    return response


def _password(typed: dict[str, str]) -> str:
    password, user = typed["password"], signed_in_user()
    missing = passwords.MIN_LENGTH - len(password)
    if missing > 0:
        return f"{missing} more character{'' if missing == 1 else 's'} needed."
    words = [typed[name][:MAX_NAME_LENGTH] for name in ("name", "email") if name in typed]
    return passwords.weakness(password, words + (user.words() if user else [])) or GOOD


def _username(typed: dict[str, str]) -> str:
    user = signed_in_user()
    if user is None:
        return ""
    is_taken = User.objects.in_any_case(typed["username"][:MAX_NAME_LENGTH]).filter(pk__ne=user.id).plain_first()
    return "Somebody else has this username." if is_taken else ""


def _project(typed: dict[str, str]) -> str:
    user = signed_in_user()
    if user is None:
        return ""
    try:
        package = Package.objects.named(typed["project"]).managed().declared_first()
    except InvalidName:
        return ""  # the form says what is wrong with it
    if package is None:
        return NO_PROJECT
    return "" if package.role_of(user.id, user.team_names) else NOT_YOURS
