"""Single sign-on: people come back from the identity provider and are signed in, or told why not."""

import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from flask import Flask

from config import BadConfig, TestingConfig
from tests.openid.identity_provider import CALLBACK, CLIENT, START, IdentityProvider, asked_at, go, use
from tests.people import Browser, browser, member, outbox, signed_in
from tests.reading import page_of, words
from webapp.accounts import single_sign_on
from webapp.documents import AuditEvent, Team, User
from webapp.documents.base import utc_now
from webapp.documents.user import Identity, Membership
from webapp.members import local_sign_in


def identity(provider: IdentityProvider, subject: str = "ada-1815", **fields: Any) -> Identity:
    """A person, as the provider describes them."""
    return Identity(issuer=provider.address, subject=subject, connected_at=utc_now(), **fields)


def connected(provider: IdentityProvider, name: str = "Ada Lovelace", **fields: Any) -> User:
    """A member who signs in at the provider."""
    return member(name, **{"identity": identity(provider), "password": None} | fields)


def said(someone: Browser, address: str = "/account/login") -> str:
    """What the next page tells."""
    return words(page_of(someone.get(address)))


def test_member_signs_in_and_comes_back_to_the_page(visitor: Browser, provider: IdentityProvider) -> None:
    connected(provider)

    response = go(visitor, provider, f"{START}?next=/projects/")

    assert (response.status_code, response.headers["Location"]) == (302, "/projects/")
    assert visitor.name_in_navigation() == "Ada Lovelace"
    event = AuditEvent.objects(kind="sign-in").get()
    assert (event.description, event.actor_name) == ("Signed in with Acme.", "Ada Lovelace")


def test_site_asks_with_pkce_state_and_nonce(visitor: Browser, provider: IdentityProvider) -> None:
    first, second = asked_at(visitor.get(START)), asked_at(visitor.get(START))

    assert first["redirect_uri"] == f"http://localhost{CALLBACK}"
    assert (first["response_type"], first["code_challenge_method"]) == ("code", "S256")
    assert (first["client_id"], first["scope"]) == (CLIENT, "openid email profile")
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) == 43
        assert first[name] != second[name]


def test_cookie_comes_with_people_from_another_site(visitor: Browser, provider: IdentityProvider) -> None:
    cookie = visitor.get(START).headers["Set-Cookie"]

    assert "SameSite=Lax" in cookie  # which browsers send along when a page of another site leads here
    assert "HttpOnly" in cookie


def test_sign_in_page_leads_to_the_provider(visitor: Browser, provider: IdentityProvider) -> None:
    page = page_of(visitor.get("/account/login?next=/projects/"))

    link = page.select_one(".sign-on a")
    assert link is not None
    assert (link.text, link["href"]) == ("Sign in with Acme", "/account/oidc/start?next=/projects/")


@pytest.mark.parametrize(
    "next_address", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:1"]
)
def test_nobody_is_led_to_another_site(visitor: Browser, provider: IdentityProvider, next_address: str) -> None:
    connected(provider)

    response = go(visitor, provider, f"{START}?next={next_address}")

    assert response.headers["Location"] == "/account"


def test_session_is_a_new_one(visitor: Browser, provider: IdentityProvider) -> None:
    user = connected(provider)
    with visitor.session_transaction() as cookie:
        cookie["planted"] = "by somebody else"

    go(visitor, provider)

    with visitor.session_transaction() as cookie:
        assert "planted" not in cookie
        assert cookie["_user_id"] == f"{user.id} {User.objects.get().sessions[0].session_id}"


