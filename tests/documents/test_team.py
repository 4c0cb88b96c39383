"""Names of teams, and the groups that their members come from."""

import pytest

from webapp.documents import Team
from webapp.documents.team import TEAM_NAME


@pytest.mark.parametrize("name", ["a", "7", "payments", "a-b", "a--b", "a" * 50])
def test_name_that_fits_in_an_address_may_be_a_teams(name: str) -> None:
    assert TEAM_NAME.match(name)


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a/b", "ä", "a\n", "a" * 51])
def test_other_names_may_not(name: str) -> None:
    assert not TEAM_NAME.match(name)


@pytest.mark.parametrize(("title", "shown"), [("Payments", "Payments"), ("", "payments"), (None, "payments")])
def test_title_is_shown_if_there_is_one(title: str | None, shown: str) -> None:
    assert Team(name="payments", title=title).shown_name == shown


@pytest.mark.usefixtures("app")
def test_teams_are_found_in_order_and_by_any_of_their_groups() -> None:
    for name, groups in (("b", ["cooks", "bakers"]), ("a", ["bakers"]), ("c", None)):
        Team(name=name, groups=groups).save()

    assert [team.name for team in Team.objects.in_order()] == ["a", "b", "c"]
    assert {team.name for team in Team.objects.with_groups(["cooks", "smiths"])} == {"b"}
    assert {team.name for team in Team.objects.with_groups(["bakers"])} == {"a", "b"}
