"""Single sign-on: people sign in at one identity provider, by its authorization code flow with PKCE.

Sources: OpenID Connect Core 1.0, section 3.1; RFC 7636 (PKCE); RFC 9207 (`iss` in the answer); OpenID Connect
RP-Initiated Logout 1.0.
"""

import base64
import hashlib
import re
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote_plus, urlencode

from webapp.documents.base import utc_now
from webapp.members.identities import Person
from webapp.openid.providers import Provider, ProviderFailed
from webapp.openid.verifying import LEEWAY_S, TokenRefused, verified_sign_in
from webapp.serving.per_app import PerApp

# How long somebody may take at the provider, who may have to set up a second factor there.
QUESTION_AGE_S = 1800
# A provider whose last sign-in is older than this asks again. It is not 0, at which some providers ask forever.
MAX_AGE_S = 60
# Longer ID tokens, of people with hundreds of groups, are not kept; then the provider asks whom to sign out.
MAX_KEPT_TOKEN = 4000
MAX_TEXT = 100
MAX_EMAIL = 254
_ERROR = re.compile(r"[a-z_]{1,60}")


class SignInFailed(RuntimeError):
    """The provider did not say who somebody is. The message is for them."""


class Question(NamedTuple):
    """What the browser keeps while somebody is at the provider, which binds its answer to this browser."""

    state: str
    nonce: str
    verifier: str
    asked_at: int


class Answer(NamedTuple):
    """What a provider certified: claims about a person, and the ID token that had most of them."""

    claims: dict[str, Any]
    id_token: str


class SignOn:
    """The identity provider of this site, and what it knows the site by."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Raises BadConfig if OIDC_ISSUER cannot be an issuer."""
        self.provider = Provider(config["OIDC_ISSUER"], "OIDC_ISSUER")
        self.name: str = config["OIDC_NAME"]
        self._client_id, self._secret = config["OIDC_CLIENT_ID"], config["OIDC_CLIENT_SECRET"]
        self._scopes = " ".join(scopes_in(config["OIDC_SCOPES"]))
        self._required = required_claims(config["OIDC_REQUIRED_CLAIMS"])
        self._groups_claim = config["OIDC_GROUPS_CLAIM"]

    def address(self, question: Question, return_address: str, *, afresh: bool) -> str:
        """Return where somebody signs in, even if they did so before if `afresh`. Raises ProviderFailed."""
        challenge = hashlib.sha256(question.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": return_address,
            "scope": self._scopes,
            "state": question.state,
            "nonce": question.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        if afresh:
            asked |= {"prompt": "login", "max_age": str(MAX_AGE_S)}
        return f"{self.provider.endpoint('authorization_endpoint')}?{urlencode(asked)}"

    def answer(self, question: Question, arguments: Mapping[str, str], return_address: str) -> Answer:
        """Return what the provider answers to a question.

        Raises SignInFailed, TokenTooLong, TokenRefused and ProviderFailed.
        """
        if arguments.get("state") != question.state or time.time() - question.asked_at > QUESTION_AGE_S:
            raise SignInFailed("This sign-in took too long, or began in another window. Try again.")
        if arguments.get("iss", self.provider.issuer) != self.provider.issuer:
            raise SignInFailed("The answer came from another provider. Try again.")
        if "code" not in arguments:
            raise SignInFailed(self._explained(arguments.get("error", "")))
        tokens = self._exchanged(arguments["code"], question, return_address)
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str):
            raise ProviderFailed(f"{self.provider.issuer} sent no ID token")
        claims = verified_sign_in(id_token, self.provider, self._client_id, question.nonce)
        claims = self._more_about(claims["sub"], tokens.get("access_token")) | claims
        for name, values in self._required.items():
            if _is_left_out(name, claims):
                raise SignInFailed(
                    f"{self.name} left out the claim {name}, which is too long in your case, so this site cannot tell "
                    "whether you may sign in. Ask an administrator of this site."
                )
            if not values & set(texts_in(claims.get(name))):
                raise SignInFailed(f"Your account at {self.name} may not sign in to this site.")
        return Answer(claims, id_token)

    def _explained(self, error: str) -> str:
        if error == "access_denied":
            return f"You did not sign in with {self.name}."
        known = f": {error}" if _ERROR.fullmatch(error) else ""
        return f"{self.name} did not sign you in{known}."

    def _exchanged(self, code: str, question: Question, return_address: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": return_address,
            "code_verifier": question.verifier,
            "client_id": self._client_id,
        }
        known = self.provider.document().get("token_endpoint_auth_methods_supported", "client_secret_basic")
        methods = texts_in(known)
        authorization = ""
        if self._secret and "client_secret_post" in methods:
            form["client_secret"] = self._secret
        elif self._secret:
            # Both are encoded first. Source: RFC 6749, section 2.3.1.
            pair = f"{quote_plus(self._client_id)}:{quote_plus(self._secret)}"
            authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return self.provider.fetch(self.provider.endpoint("token_endpoint"), form, authorization)

    def _more_about(self, subject: str, access_token: Any) -> dict[str, Any]:
        """Return further claims, which some providers only tell at their userinfo endpoint."""
        if not isinstance(access_token, str) or "userinfo_endpoint" not in self.provider.document():
            return {}
        address = self.provider.endpoint("userinfo_endpoint")
        found = self.provider.fetch(address, authorization=f"Bearer {access_token}")
        if found.get("sub") != subject:
            raise TokenRefused("The userinfo endpoint describes somebody else.")
        return found

    def person(self, claims: Mapping[str, Any]) -> Person:
        """Return who somebody is, from verified claims."""
        email = text_in(claims.get("email"), MAX_EMAIL)
        return Person(
            issuer=self.provider.issuer,
            subject=claims["sub"],
            name=text_in(claims.get("name"), MAX_TEXT),
            username=text_in(claims.get("preferred_username"), MAX_TEXT) or email,
            email=email,
            # Entra says in its own way that an address belongs to somebody's organization.
            has_proved_email=claims.get("email_verified") is True or claims.get("xms_edov") in (True, 1, "1"),
            groups=self._groups_in(claims),
        )

    def left_groups_out(self, claims: Mapping[str, Any]) -> bool:
        """Tell whether the provider did not list somebody's groups because they are too many."""
        return bool(self._groups_claim) and _is_left_out(self._groups_claim, claims)

    def _groups_in(self, claims: Mapping[str, Any]) -> list[str] | None:
        """Return the names of groups, or None if the provider does not tell them. Many leave an empty list out."""
        if not self._groups_claim or self.left_groups_out(claims):
            return None
        return texts_in(claims.get(self._groups_claim))

    def end_address(self, id_token: str | None, return_address: str) -> str | None:
        """Return where somebody signs out of the provider, or None if it offers no such address."""
        try:
            if "end_session_endpoint" not in self.provider.document():
                return None
            address = self.provider.endpoint("end_session_endpoint")
        except ProviderFailed:
            return None
        asked = {"client_id": self._client_id, "post_logout_redirect_uri": return_address}
        return f"{address}?{urlencode(asked | ({'id_token_hint': id_token} if id_token else {}))}"