def wrong(now: int) -> dict[str, tuple[dict[str, Any], str]]:
    """Lies in ID tokens, and what the log says about them."""
    return {
        "audience": ({"aud": "another-site"}, "The token is for another audience"),
        "others": ({"aud": [CLIENT, "another-site"]}, "its azp must be larder"),
        "azp": ({"azp": "another-site"}, "its azp must be larder"),
        "azp among others": ({"aud": [CLIENT, "x"], "azp": "x"}, "its azp must be larder"),
        "nonce": ({"nonce": "of an older sign-in"}, "its nonce is not the one that was sent"),
        "no nonce": ({"nonce": None}, "its nonce is not the one that was sent"),
        "expired": ({"exp": now - 60}, "The token has expired"),
        "future": ({"iat": now + 600, "nbf": now + 600}, "The token is not valid yet"),
        "issuer": ({"iss": "https://evil.example"}, "The issuer https://evil.example is not one"),
        "no subject": ({"sub": None}, "The token does not say who signed in"),
        "odd subject": ({"sub": "\ud800"}, "The token does not say who signed in"),
        "long subject": ({"sub": "a" * 256}, "The token does not say who signed in"),
        "no expiry": ({"exp": None}, "The token has no claim exp"),
    }


@pytest.mark.parametrize("lie", wrong(0))
def test_wrong_id_token_signs_nobody_in(
    visitor: Browser, provider: IdentityProvider, lie: str, caplog: pytest.LogCaptureFixture
) -> None:
    connected(provider)
    claims, reason = wrong(int(time.time()))[lie]

    response = go(visitor, provider, f"{START}?next=/projects/", **claims)

    assert response.headers["Location"] == "/account/login?next=/projects/"
    assert "Acme could not say who you are." in said(visitor)
    assert reason in caplog.text
    assert not visitor.is_signed_in()


def test_several_audiences_need_the_right_azp(visitor: Browser, provider: IdentityProvider) -> None:
    connected(provider)

    go(visitor, provider, aud=[CLIENT, "another-site"], azp=CLIENT)

    assert visitor.is_signed_in()


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_algorithm_without_a_private_key_is_refused(
    visitor: Browser, provider: IdentityProvider, algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected(provider)
    key = "" if algorithm == "none" else "the secret of: larder, but a longer one"

    def forged(claims: dict[str, Any]) -> str:
        return jwt.encode(claims, key, algorithm, headers={"kid": "first"})

    monkeypatch.setattr(provider, "signed", forged)

    go(visitor, provider)

    assert not visitor.is_signed_in()


def test_key_that_the_provider_does_not_publish_is_refused(visitor: Browser, provider: IdentityProvider) -> None:
    connected(provider)
    provider.key, provider.header = "another", {"kid": "first"}

    go(visitor, provider)

    assert not visitor.is_signed_in()


@pytest.mark.parametrize("state", ["", "x", None])
def test_answer_with_another_state_is_refused(visitor: Browser, provider: IdentityProvider, state: str | None) -> None:
    connected(provider)
    code = provider.code_for(asked_at(visitor.get(START)))

    visitor.get(CALLBACK, query_string={"code": code} | ({} if state is None else {"state": state}))

    assert "This sign-in took too long, or began in another window." in said(visitor)
    assert not visitor.is_signed_in()
    assert provider.forms == []  # the code was not even exchanged


def test_answer_to_another_browser_is_refused(app: Flask, visitor: Browser, provider: IdentityProvider) -> None:
    connected(provider)
    asked = asked_at(browser(app).get(START))

    visitor.get(CALLBACK, query_string={"code": provider.code_for(asked), "state": asked["state"]})

    assert "This sign-in took too long, or began in another browser." in said(visitor)
    assert not visitor.is_signed_in()


def test_answer_is_good_for_one_use(app: Flask, visitor: Browser, provider: IdentityProvider) -> None:
    connected(provider)
    asked = asked_at(visitor.get(START))
    cookie = visitor.get_cookie("session")
    again = {"code": provider.code_for(asked), "state": asked["state"]}
    visitor.get(CALLBACK, query_string=again)
    visitor.press("/account", "/account/logout")

    visitor.get(CALLBACK, query_string=again)
    assert not visitor.is_signed_in()

    thief = browser(app)
    assert cookie is not None
    thief.set_cookie("session", cookie.value)
    thief.get(CALLBACK, query_string=again)
    assert provider.forms[1]["code"] == again["code"]  # the provider refuses it
    assert not thief.is_signed_in()


def test_answer_that_took_too_long_is_refused(visitor: Browser, provider: IdentityProvider) -> None:
    connected(provider)
    asked = asked_at(visitor.get(START))
    with visitor.session_transaction() as cookie:
        cookie["oidc"]["question"][3] -= 1801
        cookie.modified = True

    visitor.get(CALLBACK, query_string={"code": provider.code_for(asked), "state": asked["state"]})

    assert not visitor.is_signed_in()


def test_answer_of_another_provider_is_refused(visitor: Browser, provider: IdentityProvider) -> None:
    connected(provider)
    asked = asked_at(visitor.get(START))

    visitor.get(
        CALLBACK,
        query_string={"code": provider.code_for(asked), "state": asked["state"], "iss": "https://evil.example"},
    )

    assert "The answer came from another provider." in said(visitor)
    assert provider.forms == []


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("access_denied", "You did not sign in with Acme."),
        ("login_required", "Acme did not sign you in: login_required."),
        ("<b>Call 555</b>", "Acme did not sign you in."),
    ],
)
def test_refusal_of_the_provider_is_told(
    visitor: Browser, provider: IdentityProvider, error: str, message: str
) -> None:
    state = asked_at(visitor.get(START))["state"]

    visitor.get(CALLBACK, query_string={"error": error, "state": state})

    assert message in said(visitor)


