"""What a release must have become."""

import contextlib
import struct
from typing import Any

import bson
import pytest

from migrations_sql_to_mongo.copying import REJECTS
from migrations_sql_to_mongo.layout import Layout
from migrations_sql_to_mongo.progress import Progress
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.target import Target
from migrations_sql_to_mongo.verify.context import Context
from migrations_sql_to_mongo.verify.releases import USUAL_TYPES, Releases, expected_release
from tests.migrations_sql_to_mongo.old_site import release_rows
from tests.migrations_sql_to_mongo.verify.conftest import COLLECTIONS, compared, edited


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"releases.0.size": 5}, "packages flask: releases[0].size is 5, 1234 in the source"),
        ({"releases.0.version": "1.11.0"}, "packages flask: releases[0].version is 1.11.0, 1.10.0 in the source"),
        ({"releases.1.url": None}, "packages flask: releases[1].url is missing"),
        ({"releases.1.is_prerelease": True}, "packages flask: releases[1].is_prerelease is True, False in the source"),
    ],
)
def test_release_that_differs_from_its_row_is_found(
    target: Target, good_copy: str, change: dict[str, Any], said: str
) -> None:
    with edited(target, "packages", {"_id": "flask"}, change):
        found = compared(good_copy, target, Layout())

    [difference] = found.differences
    assert said in difference


def test_release_encoded_from_its_row_is_the_one_that_the_driver_encodes(target: Target, good_copy: str) -> None:
    by_hand = 0

    with Source(good_copy, Layout()) as source:
        context = Context(source, target, COLLECTIONS, REJECTS, Progress(quiet=True))
        releases = Releases(context)
        for row in release_rows():
            try:
                wanted: Any = bson.encode(expected_release(context, row, []))
            except (ValueError, OverflowError):
                with pytest.raises(ValueError, match=r"."):
                    releases.of(row, [])
                continue
            found = releases.of(row, [])

            assert found.encoded == wanted, row
            named = bson.decode(wanted)
            assert (found.version, found.sort_key) == (named["version"], named["sort_key"])
            assert (found.is_prerelease, found.yanked) == (named["is_prerelease"], named["yanked"])
            kept = bson.decode(bson.encode({"created_date": found.created_date, "size": found.size}))
            assert (kept["created_date"], kept["size"]) == (named.get("created_date"), named.get("size"))
            with contextlib.suppress(IndexError, struct.error, ValueError):
                by_hand += tuple(map(type, row)) == USUAL_TYPES and releases._usual(row).encoded == wanted

    assert by_hand > 300
