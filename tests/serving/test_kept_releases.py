from collections.abc import Callable

import pytest

from webapp.serving.kept_releases import MOST, MOST_BYTES, kept_by_bytes

Calls = list[tuple[bytes, str]]


@pytest.fixture
def calls() -> Calls:
    """What the kept function was called with."""
    return []


@pytest.fixture
def written(calls: Calls) -> Callable[..., str]:
    @kept_by_bytes
    def write(release: bytes, place: str = "here") -> str:
        calls.append((release, place))
        return f"{release!r} at {place}"

    return write


def test_release_is_written_once_for_the_same_bytes_and_place(calls: Calls, written: Callable[..., str]) -> None:
    asked = [(b"1.0", "here"), (b"1.0", "there"), (b"1.1", "here")]

    answers = [written(*each) for each in asked * 2]

    assert answers == ["b'1.0' at here", "b'1.0' at there", "b'1.1' at here"] * 2
    assert calls == asked


def test_large_release_is_written_each_time(calls: Calls, written: Callable[..., str]) -> None:
    small, large = b"a" * MOST_BYTES, b"a" * (MOST_BYTES + 1)

    assert [written(each) for each in (small, large) * 2] == [f"{small!r} at here", f"{large!r} at here"] * 2

    assert calls == [(small, "here"), (large, "here"), (large, "here")]


def test_those_asked_for_longest_ago_are_forgotten(calls: Calls, written: Callable[..., str]) -> None:
    releases = [b"%d" % number for number in range(MOST + 1)]

    for release in (*releases, releases[-1], releases[0]):
        assert written(release) == f"{release!r} at here"

    assert [release for release, _ in calls] == [*releases, releases[0]]
