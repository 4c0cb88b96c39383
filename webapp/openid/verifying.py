"""Verify the tokens that providers of OpenID Connect sign (JWT). The cryptography is PyJWT's."""

import re
from collections.abc import Mapping
from typing import Any

import jwt

from webapp.openid.providers import Provider

MAX_TOKEN_LENGTH = 20_000
# Some providers list all groups of a person: this is enough for 7,000 with the ids of Entra, or 10,000 with names.
MAX_ID_TOKEN_LENGTH = 400_000
# Only signatures by private keys: with a shared secret, or none, anybody could sign.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
# How much clocks may differ.
LEEWAY_S = 30
REQUIRED = ["iss", "aud", "exp", "iat"]
# Whom a provider means. Source: OpenID Connect Core 1.0, section 2.
SUBJECT = re.compile(r"[\x20-\x7e]{1,255}")


class TokenTooLong(RuntimeError):
    """An ID token is longer than this site reads. The message says how long."""


class TokenRefused(RuntimeError):
    """A token is not valid here. The message says why; it shows nothing secret."""


def verified(token: str, providers: Mapping[str, Provider], audience: str) -> dict[str, Any]:
    """Return the claims of a valid token that one of these providers signed for this audience alone.

    Raises TokenRefused, and ProviderFailed if the provider's keys cannot be had.
    """
    if len(token) > MAX_TOKEN_LENGTH:
        raise TokenRefused("The token is too long.")
    claims = _signed_claims(token, providers, audience)
    # Kubernetes sends a list of one. A token for several sites could be used by each of them at the others.
    if claims["aud"] not in (audience, [audience]):
        raise TokenRefused(f"The token is also for others; its audience must be {audience} alone.")
    return claims


def verified_sign_in(token: str, provider: Provider, client_id: str, nonce: str) -> dict[str, Any]:
    """Return the claims of an ID token, by which a provider answers the sign-in with this nonce.

    Source: OpenID Connect Core 1.0, section 3.1.3.7. Raises TokenTooLong, TokenRefused, and ProviderFailed.
    """
    if len(token) > MAX_ID_TOKEN_LENGTH:
        raise TokenTooLong(f"The ID token has {len(token):,} characters, more than {MAX_ID_TOKEN_LENGTH:,}")
    claims = _signed_claims(token, {provider.issuer: provider}, client_id)
    is_for_others = claims["aud"] not in (client_id, [client_id])
    if claims.get("azp", None if is_for_others else client_id) != client_id:
        raise TokenRefused(f"The token was made for another site; its azp must be {client_id}.")
    if claims.get("nonce") != nonce:
        raise TokenRefused("The token answers another sign-in: its nonce is not the one that was sent.")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not SUBJECT.fullmatch(subject):
        raise TokenRefused("The token does not say who signed in.")
    return claims


def _signed_claims(token: str, providers: Mapping[str, Provider], audience: str) -> dict[str, Any]:
    header, provider = _examined(token, providers)
    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise TokenRefused(f"The token is signed with {str(algorithm)[:20]}; use one of {', '.join(ALGORITHMS)}.")
    if not isinstance(key_id, str):
        raise TokenRefused("The token does not say which key signed it.")
    key = provider.key(key_id)
    if key is None:
        raise TokenRefused(f"The token is signed with a key that {provider.issuer} does not have.")
    if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        raise TokenRefused(f"The key of the token is not meant for signing with {algorithm}.")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            jwt.PyJWK.from_dict(key, algorithm),
            algorithms=[algorithm],
            audience=audience,
            issuer=provider.issuer,
            leeway=LEEWAY_S,
            options={"require": REQUIRED, "enforce_minimum_key_length": True},
        )
    except jwt.PyJWTError as error:
        raise TokenRefused(_reason(error, audience)) from None
    return claims


def _examined(token: str, providers: Mapping[str, Provider]) -> tuple[dict[str, Any], Provider]:
    """Return the header of a token, and the provider that it says it is from. Nothing of it is verified yet."""
    try:
        header = jwt.get_unverified_header(token)
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise TokenRefused("This is not a token of OpenID Connect (a JWT).") from None
    provider = providers.get(issuer) if isinstance(issuer, str) else None
    if provider is None:
        raise TokenRefused(f"The issuer {str(issuer)[:200]} is not one that this site trusts.")
    return header, provider


def _reason(error: jwt.PyJWTError, audience: str) -> str:
    match error:
        case jwt.ExpiredSignatureError():
            return "The token has expired."
        case jwt.ImmatureSignatureError():
            return "The token is not valid yet; compare the clocks."
        case jwt.InvalidAudienceError():
            return f"The token is for another audience; it must be {audience}."
        case jwt.MissingRequiredClaimError():
            return f"The token has no claim {error.claim}."
        case jwt.InvalidSignatureError():
            return "The signature of the token is wrong."
    return f"The token is not valid: {error}"
