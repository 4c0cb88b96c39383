"""Keys that only one may have."""

import re

import pytest
from flask.testing import FlaskClient, FlaskCliRunner

from webapp.documents import (
    User,
)

pytestmark = pytest.mark.real_server


def two_accounts_of_one_address() -> None:
    for name in ("ada", "ADA"):
        User._get_collection().insert_one({"name": name, "email": f"{name}@example.org"})


def test_two_accounts_of_one_address_are_found(files_in_order: FlaskClient, runner: FlaskCliRunner) -> None:
    two_accounts_of_one_address()

    said = runner.invoke(args=["db", "check"]).output
    promised = runner.invoke(args=["db", "repair", "--dry-run"]).output
    done = runner.invoke(args=["db", "repair"]).output

    assert re.search(r"users  ObjectId\('\w+'\)  email-twice  its address is also that of ObjectId", said)
    assert promised.replace("would be repaired", "repaired") == done
    assert done.endswith("0 repaired, 3 left.\n")
