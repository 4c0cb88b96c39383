"""Which versions of a project are known, and which of them a range admits."""

from flask import Flask

from tests import factories
from webapp.documents import UpstreamProject
from webapp.documents.known_versions import known_versions, newest_admitted


def test_versions_are_those_released_here_or_listed_by_the_other_index(app: Flask) -> None:
    factories.package("Jam", releases=["1.0", "2.0"])
    UpstreamProject(id="jam", versions=["0.9"]).save()
    UpstreamProject(id="rice", versions=["1.1", "1.0"]).save()

    assert known_versions(["jam", "rice", "nothing"]) == {"jam": ["2.0", "1.0"], "rice": ["1.1", "1.0"]}
    assert known_versions([]) == {}


def test_latest_release_is_chosen_before_any_newer_one(app: Flask) -> None:
    factories.package("Jam", releases=["1.0", "2.0", "3.0"])

    found = newest_admitted([("jam", ">=1"), ("jam", ">2"), ("jam", "<1")], {"jam": "2.0"})

    assert found == {("jam", ">=1"): "2.0", ("jam", ">2"): "3.0"}


def test_final_release_comes_before_a_newer_pre_release(app: Flask) -> None:
    UpstreamProject(id="rice", versions=["1.0", "2.0rc1", "1.5"]).save()
    UpstreamProject(id="oats", versions=["1.0a1", "1.0b1"]).save()

    asked = [("rice", ""), ("rice", ">=1,<1.5"), ("oats", ">=1.0a1"), ("nothing", "")]

    assert newest_admitted(asked, {}) == {
        ("rice", ""): "1.5",
        ("rice", ">=1,<1.5"): "1.0",
        ("oats", ">=1.0a1"): "1.0b1",
    }
