"""The commands that README.md and the pages in docs/ tell people to type."""

import re
import shlex
from pathlib import Path

import click
import pytest
from flask import Flask

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# In a block of code, or between backticks, up to what belongs to the shell.
GROUPS = ("advisories", "db", "files", "packages", "pages", "serve", "users")
COMMAND = re.compile(r"\bflask (?:--app app )?(?=[a-z])([^`#\n|>&]+)")


def commands() -> list[str]:
    found = [text.strip() for page in PAGES for text in COMMAND.findall(page.read_text("utf-8").replace("\\\n", " "))]
    return sorted({text for text in found if text.split()[0] in GROUPS})


@pytest.mark.parametrize("text", commands())
def test_command_has_no_word_too_many_and_none_too_few(app: Flask, text: str) -> None:
    command: click.Command = app.cli
    context = click.Context(command)
    words = shlex.split(text)
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words.pop(0))
        assert found, text
        command, context = found, click.Context(found, context)

    if not isinstance(command, click.Group):
        _, too_many, _ = command.make_parser(context).parse_args(words)
        assert too_many == [], text


def test_commands_were_found() -> None:
    assert {"users create-admin --email ada@example.org", "db load /dump"} < set(commands())