def test_provider_that_is_down_leaves_the_password(
    visitor: Browser, provider: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    member("Grace Hopper", is_admin=True)
    provider.is_away = True

    responses = [visitor.get(START) for _ in range(3)]

    assert [each.headers["Location"] for each in responses] == ["/account/login"] * 3
    assert "Acme cannot be reached at the moment." in said(visitor)
    assert "answered 503" in caplog.text
    assert len(provider.asked) == 1  # the second visitor does not wait for it
    visitor.sign_in("grace@example.org")
    assert visitor.is_signed_in()


def test_provider_that_fails_half_way_is_told(visitor: Browser, provider: IdentityProvider) -> None:
    connected(provider)
    asked = asked_at(visitor.get(START))
    provider.is_away = True

    visitor.get(CALLBACK, query_string={"code": provider.code_for(asked), "state": asked["state"]})

    assert "Acme could not say who you are." in said(visitor)


@pytest.mark.parametrize("methods", [["client_secret_basic"], ["client_secret_post"], None, 7])
def test_client_authenticates_as_the_provider_wants(visitor: Browser, provider: IdentityProvider, methods: Any) -> None:
    connected(provider)
    provider.methods = methods

    go(visitor, provider)

    assert visitor.is_signed_in()
    assert ("client_secret" in provider.forms[0]) == (methods == ["client_secret_post"])


def test_claims_of_the_userinfo_endpoint_count(
    app: Flask, visitor: Browser, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(app, monkeypatch, provider.address, OIDC_REQUIRED_CLAIMS="department=engines")
    provider.userinfo = {"sub": "ada-1815", "department": "engines"}
    connected(provider)

    go(visitor, provider)

    assert visitor.is_signed_in()


def test_userinfo_about_somebody_else_is_refused(visitor: Browser, provider: IdentityProvider) -> None:
    provider.userinfo = {"sub": "grace-1906"}
    connected(provider)

    go(visitor, provider)

    assert not visitor.is_signed_in()


@pytest.mark.parametrize(
    ("claims", "may"),
    [
        ({"hd": "acme.example", "amr": ["pwd", "mfa"]}, True),
        ({"hd": "acme.example", "amr": ["hwk"]}, True),
        ({"hd": "acme.example", "amr": ["pwd"]}, False),
        ({"hd": "evil.example", "amr": ["mfa"]}, False),
        ({"amr": ["mfa"]}, False),
        ({"hd": {"acme.example": 1}, "amr": ["mfa"]}, False),
    ],
)
def test_required_claims_are_needed(
    app: Flask,
    visitor: Browser,
    provider: IdentityProvider,
    monkeypatch: pytest.MonkeyPatch,
    claims: dict[str, Any],
    *,
    may: bool,
) -> None:
    use(app, monkeypatch, provider.address, OIDC_REQUIRED_CLAIMS="hd=acme.example, amr=mfa,amr=hwk")
    connected(provider)

    go(visitor, provider, **claims)

    assert visitor.is_signed_in() == may
    if not may:
        assert "Your account at Acme may not sign in to this site." in said(visitor)


def test_stranger_is_told_to_ask(visitor: Browser, provider: IdentityProvider) -> None:
    member()  # who has the address, but is not connected

    go(visitor, provider)

    assert "There is no account here for ada@example.org." in said(visitor)
    assert not visitor.is_signed_in()


def test_disabled_account_stays_out(visitor: Browser, provider: IdentityProvider) -> None:
    connected(provider, is_disabled=True)

    go(visitor, provider)

    assert "An administrator has disabled this account." in said(visitor)
    assert not visitor.is_signed_in()


def test_member_connects_and_disconnects_the_account(app: Flask, provider: IdentityProvider) -> None:
    ada = signed_in(app)

    assert go(ada, provider, "/account/oidc/connect", sub="ada-1815").headers["Location"] == "/account/oidc/connect"
    assert User.objects.get().identity is None  # until she says that it is her
    assert "as ada@example.org" in said(ada, "/account/oidc/connect")
    ada.send("/account/oidc/connect")

    found = User.objects.get().identity
    assert (found.issuer, found.subject, found.email) == (provider.address, "ada-1815", "ada@example.org")
    assert "Acmeada@example.orgDisconnect" in said(ada, "/account")
    assert outbox(app)[0].subject == "Your account was connected to Acme (ada@example.org) · Larder"

    ada.send("/account/oidc/disconnect")

    assert User.objects.get().identity is None
    assert [each.description for each in AuditEvent.objects(kind="single sign-on").order_by("created_date")] == [
        "Your account was connected to Acme (ada@example.org).",
        "Your account was disconnected from Acme.",
    ]


def test_other_sites_connect_no_account(app: Flask, provider: IdentityProvider) -> None:
    ada = signed_in(app)
    go(ada, provider, "/account/oidc/connect")

    response = ada.post("/account/oidc/connect", headers={"Origin": "https://evil.example"})

    assert response.status_code == 400
    assert User.objects.get().identity is None


def test_person_has_one_account_and_an_account_one_person(app: Flask, provider: IdentityProvider) -> None:
    connected(provider, "Grace Hopper")
    ada = signed_in(app)

    go(ada, provider, "/account/oidc/connect")
    ada.send("/account/oidc/connect")
    assert "You already have another account here" in said(ada, "/account")

    go(ada, provider, "/account/oidc/connect", sub="ada-2")
    ada.send("/account/oidc/connect")
    go(ada, provider, "/account/oidc/connect", sub="ada-3")
    ada.send("/account/oidc/connect")
    assert "This account is already connected to somebody else at Acme." in said(ada, "/account")
    assert User.objects.get(name="Ada Lovelace").identity.subject == "ada-2"


def test_member_without_a_password_cannot_disconnect(app: Flask, provider: IdentityProvider) -> None:
    ada = signed_in(app, password=None, identity=identity(provider))

    response = ada.get("/account/oidc/disconnect")

    assert response.status_code == 409
    assert "Disconnect" not in ada.get("/account").text


def signed_in_long_ago(app: Flask, provider: IdentityProvider) -> Browser:
    """A browser in which a member signed in at the provider an hour ago."""
    ada = browser(app)
    connected(provider)
    go(ada, provider, auth_time=int(time.time()) - 3600)
    return ada


def test_sign_in_is_as_old_as_the_provider_says(app: Flask, provider: IdentityProvider) -> None:
    ada = signed_in_long_ago(app, provider)

    assert ada.get("/account/tokens/new").headers["Location"] == "/account/confirm?next=/account/tokens/new"

    grace = browser(app)
    connected(provider, "Grace Hopper", identity=identity(provider, "grace-1906"))
    go(grace, provider, sub="grace-1906")
    assert grace.get("/account/tokens/new").status_code == 200


def test_provider_that_tells_no_time_is_asked_just_now(visitor: Browser, provider: IdentityProvider) -> None:
    connected(provider)

    go(visitor, provider, auth_time=None)

    assert visitor.get("/account/tokens/new").status_code == 200


def test_member_confirms_at_the_provider(app: Flask, provider: IdentityProvider) -> None:
    ada = signed_in_long_ago(app, provider)
    start = "/account/oidc/confirm?next=/account/tokens/new"

    asked = asked_at(ada.get(start))
    response = go(ada, provider, start)

    assert (asked["prompt"], asked["max_age"]) == ("login", "60")
    assert response.headers["Location"] == "/account/tokens/new"
    assert ada.get("/account/tokens/new").status_code == 200
    assert len(User.objects.get().sessions) == 1


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"auth_time": 1_000_000_000}, "Acme did not ask who you are."),
        ({"auth_time": None}, "Acme did not ask who you are."),
        ({"auth_time": "now"}, "Acme did not ask who you are."),
        ({"auth_time": 99_999_999_999}, "Acme did not ask who you are."),
        ({"sub": "grace-1906"}, "You signed in with Acme as somebody else."),
    ],
)
def test_confirmation_needs_the_same_person_now(
    app: Flask, provider: IdentityProvider, claims: dict[str, Any], message: str
) -> None:
    ada = signed_in_long_ago(app, provider)

    response = go(ada, provider, "/account/oidc/confirm?next=/account/tokens/new", **claims)

    assert response.headers["Location"] == "/account/confirm?next=/account/tokens/new"
    assert message in said(ada, "/account/confirm")
    assert ada.get("/account/tokens/new").status_code == 302


