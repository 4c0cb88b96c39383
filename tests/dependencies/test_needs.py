"""The tree of what a release needs."""

from typing import Any

import pytest
from flask import Flask

from tests import factories
from webapp.dependencies import needs
from webapp.dependencies.needs import ABOVE, CYCLE, Choice, Tree, tree_of
from webapp.rules.environments import LINUX, environment_of


def tree(*texts: str, depth: int = 3, extras: tuple[str, ...] = ()) -> Tree:
    """What Jam 1.0 needs on Linux."""
    return tree_of("jam", "1.0", list(texts), Choice(environment_of("3.14", LINUX), frozenset(extras), depth))


def seen(children: list[Any]) -> list[Any]:
    """The nodes as (id, version, seen, children)."""
    return [(each["id"], each["version"], each["seen"], seen(each["children"])) for each in children]


def test_node_that_was_expanded_before_is_not_expanded_again(app: Flask) -> None:
    factories.package("Sugar", requires_dist=["cane"])
    factories.package("Fruit", requires_dist=["sugar"])
    factories.package("Cane", requires_dist=["jam", "cane"])

    found = tree("sugar", "fruit", depth=4)

    cane: Any = ("cane", "1.0", "", [("jam", None, CYCLE, []), ("cane", "1.0", CYCLE, [])])
    assert seen(found.children) == [
        ("sugar", "1.0", "", [cane]),
        ("fruit", "1.0", "", [("sugar", "1.0", ABOVE, [])]),
    ]


def test_same_project_with_other_extras_needs_something_else(app: Flask) -> None:
    factories.package("Sugar", requires_dist=["cane; extra == 'raw'"])

    plain, raw = tree("sugar", "sugar[raw]").children

    assert (plain["extras"], seen(plain["children"])) == ([], [])
    assert (raw["extras"], seen(raw["children"])) == (["raw"], [("cane", None, "", [])])


def test_requirement_that_does_not_apply_is_left_out_and_one_that_cannot_be_read_is_named(app: Flask) -> None:
    found = tree("sugar; sys_platform == 'win32'", "lid; extra == 'jar'", "???" + "x" * 300)
    with_jar = tree("lid; extra == 'jar'", extras=("jar",))

    assert (found.children, found.not_needed) == ([], ["sugar; sys_platform == 'win32'", "lid; extra == 'jar'"])
    assert found.unreadable == ["???" + "x" * 197]
    assert (seen(with_jar.children), with_jar.not_needed) == ([("lid", None, "", [])], [])


def test_last_level_says_which_of_its_nodes_need_more(app: Flask) -> None:
    factories.package("Sugar", requires_dist=["cane"])
    factories.package("Fruit", requires_dist=["tree; sys_platform == 'win32'"])

    sugar, fruit = tree("sugar", "fruit", depth=1).children

    assert (sugar["has_more"], sugar["children"]) == (True, [])
    assert fruit["has_more"] is False


def test_release_whose_requirements_are_not_known_says_so(app: Flask) -> None:
    factories.package("Sugar", releases=["1.0", "2.0"])

    newest, older, absent = tree("sugar", "sugar<2", "nowhere").children

    assert [each["is_known"] for each in (newest, older, absent)] == [True, False, False]
    assert [each["version"] for each in (newest, older, absent)] == ["2.0", "1.0", None]


@pytest.mark.parametrize(("limit", "most"), [("MAX_NODES", 2), ("MAX_READ", 2)])
def test_tree_is_cut_after_the_last_that_is_allowed(
    app: Flask, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(needs, limit, most)

    whole, cut = tree("a", "b"), tree("a", "b", "c")

    assert (len(whole.children), whole.is_cut) == (2, False)
    assert (len(cut.children), cut.is_cut) == (2, True)
