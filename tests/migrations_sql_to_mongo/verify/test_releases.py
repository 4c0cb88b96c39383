"""What a release must have become."""

from typing import Any

import pytest

from migrations_sql_to_mongo.layout import Layout
from migrations_sql_to_mongo.target import Target
from tests.migrations_sql_to_mongo.verify.conftest import compared, edited


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
