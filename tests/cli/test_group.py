"""How commands fail when the database does."""

import pytest
from click.testing import CliRunner
from pymongo.errors import AutoReconnect, OperationFailure

from webapp.cli.group import SiteGroup


def failing(error: Exception) -> SiteGroup:
    """A group with a command that fails."""
    group = SiteGroup("probe")

    @group.command("fail", with_appcontext=False)
    def fail() -> None:
        raise error

    return group


def test_database_that_does_not_answer_is_one_line() -> None:
    result = CliRunner().invoke(failing(AutoReconnect("db.example.org:27017: connection closed")), ["fail"])

    assert result.exit_code == 1
    assert result.output == "Error: the database does not answer: db.example.org:27017: connection closed\n"


def test_mistake_of_ours_keeps_its_traceback() -> None:
    error = OperationFailure("unknown operator: $x", 2)

    with pytest.raises(OperationFailure, match="unknown operator"):
        CliRunner().invoke(failing(error), ["fail"], catch_exceptions=False)
