"""Who may see a team, and who may change it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import Forbidden, NotFound

from webapp.documents import Membership, Team, User
from webapp.members.sessions import Member
from webapp.teams import blueprint
from webapp.teams.blueprint import for_administrators, owned_team, owns, team_or_404

OWNER = User(name="Ada", teams=[Membership(team="payments", role="owner")])
MEMBER = User(name="Grace", teams=[Membership(team="payments", role="member")])
STRANGER = User(name="Edsger", teams=[Membership(team="search", role="owner")])
ADMINISTRATOR = User(name="Barbara", is_admin=True)
As = Callable[[User], None]


@pytest.fixture
def as_(app: Flask, monkeypatch: pytest.MonkeyPatch) -> As:
    """Let somebody make the request."""
    Team(name="payments").save()

    def by(user: User) -> None:
        monkeypatch.setattr(blueprint, "me", lambda: Member(user, ""))

    return by


def answered(ask: Callable[[], Any]) -> int:
    try:
        ask()
    except (Forbidden, NotFound) as error:
        return error.code
    return 200


@pytest.mark.parametrize(
    ("user", "seen", "changed"),
    [(OWNER, 200, 200), (MEMBER, 200, 403), (STRANGER, 404, 404), (ADMINISTRATOR, 200, 200)],
    ids=lambda each: each.name if isinstance(each, User) else str(each),
)
def test_members_see_their_team_and_owners_change_it(as_: As, user: User, seen: int, changed: int) -> None:
    as_(user)

    assert answered(lambda: team_or_404("payments")) == seen
    assert answered(lambda: owned_team("payments")) == changed
    assert owns("payments") is (changed == 200)
    assert answered(lambda: team_or_404("nothing")) == 404
    assert answered(for_administrators) == (200 if user is ADMINISTRATOR else 403)


def test_no_cache_stores_these_pages(client: FlaskClient) -> None:
    assert client.get("/teams/").headers["Cache-Control"] == "no-store"
