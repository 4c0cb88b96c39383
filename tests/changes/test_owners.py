"""Who owns a project and can sign in."""

import bson
import pytest
from flask import Flask

from tests import factories
from webapp.changes.maintaining import account_is_needed, is_needed, needed_people
from webapp.changes.owners import account_stays, is_abandoned, owners_of, teams_that_go
from webapp.documents import Maintainer, Membership, Package, Team, TeamRole, User


def person(user: User, role: str = "owner") -> Maintainer:
    return Maintainer(user_id=user.id, name=user.name, role=role)


def test_owners_are_those_who_can_sign_in(app: Flask) -> None:
    ada, disabled = factories.user("Ada"), factories.user("Eve", is_disabled=True)
    going = factories.user("Bob", being_deleted="a mark")
    grace = factories.user("Grace", teams=[Membership(team="staff")])
    factories.user("Mallory", is_disabled=True, teams=[Membership(team="staff")])
    gone = Maintainer(user_id=bson.ObjectId(), name="Nobody", role="owner")
    everybody = [person(ada), person(disabled), person(going), gone, person(factories.user("Linus"), "maintainer")]
    package = factories.package(maintainers=everybody, teams=[TeamRole(team="staff", role="owner")])

    assert owners_of(package) == ({ada.id}, {grace.id})


def test_all_maintainers_of_a_project_without_an_owner_count(app: Flask) -> None:
    ada, grace = factories.user("Ada"), factories.user("Grace", teams=[Membership(team="staff")])
    maintainers, teams = [person(ada, "maintainer")], [TeamRole(team="staff", role="maintainer")]

    assert owners_of(Package(maintainers=maintainers, teams=teams)) == ({ada.id}, {grace.id})


@pytest.mark.parametrize("other", [{"is_disabled": True}, {"being_deleted": "a mark"}])
def test_owner_beside_one_who_cannot_sign_in_is_needed(app: Flask, other: dict[str, object]) -> None:
    ada, eve = factories.user("Ada"), factories.user("Eve", **other)
    package = factories.package(maintainers=[person(ada), person(eve), person(factories.user("Bob"), "maintainer")])

    assert is_needed(package, ada.id)
    assert not is_needed(package, eve.id)
    assert needed_people(package) == [ada.id]


def test_owner_beside_a_team_may_leave_but_not_delete_the_account_of_its_last_member(app: Flask) -> None:
    ada = factories.user("Ada", teams=[Membership(team="staff")])
    package = factories.package(maintainers=[person(ada)], teams=[TeamRole(team="staff", role="owner")])

    assert not is_needed(package, ada.id)
    assert account_is_needed(package, ada)
    factories.user("Grace", teams=[Membership(team="staff")])
    assert not account_is_needed(package, ada)


def test_who_only_maintains_is_not_needed(app: Flask) -> None:
    ada, eve = factories.user("Ada"), factories.user("Eve", is_disabled=True)
    package = factories.package(maintainers=[person(ada, "maintainer"), person(eve)])

    assert not account_is_needed(package, ada)


def test_account_and_team_that_are_being_deleted_do_not_stay(app: Flask) -> None:
    ada, eve = factories.user("Ada"), factories.user("Eve", being_deleted="a mark")
    for name, mark in (("staff", None), ("going", "a mark")):
        Team(name=name, being_deleted=mark).save()

    assert [account_stays(each) for each in (ada.id, eve.id, bson.ObjectId())] == [True, False, False]
    assert teams_that_go(["staff", "going", "gone"]) == ["going", "gone"]


def test_project_is_abandoned_if_neither_a_person_nor_a_team_stays(app: Flask) -> None:
    ada, eve = factories.user("Ada"), factories.user("Eve", being_deleted="a mark")
    Team(name="staff").save()

    assert is_abandoned(Package(maintainers=[person(eve)]))
    assert is_abandoned(Package(teams=[TeamRole(team="gone")]))
    assert not is_abandoned(Package(maintainers=[person(eve), person(ada)]))
    assert not is_abandoned(Package(teams=[TeamRole(team="staff")]))
