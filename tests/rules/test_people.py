"""Author and maintainer fields as real projects write them."""

import pytest

from webapp.rules.metadata import unfolded
from webapp.rules.people import people


@pytest.mark.parametrize(
    ("names", "addresses", "expected"),
    [
        ("", '"Acme, Inc." <support@example.com>', [("Acme, Inc.", "support@example.com")]),
        ("", "=?utf-8?q?Jo=C3=A3o_Silva?= <joao@example.org>", [("João Silva", "joao@example.org")]),
        ("", "ann@example.org, Bo <bo@example.org>", [("", "ann@example.org"), ("Bo", "bo@example.org")]),
        ("Ann", "Ann <ann@example.org>", [("Ann", "ann@example.org")]),
        ("Ann", "ann@example.org", [("Ann", "ann@example.org")]),
        ("Team", "Ada <ada@example.org>", [("Team", ""), ("Ada", "ada@example.org")]),
        ("Acme, Inc.", "", [("Acme, Inc.", "")]),
        ("Ann, Bo", "ann@example.org, bo@example.org", [("Ann", "ann@example.org"), ("Bo", "bo@example.org")]),
        ("", "ann@example.org; bo@example.org", [("", "ann@example.org"), ("", "bo@example.org")]),
        ("", "", []),
        ("", "(" * 5000, [("", "(" * 5000)]),
    ],
)
def test_people_are_told_apart(names: str, addresses: str, expected: list[tuple[str, str]]) -> None:
    assert [tuple(each) for each in people(names, addresses)] == expected


@pytest.mark.parametrize(
    ("folded", "expected"),
    [
        ("Title\n        =====\n        \n            code", "Title\n=====\n\n    code"),
        ("Title\n       |=====\n       |    code", "Title\n=====\n    code"),
        ("Title\n  =====\n    code", "Title\n=====\n  code"),
    ],
)
def test_description_in_a_header_is_unfolded(folded: str, expected: str) -> None:
    assert unfolded(folded, f"Name: x\nDescription: {folded}\n") == expected


def test_description_in_the_body_stands_as_it_is() -> None:
    text = "Title\n        code"

    assert unfolded(text, f"Name: x\n\n{text}") == text
