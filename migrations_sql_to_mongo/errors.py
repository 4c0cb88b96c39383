"""What can go wrong with a move, each with the exit code that it leads to."""

import re

import click


class MoveError(click.ClickException):
    """The move ends here; the message is one line for the operator."""

    exit_code = 3


class CannotStart(MoveError):
    """Wrong use, or one of the two databases cannot be used. Nothing was changed."""

    exit_code = 2


class Stopped(MoveError):
    """The move stopped on the way, or would have overwritten somebody's work."""

    exit_code = 3


class BadValue(ValueError):
    """A value that its column cannot have; the message names both."""


def one_line(error: BaseException) -> str:
    """Return what an exception says as one line of at most 300 characters."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:297] + "..."


def mask(address: str) -> str:
    """Return a database's address without its password and options."""
    return re.sub(r"(\w://[^:/@\s]*):\S*@", r"\1:***@", address.partition("?")[0])