def test_signing_out_offers_to_sign_out_of_the_provider(visitor: Browser, provider: IdentityProvider) -> None:
    provider.document = {"end_session_endpoint": f"{provider.address}/end"}
    connected(provider)
    go(visitor, provider)
    id_token = User.objects.get().sessions[0].id_token

    page = page_of(visitor.press("/account", "/account/logout"))

    link = page.select_one(".sign-on a")
    assert link is not None
    assert link.text == "Sign out of Acme"
    address = urlsplit(str(link["href"]))
    assert address.path == "/end"
    assert dict(parse_qsl(address.query)) == {
        "client_id": CLIENT,
        "post_logout_redirect_uri": "http://localhost/account/login",
        "id_token_hint": id_token,
    }
    assert not visitor.is_signed_in()


def test_signing_out_leads_home_if_the_provider_offers_nothing(visitor: Browser, provider: IdentityProvider) -> None:
    connected(provider)
    go(visitor, provider)

    assert visitor.press("/account", "/account/logout").headers["Location"] == "/"


def test_long_id_token_is_not_kept(visitor: Browser, provider: IdentityProvider) -> None:
    connected(provider)

    go(visitor, provider, groups=["a-group-with-a-long-name"] * 300)

    assert visitor.is_signed_in()
    assert User.objects.get().sessions[0].id_token is None


