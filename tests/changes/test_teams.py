"""Teams: memberships by hand and from groups, and roles in projects."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from packaging.utils import NormalizedName

from tests import factories
from tests.changes.conftest import Killed
from webapp.changes import teams
from webapp.changes.maintaining import LastOwner, NotPermitted, NotThere, is_needed, leave_packages
from webapp.changes.teams import NewTeams, TeamRefused
from webapp.changes.withdrawing import delete_project
from webapp.documents import ApiToken, JournalEntry, Maintainer, Membership, Package, Team, TeamRole, User
from webapp.documents.api_token import TokenOwner, TokenScope

NAME = NormalizedName("example")


def memberships(user: User) -> list[tuple[str, str, str]]:
    return [(each.team, each.role, each.source) for each in User.objects.get(pk=user.pk).teams or []]


def owned(**fields: Any) -> User:
    """A project of Ada's; return her."""
    ada = factories.user("Ada")
    factories.package(maintainers=[Maintainer(user_id=ada.id, name="Ada", role="owner")], **fields)
    return ada


def test_two_teams_cannot_have_one_name(app: Flask) -> None:
    teams.create_team("payments", "Payments", [])

    with pytest.raises(TeamRefused, match="A team with this name already exists"):
        teams.create_team("payments", "Others", [])


def test_member_is_added_once(app: Flask) -> None:
    teams.create_team("payments", "", [])
    ada = factories.user("Ada")

    added = [teams.add_member("payments", ada.id, role) for role in ("member", "owner")]

    assert added == [True, False]
    assert memberships(ada) == [("payments", "member", "hand")]


def test_nobody_belongs_to_more_than_fifty_teams(app: Flask) -> None:
    ada = factories.user("Ada", teams=[Membership(team=f"team-{number}") for number in range(50)])

    assert not teams.add_member("payments", ada.id)
    assert len(memberships(ada)) == 50


def test_groups_bring_members_and_take_them_away_again(app: Flask) -> None:
    ada = factories.user("Ada", teams=[Membership(team="by-hand", role="owner")])
    for name, groups in (("payments", ["pay", "finance"]), ("search", ["search"]), ("by-hand", ["pay"])):
        teams.create_team(name, "", groups)

    first = teams.set_teams_from_groups(ada.id, ["pay", "search", "unknown"])
    again = teams.set_teams_from_groups(ada.id, ["search", "pay"])
    teams.change_member("search", ada.id, "owner")
    kept = teams.set_teams_from_groups(ada.id, ["search"])
    after = memberships(ada)
    last = teams.set_teams_from_groups(ada.id, [])

    assert first == NewTeams(["payments", "search"], [])
    assert again == NewTeams([], [])
    assert kept == NewTeams([], ["payments"])
    assert after == [("by-hand", "owner", "hand"), ("search", "owner", "groups")]
    assert last == NewTeams([], ["search"])
    assert memberships(ada) == [("by-hand", "owner", "hand")]


def test_team_with_projects_cannot_be_deleted(app: Flask) -> None:
    team = teams.create_team("payments", "Payments", [])
    ada = owned()
    teams.add_member("payments", ada.id)
    teams.give_role(NAME, team, "owner", ada)

    with pytest.raises(TeamRefused, match="still has projects, such as example"):
        teams.delete_team("payments")
    teams.take_role(NAME, "payments", ada)
    teams.delete_team("payments")

    assert Team.objects.count() == 0
    assert memberships(ada) == []


def test_nobody_joins_a_team_that_was_just_deleted(app: Flask) -> None:
    ada = factories.user()

    assert not teams.add_member("payments", ada.id)
    teams.create_team("payments", "", [])

    assert memberships(ada) == []
    assert teams.add_member("payments", ada.id)


def test_team_that_alone_may_read_a_project_cannot_be_deleted(app: Flask) -> None:
    teams.create_team("payments", "", [])
    factories.package("Secret", readers=["payments"])

    with pytest.raises(TeamRefused, match="such as secret"):
        teams.delete_team("payments")

    assert Team.objects.count() == 1


