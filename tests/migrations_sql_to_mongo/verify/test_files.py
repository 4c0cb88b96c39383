"""What the file of a release must have become."""

from typing import Any

import pytest

from migrations_sql_to_mongo.layout import Layout
from migrations_sql_to_mongo.target import Target
from tests.migrations_sql_to_mongo.verify.conftest import compared, edited


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"releases.0.files.0.filename": "x.tar.gz"},
            "packages flask: releases[0].files[0].filename is x.tar.gz, flask-1.10.0.tar.gz in the source",
        ),
        (
            {"releases.0.files.0.packagetype": "bdist_wheel"},
            "packages flask: releases[0].files[0].packagetype is bdist_wheel, sdist in the source",
        ),
        ({"releases.0.files": []}, "packages flask: releases[0].files has 0 entries, 1 in the source"),
    ],
)
def test_file_that_differs_from_its_row_is_found(
    target: Target, good_copy: str, change: dict[str, Any], said: str
) -> None:
    with edited(target, "packages", {"_id": "flask"}, change):
        found = compared(good_copy, target, Layout())

    [difference] = found.differences
    assert said in difference
