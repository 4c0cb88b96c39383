"""READ_ACCESS=members: only members read the site, except what is needed to sign in.

People are redirected to the sign-in page. Programs (pip, uv, feed readers) use HTTP Basic with an API token that has
read permission. Shared caches may not keep the answers.
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

# Open to everybody: signing in and what it needs, monitoring, and uploads, which check their own token.
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
    "metrics.metrics",  # the proxy keeps it from the public
    "publishing.upload",
    "seo.robots",
    "seo.favicon",
}
# Closed to everybody: if people could register, anybody could read. Administrators create the accounts.
CLOSED = {"accounts.register", "accounts.finish_registration", "accounts.signup"}


def init_app(app: Flask) -> None:
    """Check every request if READ_ACCESS says so. Raises BadConfig."""
    access = app.config["READ_ACCESS"]
    if access not in (PUBLIC, MEMBERS):
        raise BadConfig(f"READ_ACCESS is {access!r}; it can be {PUBLIC} or {MEMBERS}")
    app.before_request(refuse_strangers)
    app.after_request(keep_private)


def for_members_only() -> bool:
    """Tell whether only members may read this site."""
    return bool(current_app.config["READ_ACCESS"] == MEMBERS)


def refuse_strangers() -> AnyResponse | None:
    """Let only members and their programs in. Raises Unauthorized, Forbidden and TooManyRequests."""
    if not for_members_only() or request.endpoint in OPEN:
        return None
    if request.endpoint in CLOSED:
        g.for_programs = request.endpoint == "accounts.signup"
        raise Forbidden("Accounts on this site are created by its administrators. Please ask one of them.")
    if is_for_programs():
        if request.authorization or not signed_in_user():
            _check_scope(api_tokens.authenticate(READ))
        return None
    if signed_in_user() is None:
        return to_sign_in()
    return None


def keep_private(response: Response) -> Response:
    """Forbid shared caches to keep an answer, and scripts of other sites to read it."""
    if not for_members_only() or request.endpoint in ("static", "bootstrap.static"):
        return response
    response.headers.pop("Access-Control-Allow-Origin", None)
    control = response.cache_control
    if control.public:
        control.public = False
        control.private = True
        if not control.immutable:
            # Revalidate each time, so that browsers do not show cached answers after signing out or losing a token.
            control.max_age = None
            control.no_cache = True
    elif not control.no_store:
        response.headers["Cache-Control"] = "no-store"
    return response


def _check_scope(permit: api_tokens.Permit) -> None:
    """Restrict a token of one project to the addresses of that project. Raises Forbidden."""
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
    """Return the project that a file's name starts with, as uploads require."""
    filename = filename.removesuffix(".metadata")
    return filename.partition("-")[0] if filename.endswith(".whl") else filename.rpartition("-")[0]
