"""READ_ACCESS=members: who is not signed in reads nothing but what signing in needs.

People are led to the page where they sign in. Programs (pip, uv, feed readers) sign in with an API token that may read,
by HTTP Basic. What they get is theirs alone, so no cache that others share may keep it.
"""

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response as AnyResponse

from config import BadConfig
from webapp.documents.api_token import READ
from webapp.members import api_tokens
from webapp.members.sessions import signed_in_user, to_sign_in
from webapp.rules import naming
from webapp.serving.programs import is_for_programs

PUBLIC, MEMBERS = "public", "members"

# What strangers meet: signing in and what it needs, monitoring, and uploads, which ask for a token of their own.
OPEN = {
    "static",
    "bootstrap.static",
    "accounts.login",
    "accounts.logout",
    "accounts.navigation",
    "accounts.forgotten",
    "accounts.reset",
    "accounts.confirm_email",
    "health.ping",
    "health.health",
    "health.ready",
    "metrics.metrics",  # the proxy in front keeps it from the public
    "publishing.upload",
    "seo.robots",
    "seo.favicon",
}
# Accounts are made by administrators there, or everybody could make one and read.
CLOSED = {"accounts.register", "accounts.finish_registration", "accounts.signup"}


def init_app(app: Flask) -> None:
    """Watch over every request where READ_ACCESS says so. Raises BadConfig."""
    access = app.config["READ_ACCESS"]
    if access not in (PUBLIC, MEMBERS):
        raise BadConfig(f"READ_ACCESS is {access!r}; it can be {PUBLIC} or {MEMBERS}")
    app.before_request(refuse_strangers)
    app.after_request(keep_private)


def for_members_only() -> bool:
    """Tell whether only members read this site."""
    return bool(current_app.config["READ_ACCESS"] == MEMBERS)


def refuse_strangers() -> AnyResponse | None:
    """Let members and their programs in. Raises Unauthorized, Forbidden and TooManyRequests."""
    if not for_members_only() or request.endpoint in OPEN:
        return None
    if request.endpoint in CLOSED:
        g.for_programs = request.endpoint == "accounts.signup"
        raise Forbidden("Accounts are made by the administrators of this site; ask one of them.")
    if is_for_programs():
        if request.authorization or not signed_in_user():
            _check_scope(api_tokens.authenticate(READ))
        return None
    if signed_in_user() is None:
        return to_sign_in()
    return None


def keep_private(response: Response) -> Response:
    """Let only the reader's own browser or program keep an answer, and scripts of no other site read it."""
    if not for_members_only() or request.endpoint in ("static", "bootstrap.static"):
        return response
    response.headers.pop("Access-Control-Allow-Origin", None)
    control = response.cache_control
    if control.public:
        control.public = False
        control.private = True
        if not control.immutable:
            # Whoever signed out or lost their token is refused, and not shown what a browser has kept.
            control.max_age = None
            control.no_cache = True
    elif not control.no_store:
        response.headers["Cache-Control"] = "no-store"
    return response


def _check_scope(permit: api_tokens.Permit) -> None:
    """Hold a token of one project to the addresses of that project."""
    if permit.token.scope.kind == "account":
        return
    arguments = request.view_args or {}
    name = arguments.get("name") or _project_of(arguments.get("filename", ""))
    try:
        is_for = permit.token.is_for(naming.normalize_name(name))
    except naming.InvalidName:
        is_for = False
    if not is_for:
        raise Forbidden(f"This API token is for the project {permit.token.scope.project} only.")


def _project_of(filename: str) -> str:
    """Return the project that a file's name begins with; uploads are held to it."""
    filename = filename.removesuffix(".metadata")
    return filename.partition("-")[0] if filename.endswith(".whl") else filename.rpartition("-")[0]
