"""Invitations to a team hold when many people act at once, and when what they are about changes."""

import threading
from collections.abc import Callable

import pytest
from flask import Flask

from tests import factories
from webapp.changes.maintaining import NotThere, TooManyInvitations
from webapp.changes.team_invitations import MOST_INVITATIONS, accept, invite, pending
from webapp.documents import Membership, Team, User
from webapp.documents.user import MOST_TEAMS


@pytest.fixture
def owner(app: Flask) -> User:
    """The owner of a team."""
    Team(name="payments").save()
    return factories.user("Ada", teams=[Membership(team="payments", role="owner")])


def at_once(acts: list[Callable[[], object]]) -> list[Exception]:
    """Do all of these in threads; return what was refused."""
    refused: list[Exception] = []

    def try_it(act: Callable[[], object]) -> None:
        try:
            act()
        except (NotThere, TooManyInvitations) as error:
            refused.append(error)

    threads = [threading.Thread(target=try_it, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refused


@pytest.mark.real_server
def test_of_many_who_use_one_link_at_once_one_gets_in(owner: User) -> None:
    made = invite("payments", "grace@example.org", "member", owner)
    users = [factories.user(f"User{number}") for number in range(8)]

    refused = at_once([lambda user=user: accept("payments", made.invitation_id, user) for user in users])  # type: ignore[misc]

    assert len(refused) == 7
    assert User.objects.of_team("payments").count() == 2


@pytest.mark.real_server
def test_address_invited_by_many_at_once_is_invited_once(owner: User) -> None:
    at_once([lambda: invite("payments", "grace@example.org", "member", owner)] * 8)

    assert len(Team.objects.get().invitations) == 1


def test_team_invites_only_so_many(owner: User) -> None:
    for number in range(MOST_INVITATIONS):
        invite("payments", f"n{number}@example.org", "member", owner)

    with pytest.raises(TooManyInvitations):
        invite("payments", "one.more@example.org", "member", owner)


def test_team_that_is_gone_invites_nobody(owner: User) -> None:
    Team.objects.delete()

    with pytest.raises(NotThere, match="This team no longer exists"):
        invite("payments", "grace@example.org", "member", owner)


def test_who_belongs_to_too_many_teams_does_not_join(owner: User) -> None:
    made = invite("payments", "grace@example.org", "member", owner)
    grace = factories.user("Grace", teams=[Membership(team=f"t{number}") for number in range(MOST_TEAMS)])

    with pytest.raises(NotThere, match="too many teams"):
        accept("payments", made.invitation_id, grace)


def test_member_keeps_their_role_and_the_invitation_stays(owner: User) -> None:
    made = invite("payments", "grace@example.org", "owner", owner)
    grace = factories.user("Grace", teams=[Membership(team="payments", role="member")])

    with pytest.raises(NotThere, match="already"):
        accept("payments", made.invitation_id, grace)

    assert User.objects.get(pk=grace.pk).role_in("payments") == "member"


def test_invitation_written_by_hand_without_its_parts_is_not_there(owner: User) -> None:
    Team.objects.raw().update_one({}, {"$set": {"invitations": [{"invited_by": owner.id}, {"email": "x@y"}]}})

    assert pending(Team.objects.declared_first()) == []
