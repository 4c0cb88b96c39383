"""Tokens in links: signed, for one purpose, and worth nothing once what they are about has changed."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from packaging.utils import NormalizedName

from tests import factories
from webapp.documents import User
from webapp.documents.base import utc_now
from webapp.members import tokens

MAKERS: dict[str, Callable[[User], str]] = {
    "reset": tokens.for_reset,
    "second step": tokens.for_second_step,
    "e-mail": lambda user: tokens.for_email(user, "new@example.org"),
}
READERS: dict[str, Callable[[str], object]] = {
    "reset": tokens.user_of_reset,
    "second step": tokens.user_of_second_step,
    "e-mail": tokens.email_change_of,
}


@pytest.fixture
def ada(app: Flask) -> User:
    return factories.user("Ada", email="ada@example.org", hashed_password="old")


@pytest.mark.parametrize("made", MAKERS)
@pytest.mark.parametrize("read", READERS)
def test_token_is_for_one_purpose(ada: User, made: str, read: str) -> None:
    assert (READERS[read](MAKERS[made](ada)) is not None) is (made == read)


@pytest.mark.parametrize("purpose", MAKERS)
@pytest.mark.parametrize("change", [{"hashed_password": "new"}, {"is_disabled": True}], ids=["password", "disabled"])
def test_token_ends_with_the_password_and_the_account(ada: User, purpose: str, change: dict[str, object]) -> None:
    token = MAKERS[purpose](ada)
    User._get_collection().update_one({"_id": ada.id}, {"$set": change})

    assert READERS[purpose](token) is None


@pytest.mark.parametrize(
    ("purpose", "field", "stays"),
    [
        ("reset", "last_login", False),
        ("reset", "email_folded", False),
        ("e-mail", "email_folded", False),
        ("e-mail", "last_login", True),
        ("second step", "last_login", True),
        ("second step", "email_folded", True),
    ],
)
def test_sign_in_and_another_address_end_those_tokens_that_they_are_about(
    ada: User,
    purpose: str,
    field: str,
    stays: bool,  # noqa: FBT001 - a parametrized value
) -> None:
    token = MAKERS[purpose](ada)
    value = utc_now() if field == "last_login" else "other@example.org"
    User._get_collection().update_one({"_id": ada.id}, {"$set": {field: value}})

    assert (READERS[purpose](token) is not None) is stays


@pytest.mark.parametrize("purpose", MAKERS)
def test_token_that_was_changed_or_is_none_is_worth_nothing(ada: User, purpose: str) -> None:
    token = MAKERS[purpose](ada)

    for wrong in (token[:-1], "x" + token, "", "x", token + "x"):
        assert READERS[purpose](wrong) is None


@pytest.mark.parametrize(("purpose", "seconds"), [("reset", 7200), ("second step", 300), ("e-mail", 86_400)])
def test_token_is_good_for_so_long(ada: User, purpose: str, seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    now = int(utc_now().timestamp())
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now - seconds)
    good = MAKERS[purpose](ada)
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now - seconds - 1)
    over = MAKERS[purpose](ada)
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now)

    assert READERS[purpose](good) is not None
    assert READERS[purpose](over) is None


def test_registration_is_in_its_token_and_a_long_way_on_is_left_out(app: Flask) -> None:
    token = tokens.for_registration("Ada", "ada@example.org", "/" + "x" * 499)
    long = tokens.for_registration("Ada", "ada@example.org", "/" + "x" * 500)

    assert tokens.registration_of(token) == ("Ada", "ada@example.org", "/" + "x" * 499)
    assert tokens.registration_of(long) == ("Ada", "ada@example.org", "")
    assert tokens.registration_of("x") is None


def test_invitation_names_its_project(app: Flask) -> None:
    assert tokens.invitation_of(tokens.for_invitation(NormalizedName("jam"), "first")) == ("jam", "first")
    assert tokens.invitation_of("x") == ("", "")
    assert timedelta(seconds=tokens.REGISTRATION_AGE_S) == timedelta(days=1)


def test_link_of_a_welcome_is_good_for_a_week_and_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    user = factories.user("Ada", email="ada@example.org")
    with app.test_request_context():
        token = tokens.for_welcome(user)
        now = time.time()
        ages = {}
        for days in (6, 8):
            monkeypatch.setattr("itsdangerous.timed.time.time", lambda days=days: now + days * 86_400)
            ages[days] = tokens.user_of_reset(token) is not None
        monkeypatch.undo()
        User.objects(pk=user.pk).update(hashed_password="other")

        assert ages == {6: True, 8: False}
        assert tokens.user_of_reset(token) is None
