"""Which packages an advisory reaches through the ranges that they require."""

from typing import Any

import pytest
from flask import Flask

from tests import factories
from webapp.documents import Advisory, Package, UpstreamProject, dependents
from webapp.documents.dependents import Dependents, dependents_of


def reached(advisory: Advisory) -> Dependents:
    found = advisory.to_mongo()
    return dependents_of(found["affects"], found["record"])


def shown(found: Dependents) -> list[tuple[Any, ...]]:
    return sorted(
        (each["name"], each["through"], each["range"], each["version"], each["is_direct"]) for each in found.found
    )


def test_package_is_reached_if_its_range_admits_an_affected_version(app: Flask) -> None:
    advisory = factories.advisory("PYSEC-1", "sugar", introduced="1.2", fixed="2.0")
    factories.package("Sugar", releases=["1.0", "1.5", "2.0"])
    factories.package("Any", requires_dist=["sugar"])
    factories.package("New", requires_dist=["sugar>=2"])
    factories.package("Old", requires_dist=["Sugar <1.2"])
    factories.package("Pinned", requires_dist=["sugar==1.2.7"])

    assert shown(reached(advisory)) == [
        ("Any", "sugar", "", "1.5", True),
        ("Pinned", "sugar", "==1.2.7", "1.2.7", True),
    ]


def test_what_requires_a_reached_release_is_reached_too_and_circles_end(app: Flask) -> None:
    advisory = factories.advisory("PYSEC-1", "sugar")
    factories.package("Sugar", requires_dist=["cake"])
    factories.package("Jam", releases=["3.0"], requires_dist=["sugar", "cake"])
    factories.package("Cake", requires_dist=["jam~=3.0"])
    factories.package("Toast", requires_dist=["jam<3"])

    assert shown(reached(advisory)) == [("Cake", "jam", "~=3.0", "3.0", False), ("Jam", "sugar", "", "1.0", True)]


def test_versions_of_the_other_index_and_those_that_the_record_names_count(app: Flask) -> None:
    UpstreamProject(id="sugar", versions=["0.9", "1.1", "3.0"]).save()
    advisory = factories.advisory("PYSEC-1", "sugar", introduced="1.0", fixed="2.0", versions=["1.7"])
    factories.package("Upstream", requires_dist=["sugar<1.5"])
    factories.package("Named", requires_dist=["sugar>1.5"])

    assert shown(reached(advisory)) == [
        ("Named", "sugar", ">1.5", "1.7", True),
        ("Upstream", "sugar", "<1.5", "1.1", True),
    ]


def test_package_edited_by_hand_is_read_as_far_as_it_can_be(app: Flask) -> None:
    advisory = factories.advisory("PYSEC-1", "sugar", fixed="2.0", versions=["1.0"])
    Package.objects.raw().insert_many(
        [
            {"_id": "jam", "requires": ["sugar"], "requires_dist": ["sugar", 3], "latest": {"version": 4}},
            {"_id": "cake", "requires": ["sugar"]},
        ]
    )

    assert shown(reached(advisory)) == [("jam", "sugar", "", "1.0", True)]


def test_no_more_are_looked_for_than_a_page_can_show(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    advisory = factories.advisory("PYSEC-1", "sugar", fixed="2.0", versions=["1.0"])
    monkeypatch.setattr(dependents, "MOST", 2)
    factories.package("A", requires_dist=["sugar"])
    factories.package("B", requires_dist=["sugar"])

    whole = reached(advisory)
    factories.package("C", requires_dist=["sugar"])
    cut = reached(advisory)

    assert (len(whole.found), whole.more) == (2, False)
    assert (len(cut.found), cut.more) == (2, True)
