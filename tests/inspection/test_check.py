"""What a check finds, and what a repair does about it."""

from typing import Any

import pytest
from flask.testing import FlaskCliRunner

from tests.inspection.conftest import found
from webapp.documents import Package, User

pytestmark = pytest.mark.real_server


def test_what_the_site_wrote_itself_keeps_the_rules(site_in_order: User, runner: FlaskCliRunner) -> None:
    result = runner.invoke(args=["db", "check"])

    assert (result.exit_code, result.output) == (0, "No findings.\n")


def test_null_instead_of_a_list_is_found_and_removed(site_in_order: User, runner: FlaskCliRunner) -> None:
    by_hand: Any = {"bypass_document_validation": True}
    nulls = {"classifiers": None, "releases.1.files": None}
    User.objects.raw().update_one({}, {"$set": {"sessions": None}}, **by_hand)
    Package.objects.raw().update_one({}, {"$set": nulls}, **by_hand)

    said = [(rule, what) for _, _, rule, what in found()]
    runner.invoke(args=["db", "repair"])

    assert said[:2] == [
        (
            "shape",
            "classifiers must be a list, but is of type null; releases.1.files must be a list, but is of type null",
        ),
        ("shape", "sessions must be a list, but is of type null"),
    ]
    assert found() == []
    assert "sessions" not in (User.objects.raw().find_one() or {})
    package = Package.objects.raw().find_one() or {}
    assert "classifiers" not in package
    assert "files" not in package["releases"][1]
