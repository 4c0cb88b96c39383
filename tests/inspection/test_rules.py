"""What each rule finds, and what it mends."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import bson
import pytest
from flask.testing import FlaskCliRunner

from tests import factories
from tests.inspection.conftest import found, stored
from webapp.changes import search_index
from webapp.documents import Package, Page, Team, User
from webapp.inspection.rules import repair_package
from webapp.inspection.shape import mistakes

pytestmark = pytest.mark.real_server

EVE = bson.ObjectId()


def change_package(change: dict[str, Any]) -> None:
    Package._get_collection().update_one({"_id": "example"}, change)


DERIVED: list[tuple[dict[str, Any], str]] = [
    ({"$set": {"release_count": 7}}, "release_count is 7 but should be 4"),
    ({"$set": {"latest.version": "1.0"}}, "latest is '1.0' but should be '1.9'"),
    ({"$unset": {"latest": ""}}, "latest is absent but should be '1.9'"),
    ({"$set": {"newest_release": None}}, "newest_release is absent but should be 'odd-version'"),
    ({"$unset": {"license_id": ""}}, "license_id is absent but should be 'MIT'"),
    ({"$unset": {"license": ""}}, "license_id is 'MIT' but should be absent"),
    ({"$set": {"releases.2.sort_key": "a0"}}, "sort_key is wrong in 1 release, such as '1.0'"),
    ({"$set": {"releases.0.file_count": 0}}, "file_count is wrong in 1 release, such as '1.10rc1'"),
    ({"$set": {"releases.0.is_prerelease": False}}, "is_prerelease is wrong in 1 release, such as '1.10rc1'"),
    ({"$push": {"releases": {"$each": [], "$sort": {"version": 1}}}}, "its releases are not in order"),
    ({"$set": {"releases": []}}, "release_count is 4 but should be 0"),
]


@pytest.mark.parametrize(("change", "what"), DERIVED)
def test_derived_field_that_disagrees_is_found_and_mended(
    site_in_order: User, runner: FlaskCliRunner, change: dict[str, Any], what: str
) -> None:
    change_package({"$set": {"note": "by hand", "releases.3.note": "by hand, too"}})
    change_package(change)
    broken = stored()

    findings = found()
    planned = runner.invoke(args=["db", "repair", "--dry-run"])
    unchanged = stored()
    mended = runner.invoke(args=["db", "repair"])

    assert [finding[:3] for finding in findings] == [("packages", "example", "derived")]
    assert what in findings[0][3]
    assert planned.exit_code == 1
    assert planned.stdout.startswith("would be repaired: packages  example  derived  ")
    assert unchanged == broken
    assert (mended.exit_code, mended.stdout.splitlines()[-1]) == (0, "1 repaired, 0 left.")
    assert found() == []
    assert stored()["note"] == "by hand"
    assert stored()["updated_date"] > broken["updated_date"]
    assert len(stored()["releases"]) == len(broken["releases"])
    assert sum("note" in release for release in stored()["releases"]) == bool(broken["releases"])


def test_package_of_a_wrong_shape_is_left_to_a_person(site_in_order: User, runner: FlaskCliRunner) -> None:
    change_package({"$set": {"release_count": 7, "releases.0.size": "big", "summary": 5}, "$unset": {"name": ""}})
    broken = stored()

    result = runner.invoke(args=["db", "repair"])

    assert result.exit_code == 1
    assert stored() == broken
    lines = result.stdout.splitlines()
    assert lines[0] == (
        "left: packages  example  shape  name is missing; summary must be text, but is of type int; "
        "releases.0.size must be a whole number, but is of type string"
    )
    assert lines[1].startswith("left: packages  example  name  ")
    assert lines[2].startswith("left: packages  example  derived  release_count is 7")
    assert lines[3] == "0 repaired, 3 left."


def test_package_that_somebody_changes_meanwhile_is_left(site_in_order: User, monkeypatch: pytest.MonkeyPatch) -> None:
    change_package({"$set": {"release_count": 7}})

    def changing(*arguments: Any) -> Any:
        change_package({"$set": {"updated_date": datetime(2030, 1, 1)}})  # noqa: DTZ001 - the server keeps UTC
        return mistakes(*arguments)

    monkeypatch.setattr("webapp.inspection.rules.mistakes", changing)

    assert not repair_package("example")
    assert stored()["release_count"] == 7


# What is found along with them.
FOLLOWS = {"name": {"file-twice"}, "release-twice": {"file-twice"}, "email-folded": {"email-twice"}}


def name_not_normalized(ada: User) -> None:
    Package._get_collection().insert_one({**stored(), "_id": "Example"})
    search_index.rebuild()


def release_twice(ada: User) -> None:
    change_package({"$push": {"releases": {"$each": [stored()["releases"][0]], "$position": 0}}})
    repair_package("example")


def maintainer_twice(ada: User) -> None:
    change_package({"$push": {"maintainers": {"user_id": ada.id, "name": "Ada", "role": "maintainer"}}})


def username_in_capitals(ada: User) -> None:
    User._get_collection().update_one({"_id": ada.id}, {"$set": {"username": "Ada"}})


def path_of_no_page(ada: User) -> None:
    Page._get_collection().insert_one({"_id": "../secret", "title": "x"})


def email_of_somebody_else(ada: User) -> None:
    User._get_collection().insert_one({"name": "Eve", "email": "ADA@example.org"})


def unknown_status(ada: User) -> None:
    change_package({"$set": {"status": {"marker": "Archived"}}})


def large_package(ada: User) -> None:
    change_package({"$set": {"description": "x" * 13_600_000}})


@pytest.mark.parametrize(
    ("slip", "rule", "what"),
    [
        (
            name_not_normalized,
            "name",
            "its _id is not the normalized form of its name 'Example', so its page cannot be found",
        ),
        (release_twice, "release-twice", "release 1.10rc1 exists 2 times"),
        (maintainer_twice, "maintainer-twice", "is listed 2 times"),
        (username_in_capitals, "username", "'Ada' is not a lower-case username"),
        (path_of_no_page, "path", "no page can have this path"),
        (email_of_somebody_else, "email-folded", "email_folded is absent but should be 'ada@example.org'"),
        (unknown_status, "status", "its status 'Archived' is not one of archived, deprecated, quarantined"),
        (large_package, "size", "of at most 15,000,000 bytes"),
    ],
)
def test_what_only_a_person_can_decide_is_found_and_left(
    site_in_order: User, runner: FlaskCliRunner, slip: Callable[[User], None], rule: str, what: str
) -> None:
    slip(site_in_order)

    findings = found()
    repaired = runner.invoke(args=["db", "repair"])

    assert {finding[2] for finding in findings} - FOLLOWS.get(rule, set()) == {rule}
    assert any(what in finding[3] for finding in findings if finding[2] == rule)
    assert repaired.exit_code == 1
    assert repaired.stdout.splitlines()[-1] == f"0 repaired, {len(findings)} left."
    assert found() == findings


def renamed_user(ada: User) -> None:
    User._get_collection().update_one({"_id": ada.id}, {"$set": {"name": "Ada King"}})


def address_without_its_form(ada: User) -> None:
    User._get_collection().update_one({"_id": ada.id}, {"$set": {"email": "King@example.org"}})


def team_is_gone(ada: User) -> None:
    User._get_collection().update_one({"_id": ada.id}, {"$set": {"teams": [{"team": "nobody"}]}})


def one_of_two_is_gone(ada: User) -> None:
    change_package({"$push": {"maintainers": {"user_id": bson.ObjectId(), "name": "Eve", "role": "maintainer"}}})


def labels_are_gone(ada: User) -> None:
    for name in ("licenses", "languages"):
        Package._get_db()[name].delete_many({})


@pytest.mark.parametrize(
    ("slip", "rules", "what"),
    [
        (renamed_user, ["maintainer-name"], "'Ada' is now called 'Ada King'"),
        (address_without_its_form, ["email-folded"], "should be 'king@example.org'"),
        (one_of_two_is_gone, ["maintainer-gone"], "'Eve' no longer has an account"),
        (team_is_gone, ["team-gone"], "the team 'nobody', which the user belongs to, does not exist"),
        (labels_are_gone, ["label", "label"], "not in licenses: 'MIT'"),
    ],
)
def test_what_follows_from_other_documents_is_mended(
    site_in_order: User, runner: FlaskCliRunner, slip: Callable[[User], None], rules: list[str], what: str
) -> None:
    slip(site_in_order)

    findings = found()
    repaired = runner.invoke(args=["db", "repair"])

    assert [finding[2] for finding in findings] == rules
    assert what in findings[0][3]
    assert repaired.exit_code == 0
    assert found() == []


def test_project_of_a_team_that_is_not_there_needs_a_person(site_in_order: User, runner: FlaskCliRunner) -> None:
    change_package({"$set": {"teams": [{"team": "nobody", "role": "maintainer"}], "readers": ["nothing"]}})

    runner.invoke(args=["db", "repair"])

    assert [finding[2:4] for finding in found()] == [
        ("team-gone", "the team 'nobody', which maintains it, does not exist"),
        ("team-gone", "the team 'nothing', which may read it, does not exist"),
    ]


def test_last_maintainer_without_an_account_stays_as_a_name(site_in_order: User, runner: FlaskCliRunner) -> None:
    site_in_order.delete()

    runner.invoke(args=["db", "repair"])

    assert [finding[2:4] for finding in found()] == [
        ("no-owner", "nobody who can sign in owns it: 'Ada' has no account")
    ]


@pytest.mark.parametrize(
    ("user", "role", "why"),
    [
        ({"is_disabled": True}, {"user_id": EVE, "name": "Eve"}, "'Eve' is disabled"),
        ({"is_disabled": True}, {"team": "staff"}, "the team 'staff' has no members who can sign in"),
        ({"teams": []}, {"team": "staff"}, "the team 'staff' has no members who can sign in"),
        ({}, {"team": "staff"}, None),
        ({}, {"user_id": EVE, "name": "Eve"}, None),
    ],
)
def test_project_whose_owners_cannot_sign_in_is_found(
    site_in_order: User, user: dict[str, Any], role: dict[str, Any], why: str | None
) -> None:
    Team(name="staff").save()
    factories.user("Eve", **{"id": EVE, "teams": [{"team": "staff"}], **user})
    place = "teams" if "team" in role else "maintainers"
    change_package({"$push": {place: {**role, "role": "owner"}}})

    findings = [finding[2:4] for finding in found()]

    assert findings == ([("no-owner", f"nobody who can sign in owns it: {why}")] if why else [])


def test_project_that_never_had_an_owner_is_in_order(site_in_order: User) -> None:
    change_package({"$set": {"maintainers": []}})

    assert found() == []


def test_licence_that_an_old_site_listed_a_package_under_may_stay(site_in_order: User) -> None:
    Package._get_db()["licenses"].insert_one({"_id": "MIT License"})
    change_package({"$set": {"license_id": "MIT License", "legacy": {"sql_id": "Example"}, "release_count": 7}})

    assert repair_package("example")

    assert found() == []
    assert stored()["license_id"] == "MIT License"
    assert stored()["release_count"] == 4
