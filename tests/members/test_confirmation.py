"""Members are asked for their password again."""

import pytest
from flask import Flask

from tests.people import PASSWORD, errors, signed_in
from webapp.members.confirmation import WRONG_PASSWORD


@pytest.mark.parametrize(("typed", "is_right"), [(PASSWORD, True), (PASSWORD + "x", False)])
def test_wrong_password_is_named_beside_its_field(app: Flask, typed: str, is_right: bool) -> None:  # noqa: FBT001 - a parametrized value
    answer = signed_in(app).send("/account/email", email="new@example.org", password=typed)

    assert errors(answer) == ({} if is_right else {"password": WRONG_PASSWORD})
