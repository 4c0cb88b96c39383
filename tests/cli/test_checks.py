"""`db check` for programs."""

import json

import pytest
from flask.testing import FlaskCliRunner

from webapp.documents import User

pytestmark = pytest.mark.real_server


def test_program_gets_a_document_a_line(site_in_order: User, runner: FlaskCliRunner) -> None:
    User._get_collection().insert_one({"_id": 5, "username": "\x1b[31m", "note": "extra"})

    result = runner.invoke(args=["db", "check", "--json"])
    shown = runner.invoke(args=["db", "check"])

    assert result.exit_code == 1
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {
            "collection": "users",
            "_id": 5,
            "rule": "shape",
            "what": "_id must be an ObjectId, but is of type int",
            "can_be_repaired": False,
        },
        {
            "collection": "users",
            "_id": 5,
            "rule": "username",
            "what": "'\\x1b[31m' is not a lower-case username, so it does not lead to the user's page",
            "can_be_repaired": False,
        },
    ]
    assert "\x1b" not in shown.output
