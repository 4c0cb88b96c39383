"""What a download must have become."""

from typing import Any

import pytest

from migrations_sql_to_mongo.layout import Layout
from migrations_sql_to_mongo.target import Target
from tests.migrations_sql_to_mongo.verify.conftest import compared, edited


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ip_address": "192.0.2.9"}, "ip_address is 192.0.2.9, 192.0.2.1 in the source"),
        ({"user_agent": None}, "user_agent is missing: pip/23 in the source"),
    ],
)
def test_download_that_differs_from_its_row_is_found(
    target: Target, good_copy: str, change: dict[str, Any], said: str
) -> None:
    with edited(target, "downloads", {"ip_address": "192.0.2.1"}, change):
        found = compared(good_copy, target, Layout())

    [difference] = found.differences
    assert said in difference
