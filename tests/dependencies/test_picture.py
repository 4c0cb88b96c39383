"""Where the projects of a picture stand, and which lines lead to them."""

from typing import Any

from webapp.dependencies.needs import CYCLE
from webapp.dependencies.picture import MAX_COLUMN, MAX_SIDE, picture_of


def node(normalized_name: str, *children: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": normalized_name, "children": list(children)} | fields


def drawn(needs: list[dict[str, Any]], users: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """The picture of Jam."""
    found = picture_of("Jam", "jam", needs, users or [])
    assert found is not None
    return found


def places(picture: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {box["label"]: (box["x"], box["y"]) for box in picture["boxes"]}


def test_nothing_is_drawn_of_a_project_that_stands_alone() -> None:
    assert picture_of("Jam", "jam", [], []) is None


def test_columns_stand_from_users_to_needs_and_each_in_the_middle() -> None:
    picture = drawn([node("sugar", node("cane")), node("fruit")], [node("breakfast")])

    assert places(picture) == {
        "breakfast": (1, 23),
        "Jam": (231, 23),
        "sugar": (461, 5),
        "fruit": (461, 41),
        "cane": (691, 23),
    }
    assert (picture["width"], picture["height"]) == (890, 72)


def test_line_leads_from_the_side_of_one_box_to_the_side_of_the_next() -> None:
    picture = drawn([node("sugar")])

    assert places(picture) == {"Jam": (1, 5), "sugar": (231, 5)}
    assert picture["lines"] == [{"path": "M171 18C201 18 201 18 231 18", "is_cycle": False}]


def test_line_of_a_user_leads_to_what_it_uses() -> None:
    assert drawn([], [node("breakfast")])["lines"] == [{"path": "M171 18C201 18 201 18 231 18", "is_cycle": False}]


def test_line_back_closes_a_cycle_and_runs_beside_the_one_that_leads_on() -> None:
    picture = drawn([node("sugar", node("jam", seen=CYCLE))])

    assert picture["lines"] == [
        {"path": "M171 18C201 18 201 18 231 18", "is_cycle": False},
        {"path": "M231 25C201 25 201 25 171 25", "is_cycle": True},
    ]


def test_line_within_a_column_goes_around() -> None:
    picture = drawn([node("sugar", node("fruit")), node("fruit")])

    assert picture["lines"][2] == {"path": "M401 18C431 18 431 54 401 54", "is_cycle": False}


def test_project_that_is_needed_twice_stands_in_the_column_of_its_shortest_way() -> None:
    picture = drawn([node("sugar", node("water")), node("water")])

    assert places(picture)["water"] == (231, 41)
    assert len(picture["lines"]) == 3


def test_project_that_uses_and_is_needed_stands_on_both_sides() -> None:
    boxes = [box["label"] for box in drawn([node("sugar")], [node("sugar")])["boxes"]]

    assert boxes == ["sugar", "Jam", "sugar"]


def test_long_label_is_cut_and_its_title_is_not() -> None:
    needs = [node("x", name="x" * 18, version="1.0"), node("y", name="y" * 19, version="1.0")]

    _, short, long = drawn(needs)["boxes"]

    assert short["label"] == f"{'x' * 18} 1.0"
    assert long["label"] == f"{'y' * 19} 1…"
    assert long["title"] == f"{'y' * 19} 1.0"


def test_box_says_what_kind_of_project_it_is() -> None:
    root, sugar, fruit = drawn([node("sugar", place="missing"), node("fruit", place="here", advised=1)])["boxes"]

    assert (root["kind"], sugar["kind"], fruit["kind"]) == ("root", "missing", "here")
    assert [box["is_advised"] for box in (root, sugar, fruit)] == [False, False, True]


def test_column_and_side_have_room_for_so_many_and_the_rest_are_counted() -> None:
    column = drawn([node(f"a{number}") for number in range(MAX_COLUMN + 3)])
    chain: list[dict[str, Any]] = []
    for number in range(MAX_SIDE + 2):
        chain = [node(f"a{number}", *chain)]
    side = drawn(chain)

    assert (len(column["boxes"]), column["left_out"]) == (1 + MAX_COLUMN, 3)
    # Of what only a project that was left out needs, nothing is known.
    assert (len(side["boxes"]), side["left_out"]) == (1 + MAX_SIDE, 1)
