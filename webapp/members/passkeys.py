"""Passkeys and security keys (WebAuthn): the questions that a browser passes to them, and their answers.

A question is a signed text that says what it is for and expires, so nothing is stored for it. An answer works once.
`webauthn` is imported where it is used: it takes 0.2 s and 14 MB, which a site without passkeys need not spend.
"""

import base64
import json
import secrets
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer

from webapp.documents import User
from webapp.documents.base import utc_now
from webapp.documents.second_factor import PASSKEY, SecondFactor
from webapp.members import limits
from webapp.rules.texts import is_encodable

# What an answer may be used for.
ADDING, SECOND_STEP, ALONE = "adding", "second step", "alone"
ANSWER_WITHIN_S = 300
# The longest answer that is read. A passkey's is about 1 kB.
MAX_ANSWER = 20_000


class Site(NamedTuple):
    """The site that passkeys belong to: the name of its host, and its address as the browser sees it."""

    host: str
    origin: str


def site() -> Site:
    """Return this site, by SITE_URL or by the request."""
    parts = urlsplit(current_app.config["SITE_URL"] or request.host_url)
    host = parts.hostname or ""  # in lower case, as in the origin that a browser sends, which has no usual port either
    usual_port = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, usual_port) else f":{parts.port}"
    return Site(host, f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}")


def question_for_new(user: User) -> str:
    """Return the options for `navigator.credentials.create`, as JSON."""
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_registration_options(
        rp_id=site().host,
        rp_name=current_app.config["SITE_NAME"],
        user_id=user.id.binary,
        user_name=user.email or user.username or str(user.id),
        user_display_name=user.shown_name,
        challenge=_challenge(ADDING, str(user.id)),
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.PREFERRED,
            user_verification=structs.UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=_descriptors(user),
    )
    return webauthn.options_to_json(options)


def question_for(user: User) -> str:
    """Return the options for `navigator.credentials.get`, as JSON, with which a user confirms the second step."""
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_authentication_options(
        rp_id=site().host,
        challenge=_challenge(SECOND_STEP, str(user.id)),
        allow_credentials=_descriptors(user),
        user_verification=structs.UserVerificationRequirement.DISCOURAGED,
    )
    return webauthn.options_to_json(options)


def question_for_anybody() -> str:
    """Return the options for `navigator.credentials.get`, as JSON, with which somebody signs in by a passkey alone."""
    challenge = _challenge(ALONE, "").decode()
    # The same as webauthn's options, but every reader of the sign-in page gets one, so it is not loaded for them.
    question = {
        "challenge": _base64url(challenge.encode()),
        "rpId": site().host,
        "allowCredentials": [],
        "userVerification": "required",
        "timeout": ANSWER_WITHIN_S * 1000,
    }
    return json.dumps(question)


def made(user: User, credential: str, name: str) -> SecondFactor | None:
    """Return the new passkey that a browser answered with, or None if the answer is not valid."""
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    challenge = _asked(credential, ADDING, str(user.id))
    if challenge is None:
        return None
    try:
        verified = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=site().host,
            expected_origin=site().origin,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError):
        return None
    return SecondFactor(
        factor_id=_base64url(verified.credential_id),
        kind=PASSKEY,
        name=name,
        public_key=_base64url(verified.credential_public_key),
        sign_count=verified.sign_count,
        created_at=utc_now(),
    )


def owner_of(credential: str) -> User | None:
    """Return the user whose passkey a browser answered with; whether the answer is valid is not checked."""
    factor_id = _read(credential).get("id")
    if not isinstance(factor_id, str) or not is_encodable(factor_id):
        return None
    owner: User | None = User.objects.with_factor(factor_id).declared_first()
    return owner


def answered_by(user: User, credential: str, purpose: str) -> SecondFactor | None:
    """Return the passkey of this user that signed an answer, or None. Passkeys used alone must verify their user."""
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    challenge = _asked(credential, purpose, "" if purpose == ALONE else str(user.id))
    factor_id = _read(credential).get("id")
    factor = next(
        (each for each in user.second_factors or [] if each.kind == PASSKEY and each.factor_id == factor_id), None
    )
    if challenge is None or factor is None or not factor.public_key:
        return None
    try:
        verified = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=site().host,
            expected_origin=site().origin,
            credential_public_key=_from_base64url(factor.public_key),
            credential_current_sign_count=factor.sign_count or 0,
            require_user_verification=purpose == ALONE,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError):
        return None
    # Another request may have used the same count: a copied passkey, or the same answer twice.
    unchanged = {"$elemMatch": {"factor_id": factor_id, "sign_count": factor.sign_count or 0}}
    change = {"second_factors.$.sign_count": verified.new_sign_count, "second_factors.$.last_used_at": utc_now()}
    stored = User.objects.raw().update_one({"_id": user.id, "second_factors": unchanged}, {"$set": change})
    return factor if stored.matched_count else None


def _descriptors(user: User) -> list[Any]:
    from webauthn.helpers import base64url_to_bytes, structs

    own = [each for each in user.second_factors or [] if each.kind == PASSKEY]
    return [structs.PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.factor_id)) for each in own]


def _challenge(purpose: str, user_id: str) -> bytes:
    return _serializer().dumps([purpose, user_id, secrets.token_urlsafe(24)]).encode()


def _asked(credential: str, purpose: str, user_id: str) -> bytes | None:
    """Return the question that an answer repeats, if it is ours, recent, for this purpose, and not answered before."""
    client_data = _read(credential).get("response", {})
    client_data = client_data.get("clientDataJSON") if isinstance(client_data, dict) else None
    challenge = _json(_from_base64url(client_data)).get("challenge")
    question = _from_base64url(challenge)
    try:
        asked = _serializer().loads(question, max_age=ANSWER_WITHIN_S)
    except (BadData, UnicodeDecodeError):
        return None
    is_ours = isinstance(asked, list) and asked[:2] == [purpose, user_id]
    return question if is_ours and limits.is_first("answer", question, 2 * ANSWER_WITHIN_S) else None


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="larder passkey")


def _read(credential: str) -> dict[str, Any]:
    return _json(credential.encode("utf-8", "replace")) if len(credential) <= MAX_ANSWER else {}


def _json(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _from_base64url(text: Any) -> bytes:
    if not isinstance(text, str):
        return b""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
