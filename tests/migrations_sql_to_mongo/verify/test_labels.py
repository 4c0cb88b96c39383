"""What a licence must have become."""

from typing import Any

import pytest

from migrations_sql_to_mongo.layout import Layout
from migrations_sql_to_mongo.target import Target
from tests.migrations_sql_to_mongo.verify.conftest import compared, edited


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"description": "other"}, "licenses MIT: description is other, about MIT in the source"),
        ({"created_date": None}, "licenses MIT: created_date is missing"),
    ],
)
def test_label_that_differs_from_its_row_is_found(
    target: Target, good_copy: str, change: dict[str, Any], said: str
) -> None:
    with edited(target, "licenses", {"_id": "MIT"}, change):
        found = compared(good_copy, target, Layout())

    [difference] = found.differences
    assert said in difference
