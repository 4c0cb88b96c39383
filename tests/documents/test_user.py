import bson
import pytest
from flask import Flask
from mongoengine.errors import NotUniqueError

from tests import factories
from webapp.documents import User
from webapp.documents.user import object_id_of_sql_id


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
