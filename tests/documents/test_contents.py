"""The bytes of files, in chunks."""

import hashlib
import io
from collections.abc import Iterator
from datetime import timedelta

import bson
import pytest
from flask import Flask

from webapp.documents import contents
from webapp.documents.base import utc_now
from webapp.documents.contents import CHUNK_BYTES, Chunk, Contents, Held, MissingBytes, Reader, Seekable, damage

KEY = bson.ObjectId("5" * 24)
WHOLE = bytes(range(256)) * (CHUNK_BYTES // 256) + b"and a half"


def put(key: bson.ObjectId = KEY, data: bytes = WHOLE) -> int:
    return contents.put(key, "x.whl", contents.chunks_of(io.BytesIO(data)))


def test_file_is_stored_in_chunks_as_gridfs_does(app: Flask) -> None:
    length = put()

    assert length == len(WHOLE)
    described = Contents._get_collection().find_one({"_id": KEY})
    assert (described["length"], described["chunkSize"], described["filename"]) == (len(WHOLE), CHUNK_BYTES, "x.whl")
    chunks = list(Chunk._get_collection().find({"files_id": KEY}).sort("n", 1))
    assert [(chunk["n"], len(chunk["data"])) for chunk in chunks] == [(0, CHUNK_BYTES), (1, 10)]


@pytest.mark.parametrize(
    ("position", "pieces"),
    [
        (0, [CHUNK_BYTES, 10]),
        (1, [CHUNK_BYTES - 1, 10]),
        (CHUNK_BYTES - 1, [1, 10]),
        (CHUNK_BYTES, [10]),
        (len(WHOLE) - 1, [1]),
        (len(WHOLE), []),
    ],
)
def test_file_is_read_from_any_position(app: Flask, position: int, pieces: list[int]) -> None:
    put()
    reader = Reader(KEY, len(WHOLE))
    assert reader.seekable()
    reader.seek(position)
    assert reader.tell() == position

    found = list(reader)

    assert [len(piece) for piece in found] == pieces
    assert b"".join(found) == WHOLE[position:]
    assert reader.tell() == len(WHOLE)


@pytest.mark.parametrize("length", [len(WHOLE) + 1, len(WHOLE) - 1, 2 * CHUNK_BYTES + 1])
def test_file_of_another_length_than_its_chunks_breaks_off(app: Flask, length: int) -> None:
    put()

    with pytest.raises(MissingBytes, match="is not there, or not whole"):
        list(Reader(KEY, length))


def test_passing_file_is_kept_before_its_last_piece_is_passed_on(app: Flask) -> None:
    lengths: list[int] = []

    def keep(length: int) -> bool:
        lengths.append(length)
        return True

    passing = contents.store_passing(KEY, "x", [WHOLE[:7], WHOLE[7:]], keep)
    first = next(passing)
    assert lengths == []
    last = next(passing)
    assert lengths == [len(WHOLE)]

    assert first + last == WHOLE
    assert list(passing) == []
    assert contents.sha256_of(KEY, len(WHOLE)) == hashlib.sha256(WHOLE).hexdigest()


def test_passing_file_that_is_not_kept_or_breaks_off_leaves_nothing(app: Flask) -> None:
    def broken() -> Iterator[bytes]:
        yield WHOLE
        raise OSError("the other side is gone")

    assert b"".join(contents.store_passing(KEY, "x", [WHOLE], lambda _: False)) == WHOLE
    with pytest.raises(OSError, match="the other side is gone"):
        list(contents.store_passing(KEY, "x", broken(), lambda _: True))

    assert (Contents.objects.count(), Chunk.objects.count()) == (0, 0)


def test_empty_file_has_a_description_and_no_chunk(app: Flask) -> None:
    assert put(data=b"") == 0
    assert list(contents.store_passing(bson.ObjectId(), "x", [], lambda _: True)) == []
    assert (Contents.objects.count(), Chunk.objects.count()) == (2, 0)


@pytest.mark.parametrize(
    ("there", "length", "complaint"),
    [
        (None, 5, "its bytes are missing"),
        (Held(5, 0, 0, -1, 0), 5, "0 of 1 chunks of its bytes are there"),
        (Held(5, 1, 0, 0, 5), 5, None),
        (Held(0, 0, 0, -1, 0), 0, None),
        (Held(CHUNK_BYTES, 1, 1, 0, CHUNK_BYTES), CHUNK_BYTES, None),
        (Held(CHUNK_BYTES, 1, 0, 0, CHUNK_BYTES), CHUNK_BYTES, "or a wrong length"),
        (Held(CHUNK_BYTES + 1, 2, 1, 1, CHUNK_BYTES + 1), CHUNK_BYTES + 1, None),
        (Held(CHUNK_BYTES + 1, 2, 1, 2, CHUNK_BYTES + 1), CHUNK_BYTES + 1, "2 of 2 chunks"),
        (Held(CHUNK_BYTES + 1, 1, 1, 0, CHUNK_BYTES), CHUNK_BYTES + 1, "1 of 2 chunks"),
        (Held(5, 1, 0, 0, 4), 5, "its chunks have 4 of 5 bytes"),
        (Held(None, 1, 0, 0, 5), 5, "`contents.files` says None bytes instead of 5"),
        (Held(6, 1, 0, 0, 5), 5, "`contents.files` says 6 bytes instead of 5"),
    ],
)
def test_damage_is_named(there: Held | None, length: int, complaint: str | None) -> None:
    found = damage(there, length)

    assert found == complaint if complaint is None else complaint in (found or "")


def test_bytes_without_an_owner_are_deleted_if_they_were_begun_long_ago(app: Flask) -> None:
    now = utc_now()
    old, owned, new = (bson.ObjectId.from_datetime(now - timedelta(hours=hours)) for hours in (3, 2, 0))
    for key in (old, owned, new):
        put(key, b"bytes")
    Chunk._get_collection().insert_one({"files_id": bson.ObjectId.from_datetime(now - timedelta(hours=4)), "n": 0})

    assert contents.delete_unowned(lambda ids: {owned} & set(ids), now - timedelta(hours=1)) == 2

    assert {each.id for each in Contents.objects} == {owned, new}
    assert {each.files_id for each in Chunk.objects} == {owned, new}


def test_document_of_some_bytes_names_their_length(app: Flask) -> None:
    put(data=b"bytes")

    assert contents.is_described(KEY, 5)
    assert not contents.is_described(KEY, 4)
    assert not contents.is_described(bson.ObjectId(), 5)
    assert contents.sha256_of(KEY, 5) == hashlib.sha256(b"bytes").hexdigest()
    contents.delete(KEY)
    assert contents.sha256_of(KEY, 5) is None
    assert Contents.objects.count() == 0


def test_file_can_be_read_by_the_standard_library(app: Flask) -> None:
    put()
    file = Seekable(KEY, len(WHOLE))

    assert file.seek(-10, io.SEEK_END) == len(WHOLE) - 10
    assert file.read() == WHOLE[-10:]
    assert file.read(1) == b""
    file.seek(CHUNK_BYTES - 2)
    assert io.BufferedReader(file).read(4) == WHOLE[CHUNK_BYTES - 2 : CHUNK_BYTES + 2]
    assert (file.seek(0), file.seek(5, io.SEEK_CUR), file.tell()) == (0, 5, 5)
    with pytest.raises(OSError, match="before the start"):
        file.seek(-1)
