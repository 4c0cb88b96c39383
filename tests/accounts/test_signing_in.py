import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from passlib.hash import sha512_crypt

from tests import factories
from tests.people import ANOTHER, PASSWORD, Browser, browser, errors, member
from tests.reading import one, page_of, texts, words
from webapp.accounts.signing_in import WRONG
from webapp.documents import AuditEvent, User
from webapp.documents.user import object_id_of_sql_id
from webapp.members import passwords


def old_hash(password: str, rounds: int = 1000) -> str:
    """A hash as the old site made them."""
    hashed: str = sha512_crypt.using(rounds=rounds).hash(password)  # type: ignore[no-untyped-call] # its stub's gap
    return hashed


@pytest.mark.parametrize("identifier", ["ada@example.org", "ADA@Example.org", " ada@example.org ", "ada", "Ada"])
def test_member_signs_in_with_address_or_username(visitor: Browser, identifier: str) -> None:
    member(username="ada")

    response = visitor.sign_in(identifier)

    assert (response.status_code, response.location) == (302, "/account")
    assert visitor.is_signed_in()
    assert User.objects.get().last_login > datetime.now(UTC) - timedelta(minutes=1)


@pytest.mark.parametrize(
    ("identifier", "password"),
    [
        ("ada@example.org", "wrong"),
        ("ada@example.org", PASSWORD.upper()),
        ("ada@example.org", f"{PASSWORD} "),
        ("ada@example.org", "x" * 4096),
        ("ada@example.org", "a\0b"),
        ("nobody@example.org", PASSWORD),
        ("nobody", PASSWORD),
        ("passwordless@example.org", PASSWORD),
        ("broken@example.org", PASSWORD),
        ("old@example.org", "a\0b"),
    ],
)
def test_failure_says_the_same_of_whoever_it_is(visitor: Browser, identifier: str, password: str) -> None:
    member("Ada")
    member("Passwordless", None)
    factories.user("Broken", email="broken@example.org", hashed_password="$argon2id$broken")
    factories.user("Old", email="old@example.org", hashed_password=old_hash(PASSWORD))

    response = visitor.sign_in(identifier, password)

    assert response.status_code == 400
    assert errors(response) == {"password": WRONG}
    page = page_of(response, 400)
    assert one(page, "#email")["value"] == identifier
    assert not visitor.is_signed_in()
    # Beyond what was typed, and the token, the page is the same for all.
    assert texts(page, "main .banner") == ["Please correct the errors below."]


def test_failures_leave_equal_traces(app: Flask) -> None:
    member("Ada")
    for identifier in ("ada@example.org", "nobody@example.org"):
        browser(app).sign_in(identifier, "wrong")

    there, not_there = AuditEvent.objects.of_kind("sign-in failed").order_by("pk")

    assert there.user_id == User.objects.get().id
    assert there.target == "user Ada"
    assert not_there.user_id is None
    assert not_there.target == "no account"
    assert "nobody@" not in str(not_there.to_mongo())


def test_hash_of_the_old_site_fits_and_is_replaced_at_the_first_sign_in(visitor: Browser) -> None:
    old = old_hash("nanoseconds matter", 171_204)
    grace = factories.user("Grace", id=object_id_of_sql_id(63), email="grace@example.org", hashed_password=old)

    response = visitor.sign_in("grace@example.org", "nanoseconds matter")

    assert response.status_code == 302
    new = User.objects(pk=grace.id).get().hashed_password
    assert new.startswith("$argon2id$")
    assert browser(visitor.application).sign_in("grace@example.org", "nanoseconds matter").status_code == 302
    assert User.objects.get().hashed_password == new


def test_hash_that_cost_less_is_replaced_too(app: Flask, visitor: Browser) -> None:
    cheap = app.extensions["passwords"].handler("argon2").using(memory_cost=32).hash(PASSWORD)
    factories.user("Ada", email="ada@example.org", hashed_password=cheap)

    visitor.sign_in("ada@example.org")

    assert f"m={app.config['PASSWORD_MEMORY_KIB']}," in User.objects.get().hashed_password


def digest(stored_hash: str) -> str:
    return hashlib.blake2b(stored_hash.encode(), digest_size=16).hexdigest()


