from webapp.serving.kept_releases import MOST, MOST_BYTES, kept_by_bytes


def test_release_is_written_once_for_the_same_bytes_and_place() -> None:
    calls: list[tuple[bytes, str]] = []

    @kept_by_bytes
    def written(release: bytes, place: str) -> str:
        calls.append((release, place))
        return f"{release!r} at {place}"

    answers = [written(*each) for each in [(b"1.0", "here"), (b"1.0", "there"), (b"1.1", "here")] * 2]

    assert answers == ["b'1.0' at here", "b'1.0' at there", "b'1.1' at here"] * 2
    assert calls == [(b"1.0", "here"), (b"1.0", "there"), (b"1.1", "here")]


def test_large_release_is_written_each_time() -> None:
    calls: list[int] = []

    @kept_by_bytes
    def written(release: bytes) -> int:
        calls.append(len(release))
        return len(release)

    for size in (MOST_BYTES, MOST_BYTES + 1) * 2:
        assert written(b"a" * size) == size

    assert calls == [MOST_BYTES, MOST_BYTES + 1, MOST_BYTES + 1]


def test_those_asked_for_longest_ago_are_forgotten() -> None:
    calls: list[int] = []

    @kept_by_bytes
    def written(release: bytes) -> int:
        calls.append(int(release))
        return int(release)

    for number in (*range(MOST + 1), MOST, 0):
        assert written(b"%d" % number) == number

    assert calls == [*range(MOST + 1), 0]