def in_groups(number: int) -> list[str]:
    """Names of groups as long as Entra's ids."""
    return [f"{n:08x}-1111-4222-8333-444455556666" for n in range(number)]


def test_thousands_of_groups_lead_to_teams(
    app: Flask, visitor: Browser, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(app, monkeypatch, provider.address, OIDC_GROUPS_CLAIM="groups")
    groups = in_groups(7000)
    Team(name="payments", groups=[groups[-1]]).save()
    connected(provider)

    go(visitor, provider, groups=groups)

    assert User.objects.get().team_names == ["payments"]


def test_more_groups_than_this_site_reads_are_explained(
    visitor: Browser, provider: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    connected(provider)

    go(visitor, provider, groups=in_groups(8000))

    assert "Acme sent more about you than this site reads, most likely because you are in very" in said(visitor)
    assert "characters, more than 400,000: let Acme send only the groups that this site needs" in caplog.text
    assert not visitor.is_signed_in()


ELSEWHERE: dict[str, Any] = {
    "_claim_names": {"groups": "src1"},
    "_claim_sources": {"src1": {"endpoint": "https://graph.example.org"}},
}


def test_member_whose_groups_were_left_out_is_told_and_keeps_their_teams(
    app: Flask,
    visitor: Browser,
    provider: IdentityProvider,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    use(app, monkeypatch, provider.address, OIDC_GROUPS_CLAIM="groups")
    Team(name="payments", groups=["pay"]).save()
    user = connected(provider, teams=[Membership(team="payments", role="member", source="groups")])

    go(visitor, provider, **ELSEWHERE)

    assert "Acme did not say which groups you are in, because they are too many." in said(visitor, "/account")
    assert f"Acme left out the groups of user {user.id}" in caplog.text
    assert User.objects.get().team_names == ["payments"]


def test_groups_are_not_missed_where_they_are_not_asked_for(visitor: Browser, provider: IdentityProvider) -> None:
    connected(provider)

    go(visitor, provider, **ELSEWHERE)

    assert "which groups you are in" not in said(visitor, "/account")


def test_required_group_that_was_left_out_is_explained(
    app: Flask, visitor: Browser, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(app, monkeypatch, provider.address, OIDC_REQUIRED_CLAIMS="groups=staff")
    connected(provider)

    go(visitor, provider, **ELSEWHERE)

    assert "Acme left out the claim groups, which is too long in your case" in said(visitor)
    assert not visitor.is_signed_in()


@pytest.mark.parametrize("purpose", ["confirm", "connect"])
def test_who_comes_back_after_the_session_ended_is_led_to_sign_in(
    app: Flask, provider: IdentityProvider, purpose: str
) -> None:
    ada = signed_in_long_ago(app, provider) if purpose == "confirm" else signed_in(app)
    start = f"/account/oidc/{purpose}?next=/account/tokens/new"
    asked = asked_at(ada.get(start))
    User.objects.update(sessions=[])

    response = ada.get(CALLBACK, query_string={"code": provider.code_for(asked), "state": asked["state"]})

    assert response.headers["Location"] == "/account/login?next=/account/tokens/new"
    assert "Your session here ended while you were away. Sign in, then try again." in said(ada)


def test_site_without_a_provider_has_no_single_sign_on(app: Flask, visitor: Browser) -> None:
    assert visitor.get(START).status_code == 404
    assert visitor.get(CALLBACK).status_code == 404
    assert ".sign-on" not in visitor.get("/account/login").text


def site_with(**settings: str) -> Flask:
    """The configuration of a site with a provider, checked as at the start."""
    app = Flask("a site")
    app.config.from_object(TestingConfig)
    right = {"OIDC_ISSUER": "https://login.example.org/acme", "OIDC_CLIENT_ID": "x", "SITE_URL": "http://localhost"}
    app.config |= right | settings
    local_sign_in.init_app(app)
    single_sign_on.init_app(app)
    return app


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"OIDC_ISSUER": "http://login.example.org"}, "OIDC_ISSUER has 'http://login.example.org'"),
        ({"OIDC_CLIENT_ID": ""}, "OIDC_ISSUER needs OIDC_CLIENT_ID"),
        ({"SITE_URL": ""}, "OIDC_ISSUER needs SITE_URL"),
        ({"OIDC_SCOPES": "email"}, "OIDC_SCOPES needs openid"),
        ({"OIDC_REQUIRED_CLAIMS": "hd"}, "OIDC_REQUIRED_CLAIMS needs names and values"),
        ({"LOCAL_SIGN_IN": "no"}, "LOCAL_SIGN_IN is 'no'"),
        ({"LOCAL_SIGN_IN": "off", "OIDC_ISSUER": ""}, "LOCAL_SIGN_IN=off needs OIDC_ISSUER"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(BadConfig, match=message):
        site_with(**settings)


def test_provider_is_called_by_its_host_unless_it_has_a_name() -> None:
    assert site_with().config["OIDC_NAME"] == "login.example.org"
    assert site_with(OIDC_NAME="Acme").config["OIDC_NAME"] == "Acme"
