from importlib.metadata import distributions
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from tests import factories
from tests.changes.distributions import METADATA, installed
from webapp.changes import installed as installed_module
from webapp.changes.pypi_json import store
from webapp.documents import License, Package, Page, SiteStats, User


@pytest.fixture(autouse=True)
def two_distributions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two distributions are installed, and one that is broken."""
    installed(tmp_path)
    installed(tmp_path, METADATA.replace("Example_Package", "Other"), "other-1.2.3")
    installed(tmp_path, "", "broken-0")
    monkeypatch.setattr(installed_module, "distributions", lambda: distributions(path=[str(tmp_path)]))


def test_empty_database_is_filled(runner: FlaskCliRunner) -> None:
    result = runner.invoke(args=["db", "init"])

    assert result.exit_code == 0
    assert "It now has what is installed here: 2 packages." in result.stdout
    assert [each["_id"] for batch in Package.objects.names() for each in batch] == ["example-package", "other"]
    assert "umlaut" in Package.objects.named("example-package").get().description_html
    assert [page.path for page in Page.objects.order_by("pk")] == ["company/employees", "company/history"]
    assert SiteStats.objects.get().projects == 2
    assert License.objects.count() == 1


def test_second_time_changes_nothing(runner: FlaskCliRunner) -> None:
    runner.invoke(args=["db", "init"])
    Package.objects.named("other").delete()
    Page.objects(pk="company/history").delete()
    before = list(Package._get_collection().find())

    result = runner.invoke(args=["db", "init"])

    assert result.exit_code == 0
    assert result.stdout == ""
    assert list(Package._get_collection().find()) == before
    assert Page.objects.count() == 1


def test_database_with_a_package_gets_no_others(runner: FlaskCliRunner) -> None:
    factories.package()

    runner.invoke(args=["db", "init"])

    assert Package.objects.count() == 1
    assert Page.objects.count() == 2


def test_database_that_was_edited_by_hand_is_no_empty_one(runner: FlaskCliRunner) -> None:
    Package._get_collection().insert_one({"_id": "odd", "note": "extra", "releases": "none"})
    Page._get_collection().insert_one({"_id": "odd", "note": "extra"})

    result = runner.invoke(args=["db", "init"])

    assert result.exit_code == 0, result.exception
    assert Package.objects.count() == Page.objects.count() == 1


def test_missing_indexes_are_built(runner: FlaskCliRunner, app: Flask) -> None:
    User._get_collection().drop_index("one_user_an_email")

    result = runner.invoke(args=["db", "ensure-indexes"])

    assert result.exit_code == 0
    assert result.stdout == "All indexes exist.\n"
    assert "one_user_an_email" in User._get_collection().index_information()


def test_first_fill_that_was_killed_half_way_goes_on_at_the_next_start(app: Flask, runner: FlaskCliRunner) -> None:
    store(next(installed_module.installed_packages()))

    runner.invoke(args=["db", "init"])

    assert Package.objects.count() == 2


def test_site_with_an_upstream_begins_empty(
    app: Flask, runner: FlaskCliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "UPSTREAM_INDEX", "https://pypi.org/simple/")

    runner.invoke(args=["db", "init"])

    assert Package.objects.count() == 0
    assert Page.objects.count() == 2


def test_packages_of_somebody_else_are_not_mixed_with_those_installed_here(app: Flask, runner: FlaskCliRunner) -> None:
    factories.package("Ours")

    runner.invoke(args=["db", "init"])

    assert [each.pk for each in Package.objects] == ["ours"]
