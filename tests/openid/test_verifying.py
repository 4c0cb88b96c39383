"""Tokens of providers: each kind of wrong one is refused, with the reason."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.openid.issuers import AUDIENCE, Issuer, github_claims, issuing, private_key, public_jwk
from webapp.openid.providers import Provider
from webapp.openid.verifying import TokenRefused, verified


@pytest.fixture(scope="module")
def running() -> Iterator[Issuer]:
    with issuing() as found:
        yield found


@pytest.fixture
def issuer(running: Issuer) -> Issuer:
    running.publishes("first", "ec-second")
    running.asked.clear()
    return running


def claims_of(token: str, issuer: Issuer) -> dict[str, Any]:
    return verified(token, {issuer.address: Provider(issuer.address, "TRUSTED_ISSUERS")}, AUDIENCE)


def reason(token: str, issuer: Issuer) -> str:
    with pytest.raises(TokenRefused) as refused:
        claims_of(token, issuer)
    return str(refused.value)


@pytest.mark.parametrize("key", ["first", "ec-second"])
def test_token_that_its_issuer_signed_is_valid(issuer: Issuer, key: str) -> None:
    assert claims_of(issuer.signed(key=key), issuer)["repository"] == "acme/rocket"


def test_audience_may_be_a_list_of_one(issuer: Issuer) -> None:
    assert claims_of(issuer.signed(aud=[AUDIENCE]), issuer)["aud"] == [AUDIENCE]


def test_clocks_may_differ_a_little(issuer: Issuer) -> None:
    now = int(time.time())

    assert claims_of(issuer.signed(exp=now - 20, nbf=now + 20, iat=now + 20), issuer)


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"aud": "pypi"}, "The token is for another audience; it must be larder."),
        ({"aud": [AUDIENCE, "pypi"]}, "The token is also for others; its audience must be larder alone."),
        ({"aud": None}, "The token has no claim aud."),
        ({"exp": 1_700_000_000}, "The token has expired."),
        ({"exp": None}, "The token has no claim exp."),
        ({"exp": "soon"}, "The token is not valid: Expiration Time claim (exp) must be an integer."),
        ({"exp": float("inf")}, "The token is not valid: Expiration Time claim (exp) must be an integer."),
        ({"iat": None}, "The token has no claim iat."),
        ({"nbf": 99_999_999_999}, "The token is not valid yet; compare the clocks."),
        ({"iat": 99_999_999_999}, "The token is not valid yet; compare the clocks."),
        ({"iss": "https://evil.example"}, "The issuer https://evil.example is not one that this site trusts."),
        ({"iss": None}, "The issuer None is not one that this site trusts."),
    ],
)
def test_token_with_a_wrong_claim_is_refused(issuer: Issuer, claims: dict[str, Any], said: str) -> None:
    assert reason(issuer.signed(**claims), issuer) == said


def test_token_of_an_unknown_key_is_refused(issuer: Issuer) -> None:
    assert reason(issuer.signed(key="stranger"), issuer).endswith(f"with a key that {issuer.address} does not have.")


def test_token_by_another_key_under_a_known_name_is_refused(issuer: Issuer) -> None:
    forged = issuer.signed(key="stranger", header={"kid": "first"})

    assert reason(forged, issuer) == "The signature of the token is wrong."


def test_changed_token_is_refused(issuer: Issuer) -> None:
    header, payload, signature = issuer.signed().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    changed = base64.urlsafe_b64encode(json.dumps(claims | {"repository": "evil/rocket"}).encode()).decode().rstrip("=")

    assert reason(f"{header}.{changed}.{signature}", issuer) == "The signature of the token is wrong."


def test_token_without_a_signature_is_refused(issuer: Issuer) -> None:
    unsigned = jwt.encode(github_claims(issuer.address), "", "none", headers={"kid": "first"})

    assert reason(unsigned, issuer).startswith("The token is signed with none; use one of RS256,")


def test_public_key_is_no_shared_secret(issuer: Issuer) -> None:
    public = private_key("first").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    part = [
        base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=")
        for each in ({"alg": "HS256", "kid": "first"}, github_claims(issuer.address))
    ]
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(".".join(part).encode(), public)
    forged = ".".join([*part, base64.urlsafe_b64encode(signature).decode().rstrip("=")])

    assert reason(forged, issuer).startswith("The token is signed with HS256; use one of RS256,")


def test_key_of_another_kind_than_the_algorithm_is_refused(issuer: Issuer) -> None:
    header = {"kid": "first"}
    forged = jwt.encode(github_claims(issuer.address), private_key("ec-second"), "ES256", headers=header)

    assert reason(forged, issuer).startswith("The token is not valid: ")


def test_key_for_encryption_signs_nothing(issuer: Issuer) -> None:
    issuer.answers["/keys"] = issuer.answers["/keys"]._replace(
        body=json.dumps({"keys": [public_jwk("first", use="enc")]}).encode()
    )

    assert reason(issuer.signed(), issuer) == "The key of the token is not meant for signing with RS256."


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "e30.e30.", "\ud800", "x" * 30_000, ".".join(["é"] * 3)])
def test_what_is_no_token_is_refused(issuer: Issuer, token: str) -> None:
    assert reason(token, issuer) in (
        "This is not a token of OpenID Connect (a JWT).",
        "The token is too long.",
        "The issuer None is not one that this site trusts.",
    )
    assert issuer.asked == []


def test_token_without_the_name_of_its_key_is_refused(issuer: Issuer) -> None:
    nameless = jwt.encode(github_claims(issuer.address), private_key("first"), "RS256")

    assert reason(nameless, issuer) == "The token does not say which key signed it."
