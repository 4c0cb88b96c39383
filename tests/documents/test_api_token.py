"""What a token is for, and until when."""

from datetime import UTC, datetime, timedelta

import bson
import pytest
from flask import Flask
from packaging.utils import NormalizedName

from webapp.documents import ApiToken, TokenScope
from webapp.documents.api_token import revoke_all

NOW = datetime(2024, 3, 1, tzinfo=UTC)
ADA, GRACE = bson.ObjectId("5" * 24), bson.ObjectId("6" * 24)


@pytest.mark.parametrize(
    ("expires_at", "is_over"),
    [(None, False), (NOW, True), (NOW - timedelta(seconds=1), True), (NOW + timedelta(milliseconds=1), False)],
)
def test_token_is_over_from_the_moment_on_that_it_names(expires_at: datetime | None, is_over: bool) -> None:  # noqa: FBT001 - a parametrized value
    assert ApiToken(expires_at=expires_at).is_over(NOW) is is_over


def test_token_is_over_as_time_goes_by() -> None:
    assert ApiToken(expires_at=datetime(2020, 1, 1, tzinfo=UTC)).is_over()
    assert not ApiToken(expires_at=datetime(2200, 1, 1, tzinfo=UTC)).is_over()


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (None, False),
        (TokenScope(kind="account"), True),
        (TokenScope(kind="project", project="jam"), True),
        (TokenScope(kind="project", project="bread"), False),
        (TokenScope(kind="project"), False),
        (TokenScope(kind="everything", project="jam"), False),
        (TokenScope(project="jam"), False),
    ],
)
def test_token_is_for_every_project_of_its_owner_or_for_one(scope: TokenScope | None, expected: bool) -> None:  # noqa: FBT001 - a parametrized value
    assert ApiToken(scope=scope).is_for(NormalizedName("jam")) is expected


def test_tokens_of_a_member_are_listed_the_newest_first_and_revoked_together(app: Flask) -> None:
    scope = TokenScope(kind="account")
    for number, owner in enumerate((ADA, ADA, GRACE)):
        date = NOW + timedelta(days=number)
        ApiToken(user_id=owner, name=f"t{number}", digest=str(number), scope=scope, created_at=date).save()

    assert [token.name for token in ApiToken.objects.of_user(ADA)] == ["t1", "t0"]
    assert revoke_all(ADA) == 2
    assert revoke_all(ADA) == 0
    assert [token.name for token in ApiToken.objects] == ["t2"]


@pytest.mark.parametrize(
    ("scope", "shown"),
    [
        (TokenScope(kind="project", project="jam"), "the project jam"),
        (TokenScope(kind="projects", projects=["jam"]), "the project jam"),
        (TokenScope(kind="projects", projects=["jam", "jelly"]), "the projects jam, jelly"),
    ],
)
def test_projects_of_a_token_are_named_as_people_read_them(scope: TokenScope, shown: str) -> None:
    assert ApiToken(scope=scope).shown_scope == shown
