import time

import bson
import pytest
from flask import Flask
from packaging.utils import NormalizedName

from tests import factories
from webapp.changes.maintaining import (
    AccountGoes,
    LastOwner,
    add_maintainer,
    change_role,
    end_maintaining,
    leave_packages,
    remove_maintainer,
    rename_maintainer,
    transfer,
)
from webapp.changes.pypi_json import store
from webapp.documents import JournalEntry, Maintainer, Membership, Package, TeamRole, User
from webapp.documents.package import ConcurrentChange


def maintainers() -> list[tuple[str, str]]:
    return [(each.name, each.role) for each in Package.objects.get().maintainers]


def test_maintainer_is_added_once(app: Flask) -> None:
    ada = factories.user("Ada")
    factories.package("Engine")

    assert add_maintainer(NormalizedName("engine"), ada, "owner") is True
    assert add_maintainer(NormalizedName("engine"), ada, "maintainer") is False

    assert maintainers() == [("Ada", "owner")]


def test_package_has_a_hundred_maintainers_at_most(app: Flask) -> None:
    factories.package("Engine", maintainers=[Maintainer(user_id=bson.ObjectId()) for _ in range(100)])

    assert add_maintainer(NormalizedName("engine"), factories.user("Ada"), "owner") is False


def test_package_that_is_not_there_has_no_maintainers(app: Flask) -> None:
    assert add_maintainer(NormalizedName("nothing"), factories.user("Ada"), "owner") is False
    assert remove_maintainer(NormalizedName("nothing"), bson.ObjectId()) is False


def test_maintainer_is_removed(app: Flask) -> None:
    ada, grace = factories.user("Ada"), factories.user("Grace")
    factories.package("Engine")
    add_maintainer(NormalizedName("engine"), ada, "owner")
    add_maintainer(NormalizedName("engine"), grace, "maintainer")

    assert remove_maintainer(NormalizedName("engine"), ada.id) is True
    assert remove_maintainer(NormalizedName("engine"), ada.id) is False

    assert maintainers() == [("Grace", "maintainer")]


def test_new_name_stands_in_every_package_of_its_owner_alone(app: Flask) -> None:
    ada, grace = factories.user("Ada"), factories.user("Grace")
    for name in map(NormalizedName, ("one", "two")):
        factories.package(name)
        add_maintainer(name, grace, "owner")
        add_maintainer(name, ada, "owner")

    rename_maintainer(ada.id, "Augusta")

    assert [[each.name for each in package.maintainers] for package in Package.objects] == [["Grace", "Augusta"]] * 2


def test_who_leaves_stays_only_where_nobody_else_is(app: Flask) -> None:
    ada, grace = factories.user("Ada"), factories.user("Grace")
    for name in map(NormalizedName, ("shared", "alone")):
        factories.package(name)
        add_maintainer(name, ada, "owner")
    add_maintainer(NormalizedName("shared"), grace, "owner")

    leave_packages(ada)

    assert [each.name for each in Package.objects(pk="shared").get().maintainers] == ["Grace"]
    assert [each.name for each in Package.objects(pk="alone").get().maintainers] == ["Ada"]
    entry = JournalEntry.objects.about_package("shared").first()
    assert (entry.action, entry.note, entry.actor_name) == ("remove owner", "Ada", "Ada")


@pytest.mark.parametrize("role", ["owner", "maintainer"])
def test_team_without_members_is_nobody_else(app: Flask, role: str) -> None:
    ada, teams = factories.user("Ada"), [TeamRole(team="staff", role="owner")]
    person = Maintainer(user_id=ada.id, name="Ada", role=role)
    package = factories.package(maintainers=[person], teams=teams)  # the team was deleted in the database

    with pytest.raises(LastOwner):
        end_maintaining(package.pk, ada.id, ada)
    leave_packages(ada)
    before = maintainers()
    factories.user("Grace", teams=[Membership(team="staff")])
    end_maintaining(package.pk, ada.id, ada)

    assert before == [("Ada", role)]
    assert maintainers() == []


@pytest.mark.parametrize("change", ["add", "remove", "rename", "leave"])
def test_import_that_read_before_a_change_does_not_undo_it(app: Flask, change: str) -> None:
    ada, grace = factories.user("Ada"), factories.user("Grace")
    factories.package("Engine")
    add_maintainer(NormalizedName("engine"), ada, "owner")
    add_maintainer(NormalizedName("engine"), factories.user("Linus"), "owner")
    read_before = Package.objects.get()
    time.sleep(0.002)  # dates are kept to the millisecond

    match change:
        case "add":
            add_maintainer(NormalizedName("engine"), grace, "owner")
        case "remove":
            remove_maintainer(NormalizedName("engine"), ada.id)
        case "rename":
            rename_maintainer(ada.id, "Augusta")
        case "leave":
            leave_packages(ada)
    changed = maintainers()

    with pytest.raises(ConcurrentChange):
        read_before.store()
    store(Package(normalized_name="engine", name="Engine", releases=[factories.release("2.0")]))
    assert maintainers() == changed
    assert User.objects.count() == 3


def test_project_is_transferred_once_and_its_owners_stay_maintainers(app: Flask) -> None:
    ada, grace = factories.user("Ada"), factories.user("Grace")
    factories.package("Engine", maintainers=[Maintainer(user_id=ada.id, name="Ada", role="owner")])

    first, again = (transfer(NormalizedName("engine"), grace, ada) for _ in range(2))

    assert (first, again) == (True, False)
    assert maintainers() == [("Grace", "owner"), ("Ada", "maintainer")]
    assert [each.action for each in JournalEntry.objects].count("transfer") == 1


def test_owner_beside_a_disabled_one_stays_an_owner(app: Flask) -> None:
    ada, eve = factories.user("Ada"), factories.user("Eve", is_disabled=True)
    both = [Maintainer(user_id=each.id, name=each.name, role="owner") for each in (ada, eve)]
    factories.package("Engine", maintainers=both)

    with pytest.raises(LastOwner):
        end_maintaining(NormalizedName("engine"), ada.id, ada)
    with pytest.raises(LastOwner):
        change_role(NormalizedName("engine"), ada.id, "maintainer", ada)
    end_maintaining(NormalizedName("engine"), eve.id, ada)

    assert maintainers() == [("Ada", "owner")]


def test_account_that_is_being_deleted_is_not_added(app: Flask) -> None:
    eve = factories.user("Eve", being_deleted="a mark")
    factories.package("Engine")

    with pytest.raises(AccountGoes):
        add_maintainer(NormalizedName("engine"), eve, "owner")

    assert maintainers() == []


def test_transfer_to_an_account_that_is_being_deleted_is_undone(app: Flask) -> None:
    ada, eve = factories.user("Ada"), factories.user("Eve", being_deleted="a mark")
    people = [Maintainer(user_id=ada.id, name="Ada", role="owner"), Maintainer(user_id=bson.ObjectId(), name="Grace")]
    factories.package("Engine", maintainers=people, teams=[TeamRole(team="staff", role="owner")])

    with pytest.raises(AccountGoes):
        transfer(NormalizedName("engine"), eve, ada)

    assert maintainers() == [("Ada", "owner"), ("Grace", "maintainer")]
    assert [(each.team, each.role) for each in Package.objects.get().teams] == [("staff", "owner")]
