"""`files clean`."""

import pytest
from flask.testing import FlaskClient, FlaskCliRunner

from tests.inspection.damage import OLD_ID, content_id, record_is_gone
from tests.publishing.uploads import wheel
from webapp.documents import (
    Chunk,
    Contents,
    contents,
)

pytestmark = pytest.mark.real_server


def test_clean_keeps_the_bytes_of_a_listed_file_that_lost_its_document(
    files_in_order: FlaskClient, runner: FlaskCliRunner
) -> None:
    lost = content_id()
    for collection, field in ((Contents, "_id"), (Chunk, "files_id")):
        # As if they had been uploaded two days ago.
        for son in list(collection._get_collection().find({field: lost})):
            collection._get_collection().delete_one({"_id": son["_id"]})
            collection._get_collection().insert_one({**son, field: OLD_ID})
    record_is_gone()

    runner.invoke(args=["files", "clean"])

    assert contents.held([OLD_ID])[OLD_ID].length == len(wheel())
