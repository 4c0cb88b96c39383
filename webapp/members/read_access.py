"""READ_ACCESS=members: only members read the site, except what is needed to sign in.

People are redirected to the sign-in page. Programs (pip, uv, feed readers) use HTTP Basic with an API token that has
read permission. Shared caches may not keep the answers.
"""

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response as AnyResponse

from config import BadConfig
from webapp.documents import Package, StoredFile, User
from webapp.documents.api_token import READ
from webapp.documents.hidden import MEMBERS, admit, hide
from webapp.members import api_tokens, local_sign_in, requirement
from webapp.members.sessions import signed_in_user, to_sign_in
from webapp.rules import naming
from webapp.serving.programs import is_for_programs

PUBLIC = "public"

# Open to everybody: signing in and what it needs, monitoring, and uploads, which check their own token.
OPEN = {
    "static",
    "bootstrap.static",
    "accounts.login",
    "accounts.second_step",
    "accounts.passkey_sign_in",
    "accounts.oidc_start",
    "accounts.oidc_callback",
    "accounts.logout",
    "accounts.navigation",
    "accounts.forgotten",
    "accounts.reset",
    "accounts.while_typing",
    "accounts.confirm_email",
    "feeds.watching",  # its address is secret
    "health.ping",
    "health.health",
    "health.ready",
    "metrics.metrics",  # the proxy keeps it from the public
    "publishing.upload",
    "trusted.audience",
    "trusted.mint_token",
    "trusted.burn_token",
    "trusted.discovery",
    "publishing.yank",
    "publishing.upload_to_session",
    "publishing.sessions.open_one",
    "publishing.sessions.session",
    "publishing.sessions.cancel_one",
    "publishing.sessions.publish",
    "publishing.sessions.extend_one",
    "publishing.sessions.announce_file",
    "publishing.sessions.file_upload",
    "publishing.sessions.remove_file",
    "publishing.sessions.receive_bytes",
    "publishing.sessions.receive_attestations",
    "publishing.sessions.complete_file",
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
    hide([])
    if request.endpoint in CLOSED and not local_sign_in.is_for_everybody():
        raise Forbidden(local_sign_in.refusal())
    if not for_members_only() or request.endpoint in OPEN:
        return None
    if request.endpoint in CLOSED:
        raise Forbidden("Accounts on this site are created by its administrators. Please ask one of them.")
    if is_for_programs():
        if request.authorization or not signed_in_user():
            permit = api_tokens.authenticate(READ)
            _check_scope(permit)
            if permit.user is None:
                raise Forbidden("This API token does not belong to a member, so it cannot read what members read.")
            narrow(permit.user)
        elif user := signed_in_user():
            narrow(user)
        return None
    user = signed_in_user()
    if user is None:
        return to_sign_in()
    narrow(user)
    return requirement.lead_to_it(user)


def narrow(user: User) -> None:
    """Let a member read the site without the projects that only others may read. Administrators see everything."""
    admit()
    hide([] if user.is_admin else Package.objects.hidden_from(user.id, user.team_names))


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
        raise Forbidden(f"This API token is for {permit.token.shown_scope} only.")


def _project_of(filename: str) -> str:
    """Return the project that a file belongs to: foo-1-2.tar.gz may be foo's as well as foo-1's."""
    file = StoredFile.objects.named(filename.removesuffix(".metadata")).only("package").plain_first() or {}
    return str(file.get("package", ""))
