"""`/teams/`: create, change, delete and leave teams."""

import pytest
from flask import Flask

from tests import factories
from tests.people import Browser, errors, signed_in
from tests.reading import one, page_of, texts, words
from webapp.documents import Membership, Team, TeamRole, User


@pytest.fixture
def administrator(app: Flask) -> Browser:
    """A browser in which an administrator is signed in."""
    return signed_in(app, "Grace", is_admin=True)


def test_administrator_creates_a_team(administrator: Browser) -> None:
    answer = administrator.send("/teams/new", name="payments", title="Payments", groups="pay\n\n pay \nfinance")

    team = Team.objects.get(pk="payments")
    assert (answer.status_code, answer.location) == (302, "/teams/payments/")
    assert (team.title, team.groups) == ("Payments", ["pay", "finance"])
    page = page_of(administrator.get("/teams/payments/"))
    assert "Members also come from the groups pay, finance." in words(one(page, "main"))


@pytest.mark.parametrize("name", ["Payments", "a b", "-a", "", "a" * 51, "a/b"])
def test_name_that_fits_in_no_address_is_refused(administrator: Browser, name: str) -> None:
    answer = administrator.send("/teams/new", name=name)

    assert set(errors(answer)) == {"name"}
    assert Team.objects.count() == 0


def test_name_is_taken_once(administrator: Browser) -> None:
    administrator.send("/teams/new", name="payments")

    assert errors(administrator.send("/teams/new", name="payments")) == {
        "name": "A team with this name already exists."
    }


@pytest.mark.parametrize("groups", ["\n".join(map(str, range(21))), "a" * 201])
def test_groups_are_bounded(administrator: Browser, groups: str) -> None:
    assert set(errors(administrator.send("/teams/new", name="payments", groups=groups))) == {"groups"}


def test_others_create_and_change_no_teams(app: Flask) -> None:
    Team(name="payments").save()
    owner = signed_in(app, teams=[Membership(team="payments", role="owner")])

    for path in ("/teams/new", "/teams/payments/settings", "/teams/payments/delete"):
        assert owner.get(path).status_code == 403


def test_members_see_their_teams_and_no_other(app: Flask) -> None:
    for name in ("payments", "search"):
        Team(name=name).save()
    ada = signed_in(app, teams=[Membership(team="payments")])

    assert texts(page_of(ada.get("/teams/")), "main td a") == ["payments"]
    assert ada.get("/teams/payments/").status_code == 200
    absent, other = ada.get("/teams/nothing/"), ada.get("/teams/search/")
    assert (absent.status_code, other.status_code) == (404, 404)
    assert absent.text.replace("nothing", "search") == other.text


def test_projects_of_a_team_are_listed_with_its_role(app: Flask) -> None:
    Team(name="payments", title="Payments").save()
    factories.package("Billing", teams=[TeamRole(team="payments", role="owner")])
    factories.package("Other", teams=[TeamRole(team="search", role="owner")])
    ada = signed_in(app, teams=[Membership(team="payments")])

    page = page_of(ada.get("/teams/payments/projects"))

    assert texts(page, "main td") == ["Billing", "owner"]


def test_team_with_projects_is_not_deleted(administrator: Browser) -> None:
    Team(name="payments").save()
    factories.package("Billing", teams=[TeamRole(team="payments", role="owner")])

    answer = administrator.send("/teams/payments/delete")

    assert answer.location == "/teams/payments/projects"
    assert "The team still has projects, such as billing." in administrator.get(answer.location).text
    assert Team.objects.count() == 1


def test_member_leaves(app: Flask) -> None:
    Team(name="payments").save()
    ada = signed_in(app, teams=[Membership(team="payments")])

    ada.send("/teams/payments/leave")

    assert User.objects.get(name="Ada Lovelace").team_names == []
    assert ada.get("/teams/payments/").status_code == 404
