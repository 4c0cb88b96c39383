"""How commands fail: one line for what somebody can mend, a traceback for mistakes of ours."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from flask.testing import FlaskCliRunner
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


# What Python makes of the byte 0xff on a command line.
UNDECODABLE = "\udcff"


@pytest.mark.parametrize(
    "arguments",
    [
        [UNDECODABLE],
        ["--text", UNDECODABLE],
        ["--folder", UNDECODABLE],
        ["good", "--many", "good", "--many", UNDECODABLE],
    ],
    ids=["argument", "option", "path", "one-of-several"],
)
def test_argument_that_is_not_utf_8_is_refused(arguments: list[str]) -> None:
    group = SiteGroup("probe")

    @group.command("take", with_appcontext=False)
    @click.argument("name", default="")
    @click.option("--text")
    @click.option("--folder", type=click.Path(path_type=Path))
    @click.option("--many", multiple=True)
    @click.option("--number", type=int)
    def take(**given: object) -> None:
        click.echo(f"took {given['name']}")

    result = CliRunner().invoke(group, ["take", *arguments])

    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("Error: Invalid value for ")
    assert result.stderr.endswith(": this is not text in UTF-8.\n")
    assert CliRunner().invoke(group, ["take", "Žižka"]).output == "took Žižka\n"


def test_answer_that_is_not_utf_8_is_refused() -> None:
    group = SiteGroup("probe")

    @group.command("ask", with_appcontext=False)
    @click.option("--name", prompt=True)
    def ask(name: str) -> None:
        click.echo(f"took {name}")

    result = CliRunner().invoke(group, ["ask"], input=b"\xff\n")

    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, "Error: what was typed is not text in UTF-8")


@pytest.mark.parametrize(
    "arguments",
    [
        ["users", "enable", UNDECODABLE],
        ["users", "create-admin", "--name", UNDECODABLE, "--email", "ada@example.org", "--password", "x"],
        ["advisories", "remove", UNDECODABLE],
        ["db", "load", UNDECODABLE],
    ],
    ids=" ".join,
)
def test_commands_of_the_site_refuse_what_is_not_utf_8(runner: FlaskCliRunner, arguments: list[str]) -> None:
    result = runner.invoke(args=arguments)

    assert (result.exit_code, result.stderr.splitlines()[-1][-26:]) == (2, "this is not text in UTF-8.")


def test_file_that_cannot_be_written_is_one_line() -> None:
    error = NotADirectoryError(20, "Not a directory", "/dev/null/company")

    result = CliRunner().invoke(failing(error), ["fail"])

    assert (result.exit_code, result.output) == (1, "Error: /dev/null/company: Not a directory\n")


def test_broken_connection_keeps_its_traceback() -> None:
    with pytest.raises(ConnectionResetError):
        CliRunner().invoke(failing(ConnectionResetError(104, "Connection reset")), ["fail"], catch_exceptions=False)
