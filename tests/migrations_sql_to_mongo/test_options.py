"""What the commands share: their options, and how they end."""

import pytest

from tests.migrations_sql_to_mongo.conftest import Mover


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
