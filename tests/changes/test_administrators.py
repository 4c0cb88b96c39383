"""The site always has an administrator."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import bson
import pytest
from flask import Flask

from tests import factories
from webapp.changes import administrators
from webapp.changes.administrators import LastAdministrator
from webapp.documents import User

End = Callable[[bson.ObjectId], bool]
ENDS: list[End] = [administrators.remove_administrator, administrators.disable, administrators.delete]


def names() -> list[str]:
    """The administrators who can sign in."""
    return sorted(user.name for user in User.objects.administrators())


@pytest.mark.parametrize("end", ENDS)
def test_last_administrator_stays(app: Flask, end: End) -> None:
    ada = factories.user("Ada", is_admin=True)
    factories.user("Member")
    factories.user("Disabled", is_admin=True, is_disabled=True)

    with pytest.raises(LastAdministrator, match="nobody else is one"):
        end(ada.id)

    assert names() == ["Ada"]
    assert "leaving_admin" not in (User._get_collection().find_one({"_id": ada.id}) or {})


@pytest.mark.parametrize("end", ENDS)
def test_one_of_two_may_go(app: Flask, end: End) -> None:
    ada = factories.user("Ada", is_admin=True)
    factories.user("Grace", is_admin=True)

    assert end(ada.id) is True

    assert names() == ["Grace"]
    assert User.objects(leaving_admin__exists=True).count() == 0


@pytest.mark.parametrize("end", [administrators.disable, administrators.delete])
def test_member_may_go_at_any_time(app: Flask, end: End) -> None:
    factories.user("Ada", is_admin=True)
    member = factories.user("Member")

    assert end(member.id) is True


@pytest.mark.parametrize("end", ENDS)
def test_who_is_not_there_cannot_go(app: Flask, end: End) -> None:
    factories.user("Ada", is_admin=True)

    assert end(bson.ObjectId()) is False


def test_second_time_changes_nothing(app: Flask) -> None:
    factories.user("Ada", is_admin=True)
    member = factories.user("Member")

    assert administrators.make_administrator(member.id) is True
    assert administrators.make_administrator(member.id) is False
    assert administrators.remove_administrator(member.id) is True
    assert administrators.remove_administrator(member.id) is False
    assert administrators.disable(member.id) is True
    assert administrators.disable(member.id) is False
    assert administrators.enable(member.id) is True
    assert administrators.enable(member.id) is False


def test_who_died_while_leaving_does_not_count_as_the_one_who_remains(app: Flask) -> None:
    ada = factories.user("Ada", is_admin=True)
    grace = factories.user("Grace", is_admin=True, leaving_admin="a mark")

    with pytest.raises(LastAdministrator):
        administrators.remove_administrator(ada.id)

    assert administrators.make_administrator(grace.id) is True
    assert administrators.remove_administrator(ada.id) is True
    assert names() == ["Grace"]


def test_attempt_that_was_overtaken_changes_nothing(app: Flask) -> None:
    ada = factories.user("Ada", is_admin=True)
    factories.user("Grace", is_admin=True)

    def slow(guard: administrators.Guard) -> bool:
        if "leaving_admin" in guard:
            User.objects(pk=ada.id).update(leaving_admin="another attempt")
        return bool(User._get_collection().delete_one(guard).deleted_count)

    assert administrators.end_administration(ada.id, slow) is False
    assert names() == ["Ada", "Grace"]


@pytest.mark.real_server
@pytest.mark.parametrize("end", ENDS)
def test_administrators_who_remove_each_other_at_once_leave_one(app: Flask, end: End) -> None:
    refused = 0
    for _ in range(40):
        User.objects.delete()
        people = [factories.user(f"Admin {number}", is_admin=True) for number in range(3)]
        start = threading.Barrier(len(people))

        def go(person: User, start: threading.Barrier = start) -> bool | None:
            start.wait()
            try:
                return end(person.id)
            except LastAdministrator:
                return None

        with ThreadPoolExecutor(3) as threads:
            ended = list(threads.map(go, people))

        refused += ended.count(None)
        assert len(names()) >= 1
        assert len(names()) == 3 - ended.count(True)

    assert refused > 0
