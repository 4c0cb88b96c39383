"""What the commands share: their options, and how they end."""

from typing import Any

import pytest
from pymongo.errors import BulkWriteError

from migrations_sql_to_mongo.target import Target
from tests.migrations_sql_to_mongo.conftest import Make, Mover
from tests.migrations_sql_to_mongo.old_site import some_rows


@pytest.mark.parametrize(
    ("source", "code"), [("sqlite:////there/is/none.sqlite", 2), ("oracle://ada:sesame@db/site", 2)]
)
def test_traceback_keeps_the_exit_code(source: str, code: int, target_uri: str) -> None:
    move = Mover(source, target_uri)

    assert move("plan").code == code
    shown = move("plan", "--traceback")

    assert shown.code == code
    assert "Traceback (most recent call last)" in shown.err
    assert "sesame" not in shown.err


def test_error_of_the_server_is_shown_without_the_documents(mover: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    error = BulkWriteError({"writeErrors": [{"code": 121, "op": {"hashed_password": "sesame"}}]})

    def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr(Target, "ensure_indexes", refuse)
    move = mover(some_rows())

    stopped = move("run", "--traceback")

    assert stopped.code == 3
    assert "Traceback (most recent call last)" in stopped.err
    assert "batch op errors occurred" in stopped.err
    assert "sesame" not in stopped.err


@pytest.mark.parametrize(
    "arguments",
    [("verify", "--run", "\udcff"), ("plan", "--report", "\udcff"), ("map", "suggest", "--output", "\udcff")],
    ids=ascii,
)
def test_argument_that_is_not_utf_8_is_refused(arguments: tuple[str, ...], target_uri: str) -> None:
    refused = Mover("sqlite:////there/is/none.sqlite", target_uri)(*arguments)

    assert (refused.code, refused.err) == (2, "Error: an argument is not text in UTF-8\n")
