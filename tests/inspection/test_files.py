"""Files and their bytes."""

import pytest
from flask.testing import FlaskClient, FlaskCliRunner

from tests.inspection.damage import CHUNK_BYTES, FILE, content_id
from webapp.documents import (
    Chunk,
)

pytestmark = pytest.mark.real_server


def test_changed_bytes_are_found_by_a_deep_check_alone(files_in_order: FlaskClient, runner: FlaskCliRunner) -> None:
    Chunk._get_collection().update_one({"files_id": content_id(), "n": 0}, {"$set": {"data": b"x" * CHUNK_BYTES}})

    shallow, deep = (runner.invoke(args=["db", "check", *more]) for more in ((), ("--deep",)))

    assert shallow.output == "No findings.\n"
    line = f"files  {FILE}  bytes  its bytes do not have its SHA-256; 'larder-probe' lists it"
    assert deep.output == f"{line}\n1 finding.\n"
