"""Whoever deletes their account leaves each project to an owner who can sign in."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from flask import Flask
from packaging.utils import NormalizedName

from tests import factories
from webapp.changes import administrators, leaving
from webapp.changes.leaving import delete_account
from webapp.changes.maintaining import LastOwner, NotThere, accept, end_maintaining, invite
from webapp.documents import Maintainer, Membership, Package, TeamRole, User
from webapp.documents.package import ConcurrentChange

NAME = NormalizedName("example")


def owner(user: User) -> Maintainer:
    return Maintainer(user_id=user.id, name=user.name, role="owner")


def owners() -> list[str]:
    return [each.name for each in Package.objects.get(pk=NAME).maintainers if each.role == "owner"]


def marks() -> int:
    return int(User.objects(being_deleted__exists=True).count())


def test_account_is_deleted_and_its_project_stays_with_the_other_owner(app: Flask) -> None:
    ada, grace = factories.user("Ada"), factories.user("Grace")
    factories.package(maintainers=[owner(ada), owner(grace)])

    assert delete_account(ada.id) is True
    assert delete_account(ada.id) is False

    assert owners() == ["Grace"]
    assert [user.name for user in User.objects] == ["Grace"]


@pytest.mark.parametrize("other", [None, {"is_disabled": True}, {"being_deleted": "a mark"}])
def test_last_owner_who_can_sign_in_stays(app: Flask, other: dict[str, Any] | None) -> None:
    ada = factories.user("Ada")
    others = [owner(factories.user("Eve", **other))] if other else []
    factories.package(maintainers=[owner(ada), *others])

    with pytest.raises(LastOwner, match="Example needs an owner"):
        delete_account(ada.id)

    assert owners()[0] == "Ada"
    assert User.objects.get(pk=ada.id).being_deleted is None


def test_last_member_of_the_team_that_owns_a_project_stays(app: Flask) -> None:
    ada = factories.user("Ada", teams=[Membership(team="staff")])
    factories.package(teams=[TeamRole(team="staff", role="owner")])

    with pytest.raises(LastOwner):
        delete_account(ada.id)
    factories.user("Grace", teams=[Membership(team="staff")])

    assert delete_account(ada.id)


def test_last_administrator_keeps_the_account_without_a_mark(app: Flask) -> None:
    ada = factories.user("Ada", is_admin=True)

    with pytest.raises(administrators.LastAdministrator):
        delete_account(ada.id)

    assert marks() == 0


def test_mark_of_an_attempt_that_died_does_not_stop_the_next_one(app: Flask) -> None:
    assert delete_account(factories.user("Ada", being_deleted="a mark").id)


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Let something happen after the projects were looked at, right before the account is deleted."""
    delete = administrators.delete

    def late(*arguments: Any) -> bool:
        act()
        return delete(*arguments)

    monkeypatch.setattr(administrators, "delete", late)


def test_other_owner_cannot_leave_while_an_account_is_being_deleted(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, grace = factories.user("Ada"), factories.user("Grace")
    factories.package(maintainers=[owner(ada), owner(grace)])
    read_before = Package.objects.get()

    def leave() -> None:
        with pytest.raises(ConcurrentChange):
            read_before.store()
        with pytest.raises(LastOwner):
            end_maintaining(NAME, grace.id, grace)

    meanwhile(monkeypatch, leave)

    assert delete_account(ada.id)
    assert owners() == ["Grace"]


def test_attempt_whose_mark_was_removed_deletes_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = factories.user("Ada")
    meanwhile(monkeypatch, lambda: User.objects(pk=ada.id).update(unset__being_deleted=True))

    assert delete_account(ada.id) is False
    assert User.objects.count() == 1


def test_invitation_cannot_be_accepted_while_the_account_is_being_deleted(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, grace = factories.user("Ada"), factories.user("Grace", email="grace@example.org")
    factories.package(maintainers=[owner(ada)])
    invitation = invite(NAME, "grace@example.org", "owner", ada, person=grace)

    def accept_it() -> None:
        with pytest.raises(NotThere, match="just being deleted"):
            accept(NAME, invitation.invitation_id, grace)

    meanwhile(monkeypatch, accept_it)

    assert delete_account(grace.id)
    assert owners() == ["Ada"]


@pytest.mark.parametrize("date", [None, "yesterday", datetime(2300, 1, 1, tzinfo=UTC)])
def test_project_with_any_date_is_no_obstacle(app: Flask, date: Any) -> None:
    ada, grace = factories.user("Ada"), factories.user("Grace")
    factories.package(maintainers=[owner(ada), owner(grace)])
    Package._get_collection().update_one({}, {"$set": {"updated_date": date}})

    assert delete_account(ada.id)


def test_project_that_changes_without_end_refuses_the_deletion(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, grace = factories.user("Ada"), factories.user("Grace")
    factories.package(maintainers=[owner(ada), owner(grace)])
    monkeypatch.setattr(leaving, "PATIENCE_S", 0)
    monkeypatch.setattr(leaving, "_is_checked", lambda *_: False)

    with pytest.raises(ConcurrentChange):
        delete_account(ada.id)

    assert marks() == 0


def leave(user_id: bson.ObjectId) -> bool:
    end_maintaining(NAME, user_id, User.objects.get(pk=user_id))
    return True


@pytest.mark.real_server
@pytest.mark.parametrize("acts", [(delete_account, delete_account), (delete_account, leave)])
def test_owners_who_go_at_once_leave_one_who_can_sign_in(
    app: Flask, acts: tuple[Callable[[bson.ObjectId], bool], Callable[[bson.ObjectId], bool]]
) -> None:
    refused = 0
    for _ in range(25):
        User.objects.delete()
        Package.objects.delete()
        people = [factories.user("Ada"), factories.user("Grace")]
        factories.package(maintainers=[owner(each) for each in people])
        start = threading.Barrier(2)

        def go(number: int, people: list[User] = people, start: threading.Barrier = start) -> bool | None:
            with app.app_context():
                start.wait()
                try:
                    return acts[number](people[number].id)
                except LastOwner:
                    return None

        with ThreadPoolExecutor(2) as threads:
            ended = list(threads.map(go, range(2)))

        refused += ended.count(None)
        listed = {each.user_id for each in Package.objects.get(pk=NAME).maintainers}
        assert listed & {user.id for user in User.objects}
        assert marks() == 0

    assert refused >= 25
