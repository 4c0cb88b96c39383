"""Files of another index: what is cached, and what is removed when space runs out."""

from datetime import timedelta
from typing import Any

import bson
import pytest
from flask import Flask

from tests.factories import A_DAY
from webapp.documents import UpstreamFile
from webapp.documents.base import utc_now
from webapp.documents.contents import Contents


def kept() -> dict[str, dict[str, Any]]:
    return {each["_id"]: each for each in UpstreamFile._get_collection().find()}


def test_each_part_is_stored_once_and_their_sizes_are_added(app: Flask) -> None:
    assert UpstreamFile.store_part("a", "metadata", {"metadata": "M"}, 5, 100)
    assert not UpstreamFile.store_part("a", "metadata", {"metadata": "N"}, 7, 100)
    assert UpstreamFile.store_part("a", "provenance", {"provenance": "P"}, 3, 100)

    assert {key: kept()["a"][key] for key in ("metadata", "provenance", "kept_bytes")} == {
        "metadata": "M",
        "provenance": "P",
        "kept_bytes": 8,
    }


def test_what_was_used_longest_ago_goes_until_there_is_room(app: Flask) -> None:
    content_id = bson.ObjectId()
    Contents(id=content_id).save()
    files = [
        {"_id": "old", "used_at": A_DAY, "kept_bytes": 5, "content_id": content_id},
        {"_id": "older", "used_at": A_DAY - timedelta(1), "kept_bytes": 5},
        {"_id": "new", "used_at": A_DAY + timedelta(1), "kept_bytes": 5},
    ]
    UpstreamFile._get_collection().insert_many(files)

    UpstreamFile.store_part("newest", "metadata", {"metadata": "M"}, 5, 20)
    assert set(kept()) == {"older", "old", "new", "newest"}
    UpstreamFile.store_part("newest", "provenance", {"provenance": "P"}, 1, 20)
    assert set(kept()) == {"old", "new", "newest"}
    assert Contents.objects.count() == 1
    UpstreamFile.store_part("last", "metadata", {"metadata": "M"}, 9, 20)
    assert set(kept()) == {"new", "newest", "last"}
    assert Contents.objects.count() == 0


@pytest.mark.parametrize(("minutes", "is_noted"), [(5, False), (55, False), (65, True)])
def test_use_is_noted_once_an_hour(app: Flask, minutes: int, is_noted: bool) -> None:  # noqa: FBT001 - a parametrized value
    before = utc_now() - timedelta(minutes=minutes)
    UpstreamFile._get_collection().insert_one({"_id": "a", "used_at": before})

    UpstreamFile.note_use({"id": "a", "used_at": before})

    assert (kept()["a"]["used_at"] > before) == is_noted


def test_use_that_nobody_noted_is_noted(app: Flask) -> None:
    UpstreamFile._get_collection().insert_one({"_id": "a"})

    UpstreamFile.note_use({"id": "a"})

    assert "used_at" in kept()["a"]