def _is_left_out(name: str, claims: Mapping[str, Any]) -> bool:
    """Tell whether a provider only says where a claim could be had, as Entra does with more than 200 groups.

    Source: OpenID Connect Core 1.0, section 5.6.2.
    """
    elsewhere = claims.get("_claim_names")
    return name not in claims and isinstance(elsewhere, dict) and name in elsewhere


sign_on = PerApp[SignOn | None]("sign_on")


def new_question() -> Question:
    """Return what identifies one sign-in: each part is random."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Question(state, nonce, verifier, int(time.time()))


def proved_at(claims: Mapping[str, Any]) -> datetime | None:
    """Return when somebody last proved to the provider who they are, or None if it does not say."""
    seconds = claims.get("auth_time")
    if not isinstance(seconds, int | float) or not 0 < seconds < time.time() + LEEWAY_S:
        return None
    return min(datetime.fromtimestamp(seconds, UTC), utc_now())


def was_proved_since(claims: Mapping[str, Any], question: Question) -> bool:
    """Tell whether somebody proved who they are after they were asked to. Clocks may differ a little."""
    proved = proved_at(claims)
    return proved is not None and proved >= datetime.fromtimestamp(question.asked_at, UTC) - timedelta(seconds=LEEWAY_S)


def scopes_in(text: str) -> list[str]:
    """Return the scopes in a setting, between which there may be commas or blanks."""
    return text.replace(",", " ").split()


def required_claims(text: str) -> dict[str, set[str]]:
    """Return the claims in a setting: "hd=acme.example,groups=a,groups=b". Several values of one are alternatives."""
    required: dict[str, set[str]] = {}
    for each in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = each.partition("=")
        required.setdefault(name.strip(), set()).add(value.strip())
    return required


def texts_in(value: Any) -> list[str]:
    """Return the texts of a claim, whether it is one or a list; a flag is "true" or "false"."""
    values = value if isinstance(value, list) else [value]
    written = [str(each).lower() if isinstance(each, bool) else each for each in values]
    return [each for each in written if isinstance(each, str) and each and each.isprintable()]


def text_in(value: Any, most: int) -> str:
    """Return the text of a claim; empty if it is none, or too long, or has line breaks or invalid characters."""
    return value.strip() if isinstance(value, str) and len(value) <= most and value.isprintable() else ""
