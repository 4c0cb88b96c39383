"""A provider of OpenID Connect on this machine, which signs with real keys whatever a test wants."""

import json
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.local_http import Answer, served

AUDIENCE = "larder"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def private_key(name: str) -> PrivateKey:
    """A key of this name; those whose names start with "ec" are of an elliptic curve."""
    if name.startswith("ec"):
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_jwk(name: str, **fields: Any) -> dict[str, Any]:
    """The public part of a key, as issuers publish it."""
    key = private_key(name)
    if isinstance(key, rsa.RSAPrivateKey):
        made = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        made = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**made, "kid": name, "use": "sig", **fields}


class Issuer:
    """A provider: its address, what it answers, and what it was asked."""

    def __init__(self, answers: dict[str, Answer], asked: list[str], address: str) -> None:
        self.answers, self.asked, self.address = answers, asked, address
        self.publishes("first", "ec-second")

    def publishes(self, *names: str, **discovery: Any) -> None:
        """Publish these keys."""
        self.answers["/keys"] = as_json({"keys": [public_jwk(name) for name in names]})
        document = {"issuer": self.address, "jwks_uri": f"{self.address}/keys", **discovery}
        self.answers["/.well-known/openid-configuration"] = as_json(document)

    def signed(self, *, key: str = "first", header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token as GitHub's pipelines get it; a claim that is None is left out."""
        made = github_claims(self.address) | claims
        made = {name: value for name, value in made.items() if value is not None}
        algorithm = "ES256" if key.startswith("ec") else "RS256"
        return jwt.encode(made, private_key(key), algorithm, headers={"kid": key} | (header or {}))


def github_claims(issuer: str, **claims: Any) -> dict[str, Any]:
    """What a token of GitHub Actions says."""
    now = int(time.time())
    return {
        "iss": issuer,
        "aud": AUDIENCE,
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        "jti": f"{time.perf_counter_ns()}",
        "sub": "repo:acme/rocket:environment:release",
        "repository": "acme/rocket",
        "repository_owner": "acme",
        "repository_owner_id": "4711",
        "job_workflow_ref": "acme/rocket/.github/workflows/release.yml@refs/tags/v1",
        "ref": "refs/tags/v1",
        "sha": "0123456789abcdef0123456789abcdef01234567",
        "environment": "release",
        "event_name": "push",
        "run_id": 12345,
    } | claims


def as_json(content: Any) -> Answer:
    return Answer(body=json.dumps(content).encode())


@contextmanager
def issuing(tls: ssl.SSLContext | None = None) -> Iterator[Issuer]:
    """A provider that runs meanwhile."""
    answers: dict[str, Answer] = {}
    asked: list[str] = []
    with served(answers, asked, tls) as address:
        yield Issuer(answers, asked, address)
