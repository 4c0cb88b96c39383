"""An identity provider that signs people in with real keys, and lies as a test wants; and sites that use one."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.local_http import running
from tests.openid.issuers import private_key, public_jwk
from tests.people import Browser
from webapp.openid.sign_on import SignOn

CLIENT, SECRET = "larder", "the secret of: larder"
START, CALLBACK = "/account/oidc/start", "/account/oidc/callback"


class IdentityProvider:
    """A provider: whom it knows, what it says about them, and what it was asked."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.asked: list[str] = []
        self.is_away = False
        self.methods: Any = ["client_secret_basic", "client_secret_post"]
        self.userinfo: dict[str, Any] = {}
        self.document: dict[str, Any] = {}
        self.key, self.header = "first", {}  # type: str, dict[str, Any]
        self.forms: list[dict[str, str]] = []
        self._codes: dict[str, dict[str, Any]] = {}

    def code_for(self, asked: dict[str, str], **claims: Any) -> str:
        """Let somebody sign in, and return the code that the site exchanges once. A claim that is None is left out."""
        now = int(time.time())
        made = {
            "iss": self.address,
            "aud": CLIENT,
            "sub": "ada-1815",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "auth_time": now,
            "name": "Ada Lovelace",
            "email": "ada@example.org",
            "email_verified": True,
        } | claims
        code = hashlib.sha256(f"{asked['state']} {claims}".encode()).hexdigest()
        self._codes[code] = {
            "challenge": asked["code_challenge"],
            "claims": {name: value for name, value in made.items() if value is not None},
        }
        return code

    def answer(self, path: str, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """What the provider answers to one request."""
        self.asked.append(path)
        if self.is_away:
            return 503, {}
        if path == "/.well-known/openid-configuration":
            endpoints = {"authorization_endpoint": "/auth", "token_endpoint": "/token", "jwks_uri": "/keys"}
            endpoints |= {"userinfo_endpoint": "/userinfo"} if self.userinfo else {}
            found = {name: self.address + path for name, path in endpoints.items()}
            methods = {"token_endpoint_auth_methods_supported": self.methods} if self.methods else {}
            return 200, {"issuer": self.address} | found | methods | self.document
        if path == "/keys":
            return 200, {"keys": [public_jwk("first"), public_jwk("ec-second")]}
        if path == "/userinfo" and authorization == "Bearer opaque":
            return 200, self.userinfo
        return self._exchanged(form, authorization) if path == "/token" else (404, {})

    def _exchanged(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        self.forms.append(form | ({"authorization": authorization} if authorization else {}))
        basic = base64.b64encode(b"larder:the+secret+of%3A+larder").decode()
        if form.get("client_secret") != SECRET and authorization != f"Basic {basic}":
            return 401, {"error": "invalid_client"}
        made = self._codes.pop(form["code"], None)
        verifier = hashlib.sha256(form["code_verifier"].encode()).digest()
        if made is None or base64.urlsafe_b64encode(verifier).decode().rstrip("=") != made["challenge"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "opaque", "token_type": "Bearer", "id_token": self.signed(made["claims"])}

    def signed(self, claims: dict[str, Any]) -> str:
        """An ID token with these claims."""
        algorithm = "ES256" if self.key.startswith("ec") else "RS256"
        return jwt.encode(claims, private_key(self.key), algorithm, headers={"kid": self.key} | self.header)


@contextmanager
def providing() -> Iterator[IdentityProvider]:
    """A provider that runs meanwhile."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(dict(parse_qsl(body)))

        def _answer(self, form: dict[str, str]) -> None:
            status, content = provider.answer(self.path, form, self.headers.get("Authorization", ""))
            body = json.dumps(content).encode()
            with suppress(ConnectionError):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with running(Handler) as address:
        provider = IdentityProvider(address)
        yield provider


def use(app: Flask, patch: pytest.MonkeyPatch, issuer: str, **settings: Any) -> None:
    """Let a site sign people in at a provider, with these settings."""
    chosen = {
        "OIDC_ISSUER": issuer,
        "OIDC_CLIENT_ID": CLIENT,
        "OIDC_CLIENT_SECRET": SECRET,
        "OIDC_NAME": "Acme",
        "SITE_URL": "http://localhost",
    } | settings
    for name, value in chosen.items():
        patch.setitem(app.config, name, value)
    patch.setitem(app.extensions, "sign_on", SignOn(app.config))


def asked_at(response: TestResponse) -> dict[str, str]:
    """What the site asks at the provider, to which this answer leads."""
    assert response.status_code == 302, response.text
    return dict(parse_qsl(urlsplit(response.headers["Location"]).query))


def go(someone: Browser, provider: IdentityProvider, start: str = START, **claims: Any) -> TestResponse:
    """Go to the provider, sign in there, and come back."""
    asked = asked_at(someone.get(start))
    return someone.get(CALLBACK, query_string={"code": provider.code_for(asked, **claims), "state": asked["state"]})
