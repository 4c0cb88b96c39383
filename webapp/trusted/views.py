"""`/_/oidc/...` and `/.well-known/pytp`: what uv, pdm and the steps of CI services ask for trusted publishing.

They look for these at the root of the host, whatever the path of the upload address. Sources: PyPI's documentation of
trusted publishing, and PEP 807.
"""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.exceptions import NotAcceptable

from webapp.changes.publishers import NotTrusted, projects_of
from webapp.documents import ApiToken, UsedToken
from webapp.documents.base import utc_now
from webapp.members import audit
from webapp.members.api_tokens import digest_of, make_pipelines_token
from webapp.openid.providers import ProviderFailed, audience_of, issuers
from webapp.openid.verifying import LEEWAY_S, MAX_TOKEN_LENGTH, TokenRefused, verified
from webapp.rules.publishers import plain_claims, source_of
from webapp.serving.extensions import csrf
from webapp.serving.filters import absolute_url

bp = Blueprint("trusted", __name__)

LIFETIME = timedelta(minutes=15)
# Tokens of issuers may last this long: their use has to be remembered until they expire.
LONGEST = timedelta(days=1)
OFF = "Trusted publishing is switched off on this site."
PYTP = "application/vnd.pypi.pytp.v1+json"
UPLOAD_PATHS = ("/", "/legacy", "/legacy/")


@bp.get("/_/oidc/audience")
def audience() -> Response:
    """Return whom the tokens of pipelines must be for."""
    if not issuers():
        abort(403, OFF)
    return jsonify(audience=audience_of())


@bp.get("/.well-known/pytp")
def discovery() -> Response:
    """Return the addresses of this site's trusted publishing (PEP 807)."""
    if not issuers() or request.args.get("discover") not in UPLOAD_PATHS:
        abort(404, "There is no trusted publishing for this upload address.")
    if not {PYTP, "application/json"} & {*_accepted()}:
        raise NotAcceptable(f"This address only speaks {PYTP}.")
    found = {
        "audience-endpoint": absolute_url("trusted.audience"),
        "token-mint-endpoint": absolute_url("trusted.mint_token"),
        "features": ["multi-use-token"],
        "default-features": ["multi-use-token"],
    }
    response = jsonify(found)
    response.mimetype = PYTP
    return response


def _accepted() -> list[str]:
    accepted = request.accept_mimetypes
    return [each for each in (PYTP, "application/json") if not accepted.provided or accepted[each]]


@bp.post("/_/oidc/mint-token")
@bp.post("/_/oidc/github/mint-token", alias=True)  # as older versions of pypa/gh-action-pypi-publish ask
def mint_token() -> Response:
    """Exchange a token of an issuer for one that uploads to a project for 15 minutes."""
    if not issuers():
        return _refused("not-enabled", OFF)
    if _is_too_long():
        return _refused("invalid-payload", "The token is too long.")
    try:
        claims = verified(_sent_token(), issuers(), audience_of())
    except ProviderFailed as error:
        return _refused("invalid-token", f"{error}.")
    except TokenRefused as error:
        return _refused("invalid-token" if _sent_token() else "invalid-payload", str(error))
    issuer, plain = str(claims["iss"]), plain_claims(claims)
    if plain.get("event_name") == "pull_request_target":
        # Such workflows run with the rights of the repository, often on code from outside, so PyPI refuses them too.
        return _refused("invalid-publisher", "Pipelines of the event pull_request_target cannot publish.")
    try:
        projects = projects_of(issuer, plain)
    except NotTrusted as error:
        return _refused("invalid-publisher", str(error))
    now, expiry = utc_now(), int(claims["exp"])
    if expiry > (now + LONGEST).timestamp():
        return _refused("invalid-token", "The token lasts longer than a day.")
    until = datetime.fromtimestamp(expiry + 2 * LEEWAY_S, UTC)
    if not UsedToken.objects.use(_identity(issuer, claims), until):
        return _refused("invalid-reuse-token", "The token was used before. Each is exchanged once: ask for a new one.")
    project = projects[0] if len(projects) == 1 else None
    secret, token = make_pipelines_token(issuer, plain, project, now + LIFETIME)
    said = source_of(issuer, plain).get("repository") or issuer
    target = f"package {project}" if project else ""
    audit.record(audit.TOKEN, f"A pipeline of {said[:200]} got the API token {token.hint}….", target=target)
    return jsonify(success=True, token=secret, expires=int(token.expires_at.timestamp()))


@bp.post("/_/oidc/burn-token")
def burn_token() -> tuple[Response, int]:
    """Revoke a pipeline's token. The answer is the same for every token."""
    token = _sent_token()
    if token:
        ApiToken.objects.raw().delete_one({"digest": digest_of(token), "issuer": {"$gt": ""}})
    return jsonify(message="Accepted"), 202


# No cookie is used here.
csrf.exempt(mint_token)
csrf.exempt(burn_token)


def _sent_token() -> str:
    """Return the token in the body; empty if there is none."""
    if _is_too_long():
        return ""
    try:
        sent = json.loads(request.get_data())
    except (ValueError, RecursionError):
        return ""
    token = sent.get("token") if isinstance(sent, dict) else None
    return token if isinstance(token, str) else ""


def _is_too_long() -> bool:
    return len(request.get_data()) > 2 * MAX_TOKEN_LENGTH


def _identity(issuer: str, claims: dict[str, Any]) -> str:
    """Return what no other token of this issuer has. Google's have no `jti`; there it is the signed text itself."""
    if isinstance(jti := claims.get("jti"), str) and jti:
        text = f"{issuer}\n{jti}"
    else:
        text = _sent_token().rpartition(".")[0]
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _refused(code: str, description: str, status: int = 422) -> Response:
    """Return an error that today's clients print (`errors`), in the form that PEP 807 asks for (RFC 9457)."""
    title = "Token request failed"
    response = jsonify(
        message=title,
        errors=[{"code": code, "description": description}],
        type="about:blank",
        title=title,
        status=status,
        detail=description,
    )
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response


@bp.after_request
def keep_private(response: Response) -> Response:
    """Forbid caches to keep these answers, and give every error of an exchange the form that clients print."""
    response.headers["Cache-Control"] = "no-store"
    is_error = response.status_code >= 400 and response.mimetype == "application/json"
    if is_error and request.endpoint == "trusted.mint_token":
        told = _refused("request-failed", response.get_json()["message"], response.status_code)
        response.set_data(told.get_data())
        response.headers["Content-Type"] = told.headers["Content-Type"]
    return response
