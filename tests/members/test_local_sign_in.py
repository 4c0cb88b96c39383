"""LOCAL_SIGN_IN: who signs in with a password or passkey of this site."""

import pytest
from flask import Flask

from tests.openid.identity_provider import use
from tests.people import PASSWORD, Browser, browser, errors, member, outbox, signed_in
from tests.reading import one, page_of, words
from webapp.documents import User
from webapp.documents.base import utc_now
from webapp.documents.user import Identity
from webapp.members import recovery, requirement, tokens

ISSUER = "http://localhost:1"
REFUSED = "Members of this site sign in with Acme."


@pytest.fixture
def for_admins(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """A site on which only administrators have passwords that count."""
    use(app, monkeypatch, ISSUER, LOCAL_SIGN_IN="admins")
    return app


@pytest.fixture
def for_nobody(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """A site on which no password counts."""
    use(app, monkeypatch, ISSUER, LOCAL_SIGN_IN="off")
    return app


def identity() -> Identity:
    return Identity(issuer=ISSUER, subject="ada", connected_at=utc_now())


def test_administrator_signs_in_with_a_password_and_others_do_not(for_admins: Flask) -> None:
    member("Grace Hopper", is_admin=True)
    member("Ada Lovelace")
    grace, ada = browser(for_admins), browser(for_admins)

    assert grace.sign_in("grace@example.org").status_code == 302
    assert errors(ada.sign_in("ada@example.org")) == {"email": REFUSED}
    assert errors(ada.sign_in("ada@example.org", "wrong")) == {"password": "The username or password is incorrect."}
    assert not ada.is_signed_in()


def test_form_is_folded_away_for_administrators(for_admins: Flask, visitor: Browser) -> None:
    page = page_of(visitor.get("/account/login"))

    assert words(one(page, "details.local-sign-in summary")) == "Sign in as an administrator"
    assert page.select_one("details input[name=password]") is not None
    assert "Register" not in page.text


def test_no_password_signs_in_when_it_is_off(for_nobody: Flask, visitor: Browser) -> None:
    member("Grace Hopper", is_admin=True)

    assert page_of(visitor.get("/account/login")).select_one("main form") is None
    answer = visitor.post(
        "/account/login",
        data={"email": "grace@example.org", "password": PASSWORD, "csrf_token": csrf_token(for_nobody, visitor)},
    )
    assert (answer.status_code, REFUSED in answer.text) == (403, True)
    assert visitor.get("/account/login/passkey").status_code == 403
    assert visitor.get("/account/forgotten").status_code == 403


def csrf_token(app: Flask, someone: Browser) -> str:
    """The token of a form that another setting still shows."""
    app.config["LOCAL_SIGN_IN"] = "on"
    token = someone.token()
    app.config["LOCAL_SIGN_IN"] = "off"
    return token


@pytest.mark.parametrize("path", ["/account/register", "/account/register/x", "/signup"])
def test_nobody_registers(for_admins: Flask, visitor: Browser, path: str) -> None:
    answer = visitor.post(path, json={"username": "eve", "password": PASSWORD})

    assert (answer.status_code, REFUSED in answer.text) == (403, True)
    assert User.objects.count() == 0


def test_reset_makes_no_password_for_those_who_may_not_use_it(for_admins: Flask, visitor: Browser) -> None:
    ada, grace = member("Ada Lovelace", password=None), member("Grace Hopper", is_admin=True)

    with for_admins.test_request_context():
        for each in (ada, grace):
            recovery.send_link(each.email)
        link = tokens.for_reset(ada)

    assert [mail.to for mail in outbox(for_admins)] == [["grace@example.org"]]
    assert visitor.get(f"/account/reset/{link}").status_code == 403
    assert User.objects.get(name="Ada Lovelace").hashed_password is None


def test_new_member_is_told_to_sign_in_at_the_provider(for_admins: Flask) -> None:
    signed_in(for_admins, "Grace Hopper", is_admin=True).send(
        "/admin/users/new", name="Ada Lovelace", email="ada@example.org"
    )

    [mail] = outbox(for_admins)
    assert "Sign in with Acme here:\n\nhttp://localhost/account/login" in mail.body


def test_member_without_a_password_is_not_asked_for_one(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    use(app, monkeypatch, ISSUER)
    ada = signed_in(app, password=None, identity=identity())

    assert "Passwordnone" in words(page_of(ada.get("/account")))
    assert ada.get("/account/password").status_code == 409
    page = page_of(ada.get("/account/tokens/new"))
    assert page.select_one("input[name=password]") is None
    assert ada.send("/account/tokens/new", name="CI", purpose="upload", lifetime="30").status_code == 200
    assert "larder-" in ada.send("/account/tokens/new", name="CI 2", purpose="upload", lifetime="30").text


@pytest.mark.parametrize("path", ["/account/tokens/new", "/account/delete", "/account/email"])
def test_member_without_a_password_confirms_at_the_provider(
    app: Flask, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    use(app, monkeypatch, ISSUER)
    ada = signed_in(app, password=None, identity=identity())
    long_ago = utc_now().replace(year=2020)
    User.objects.raw().update_one({}, {"$set": {"sessions.0.created_date": long_ago}})

    assert ada.get(path).headers["Location"] == f"/account/confirm?next={path}"
    page = page_of(ada.get(f"/account/confirm?next={path}"))

    link = page.select_one(".sign-on a")
    assert link is not None
    assert (link.text, link["href"]) == ("Confirm with Acme", f"/account/oidc/confirm?next={path}")
    assert page.select_one("input[name=password]") is None


def test_second_factor_is_the_task_of_the_provider(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    use(app, monkeypatch, ISSUER, REQUIRE_2FA="all")
    at_provider = member("Ada Lovelace", password=None, identity=identity())
    with_both = member("Grace Hopper", identity=Identity(issuer=ISSUER, subject="grace", connected_at=utc_now()))

    assert not requirement.is_required_of(at_provider)
    assert requirement.is_required_of(with_both)
    app.config["LOCAL_SIGN_IN"] = "admins"
    assert not requirement.is_required_of(with_both)
    app.config["LOCAL_SIGN_IN"] = "on"