def test_sign_in_that_replaces_the_hash_notes_that_the_password_is_the_same(app: Flask, visitor: Browser) -> None:
    old = old_hash(PASSWORD)
    factories.user("Ada", email="ada@example.org", hashed_password=old)

    visitor.sign_in("ada@example.org")

    [ada] = User.objects.raw().find()
    assert ada["rehashed"] == {"before": digest(old), "after": digest(ada["hashed_password"])}
    # The cost goes up, and its hash is replaced again.
    cheap = app.extensions["passwords"].handler("argon2").using(memory_cost=32).hash(PASSWORD)
    again = {"hashed_password": cheap, "rehashed.after": digest(cheap)}
    User.objects.raw().update_one({}, {"$set": again})
    browser(app).sign_in("ada@example.org")
    [ada] = User.objects.raw().find()
    assert ada["hashed_password"] != cheap
    assert ada["rehashed"] == {"before": digest(old), "after": digest(ada["hashed_password"])}


@pytest.mark.parametrize("rehashed", [{"before": "of another password", "after": "of that, too"}, {}, "by hand"])
def test_note_of_another_password_is_replaced(app: Flask, visitor: Browser, rehashed: object) -> None:
    cheap = app.extensions["passwords"].handler("argon2").using(memory_cost=32).hash(PASSWORD)
    factories.user("Ada", email="ada@example.org", hashed_password=cheap)
    User.objects.raw().update_one({}, {"$set": {"rehashed": rehashed}}, bypass_document_validation=True)

    assert visitor.sign_in("ada@example.org").status_code == 302

    [ada] = User.objects.raw().find()
    assert ada["rehashed"] == {"before": digest(cheap), "after": digest(ada["hashed_password"])}


def test_password_that_somebody_changed_meanwhile_is_not_replaced(
    visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = old_hash(PASSWORD)
    ada = factories.user("Ada", email="ada@example.org", hashed_password=old)
    check = passwords.check

    def slow_check(stored_hash: str | None, password: str) -> passwords.Checked:
        User.objects(pk=ada.id).update(hashed_password="newer")
        return check(stored_hash, password)

    monkeypatch.setattr(passwords, "check", slow_check)

    visitor.sign_in("ada@example.org")

    assert User.objects.get().hashed_password == "newer"
    assert User.objects.get().rehashed is None


def test_disabled_account_is_told_only_to_who_knows_its_password(visitor: Browser) -> None:
    member("Ada", is_disabled=True)

    assert errors(visitor.sign_in("ada@example.org", "wrong")) == {"password": WRONG}
    response = visitor.sign_in("ada@example.org")

    assert errors(response) == {"email": "An administrator has disabled this account."}
    assert not visitor.is_signed_in()
    assert User.objects.get().last_login is None


def test_page_that_needs_an_account_comes_after_signing_in(visitor: Browser) -> None:
    member("Ada")

    response = visitor.get("/account/email?x=1")
    assert (response.status_code, response.location) == (302, "/account/login?next=/account/email?x%3D1")
    response = visitor.send(response.location, email="ada@example.org", password=PASSWORD)

    assert response.location == "/account/email?x=1"


def test_program_that_is_not_signed_in_is_told_so(visitor: Browser) -> None:
    response = visitor.get("/account", headers={"Accept": "application/json"})

    assert response.status_code == 401
    assert response.json == {"message": "Sign in first."}


def test_sign_in_leads_on_to_registering_and_back_without_losing_the_way(visitor: Browser) -> None:
    page = page_of(visitor.get("/account/login?next=/projects/"))

    assert one(page, ".form-else a")["href"] == "/account/register?next=/projects/"
    assert one(page, "input[name=next]")["value"] == "/projects/"


def test_sign_in_is_written_down(visitor: Browser) -> None:
    ada = member("Ada")
    visitor.sign_in("ada@example.org", "wrong")
    visitor.sign_in("ada@example.org")
    visitor.press("/account", "/account/logout")

    events = list(AuditEvent.objects.about_user(ada.id).order_by("pk"))

    assert [event.kind for event in events] == ["sign-in failed", "sign-in", "sign-out"]
    assert [event.actor_name for event in events] == ["not signed in", "Ada", "Ada"]
    assert {event.ip_address for event in events} == {"127.0.0.1"}
    assert words(one(page_of(visitor.get("/account/login")), "h1")) == "Sign in"


def test_new_password_and_old_one_are_told_apart(visitor: Browser) -> None:
    member("Ada")

    assert visitor.sign_in("ada@example.org", ANOTHER).status_code == 400


@pytest.mark.parametrize(("seconds", "said"), [(2_592_000, "30 days"), (86_400, "24 hours"), (3600, "60 minutes")])
def test_form_says_for_how_long_one_stays_signed_in(
    app: Flask, visitor: Browser, monkeypatch: pytest.MonkeyPatch, seconds: int, said: str
) -> None:
    monkeypatch.setitem(app.config, "REMEMBER_S", seconds)

    page = page_of(visitor.get("/account/login"))

    assert words(one(page, "label[for=remember]")) == f"Stay signed in on this device for {said}"
