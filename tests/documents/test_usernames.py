"""Which account a username means, in whatever case it is typed."""

import pytest
from flask import Flask

from tests import factories
from tests.people import browser, member, signed_in
from webapp.documents import User

pytestmark = pytest.mark.real_server  # mongomock knows no collation


@pytest.mark.parametrize("typed", ["Ada", "ada", "ADA", " aDa "])
@pytest.mark.parametrize("stored", ["ada", "Ada"])
def test_username_signs_in_in_whatever_case_it_is_typed(app: Flask, stored: str, typed: str) -> None:
    member("Ada", username=stored)

    assert browser(app).sign_in(typed).status_code == 302


def test_two_that_differ_by_case_alone_are_told_apart(app: Flask) -> None:
    for username in ("Ada", "ada"):
        factories.user(username, username=username)

    names = {typed: found and found.name for typed in ("Ada", "ada", "ADA") if (found := account(typed)) or True}

    assert names == {"Ada": "Ada", "ada": "ada", "ADA": None}


def account(typed: str) -> User | None:
    return User.objects.account_of(typed)


def test_letters_with_accents_are_other_letters(app: Flask) -> None:
    factories.user("Zoe", username="Zo\u00eb")

    assert account("zoe") is None
    assert account("ZO\u00cb")


def test_new_username_may_not_differ_from_another_by_case_alone(app: Flask) -> None:
    factories.user("Ada of the old site", username="Ada")
    visitor = signed_in(app, "Eve")

    signed_up = browser(app).post("/signup", json={"username": "ada", "password": "the analytical engine weaves"})
    chosen = visitor.send("/account/profile", name="Eve", username="ADA", profile_image_url="")

    assert (signed_up.status_code, signed_up.json) == (400, {"error_code": 401})
    assert "This username is taken." in chosen.text
    assert User.objects(username="ada").count() == 0
