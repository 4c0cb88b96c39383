"""Paths in archives, and how much of them is read."""

import io

import pytest

from webapp.rules.archives import (
    ALWAYS_BYTES,
    MAX_READ_BYTES,
    BadDistribution,
    Bounded,
    check_path,
    file_of,
    has_control_characters,
    most_unpacked,
    shown,
)


@pytest.mark.parametrize("path", ["", "/a", "\\a", "..", "a/../b", "a\\..\\b", "c:/a", "C:", "../a", "a/.."])
def test_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(BadDistribution, match="outside of its own folder"):
        check_path(path)


@pytest.mark.parametrize("path", ["a", "a/b", "..a/b", "a/b..", "a/...", "a/c:d", "./a"])
def test_path_within_the_folder_is_taken(path: str) -> None:
    check_path(path)


@pytest.mark.parametrize(
    ("one", "other"),
    [("./Caf\u00e9//X", "cafe\u0301/x"), ("a\\b", "a/b"), ("a. .", "a"), ("A/B", "a/b"), ("a/./b", "a/b")],
)
def test_paths_that_can_be_one_file_are_one(one: str, other: str) -> None:
    assert file_of(one) == file_of(other)


def test_paths_of_different_files_differ() -> None:
    assert len({file_of(path) for path in ("a", "b", "a/b", "a.b", ".a", "a b")}) == 6


@pytest.mark.parametrize(
    ("path", "expected"), [("a\x00", True), ("a\n", True), ("a\x7f", True), ("\x9f", True), ("a \xa0", False)]
)
def test_control_characters_are_found(path: str, expected: bool) -> None:  # noqa: FBT001 - a parametrized value
    assert has_control_characters(path) is expected


def test_path_is_shown_escaped_and_short() -> None:
    assert shown("\u00e9\n") == "'\\xe9\\n'"
    assert shown("x" * 300) == "'" + "x" * 200 + "'"


def test_archive_may_become_fifty_times_as_large_and_a_small_one_64_mb() -> None:
    assert most_unpacked(10) == ALWAYS_BYTES == 64_000_000
    assert most_unpacked(2_000_000) == 100_000_000


def test_no_more_is_read_at_once_than_fits_into_memory() -> None:
    file = io.BytesIO(b"x" * (MAX_READ_BYTES + 1))

    assert len(Bounded(file).read(10)) == 10
    assert len(Bounded(file).read()) == MAX_READ_BYTES - 9
    file.seek(0)
    assert len(Bounded(file).read(MAX_READ_BYTES)) == MAX_READ_BYTES
    file.seek(0)
    with pytest.raises(BadDistribution, match="is too long"):
        Bounded(file).read()


def test_no_more_is_unpacked_than_an_archive_may_become() -> None:
    bounded = Bounded(io.BytesIO(b"x" * 10), most_unpacked=5)

    assert bounded.read(5) == b"xxxxx"
    with pytest.raises(BadDistribution, match="50 times its size"):
        bounded.read(1)
