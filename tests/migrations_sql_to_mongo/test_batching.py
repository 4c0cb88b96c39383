"""Documents wait in batches of one collection each."""

from collections.abc import Iterator

import pytest

from migrations_sql_to_mongo.batching import Batch, Encoded, TooManyRejects, batches


def texts(batch: Batch) -> tuple[str, str, bool]:
    return batch.collection, b"".join(batch.documents).decode(), batch.is_last


def test_batch_has_so_many_documents_and_what_is_left_comes_last() -> None:
    stream = [Encoded("users", b"a"), Encoded("packages", b"b"), Encoded("users", b"c"), Encoded("users", b"d")]

    assert [texts(batch) for batch in batches(stream, 2)] == [
        ("users", "ac", False),
        ("packages", "b", True),
        ("users", "d", True),
    ]


def test_batch_has_so_many_bytes() -> None:
    stream = [Encoded("users", text) for text in (b"aaa", b"bb", b"c", b"dddd", b"e")]

    assert [texts(batch) for batch in batches(stream, 100, max_bytes=5)] == [
        ("users", "aaabb", False),
        ("users", "cdddd", False),
        ("users", "e", True),
    ]


def test_digests_of_rows_stay_beside_their_documents() -> None:
    [batch] = batches([Encoded("users", b"a", b"1"), Encoded("users", b"b"), Encoded("users", b"c", b"3")], 10)

    assert batch.rows == [b"1", None, b"3"]


def test_what_was_gathered_before_too_many_rejects_comes_before_the_exception() -> None:
    def stream() -> Iterator[Encoded]:
        yield Encoded("users", b"a")
        raise TooManyRejects("enough")

    found = batches(stream(), 10)

    assert texts(next(found)) == ("users", "a", True)
    with pytest.raises(TooManyRejects, match="enough"):
        next(found)
