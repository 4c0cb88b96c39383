"""The tree of what a package requires here, and the advisories about it."""

from typing import Any

import pytest
from flask import Flask

from tests import factories
from webapp.advisories import requirements
from webapp.advisories.requirements import Requirement, advisories_of, tree_of
from webapp.documents import Package


def tree(*requires: str) -> list[Requirement]:
    """What Jam requires."""
    return tree_of({"normalized_name": "jam", "requires_dist": list(requires)})


def test_nearest_come_first_and_each_once_with_the_range_of_who_asks_first(app: Flask) -> None:
    factories.package("Sugar", releases=["1.0", "2.0"], requires_dist=["cane>5", "fruit<3"])
    factories.package("Fruit", releases=["1.0"], requires_dist=["jam", "sugar==1.0"])

    assert tree("sugar>=1,<2", "Fruit") == [
        Requirement("sugar", "jam", ">=1,<2", "1.0"),
        Requirement("fruit", "jam", "", "1.0"),
        Requirement("cane", "sugar", ">5", None),
    ]


def test_package_that_requires_nothing_has_no_tree(app: Flask) -> None:
    assert tree_of({"normalized_name": "jam"}) == []


def test_large_tree_is_cut(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "MOST", 2)
    factories.package("A", requires_dist=["d"])

    assert [each.name for each in tree("a", "b", "c")] == ["a", "b"]
    assert [each.name for each in tree("a")] == ["a", "d"]


def test_project_edited_by_hand_is_followed_as_far_as_it_can_be_read(app: Flask) -> None:
    Package.objects.raw().insert_many(
        [
            {"_id": "sugar", "latest": {"version": 2}, "requires_dist": ["cane", 3]},
            {"_id": "cane", "requires_dist": "x"},
        ]
    )

    assert [each.name for each in tree("sugar")] == ["sugar", "cane"]


def told(found: list[dict[str, Any]]) -> list[tuple[str, bool]]:
    return [(each["id"], each["is_avoidable"]) for each in found]


def test_advisory_is_avoidable_if_the_newest_version_in_the_range_is_not_affected(app: Flask) -> None:
    factories.package("Sugar", releases=["1.0", "2.0"])
    factories.package("Fruit", releases=["1.0"])
    factories.advisory("PYSEC-1", "sugar", fixed="1.5")
    factories.advisory("PYSEC-2", "fruit", fixed="1.5")

    found = advisories_of(tree("sugar>=1", "fruit"))

    assert told(found) == [("PYSEC-2", False), ("PYSEC-1", True)]
    assert found[1]["requirement"] == {"name": "sugar", "through": "jam", "asked": ">=1", "version": "2.0"}


def test_versions_outside_the_range_and_older_ones_of_no_range_do_not_count(app: Flask) -> None:
    factories.package("Sugar", releases=["1.0", "2.0"])
    factories.advisory("PYSEC-1", "sugar", fixed="1.5")

    assert advisories_of(tree("sugar>=2")) == []
    assert advisories_of(tree("sugar")) == []
