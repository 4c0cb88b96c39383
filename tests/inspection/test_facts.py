"""What a check finds in the facts of releases, and what a repair does about it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient, FlaskCliRunner

from tests.publishing import uploads
from tests.publishing.uploads import metadata, upload, wheel, wheel_name
from webapp.changes import catching_up, search_index, site_stats
from webapp.documents import Package, ReleaseDescription, ReleaseFacts
from webapp.documents.base import utc_now
from webapp.inspection.check import check

pytestmark = pytest.mark.real_server

LONG_AGO = utc_now() - timedelta(days=2)
FACTS, TEXTS = ReleaseFacts._get_collection, ReleaseDescription._get_collection
EXAMPLE = "larder-probe"


@pytest.fixture
def two(client: FlaskClient) -> FlaskClient:
    """A site with two uploaded releases, whose descriptions differ."""
    _, secret = uploads.publisher()
    for version in ("1.0", "2.0"):
        text = metadata(EXAMPLE, version, f"Summary: Of {version}", description=f"*{version}*")
        assert upload(client, secret, wheel(version=version, text=text), wheel_name(version=version)).status_code == 200
    assert [finding[:4] for finding in check()] == []
    return client


def facts_are_lost() -> None:
    FACTS().delete_one({"_id": f"{EXAMPLE}/1.0"})
    TEXTS().delete_many({})


def killed_before_the_release_was_stored() -> None:
    FACTS().insert_one(_facts("2.0") | {"_id": f"{EXAMPLE}/3.0", "stated_at": LONG_AGO})


def facts_of_a_project_that_is_gone() -> None:
    FACTS().insert_one({"_id": "gone/1.0", "name": "gone", "source": "document", "stated_at": LONG_AGO})


def killed_before_the_file_was_listed() -> None:
    change = {"filename": "another.whl", "summary": "Of another", "stated_at": LONG_AGO}
    FACTS().update_one({"_id": f"{EXAMPLE}/1.0"}, {"$set": change})


def killed_before_the_package_was_stored() -> None:
    change = {"summary": "Of before", "updated_date": LONG_AGO - timedelta(days=1)}
    Package._get_collection().update_one({"_id": EXAMPLE}, {"$set": change})
    search_index.rebuild()
    catching_up.remember_names()
    FACTS().update_many({}, {"$set": {"stated_at": LONG_AGO}})


def description_is_lost() -> None:
    TEXTS().delete_many({})


def description_that_nobody_has() -> None:
    TEXTS().insert_one({"_id": f"{EXAMPLE}/{'0' * 32}", "text": "nobody's"})


def _facts(version: str) -> dict[str, Any]:
    return dict(FACTS().find_one({"_id": f"{EXAMPLE}/{version}"}) or {})


BROKEN: list[tuple[Callable[[], None], str]] = [
    (facts_are_lost, "facts-missing"),
    (killed_before_the_release_was_stored, "release-gone"),
    (facts_of_a_project_that_is_gone, "release-gone"),
    (killed_before_the_file_was_listed, "file-gone"),
    (killed_before_the_package_was_stored, "not-shown"),
    (description_is_lost, "description-missing"),
    (description_that_nobody_has, "unused"),
]


@pytest.mark.parametrize(("break_it", "rule"), BROKEN)
def test_what_a_killed_process_leaves_is_found_and_repaired(
    two: FlaskClient, runner: FlaskCliRunner, break_it: Callable[[], None], rule: str
) -> None:
    before = [two.get(f"/pypi/{EXAMPLE}/{version}/json").json["info"] for version in ("1.0", "2.0")]  # type: ignore[index]
    break_it()

    found = [finding.rule for finding in check()]
    planned = runner.invoke(args=["db", "repair", "--dry-run"])
    still = [finding.rule for finding in check()]
    repaired = runner.invoke(args=["db", "repair"])

    assert found == still == [rule]
    assert planned.exit_code == 1
    assert repaired.exit_code == 0, repaired.output
    assert [finding[:4] for finding in check()] == []
    assert before == [two.get(f"/pypi/{EXAMPLE}/{version}/json").json["info"] for version in ("1.0", "2.0")]  # type: ignore[index]


def test_description_that_was_edited_is_kept_under_its_new_id(two: FlaskClient, runner: FlaskCliRunner) -> None:
    TEXTS().update_one({}, {"$set": {"text": "*edited*"}})

    found = [finding.rule for finding in check()]
    runner.invoke(args=["db", "repair"])

    assert found == ["digest"]
    assert [finding[:4] for finding in check()] == []
    assert two.get(f"/pypi/{EXAMPLE}/1.0/json").json["info"]["description"] == "*edited*"  # type: ignore[index]
    assert "<em>edited</em>" in two.get(f"/project/{EXAMPLE}/1.0/").text


def test_what_is_being_uploaded_just_now_is_no_finding(two: FlaskClient) -> None:
    FACTS().insert_one(_facts("2.0") | {"_id": f"{EXAMPLE}/3.0"})
    FACTS().update_one({"_id": f"{EXAMPLE}/1.0"}, {"$set": {"filename": "another.whl"}})

    assert [finding[:4] for finding in check()] == []


def test_summary_that_somebody_edited_is_no_finding(two: FlaskClient) -> None:
    change = {"summary": "By hand", "updated_date": utc_now()}
    Package._get_collection().update_one({"_id": EXAMPLE}, {"$set": change})

    assert [finding[:4] for finding in check()] == []


def test_yanked_release_that_an_older_larder_advertised_is_left_out_after_the_upgrade(two: FlaskClient) -> None:
    packages = Package._get_collection()
    packages.update_one({}, {"$set": {"releases.0.yanked": True, "latest.version": "1.0"}})
    assert (packages.find_one() or {})["newest_release"]["version"] == "2.0"

    site_stats.refresh()

    assert (packages.find_one() or {})["newest_release"]["version"] == "1.0"
    assert [finding[:4] for finding in check()] == []
