"""Programs that sign in with a token: HTTP Basic, user `__token__`, the token as password (as PyPI has it)."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from flask import current_app, request
from limits import parse
from pymongo import ReadPreference
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized

from webapp.documents import ApiToken, TokenScope, User
from webapp.documents.api_token import READ, UPLOAD
from webapp.documents.base import utc_now
from webapp.members import confirming, limits

# By this prefix people and scanners of leaked secrets know one.
PREFIX = "larder-"
USER = "__token__"
HINT_LENGTH = len(PREFIX) + 4
# The last use is written at most so often.
LAST_USE_S = 60


class Permit(NamedTuple):
    """Who makes a request, and the token that says so."""

    user: User
    token: ApiToken


def make_token(
    user: User, *, name: str, project: str | None, permissions: list[str], expires_at: datetime | None
) -> tuple[str, ApiToken]:
    """Keep a new token; return the secret, which is shown once, and the token."""
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        user_id=user.id,
        name=name,
        digest=digest_of(secret),
        hint=secret[:HINT_LENGTH],
        scope=TokenScope(kind="project" if project else "account", project=project),
        permissions=permissions,
        created_at=utc_now(),
        expires_at=expires_at,
    )
    token.save(force_insert=True)
    return secret, token


def may_still_have_token(user: User) -> bool:
    """Tell whether a token that was just made may stay: the account is enabled and its password is the one it was.

    A reset revokes the tokens that it finds. One that is made at the same moment is found by this question instead.
    """
    users = User.objects.read_preference(ReadPreference.PRIMARY)
    return bool(users.filter(pk=user.id, hashed_password=user.hashed_password, is_disabled__ne=True).count())


def digest_of(secret: str) -> str:
    """Return what is kept of a token.

    A plain SHA-256: the secret is 256 random bits, which nobody can guess, so a slow hash would slow the site alone.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def authenticate(permission: str) -> Permit:
    """Return who makes this request by a token with this permission.

    Raises Unauthorized when there is no token, Forbidden with the reason when it does not permit this, and
    TooManyRequests when too many from this address were none. A good token always counts: nobody can guess one, so
    those who try need not be kept from the others of the same address.
    """
    given = request.authorization
    if given is None or given.type != "basic" or not given.username:
        raise _unauthorized(f"Sign in with the username {USER} and an API token as the password.")
    refused = _unauthorized if permission == READ else Forbidden
    if given.username != USER:
        raise refused(f"Passwords are not accepted here. Use the username {USER} and an API token as the password.")
    if not given.password:
        # What pip sends before it asks a keyring for the password.
        raise refused(f"The API token is missing. Send it as the password of the user {USER}.")
    token: ApiToken | None = ApiToken.objects.with_digest(digest_of(given.password)).declared_first()
    user: User | None = User.objects(pk=token.user_id).declared_first() if token else None
    if token is None or user is None or user.is_disabled:
        limits.hit(parse(current_app.config["SIGN_IN_FAILURES"]), ("tokens by address", limits.network()))
        raise refused("This API token is not valid. It may have been revoked, or it is incomplete.")
    now = utc_now()
    if token.is_over(now):
        raise refused(f"This API token expired on {token.expires_at:%Y-%m-%d}.")
    if permission == UPLOAD and confirming.must_confirm(user):
        raise Forbidden(confirming.UNCONFIRMED)
    if permission not in token.permissions:
        raise Forbidden(f"This API token does not have the {permission} permission.")
    if not token.last_used_at or token.last_used_at < now - timedelta(seconds=LAST_USE_S):
        ApiToken.objects.raw().update_one({"_id": token.id}, {"$set": {"last_used_at": now}})
    return Permit(user, token)


def _unauthorized(reason: str) -> Unauthorized:
    """Return an answer with a challenge: after it, pip and uv ask their keyring, netrc or the person (RFC 9110)."""
    realm = WWWAuthenticate("basic", {"realm": current_app.config["SITE_NAME"]})
    return Unauthorized(reason, www_authenticate=realm)
