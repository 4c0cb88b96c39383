import pytest
from flask import Flask

from tests.people import PASSWORD, Browser, browser, errors, member
from tests.reading import one, page_of, words
from webapp.documents import AuditEvent, User

ADA = {"name": "Ada Lovelace", "email": "ada@example.org", "password": PASSWORD}


def test_new_member_is_signed_in_and_welcomed(visitor: Browser) -> None:
    response = visitor.send("/account/register", **ADA)

    assert (response.status_code, response.location) == (302, "/account")
    page = page_of(visitor.get("/account"))
    assert words(one(page, ".banner-good")) == "Welcome, Ada Lovelace."
    assert words(one(page, "h1")) == "Ada Lovelace"


def test_password_is_kept_as_an_argon2id_hash(visitor: Browser) -> None:
    visitor.send("/account/register", **ADA)

    user = User.objects.get()
    assert user.hashed_password.startswith("$argon2id$")
    assert user.created_date
    assert user.last_login


def test_registration_is_written_down(visitor: Browser) -> None:
    visitor.send("/account/register", **ADA)

    event = AuditEvent.objects.get()
    assert (event.kind, event.actor_name, event.user_id) == ("registration", "Ada Lovelace", User.objects.get().id)
    assert event.ip_address == "127.0.0.1"
    assert (event.expires_at - event.created_date).days == 365


@pytest.mark.parametrize("email", ["ada@example.org", "ADA@Example.ORG", "  ada@example.org "])
def test_address_that_somebody_has_is_refused_beside_its_field(visitor: Browser, email: str) -> None:
    member("Ada", email="Ada@example.org")

    response = visitor.send("/account/register", **ADA | {"email": email})

    assert response.status_code == 400
    assert errors(response) == {
        "email": "An account with this address already exists. Sign in, or reset your password."
    }
    assert User.objects.count() == 1
    assert not visitor.is_signed_in()


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("name", "", "This field is required."),
        ("name", "   ", "This field is required."),
        ("name", "x" * 101, "Use at most 100 characters."),
        ("name", "Ada\nBcc: all", "Remove line breaks and invisible characters."),
        ("name", "Ada\0", "Remove line breaks and invisible characters."),
        ("email", "", "This field is required."),
        ("email", "ada", "Enter a valid email address, such as ada@example.org."),
        ("email", "ada@example.org\nBcc: all@example.org", "Enter a valid email address"),
        ("email", f"{'a' * 250}@example.org", "Use at most 254 characters."),
        ("password", "", "This field is required."),
        ("password", "short 1", "Use 8 to 4096 characters."),
        ("password", "x" * 4097, "Use 8 to 4096 characters."),
        ("password", "password1", "This password is too easy to guess."),
        ("password", "        ", "This password is too easy to guess."),
        ("password", "Ada Lovelace", "This password is too easy to guess."),
        ("password", "ada@example.org", "This password is too easy to guess."),
        ("password", "a" * 4096, "This password is too easy to guess."),
    ],
)
def test_what_is_wrong_stands_beside_the_field(visitor: Browser, field: str, value: str, reason: str) -> None:
    response = visitor.send("/account/register", **ADA | {field: value})

    assert response.status_code == 400
    found = errors(response)
    assert list(found) == [field]
    assert found[field].startswith(reason)
    assert User.objects.count() == 0


def test_what_was_typed_is_kept_but_not_the_password(visitor: Browser) -> None:
    response = visitor.send("/account/register", name="Ada", email="no address", password=PASSWORD)

    page = page_of(response, 400)
    assert one(page, "#name")["value"] == "Ada"
    assert one(page, "#email")["value"] == "no address"
    assert one(page, "#password").get("value") in (None, "")
    assert PASSWORD not in response.text


def test_spaces_of_a_password_are_kept(visitor: Browser) -> None:
    visitor.send("/account/register", **ADA | {"password": f"  {PASSWORD} "})
    other = browser(visitor.application)

    assert other.sign_in("ada@example.org", PASSWORD).status_code == 400
    assert other.sign_in("ada@example.org", f"  {PASSWORD} ").status_code == 302


@pytest.mark.parametrize("password", ["纳秒很重要，海军上将", "🦊🐢 quick and slow 🐢🦊", "x%$9 kLq!" * 455])
def test_password_of_any_characters_and_length_is_one(visitor: Browser, password: str) -> None:
    assert visitor.send("/account/register", **ADA | {"password": password}).status_code == 302
    assert browser(visitor.application).sign_in("ada@example.org", password).status_code == 302


@pytest.mark.parametrize("field", ["is_admin", "hashed_password", "id", "_id", "username", "legacy", "is_disabled"])
def test_other_fields_than_those_of_the_form_count_for_nothing(visitor: Browser, field: str) -> None:
    assert visitor.send("/account/register", **ADA | {field: "1"}).status_code == 302

    user = User.objects.get()
    assert not user.is_admin
    assert user.username is None
    assert user.legacy is None
    assert user.hashed_password.startswith("$argon2id$")


def test_fields_are_labelled_described_and_told_apart_for_password_managers(visitor: Browser) -> None:
    page = page_of(visitor.get("/account/register"))

    for name, autocomplete in (("name", "name"), ("email", "email"), ("password", "new-password")):
        field = one(page, f"#{name}")
        assert words(one(page, f"label[for={name}]"))
        assert field["autocomplete"] == autocomplete
        assert page.select_one(f"#{field['aria-describedby']}") is not None
        assert "required" in field.attrs
    assert one(page, "#email")["type"] == "email"


def test_address_leads_on_to_where_one_came_from(visitor: Browser) -> None:
    response = visitor.send("/account/register?next=/projects/", **ADA)

    assert response.location == "/projects/"


def test_too_many_registrations_from_one_address_are_refused_for_a_while(
    app: Flask, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "REGISTRATION_LIMIT", "2/hour")
    for number in range(2):
        browser(app).send("/account/register", **ADA | {"email": f"ada{number}@example.org"})

    response = visitor.send("/account/register", **ADA)

    page = page_of(response, 429)
    assert 3590 <= int(response.headers["Retry-After"]) <= 3600
    assert words(one(page, ".lead")) == "Too many attempts. Try again in 60 minutes."
    assert User.objects.count() == 2
    assert visitor.get("/account/register").status_code == 200
