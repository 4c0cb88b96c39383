"""Releases are encoded one by one, most of them by hand, and become what the driver makes of the whole package."""

from datetime import datetime
from typing import Any

import bson
import pytest

from migrations_sql_to_mongo import packing
from migrations_sql_to_mongo.layout import Layout
from migrations_sql_to_mongo.mapping import Document, package_document, release_document
from migrations_sql_to_mongo.packing import USUAL_RELEASE, Packed, TooLarge, encoded_package, usual_release
from migrations_sql_to_mongo.row_reader import RowReader, Values
from tests.migrations_sql_to_mongo.old_site import release_rows

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


def package(releases: list[Document]) -> Document:
    return package_document(Values(["flask", WHEN, *[None] * 8]), releases, [], set())


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 135])
def test_package_is_the_one_that_the_driver_encodes(count: int) -> None:
    packed = Packed()
    for number in range(count):
        packed.add(release(number))

    encoded = encoded_package(package(packed.complete()))

    assert encoded == bson.encode(package([release(number) for number in range(count)]))


def test_usual_release_is_the_one_that_its_values_become() -> None:
    reader = RowReader("releases", Layout())
    usual = 0

    for row in release_rows():
        if tuple(map(type, row)) == USUAL_RELEASE and (found := _by_hand(row)):
            values = reader.read(row)
            wanted = release_document(values)

            assert found.pop("encoded") == bson.encode(wanted), row
            assert found == {name: wanted[name] for name in found}
            assert type(found["size"]) is type(wanted["size"])
            assert not values.remarks
            usual += 1

    assert usual > 200


def _by_hand(row: tuple[Any, ...]) -> Document | None:
    try:
        return usual_release(row)
    except UnicodeEncodeError:
        return None  # such a package is read again, value by value


@pytest.mark.parametrize("length", [10, 3_900, 3_950, 3_999, 4_000, 20_000])
def test_long_values_are_left_to_the_driver(length: int) -> None:
    url = f"https://example.org/{'x' * length}/flask-1.0.tar.gz"
    row = (1, 1, 0, 0, "2020-01-01 00:00:00", "", url, 5, "flask")
    deep = (*row[:6], f"https://example.org/flask-{'1.' * length}0.tar.gz", *row[7:])

    found = usual_release(row)

    assert (found is not None) == (length < 1_900)
    assert usual_release(deep) is None or length == 10


def test_releases_past_the_limit_are_measured_but_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MAX_PACKAGE_BYTES", 5_000)
    packed = Packed()

    for number in range(95):
        packed.add(release(number))
        assert len(packed._documents) <= 40

    with pytest.raises(TooLarge) as caught:
        packed.complete()
    assert caught.value.size_bytes == sum(len(bson.encode(release(number))) for number in range(95))
