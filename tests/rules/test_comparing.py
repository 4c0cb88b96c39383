"""What differs between two releases; the expectations are written by hand."""

import pytest

from webapp.rules import comparing


def test_requirement_of_the_same_project_and_environment_has_changed() -> None:
    old = ["Click >=7", "six", "rich>=1; extra == 'colour'", "colorama"]
    new = ["click>=8", 'rich>=2;extra=="colour"', "colorama", "click>=9; python_version > '3.9'"]

    assert comparing.requirements(old, new) == {
        "added": ["click>=9; python_version > '3.9'"],
        "removed": ["six"],
        "changed": [
            {"before": "Click >=7", "after": "click>=8"},
            {"before": "rich>=1; extra == 'colour'", "after": 'rich>=2;extra=="colour"'},
        ],
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("idna (<4,>=2.5)", "idna <4,>=2.5"),
        ("certifi (>=2017.4.17)", "certifi>=2017.4.17"),
        ("urllib3<3,>=1.21.1", "urllib3>=1.21.1, <3"),
        ("PySocks (!=1.5.7,>=1.5.6) ; extra == 'socks'", 'pysocks>=1.5.6,!=1.5.7; extra == "socks"'),
        ("requests [ socks ] >= 2", "requests[socks]>=2"),
    ],
)
def test_another_spelling_is_no_change(old: str, new: str) -> None:
    assert comparing.requirements([old], [new]) == {"added": [], "removed": [], "changed": []}


@pytest.mark.parametrize(
    ("old", "new"),
    [("a[x]>=1", "a[y]>=1"), ("a>=1", "a>=1; extra == 'x'"), ("a @ file:///x", "a @ file:///y"), ("a", "a>1")],
)
def test_another_meaning_is_a_change(old: str, new: str) -> None:
    found = comparing.requirements([old], [new])

    assert found["added"] or found["changed"]


def test_text_that_is_no_requirement_is_compared_as_it_is() -> None:
    assert comparing.requirements(["???"], ["!!!"]) == {"added": ["!!!"], "removed": ["???"], "changed": []}


def test_files_belong_together_that_differ_in_the_version_alone() -> None:
    old = {"version": "1.0", "files": [{"filename": "x-1.0-py3-none-any.whl", "size": 5}, {"filename": "x-1.0.zip"}]}
    new = {"version": "1.1", "files": [{"filename": "x-1.1-py3-none-any.whl", "size": 7}, {"filename": "x-1.1.tar.gz"}]}

    assert comparing.files(old, new) == [
        {"filename": "x-1.1-py3-none-any.whl", "before": 5, "after": 7},
        {"filename": "x-1.1.tar.gz", "after": None},
        {"filename": "x-1.0.zip", "before": None},
    ]


def test_description_shows_changed_lines_with_three_around_them() -> None:
    old = "\n".join(f"line {number}" for number in range(30))
    new = old.replace("line 5\n", "line five\n").replace("line 25\n", "")

    assert [f"{line['kind']} {line['text']}".strip() for line in comparing.description_lines(old, new) or []] == [
        "same line 2", "same line 3", "same line 4", "removed line 5", "added line five",
        "same line 6", "same line 7", "same line 8", "gap",
        "same line 22", "same line 23", "same line 24", "removed line 25", "same line 26", "same line 27",
        "same line 28",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("same", "same", []),
        ("", "", []),
        ("", "one\ntwo", ["added one", "added two"]),
        ("one", "", ["removed one"]),
        ("a\na\na", "a\na", ["same a", "same a", "removed a"]),
    ],
)
def test_descriptions_at_their_ends(old: str, new: str, expected: list[str]) -> None:
    assert [f"{line['kind']} {line['text']}" for line in comparing.description_lines(old, new) or []] == expected


def test_small_change_in_a_long_description_is_shown_and_a_rewritten_one_is_not() -> None:
    lines = [f"line {number}" for number in range(50_000)]
    changed = [*lines[:400], "another", *lines[400:]]

    shown = comparing.description_lines("\n".join(lines), "\n".join(changed))

    assert [line["text"] for line in shown or []][3] == "another"
    assert comparing.description_lines("\n".join(lines), "\n".join(lines[::-1])) is None


def test_long_lines_are_cut() -> None:
    assert [len(line["text"]) for line in comparing.description_lines("", "x" * 9999) or []] == [1000]
