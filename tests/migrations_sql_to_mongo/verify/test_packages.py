"""What a project must have become."""

from typing import Any

import pytest

from migrations_sql_to_mongo.layout import Layout
from migrations_sql_to_mongo.target import Target
from tests.migrations_sql_to_mongo.verify.conftest import compared, edited


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"summary": "Other"}, "packages flask: summary is Other, What flask does in the source"),
        ({"license": "MIT"}, "packages flask: license is MIT, BSD in the source"),
        ({"release_count": 3}, "packages flask: release_count is 3, 2 in the source"),
        ({"latest.version": "1.0.0"}, "packages flask: latest.version is 1.0.0, 1.10.0 in the source"),
        ({"author_email": 5}, "packages flask: author_email is 5, ada@example.org in the source"),
    ],
)
def test_project_that_differs_from_its_row_is_found(
    target: Target, good_copy: str, change: dict[str, Any], said: str
) -> None:
    with edited(target, "packages", {"_id": "flask"}, change):
        found = compared(good_copy, target, Layout())

    [difference] = found.differences
    assert said in difference