def test_team_is_deleted_without_a_mark_left_by_a_refusal(app: Flask) -> None:
    teams.create_team("payments", "", [])
    factories.package(readers=["payments"])

    with pytest.raises(TeamRefused):
        teams.delete_team("payments")
    assert Team.objects.get().being_deleted is None
    Package.objects.update(unset__readers=True)
    Team.objects.update(being_deleted="of an attempt that died")
    teams.delete_team("payments")

    assert Team.objects.count() == 0


def test_team_that_a_killed_process_left_has_no_members_and_no_tokens(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    teams.create_team("payments", "", [])
    ada = factories.user("Ada", teams=[Membership(team="payments")])
    owner, scope = TokenOwner(kind="team", name="payments"), TokenScope(kind="account")
    ApiToken(owner=owner, name="CI", digest="x", scope=scope).save()
    take_from_people = teams._take_from_people

    def die_afterwards(name: str) -> None:
        take_from_people(name)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(teams, "_take_from_people", die_afterwards)
        with pytest.raises(Killed):
            teams.delete_team("payments")

    assert (Team.objects.count(), ApiToken.objects.count()) == (1, 0)
    assert memberships(ada) == []
    teams.delete_team("payments")
    assert Team.objects.count() == 0


def test_team_that_is_being_deleted_gets_no_project(app: Flask) -> None:
    team = teams.create_team("payments", "", [])
    Team.objects.update(being_deleted="a mark")
    ada = owned()

    with pytest.raises(TeamRefused, match="The team payments is just being deleted"):
        teams.give_role(NAME, team, "owner", ada)
    with pytest.raises(TeamRefused, match="The team payments is just being deleted"):
        teams.set_readers(NAME, ["payments"], ada)

    package = Package.objects.get()
    assert (package.teams, package.readers) == (None, None)


def test_deleted_projects_count_among_those_that_are_narrowed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teams, "MOST_NARROWED", 2)
    teams.create_team("payments", "", [])
    ada = owned(readers=["payments"])
    delete_project(NAME, ada)
    for name in ("jam", "bread"):
        factories.package(name, maintainers=[Maintainer(user_id=ada.id, name="Ada", role="owner")])

    teams.set_readers(NormalizedName("jam"), ["payments"], ada)
    with pytest.raises(TeamRefused, match="Only 2 projects of a site can be narrowed"):
        teams.set_readers(NormalizedName("bread"), ["payments"], ada)

    assert sorted(Package.objects.hidden_from_some()) == [NAME, "jam"]
    factories.package(NAME)  # another one of its name, which everybody may read
    assert teams.set_readers(NormalizedName("bread"), ["payments"], ada)


def test_team_that_gets_the_name_of_a_deleted_one_reads_nothing_of_what_that_could_read(app: Flask) -> None:
    teams.create_team("payments", "", [])
    ada = owned(readers=["payments"])
    delete_project(NAME, ada)
    teams.delete_team("payments")
    teams.create_team("payments", "", [])
    grace = factories.user("Grace", teams=[Membership(team="payments")])

    assert Package.objects.hidden_from(grace.id, ["payments"]) == [NAME]
    assert Package.objects.hidden_from(ada.id, []) == []


def test_team_that_is_being_deleted_gets_no_member(app: Flask) -> None:
    teams.create_team("payments", "", ["pay"])
    Team.objects.update(being_deleted="a mark")
    ada = factories.user("Ada")

    assert not teams.add_member("payments", ada.id)
    assert teams.set_teams_from_groups(ada.id, ["pay"]) == NewTeams([], [])
    assert memberships(ada) == []


def name_as_reader(ada: User) -> None:
    teams.set_readers(NAME, ["payments"], ada)


def name_as_owner(ada: User) -> None:
    teams.give_role(NAME, Team(name="payments"), "owner", ada)


