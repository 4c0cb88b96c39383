"""How a finding is shown to people and to programs."""

import json
from typing import Any

import bson
import pytest

from webapp.inspection.findings import Finding

ID = bson.ObjectId("65e1b0c0a1b2c3d4e5f60718")


def test_line_names_the_collection_the_document_the_rule_and_what_is_wrong() -> None:
    found = Finding("packages", "jam", "latest", "the latest release is 1.0, and 2.0 is newer")

    assert found.as_line() == "packages  jam  latest  the latest release is 1.0, and 2.0 is newer"


def test_control_characters_do_not_reach_the_terminal() -> None:
    found = Finding("packages", "jam\x1b[31m", "name", "the name is\n“Jäm\u202e”")

    assert found.as_line() == "packages  jam\\x1b[31m  name  the name is\\n“Jäm\\u202e”"


@pytest.mark.parametrize(
    ("document_id", "shown"),
    [
        ("jam", "jam"),
        (ID, "ObjectId('65e1b0c0a1b2c3d4e5f60718')"),
        (7, "7"),
        (None, "null"),
        ({"name": "jam"}, '{"name": "jam"}'),
    ],
)
def test_id_is_shown_as_people_write_it_in_the_shell(document_id: Any, shown: str) -> None:
    assert Finding("users", document_id, "r", "w").shown_id == shown


def test_programs_learn_whether_it_can_be_repaired() -> None:
    lost, repairable = (Finding("users", ID, "r", "w", repair) for repair in (None, lambda: True))

    expected = {"collection": "users", "_id": {"$oid": str(ID)}, "rule": "r", "what": "w"}
    assert json.loads(lost.as_json()) == expected | {"can_be_repaired": False}
    assert json.loads(repairable.as_json()) == expected | {"can_be_repaired": True}
