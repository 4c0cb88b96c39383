"""The releases of a package with very many are encoded early, and become the same document."""

from datetime import datetime

import bson
import pytest

from migrations_sql_to_mongo import packing
from migrations_sql_to_mongo.mapping import Document, package_document
from migrations_sql_to_mongo.packing import Packed, TooLarge
from migrations_sql_to_mongo.row_reader import Values

WHEN = datetime(2020, 1, 1)  # noqa: DTZ001 -- the old site's times are naive


def release(number: int) -> Document:
    return {
        "version": f"1.{number}",
        "sort_key": f"a{number:05}",
        "created_date": WHEN,
        "size": bson.Int64(number),
        "is_prerelease": number % 7 == 0,
        "yanked": number % 5 == 0,
        "files": [{"filename": f"flask-1.{number}.tar.gz"}],
        "legacy": {"sql_id": number},
    }


def encoded(count: int) -> bytes:
    packed = Packed()
    for number in range(count):
        packed.add(release(number))
    row = Values(["flask", WHEN, *[None] * 8])
    releases = packed.complete()
    return releases.encoded(package_document(row, releases.documents, [], set()))


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 35])
def test_document_is_the_same_however_many_are_packed(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    whole = encoded(count)

    monkeypatch.setattr(packing, "PACKED", 10)

    assert encoded(count) == whole
    assert len(bson.decode(whole).get("releases", [])) == count


def test_releases_past_the_limit_are_measured_but_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "PACKED", 10)
    monkeypatch.setattr(packing, "MAX_PACKAGE_BYTES", 5_000)
    packed = Packed()

    for number in range(95):
        packed.add(release(number))
        assert len(packed.documents) <= 40

    with pytest.raises(TooLarge) as caught:
        packed.complete()
    assert caught.value.size_bytes == sum(len(bson.encode(release(number))) for number in range(95))
