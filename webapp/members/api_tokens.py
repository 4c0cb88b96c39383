"""API tokens: HTTP Basic with the user `__token__` and the token as password, as at PyPI."""

import hashlib
import secrets
import time
from datetime import datetime, timedelta
from typing import NamedTuple

from flask import current_app, request
from limits import parse
from pymongo import ReadPreference
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized
from werkzeug.http import quote_header_value

from webapp.documents import ApiToken, Membership, Team, TokenScope, User
from webapp.documents.api_token import PROJECT, READ, UPLOAD, TokenOwner
from webapp.documents.base import utc_now
from webapp.members import email_confirmation, limits, requirement

# The prefix by which people and secret scanners recognize a token.
PREFIX = "larder-"
USER = "__token__"
HINT_LENGTH = len(PREFIX) + 4
# The time of the last use is stored at most this often.
LAST_USE_S = 60
# Once its body has arrived, a request authenticates again, but not this soon: asking the database twice takes a tenth
# of the time of an upload, and most bodies are small.
VALID_S = 1.0
PERMIT = "larder.permit"


class Permit(NamedTuple):
    """The user who makes a request, and their token. A pipeline's token belongs to nobody."""

    user: User | None
    token: ApiToken


def make_token(
    user: User,
    *,
    name: str,
    permissions: list[str],
    expires_at: datetime | None,
    project: str | None = None,
    projects: list[str] | None = None,
    networks: list[str] | None = None,
    owner: TokenOwner | None = None,
) -> tuple[str, ApiToken]:
    """Store a new token of a user, or of an `owner`. Return the secret, which is shown only once, and the token."""
    named = [project] if project else projects or []
    kind = "account" if not named else "project" if len(named) == 1 else "projects"
    several = named if kind == "projects" else None
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        user_id=None if owner else user.id,
        owner=owner,
        made_by=user.id if owner else None,
        networks=networks or None,
        name=name,
        digest=digest_of(secret),
        hint=secret[:HINT_LENGTH],
        scope=TokenScope(kind=kind, project=named[0] if kind == "project" else None, projects=several),
        permissions=permissions,
        created_at=utc_now(),
        expires_at=expires_at,
    )
    token.save(force_insert=True)
    return secret, token


def make_pipelines_token(
    issuer: str, claims: dict[str, str], project: str | None, expires_at: datetime
) -> tuple[str, ApiToken]:
    """Store a token with which a pipeline uploads to one project, and return its secret and the token."""
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        issuer=issuer,
        claims=claims,
        name="trusted publishing",
        digest=digest_of(secret),
        hint=secret[:HINT_LENGTH],
        scope=TokenScope(kind="project", project=project),
        permissions=[UPLOAD],
        created_at=utc_now(),
        expires_at=expires_at,
    )
    token.save(force_insert=True)
    return secret, token


def may_still_have_token(user: User) -> bool:
    """Tell whether a new token may stay: the account is still enabled, and its password has not changed.

    A reset revokes the tokens that exist. This check catches one that is created at the same moment.
    """
    users = User.objects.read_preference(ReadPreference.PRIMARY)
    return bool(users.filter(pk=user.id, hashed_password=user.hashed_password, is_disabled__ne=True).count())


def digest_of(secret: str) -> str:
    """Return the digest of a secret that is stored.

    A plain SHA-256: the secret is 256 random bits, which nobody can guess, so a slow hash would only slow down the
    site.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def authenticate(permission: str) -> Permit:
    """Return who makes this request, by a token with this permission, as of at most a second ago.

    Raises Unauthorized if there is no token, Forbidden with the reason if it does not permit this, and TooManyRequests
    after too many invalid tokens from this address. A valid token is always accepted: nobody can guess one, so others
    at the same address need not be blocked.
    """
    earlier: tuple[str, float, Permit] | None = request.environ.get(PERMIT)
    if earlier and earlier[0] == permission and time.monotonic() - earlier[1] < VALID_S:
        return earlier[2]
    asked_at = time.monotonic()
    permit = _authenticated(permission)
    request.environ[PERMIT] = permission, asked_at, permit
    return permit


def _authenticated(permission: str) -> Permit:
    given = request.authorization
    if given is None or given.type != "basic" or not given.username:
        raise _unauthorized(f"Sign in with the username {USER} and an API token as the password.")
    refused = _unauthorized if permission == READ else Forbidden
    if given.username != USER:
        raise refused(f"Passwords are not accepted here. Use the username {USER} and an API token as the password.")
    if not given.password:
        # pip sends this before it asks a keyring for the password.
        raise refused(f"The API token is missing. Send it as the password of the user {USER}.")
    token: ApiToken | None = ApiToken.objects.declared_with({"digest": digest_of(given.password)})
    user = _user_of(token) if token else None
    if token is None or not (token.is_pipelines or (user and not user.is_disabled)):
        limits.count(parse(current_app.config["SIGN_IN_FAILURES"]), ("tokens by address", limits.network()))
        raise refused("This API token is not valid. It may have been revoked, or it is incomplete.")
    now = utc_now()
    if token.is_over(now):
        raise refused(f"This API token expired on {token.expires_at:%Y-%m-%d}.")
    if not token.may_come_from(request.remote_addr):
        raise Forbidden("This API token may not be used from your address.")
    if user and not user.is_program:
        if permission == UPLOAD and email_confirmation.must_confirm(user):
            raise Forbidden(email_confirmation.UNCONFIRMED)
        requirement.refuse_programs(user)
    if permission not in token.permissions:
        raise Forbidden(f"This API token does not have the {permission} permission.")
    if not token.last_used_at or token.last_used_at < now - timedelta(seconds=LAST_USE_S):
        used = {"last_used_at": now, "last_used_from": request.remote_addr}
        ApiToken.objects.raw().update_one({"_id": token.id}, {"$set": used})
    return Permit(user, token)


def _user_of(token: ApiToken) -> User | None:
    """Return whom a token acts for; for a shared one, a user that is not stored and may do what its owner may."""
    if token.owner is None:
        user: User | None = User.objects.declared_with({"_id": token.user_id}) if token.user_id else None
        return user
    program = User(id=token.id, name=f"{token.name} (token of {token.owner.name})")
    program.is_program = True
    if token.owner.kind == PROJECT:
        program.acts_for = token.owner.name
        return program
    if Team.objects(pk=token.owner.name).count_up_to(1) == 0:
        return None
    program.teams = [Membership(team=token.owner.name)]
    return program


def _unauthorized(reason: str) -> Unauthorized:
    """Return a challenge, after which pip and uv ask their keyring, netrc or the user (RFC 9110)."""
    name = current_app.config["SITE_NAME"].encode("ascii", "replace").decode()
    # Always in quotes (RFC 9110, section 11.5). Werkzeug leaves them out where it can, and urllib warns of that.
    realm = quote_header_value(name, allow_token=False)
    return Unauthorized(reason, www_authenticate=WWWAuthenticate("basic", token=f"realm={realm}"))
