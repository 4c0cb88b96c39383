"""Mails to the owners of API tokens that expire soon."""

from datetime import timedelta

from flask import Flask

from tests import factories
from tests.people import member, outbox
from webapp.documents import ApiToken, Maintainer, Membership, TokenScope
from webapp.documents.api_token import TokenOwner
from webapp.documents.base import utc_now
from webapp.members.expiring_tokens import warn


def token(days: int, name: str = "CI", **fields: object) -> None:
    expires_at = utc_now() + timedelta(days=days)
    ApiToken(
        name=name, digest=f"{name}{days}", expires_at=expires_at, scope=TokenScope(kind="account"), **fields
    ).save()


def test_owner_is_told_once_a_week_before(app: Flask) -> None:
    ada = member("Ada")
    for days in (-1, 3, 30):
        token(days, f"in {days} days", user_id=ada.id)

    warned = [warn(), warn()]

    assert warned == [1, 0]
    [mail] = outbox(app)
    assert mail.to == ["ada@example.org"]
    assert "the API token “in 3 days”" in mail.body
    assert f"expires on {utc_now() + timedelta(days=3):%Y-%m-%d}" in mail.body


def test_owners_of_the_team_and_the_project_are_told(app: Flask) -> None:
    ada, grace = member("Ada", teams=[Membership(team="payments", role="owner")]), member("Grace")
    member("Other", teams=[Membership(team="payments")])
    factories.package(maintainers=[Maintainer(user_id=grace.id, role="owner"), Maintainer(user_id=ada.id)])
    token(3, "team's", owner=TokenOwner(kind="team", name="payments"))
    token(2, "project's", owner=TokenOwner(kind="project", name="example"))

    warn()

    told = {mail.to[0]: mail.body for mail in outbox(app)}
    assert set(told) == {"ada@example.org", "grace@example.org"}
    assert "of the team payments" in told["ada@example.org"]
    assert "of the project example" in told["grace@example.org"]


def test_disabled_owner_is_not_told(app: Flask) -> None:
    token(3, user_id=member("Ada", is_disabled=True).id)

    assert warn() == 1
    assert outbox(app) == []
