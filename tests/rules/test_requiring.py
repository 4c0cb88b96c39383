"""What one project asks of another. The verdicts on versions are PEP 440's own examples."""

import pytest
from packaging.utils import NormalizedName

from webapp.rules.requiring import asked_of, by_extra


@pytest.mark.parametrize(
    ("asked", "version", "excludes"),
    [
        # PEP 440, "Compatible release", "Version matching", "Exclusive ordered comparison" and "Arbitrary equality".
        ("~=2.2", "2.3", False),
        ("~=2.2", "3.0", True),
        ("~=2.2.post3", "2.2", True),
        ("==1.1", "1.1.post1", True),
        ("==1.1.*", "1.1.post1", False),
        (">1.7", "1.7.0.post1", True),
        ("<3", "3.0rc1", True),
        ("!=1.1", "1.1.post1", False),
        (">=2", "2.1rc1", False),
        ("===1.0", "1.0", False),
        ("", "1.0", False),
        ("(>=2,<3)", "3.0", True),
        (" >=2 , <3 ", "2.5", False),
        ("[async]>=2", "1.0", True),
        # Nobody can tell: a direct reference, a range of before PEP 440, a version of before PEP 440.
        ("@ https://example.org/a.whl", "1.0", False),
        (">=1.*", "0.5", False),
        (">=2", "two", False),
        (">=2", None, False),
    ],
)
def test_range_leaves_out_what_pep_440_says(asked: str, version: str | None, excludes: bool) -> None:  # noqa: FBT001
    [found] = asked_of([f"Some.Project{asked}"], NormalizedName("some-project"), version)

    assert found["excludes"] is excludes


def test_each_line_about_the_project_is_told_with_its_condition() -> None:
    lines = [
        "click>=7; python_version < '3.8'", "Click [color] (>=8,<9) ;  python_version >= '3.8'", "clickhouse>1",
        "click<5; extra == 'old'", "click", "-", "",
    ]  # fmt: skip

    assert asked_of(lines, NormalizedName("click"), "8.1") == [
        {"range": ">=7", "condition": "python_version < '3.8'", "excludes": False},
        {"range": "[color] >=8,<9", "condition": "python_version >= '3.8'", "excludes": False},
        {"range": "<5", "condition": "extra == 'old'", "excludes": True},
        {"range": "", "condition": "", "excludes": False},
    ]


def test_what_is_very_long_is_shown_in_part() -> None:
    [found] = asked_of([f"click=={'1' * 5000}; {'(' * 5000}"], NormalizedName("click"), "8")

    assert (len(found["range"]), len(found["condition"]), found["excludes"]) == (200, 200, False)


@pytest.mark.parametrize(
    ("requirement", "extra", "name", "asked", "condition"),
    [
        ("Flask[async]>=2,<4", "", "flask", "[async] >=2,<4", ""),
        ("click (>=8)", "", "click", ">=8", ""),
        ("pytest; extra == 'test'", "test", "pytest", "", ""),
        ('pytest>=7; python_version < "3.9" and extra == "test"', "test", "pytest", ">=7", 'python_version < "3.9"'),
        ("rich; (extra == 'cli') and os_name == 'nt'", "cli", "rich", "", "os_name == 'nt'"),
        ("rich; (a == '1' or b == '2') and extra == 'cli'", "cli", "rich", "", "a == '1' or b == '2'"),
        ("rich; a == '1' or b == '2' and extra == 'cli'", "", "rich", "", "a == '1' or b == '2' and extra == 'cli'"),
        ("rich; extra == 'a' or extra == 'b'", "", "rich", "", "extra == 'a' or extra == 'b'"),
        ("rich; (extra == 'a' and b == '1')", "", "rich", "", "(extra == 'a' and b == '1')"),
        ("not a requirement!", "", "not", "a requirement!", ""),
        ("", "", "", "", ""),
    ],
)
def test_requirements_are_told_apart_by_their_extra(
    requirement: str, extra: str, name: str, asked: str, condition: str
) -> None:
    [(found, [each])] = by_extra([requirement]).items()

    assert (found, each["normalized_name"], each["range"], each["condition"]) == (extra, name, asked, condition)
