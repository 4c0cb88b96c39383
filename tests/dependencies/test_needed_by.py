"""The tree of what needs a project."""

from typing import Any

import pytest
from flask import Flask

from tests import factories
from webapp.dependencies import needed_by
from webapp.dependencies.needed_by import users_of
from webapp.documents import Package


def tree(depth: int = 3) -> list[Any]:
    """What needs Jam 2.0: (name, version, what it asks for, children)."""
    found, _ = users_of("jam", "2.0", depth)
    return _shown(found)


def _shown(nodes: list[Any]) -> list[Any]:
    return [(each["name"], each["version"], each["asked"], _shown(each["children"])) for each in nodes]


def test_project_stands_once_at_its_nearest_place(app: Flask) -> None:
    factories.package("Breakfast", requires_dist=["jam<3"])
    factories.package("Morning", requires_dist=["breakfast", "jam"])
    factories.package("Jam", requires_dist=["morning"])

    names = sorted(name for name, *_ in tree())

    assert names == ["Breakfast", "Morning"]
    assert [children for *_, children in tree()] == [[], []]


def test_levels_are_followed_as_deep_as_they_are_asked_for(app: Flask) -> None:
    factories.package("Breakfast", requires_dist=["jam<3"])
    factories.package("Morning", requires_dist=["breakfast"])

    assert [name for name, *_ in tree(depth=1)] == ["Breakfast"]
    assert tree(depth=1)[0][3] == []
    assert [name for name, *_ in tree(depth=2)[0][3]] == ["Morning"]
    assert tree(depth=0) == []


def test_project_edited_by_hand_is_shown_as_far_as_it_can_be_read(app: Flask) -> None:
    Package.objects.raw().insert_one(
        {"_id": "breakfast", "name": 3, "requires": ["jam"], "requires_dist": ["jam", 4], "latest": {"version": 5}}
    )

    ((name, version, _, _),) = tree()

    assert (name, version) == ("breakfast", "")


def test_list_is_cut_after_the_last_that_is_allowed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needed_by, "MAX_NODES", 2)
    factories.package("B1", requires_dist=["jam"])
    factories.package("B2", requires_dist=["jam"])

    whole = users_of("jam", "2.0", 1)
    factories.package("B3", requires_dist=["jam"])
    cut = users_of("jam", "2.0", 1)

    assert (len(whole[0]), whole[1]) == (2, False)
    assert (len(cut[0]), cut[1]) == (2, True)