@pytest.mark.real_server
@pytest.mark.parametrize("name", [name_as_reader, name_as_owner])
def test_project_never_names_a_team_that_is_deleted_at_once(app: Flask, name: Callable[[User], None]) -> None:
    ada, refused = owned(), 0
    for _ in range(25):
        Package.objects.update(unset__readers=True, unset__teams=True)
        Team.objects.delete()
        teams.create_team("payments", "", [])
        start = threading.Barrier(2)

        def attempt(act: Callable[[], None], start: threading.Barrier = start) -> bool:
            with app.app_context():
                start.wait()
                try:
                    act()
                except TeamRefused:
                    return False
                return True

        with ThreadPoolExecutor(2) as threads:
            done = list(threads.map(attempt, [lambda: name(ada), lambda: teams.delete_team("payments")]))

        refused += done.count(False)
        package = Package.objects.get(pk=NAME)
        assert Team.objects.count() == 1 or not (package.readers or package.teams)
        assert done != [True, True]
        assert Team.objects(being_deleted__exists=True).count() == 0

    assert refused >= 25


def test_last_owner_who_can_sign_in_stays_beside_a_team(app: Flask) -> None:
    team = teams.create_team("payments", "", [])
    ada = owned()
    teams.give_role(NAME, team, "owner", ada)
    grace = factories.user("Grace", teams=[Membership(team="payments")])
    User.objects(pk=ada.id).update(is_disabled=True)

    with pytest.raises(LastOwner):
        teams.give_role(NAME, team, "maintainer", grace)
    with pytest.raises(LastOwner):
        teams.take_role(NAME, "payments", grace)


def test_role_of_a_member_is_the_highest_of_their_own_and_their_teams(app: Flask) -> None:
    ada = owned(teams=[TeamRole(team="payments", role="maintainer"), TeamRole(team="search", role="owner")])
    package = Package.objects.get(pk=NAME)
    other = factories.user("Other")

    assert package.role_of(ada.id) == "owner"
    assert package.role_of(other.id) is None
    assert package.role_of(other.id, ["payments"]) == "maintainer"
    assert package.role_of(other.id, ["payments", "search"]) == "owner"
    assert package.role_of(other.id, ["unknown"]) is None


def test_team_that_owns_a_project_lets_its_last_person_leave(app: Flask) -> None:
    ada = owned(teams=[TeamRole(team="payments", role="owner")])

    assert is_needed(Package.objects.get(pk=NAME), ada.id)
    factories.user("Grace", teams=[Membership(team="payments")])
    assert not is_needed(Package.objects.get(pk=NAME), ada.id)
    leave_packages(ada)
    assert Package.objects.get(pk=NAME).maintainers == []


def test_team_that_only_maintains_does_not(app: Flask) -> None:
    ada = owned(teams=[TeamRole(team="payments", role="maintainer")])

    assert is_needed(Package.objects.get(pk=NAME), ada.id)


def test_only_owners_choose_teams_and_the_last_owner_stays(app: Flask) -> None:
    team = teams.create_team("payments", "Payments", [])
    factories.package(teams=[TeamRole(team="payments", role="owner")])
    member = factories.user("Member", teams=[Membership(team="payments")])
    stranger = factories.user("Stranger", teams=[Membership(team="search")])

    with pytest.raises(NotPermitted):
        teams.give_role(NAME, team, "owner", stranger)
    with pytest.raises(LastOwner):
        teams.give_role(NAME, team, "maintainer", member)
    with pytest.raises(LastOwner):
        teams.take_role(NAME, "payments", member)
    with pytest.raises(NotThere):
        teams.take_role(NAME, "search", member)


def test_project_has_twenty_teams_at_most(app: Flask) -> None:
    ada = owned(teams=[TeamRole(team=f"team-{number}") for number in range(20)])

    with pytest.raises(TeamRefused, match="at most 20 teams"):
        teams.give_role(NAME, teams.create_team("payments", "", []), "owner", ada)


def test_journal_tells_which_team_got_which_role(app: Flask) -> None:
    ada = owned()
    teams.give_role(NAME, teams.create_team("payments", "Payments", []), "maintainer", ada)
    teams.take_role(NAME, "payments", ada)

    told = [(each["action"], each.get("note")) for each in JournalEntry.objects.about_package(NAME).plain()]

    assert told[:2] == [("remove team maintainer", "payments"), ("make team maintainer", "Payments")]
