"""What an account must have become."""

from typing import Any

import pytest

from migrations_sql_to_mongo.layout import Layout
from migrations_sql_to_mongo.target import Target
from tests.migrations_sql_to_mongo.verify.conftest import compared, edited


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "Another"}, "users 1: name is Another, User 1 in the source"),
        ({"email": "other@example.org"}, "users 1: email is other@example.org, user1@example.org in the source"),
        ({"hashed_password": "x"}, "users 1: hashed_password is (hidden), (hidden) in the source"),
        ({"last_login": None}, "users 1: last_login is missing"),
    ],
)
def test_account_that_differs_from_its_row_is_found(
    target: Target, good_copy: str, change: dict[str, Any], said: str
) -> None:
    with edited(target, "users", {"name": "User 1"}, change):
        found = compared(good_copy, target, Layout())

    [difference] = found.differences
    assert said in difference


def test_address_that_is_marked_as_taken_must_be_somebody_elses(target: Target, good_copy: str) -> None:
    with edited(
        target, "users", {"name": "User 1"}, {"legacy.email_is_taken": True, "email": None, "email_folded": None}
    ):
        found = compared(good_copy, target, Layout())

    assert "users 1: email is nobody else's, but is marked as taken" in found.differences
