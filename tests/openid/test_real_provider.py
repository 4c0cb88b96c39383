"""The certified `oidc-provider`, which requires PKCE and uses each code once: sign in, confirm and sign out with it."""

import base64
import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
import requests
from bs4 import BeautifulSoup, Tag
from flask import Flask

from tests.conftest import free_port
from tests.deploy.conftest import tool
from tests.openid.identity_provider import CALLBACK, CLIENT, SECRET, START, use
from tests.people import Browser
from tests.reading import page_of, words
from webapp.documents import Team, User

pytestmark = [pytest.mark.deployment, pytest.mark.real_server]

MODULES = Path(__file__).resolve().parents[2] / ".tools" / "node_modules"
PEOPLE = {
    "ada": {
        "name": "Ada Lovelace",
        "preferred_username": "ada",
        "email": "ada@example.org",
        "email_verified": True,
        "groups": ["pay"],
    }
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """The address of the provider."""
    port = free_port()
    site = {
        "client_id": CLIENT,
        "client_secret": SECRET,
        "redirect_uris": [f"http://localhost{CALLBACK}"],
        "post_logout_redirect_uris": ["http://localhost/account/login"],
    }
    settings = json.dumps({"client": site, "people": PEOPLE})
    script = Path(__file__).with_name("real_provider.mjs")
    command = [tool("node", "apt-get install nodejs"), str(script), str(MODULES), str(port), settings]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            if process.stdout.readline() != "ready\n":
                pytest.fail("oidc-provider does not start; `make .tools/.installed` installs it")
            yield f"http://localhost:{port}"
        finally:
            process.terminate()


@pytest.fixture
def person(app: Flask, issuer: str, monkeypatch: pytest.MonkeyPatch) -> requests.Session:
    """Somebody's browser at the provider, which the site uses."""
    use(app, monkeypatch, issuer, OIDC_CREATE_ACCOUNTS=1, OIDC_GROUPS_CLAIM="groups")
    return requests.Session()


def sign_in_at(person: requests.Session, address: str) -> str:
    """Fill in what the provider asks until it leads back, and return where to."""
    response = person.get(address, allow_redirects=False)
    for _ in range(12):
        if response.is_redirect:
            target = urljoin(response.url, response.headers["Location"])
            if target.startswith(f"http://localhost{CALLBACK}"):
                return target
            response = person.get(target, allow_redirects=False)
            continue
        response = send(person, response, login="ada", password="any")
    raise AssertionError(response.text)


def send(person: requests.Session, page: requests.Response, **fields: str) -> requests.Response:
    """Send the form of a page of the provider."""
    form = BeautifulSoup(page.text, "html.parser").find("form")
    assert isinstance(form, Tag), page.text
    hidden = {str(each["name"]): str(each.get("value") or "") for each in form.select("input[type=hidden]")}
    return person.post(urljoin(page.url, str(form["action"])), hidden | fields, allow_redirects=False)


def come_back(visitor: Browser, address: str) -> Any:
    return visitor.get(urlsplit(address).path, query_string=urlsplit(address).query)


def test_person_signs_in_confirms_and_signs_out(visitor: Browser, person: requests.Session) -> None:
    Team(name="payments", groups=["pay"]).save()

    back = sign_in_at(person, visitor.get(f"{START}?next=/projects/").headers["Location"])
    assert come_back(visitor, back).headers["Location"] == "/projects/"

    user = User.objects.get()
    assert (user.username, user.email, user.team_names) == ("ada", "ada@example.org", ["payments"])
    assert user.sessions[0].confirmed_at is None  # this provider tells when she proved who she is only if it is asked
    again = visitor.get("/account/oidc/confirm").headers["Location"]
    at_provider = person.get(again)
    assert "login" in at_provider.text  # it asks again, although she is signed in there
    assert come_back(visitor, sign_in_at(person, again)).headers["Location"] == "/account"
    assert User.objects.get().sessions[0].confirmed_at

    link = page_of(visitor.press("/account", "/account/logout")).select_one(".sign-on a")
    assert link is not None
    ended = send(person, person.get(str(link["href"])), logout="yes")
    assert ended.headers["Location"] == "http://localhost/account/login"
    assert "login" in person.get(visitor.get(START).headers["Location"]).text


def test_code_works_once(visitor: Browser, person: requests.Session, caplog: pytest.LogCaptureFixture) -> None:
    back = sign_in_at(person, visitor.get(START).headers["Location"])
    cookie = visitor.get_cookie("session")
    come_back(visitor, back)
    visitor.press("/account", "/account/logout")
    assert cookie is not None
    visitor.set_cookie("session", cookie.value)

    come_back(visitor, back)

    assert "invalid_grant" in caplog.text
    assert not visitor.is_signed_in()


def test_provider_checks_the_verifier(visitor: Browser, person: requests.Session) -> None:
    asked = visitor.get(START).headers["Location"]
    other = base64.urlsafe_b64encode(hashlib.sha256(b"of somebody else").digest()).decode().rstrip("=")
    challenge = dict(parse_qsl(urlsplit(asked).query))["code_challenge"]

    come_back(visitor, sign_in_at(person, asked.replace(challenge, other)))

    assert "Acme could not say who you are." in words(page_of(visitor.get("/account/login")))
    assert not visitor.is_signed_in()


def test_code_for_another_nonce_is_refused(visitor: Browser, person: requests.Session) -> None:
    asked = visitor.get(START).headers["Location"]
    nonce = dict(parse_qsl(urlsplit(asked).query))["nonce"]

    come_back(visitor, sign_in_at(person, asked.replace(nonce, "x" * 43)))

    assert not visitor.is_signed_in()
