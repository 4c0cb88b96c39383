"""API tokens end with the password that they were made with, and with the account's being disabled."""

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from tests.people import ANOTHER, PASSWORD, Browser, browser, link_in, member, outbox, signed_in
from tests.publishing.uploads import token_of, upload, wheel, wheel_name
from tests.reading import one, page_of, texts, words
from webapp.documents import ApiToken, AuditEvent, User
from webapp.members.api_tokens import make_token

MADE = {"name": "CI", "project": "", "purpose": "upload", "lifetime": "365", "password": PASSWORD}


@pytest.fixture
def ada(app: Flask) -> Browser:
    """Ada, signed in, with two tokens; Grace has one, which nothing of this concerns."""
    grace = member("Grace Hopper")
    token_of(grace)
    visitor = signed_in(app)
    for _ in range(2):
        token_of(User.objects.get(name="Ada Lovelace"))
    return visitor


def left() -> list[str]:
    """Whose tokens are left."""
    return sorted(User.objects.get(pk=each.user_id).name for each in ApiToken.objects)


def test_first_to_register_an_address_publishes_nothing_after_its_owner_took_it_back(app: Flask) -> None:
    thief = browser(app)
    thief.send("/account/register", name="Thief", email="ada@example.org", password=PASSWORD)
    page = page_of(thief.send("/account/tokens/new", **MADE))
    secret = words(one(page, ".token-secret code"))
    assert upload(app.test_client(), secret, wheel(), wheel_name()).status_code == 200
    owner = browser(app)
    owner.send("/account/forgotten", email="ada@example.org")

    response = owner.send(link_in(outbox(app)[-1]), password=ANOTHER)

    refused = upload(app.test_client(), secret, wheel(version="2.0"), wheel_name(version="2.0"))
    assert refused.status_code == 403
    assert "revoked" in refused.text
    said = words(one(page_of(owner.get(response.location)), ".banner-good"))
    assert said == (
        "Your password was changed. Sign in with the new one. "
        "Your API tokens were revoked; create new ones for your programs."
    )


def test_reset_revokes_the_tokens_of_that_account_alone(app: Flask, ada: Browser) -> None:
    ada.send("/account/forgotten", email="ada@example.org")
    link = link_in(outbox(app)[-1])

    page = page_of(ada.get(link))
    ada.send(link, password=ANOTHER)

    assert left() == ["Grace Hopper"]
    assert "revokes your API tokens" in words(one(page, "main"))
    assert "revokes your API tokens" in outbox(app)[-1].body
    assert "all API tokens revoked" in AuditEvent.objects.of_kind("password").first().description


def test_link_that_is_not_used_revokes_nothing(app: Flask, ada: Browser) -> None:
    ada.send("/account/forgotten", email="ada@example.org")

    ada.send(link_in(outbox(app)[-1]), password="password1")

    assert left() == ["Ada Lovelace", "Ada Lovelace", "Grace Hopper"]


def test_operator_who_sets_a_password_revokes_the_tokens(runner: FlaskCliRunner, ada: Browser) -> None:
    result = runner.invoke(args=["users", "set-password", "ada@example.org", "--password", ANOTHER])

    assert left() == ["Grace Hopper"]
    assert result.stdout == "Ada Lovelace has a new password. Their sessions ended, and 2 API tokens were revoked.\n"
    only_one = runner.invoke(args=["users", "set-password", "grace@example.org", "--password", ANOTHER])
    assert only_one.stdout.endswith(" Their sessions ended, and 1 API token was revoked.\n")


@pytest.mark.parametrize(
    ("fields", "whose"),
    [({}, ["Ada Lovelace", "Ada Lovelace", "Grace Hopper"]), ({"revoke_tokens": "y"}, ["Grace Hopper"])],
    ids=["kept", "revoked"],
)
def test_change_of_the_password_offers_to_revoke_them(ada: Browser, fields: dict[str, str], whose: list[str]) -> None:
    page = page_of(ada.get("/account/password"))

    response = ada.send("/account/password", password=PASSWORD, new_password=ANOTHER, **fields)

    assert words(one(page, "label[for=revoke_tokens]")) == "Also revoke all my API tokens"
    assert response.status_code == 302
    assert left() == whose
    told = texts(page_of(ada.get("/account")), ".banner-good")
    assert ("Your API tokens were revoked. Programs that use them can no longer sign in." in told) is bool(fields)


def test_who_has_no_token_is_offered_nothing(app: Flask) -> None:
    page = page_of(signed_in(app).get("/account/password"))

    assert page.select("#revoke_tokens") == []
    assert "API tokens" not in words(one(page, "main"))


@pytest.mark.parametrize("way", ["page", "command line"])
def test_enabled_account_has_none_of_the_tokens_of_before(
    app: Flask, runner: FlaskCliRunner, ada: Browser, way: str
) -> None:
    user = User.objects.get(name="Ada Lovelace")
    secret = token_of(user)
    answers, said = [], ""
    for act in ("disable", "enable"):
        if way == "page":
            person = f"/admin/users/{user.id}"
            admin = signed_in(app, f"{act}r", is_admin=True)
            admin.send(f"{person}/{act}")
            said = words(one(page_of(admin.get(person)), ".banner-good"))
        else:
            said = runner.invoke(args=["users", act, "ada@example.org"]).stdout
        answers.append(upload(app.test_client(), secret, wheel(), wheel_name()).status_code)

    assert answers == [403, 403]
    assert left() == ["Grace Hopper"]
    assert "API tokens" in said
    assert "revoked" in said


def test_enabling_who_is_not_disabled_revokes_nothing(runner: FlaskCliRunner, ada: Browser) -> None:
    result = runner.invoke(args=["users", "enable", "ada@example.org"])

    assert result.stdout == "Ada Lovelace was not disabled.\n"
    assert len(left()) == 3


@pytest.mark.parametrize("change", [{"hashed_password": "newer"}, {"is_disabled": True}], ids=str)
def test_token_made_at_the_moment_of_a_reset_does_not_stay(
    app: Flask, monkeypatch: pytest.MonkeyPatch, change: dict[str, object]
) -> None:
    visitor = signed_in(app)

    def slow(user: User, **values: object) -> object:
        User.objects(pk=user.id).update(**change)
        return make_token(user, **values)  # type: ignore[arg-type] # what the view hands over

    monkeypatch.setattr("webapp.accounts.token_pages.make_token", slow)

    response = visitor.send("/account/tokens/new", **MADE)

    assert response.status_code == 409
    assert ApiToken.objects.count() == 0
