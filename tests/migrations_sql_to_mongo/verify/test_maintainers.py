"""Who must maintain a project."""

from typing import Any

import pytest

from migrations_sql_to_mongo.layout import Layout
from migrations_sql_to_mongo.target import Target
from tests.migrations_sql_to_mongo.verify.conftest import compared, edited


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"maintainers.0.name": "Another"}, "packages flask: maintainers[0].name is Another, User 1 in the source"),
        (
            {"maintainers.1.user_id": "x"},
            "packages flask: maintainers[1].user_id is x, ObjectId('000000000000000000000002') in the source",
        ),
        ({"maintainers": []}, "packages flask: maintainers has 0 entries, 2 in the source"),
    ],
)
def test_maintainer_that_differs_from_its_row_is_found(
    target: Target, good_copy: str, change: dict[str, Any], said: str
) -> None:
    with edited(target, "packages", {"_id": "flask"}, change):
        found = compared(good_copy, target, Layout())

    [difference] = found.differences
    assert said in difference
