"""The named questions about packages."""

from datetime import timedelta
from typing import Any

import bson
import pytest
from flask import Flask
from packaging.utils import NormalizedName

from tests import factories
from tests.factories import A_DAY
from webapp.documents import Maintainer, Package, package_queries
from webapp.documents.base import declared
from webapp.rules.naming import InvalidName

ADA = bson.ObjectId("5" * 24)


def keep(**packages: dict[str, Any]) -> None:
    """Store raw packages, by their names."""
    Package._get_collection().insert_many([{"_id": name, "name": name, **fields} for name, fields in packages.items()])


def dated(days: int) -> dict[str, Any]:
    return {"created_date": A_DAY + timedelta(days), "newest_release": {"created_date": A_DAY - timedelta(days)}}


def names(found: Any) -> list[str]:
    return [each["normalized_name"] for each in found.plain()]


def test_package_is_found_by_any_spelling_of_its_name(app: Flask) -> None:
    keep(**{"flask-login": {}})

    assert names(Package.objects.named("Flask_Login")) == ["flask-login"]
    assert names(Package.objects.named("flask")) == []
    with pytest.raises(InvalidName):
        Package.objects.named("-")


def test_newest_projects_and_releases_come_first_and_those_without_a_date_are_left_out(app: Flask) -> None:
    keep(a=dated(1), b=dated(2), c=dated(2), d={})

    assert [each["normalized_name"] for each in Package.objects.newest(9)] == ["b", "c", "a"]
    assert [each["normalized_name"] for each in Package.objects.newest(2)] == ["b", "c"]
    assert [each["normalized_name"] for each in Package.objects.newly_released(9)] == ["a", "b", "c"]
    assert [each["normalized_name"] for each in Package.objects.newly_released(1)] == ["a"]


def test_packages_are_listed_under_what_they_have_the_newest_release_first(app: Flask) -> None:
    shared = {"license_id": "MIT", "classifiers": ["Topic :: X"], "requires": ["jam"], "requires_dist": ["jam>1"]}
    keep(a=shared | dated(2), b=shared | dated(1), c={"license_id": "mit", "classifiers": ["Topic"], "requires": []})

    assert names(Package.objects.under_license("MIT")) == ["b", "a"]
    assert names(Package.objects.classified("Topic :: X")) == ["b", "a"]
    assert names(Package.objects.requiring("jam")) == ["b", "a"]
    assert [each["name"] for each in Package.objects.users_of("jam", 1)] == ["b"]
    assert Package.objects.users_of("jam", 9)[1]["requires_dist"] == ["jam>1"]


def test_packages_of_a_maintainer_are_listed_by_name(app: Flask) -> None:
    for name in ("b", "a"):
        factories.package(name, maintainers=[Maintainer(user_id=ADA, name="Ada")])
    factories.package("c")

    assert names(Package.objects.maintained_by(ADA)) == ["a", "b"]


def test_packages_in_quarantine_and_with_unwritten_entries_are_found(app: Flask) -> None:
    keep(
        a={"status": {"marker": "quarantined"}, "unwritten": [{"serial": 0}]},
        b={"status": {"marker": "archived"}, "unwritten": []},
        c={"unwritten": [{"serial": "x"}]},
    )

    assert names(Package.objects.quarantined()) == ["a"]
    assert names(Package.objects.with_unwritten_entries()) == ["a"]


def test_names_start_with_a_prefix(app: Flask) -> None:
    keep(jam={}, jammer={}, jan={}, ja={})

    assert sorted(names(Package.objects.starting_with("jam"))) == ["jam", "jammer"]


def test_all_names_come_in_order_and_in_batches(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_queries, "NAMES_AT_A_TIME", 2)
    keep(c={"last_serial": 7}, a={}, b={"last_serial": 5})

    batches = list(Package.objects.names())

    assert [[(each["_id"], each["name"], each.get("last_serial")) for each in batch] for batch in batches] == [
        [("a", "a", None), ("b", "b", 5)],
        [("c", "c", 7)],
    ]


def test_names_and_serials_that_are_none_are_replaced_and_keys_that_are_none_left_out(app: Flask) -> None:
    keep(a={"name": 5, "last_serial": "x"}, b={"last_serial": 5})
    Package._get_collection().insert_one({"_id": 7, "name": "seven"})

    [batch] = Package.objects.names()

    assert sorted((each["_id"], each["name"], each["last_serial"]) for each in batch) == [("a", "a", 0), ("b", "b", 5)]


def test_lists_read_no_releases_and_installers_no_descriptions(app: Flask) -> None:
    factories.package("jam", releases=["1.0"], summary="Jam", description="# Jam", requires_dist=["bread"])

    listed = Package.objects.listed().plain_first() or {}
    assert set(listed) >= {"normalized_name", "name", "summary", "latest", "release_count"}
    assert not {"releases", "description", "requires_dist"} & set(listed)
    assert (Package.objects.listed_with_requirements().plain_first() or {})["requires_dist"] == ["bread"]
    installable = declared(Package, Package.objects.raw_installable(NormalizedName("jam")) or b"")
    assert [release["version"] for release in installable["releases"]] == ["1.0"]
    assert not {"description", "summary"} & set(installable)
    assert not {"releases", "description"} & set(Package.objects.managed().plain_first() or {})
