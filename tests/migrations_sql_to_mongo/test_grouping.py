"""Rows of several tables meet at their package."""

from typing import Any

from migrations_sql_to_mongo.grouping import Attempt, FilesOfPackage, Group, Side


def side(*keys: Any) -> Side:
    return Side(((number, key) for number, key in enumerate(keys)), 1)


def test_rows_of_a_package_are_read_and_those_before_it_belong_to_nobody() -> None:
    rows = side("a", "b", "b", "d")

    assert list(rows.before("b")) == [(0, "a")]
    assert rows.of("b") == [(1, "b"), (2, "b")]
    assert list(rows.before("c")) == []
    assert rows.of("c") == []
    assert rows.of("d") == [(3, "d")]
    assert list(rows.rest()) == []


def test_rows_behind_the_last_package_are_the_rest() -> None:
    rows = side("a", "y", "z")

    assert rows.of("a") == [(0, "a")]
    assert list(rows.rest()) == [(1, "y"), (2, "z")]
    assert list(rows.rest()) == []


def test_group_has_its_rows_by_their_tables() -> None:
    group = Group(("p",), [("r",)], [("m",)], [("f",)])

    assert group.children == (("releases", [("r",)]), ("maintainers", [("m",)]), ("files", [("f",)]))


def test_files_of_releases_that_are_rejected_or_missing_are_rejected_each_with_its_reason() -> None:
    attempt = Attempt()
    rows = [("f1", 1), ("f2", 2), ("f3", 1), ("f4", 3)]
    files = FilesOfPackage(rows, reader=None, attempt=attempt)  # type: ignore[arg-type] # nothing is read

    files.reject(1, "its release is rejected")
    files.reject(1, "once more")
    files.reject_others("there is no such release")

    assert [*attempt.rejects] == [
        ("files", ("f1", 1), "its release is rejected"),
        ("files", ("f3", 1), "its release is rejected"),
        ("files", ("f2", 2), "there is no such release"),
        ("files", ("f4", 3), "there is no such release"),
    ]
    assert files.of(1, careful=True) == ([], [])
