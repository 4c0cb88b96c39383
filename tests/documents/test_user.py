import bson
import pytest
from flask import Flask
from mongoengine.errors import NotUniqueError, ValidationError

from tests import factories
from tests.people import browser, member, signed_in
from webapp.documents import User
from webapp.documents.user import Session, address_of, object_id_of_sql_id

ADA = bson.ObjectId("0" * 23 + "7")


@pytest.mark.parametrize("email", ["ada@example.org", "ADA@Example.ORG", " ada@example.org "])
def test_address_belongs_to_one_user_in_whatever_case_it_is_written(app: Flask, email: str) -> None:
    factories.user("Ada", email="Ada@example.org")

    with pytest.raises(NotUniqueError):
        factories.user("Another", email=email)

    assert User.objects.count() == 1


def test_address_stays_as_the_user_wrote_it(app: Flask) -> None:
    factories.user(email="Straße@Example.org")

    user = User.objects.get()

    assert user.email == "Straße@Example.org"
    assert user.email_folded == "strasse@example.org"


def test_any_number_of_users_may_have_no_address(app: Flask) -> None:
    for email in (None, None, "", "", " ", "  "):
        factories.user(email=email)

    assert User.objects.count() == 6


def test_address_that_a_user_gave_up_is_free(app: Flask) -> None:
    ada = factories.user("Ada", email="ada@example.org")
    ada.email = None
    ada.save()

    factories.user("Another", email="ada@example.org")

    assert User.objects.count() == 2


def test_username_belongs_to_one_user(app: Flask) -> None:
    factories.user("Ada", username="ada")

    with pytest.raises(NotUniqueError):
        factories.user("Another", username="ada")


def test_any_number_of_users_may_have_no_username(app: Flask) -> None:
    for username in (None, None, "", ""):
        factories.user(username=username)

    assert User.objects.count() == 4


def test_user_is_addressed_by_username_id_or_the_id_of_the_old_site(app: Flask) -> None:
    factories.user("Ada", id=object_id_of_sql_id(63), username="ada")
    factories.user("Grace", username="grace")

    for address in ("ada", "63", "000000000000000000000063"):
        [found] = User.objects.addressed(address)

        assert found.name == "Ada"


@pytest.mark.parametrize(
    "address", ["", "Ada Lovelace", "64", "f" * 24, "9" * 30, "$ne", "../ada", "\0", "ada\n", "٦٣", "x" * 10_000]
)
def test_nobody_is_addressed_otherwise(app: Flask, address: str) -> None:
    factories.user("Ada", id=object_id_of_sql_id(63), username="ada")

    assert User.objects.addressed(address).first() is None


@pytest.mark.parametrize(("sql_id", "digits"), [(0, "0" * 24), (63, "0" * 22 + "63"), (10**20 - 1, "0000" + "9" * 20)])
def test_id_of_the_old_site_stays_readable(sql_id: int, digits: str) -> None:
    assert object_id_of_sql_id(sql_id) == bson.ObjectId(digits)


def test_public_sees_neither_address_nor_password(app: Flask) -> None:
    factories.user(
        "Ada", username="ada", email="ada@example.org", hashed_password="$argon2id$x", is_admin=True, legacy={"id": 1}
    )

    [seen] = User.objects.public().plain()

    assert set(seen) == {"id", "username", "name", "created_date"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ada", ["Ada Lovelace"]),
        ("ADA@", ["Ada Lovelace"]),
        ("love", ["Ada Lovelace"]),
        ("LACE", ["Ada Lovelace"]),
        ("gh", ["Grace Hopper"]),
        ("o", ["Ada Lovelace", "Grace Hopper"]),
        ("example.org", []),
        (".*", []),
        ("", ["Ada Lovelace", "Grace Hopper"]),
    ],
)
def test_users_are_found_by_address_username_and_name(app: Flask, text: str, names: list[str]) -> None:
    factories.user("Ada Lovelace", email="Ada@example.org")
    factories.user("Grace Hopper", email="grace@example.org", username="ghopper")

    assert sorted(user.name for user in User.objects.found(text)) == names


def test_user_is_found_by_id(app: Flask) -> None:
    ada = factories.user("Ada")
    factories.user("Grace")

    assert [user.name for user in User.objects.found(f" {ada.id} ")] == ["Ada"]


@pytest.mark.real_server  # mongomock knows no collation
@pytest.mark.parametrize("typed", ["Ada", "ada", "ADA", " aDa "])
@pytest.mark.parametrize("stored", ["ada", "Ada"])
def test_username_signs_in_in_whatever_case_it_is_typed(app: Flask, stored: str, typed: str) -> None:
    member("Ada", username=stored)

    assert browser(app).sign_in(typed).status_code == 302


@pytest.mark.real_server  # mongomock knows no collation
def test_two_that_differ_by_case_alone_are_told_apart(app: Flask) -> None:
    for username in ("Ada", "ada"):
        factories.user(username, username=username)

    names = {typed: found and found.name for typed in ("Ada", "ada", "ADA") if (found := account(typed)) or True}

    assert names == {"Ada": "Ada", "ada": "ada", "ADA": None}


def account(typed: str) -> User | None:
    return User.objects.account_of(typed)


@pytest.mark.real_server  # mongomock knows no collation
def test_letters_with_accents_are_other_letters(app: Flask) -> None:
    factories.user("Zoe", username="Zo\u00eb")

    assert account("zoe") is None
    assert account("ZO\u00cb")


@pytest.mark.real_server  # mongomock knows no collation
def test_new_username_may_not_differ_from_another_by_case_alone(app: Flask) -> None:
    factories.user("Ada of the old site", username="Ada")
    visitor = signed_in(app, "Eve")

    signed_up = browser(app).post("/signup", json={"username": "ada", "password": "the analytical engine weaves"})
    chosen = visitor.send("/account/profile", name="Eve", username="ADA", profile_image_url="")

    assert (signed_up.status_code, signed_up.json) == (400, {"error_code": 401})
    assert "This username is taken." in chosen.text
    assert User.objects(username="ada").count() == 0


@pytest.mark.parametrize(
    ("username", "expected"),
    [("ada", "ada"), (None, "5" * 24), ("", "5" * 24), ("f" * 24, "5" * 24), ("63", "5" * 24)],
)
def test_address_of_a_user_is_the_username_unless_it_looks_like_an_id(username: str | None, expected: str) -> None:
    assert address_of(bson.ObjectId("5" * 24), username) == expected


def test_text_with_an_at_sign_is_an_address_and_any_other_a_username(app: Flask) -> None:
    factories.user("Ada", email="Ada@example.org", username="ada")
    factories.user("Grace", email="grace@example.org", username="grace@home")

    def signing_in(text: str) -> list[str]:
        return [user.name for user in User.objects.signing_in(text)]

    assert signing_in(" ADA@Example.org ") == ["Ada"]
    assert signing_in("ada") == ["Ada"]
    assert signing_in("grace@home") == []
    assert signing_in("example.org") == []


def test_session_needs_an_id_and_its_dates() -> None:
    for missing in ("session_id", "created_date", "expires_at"):
        values = {"session_id": "x", "created_date": factories.A_DAY, "expires_at": factories.A_DAY}
        del values[missing]
        with pytest.raises(ValidationError, match=missing):
            Session(**values).validate()
