"""The errors of a migration, each with its exit code."""

import re

import click


class MoveError(click.ClickException):
    """The migration ends here. The message is one line for the operator."""

    exit_code = 3


class CannotStart(MoveError):
    """Wrong usage, or one of the two databases cannot be used. Nothing was changed."""

    exit_code = 2


class Stopped(MoveError):
    """The migration stopped before the end, or would have overwritten somebody's work."""

    exit_code = 3


class BadValue(ValueError):
    """A value that its column cannot have; the message contains both."""


def one_line(error: BaseException) -> str:
    """Return the message of an exception as one line of at most 300 characters.

    For a file or folder that cannot be used, it is the reason alone: the caller names the file.
    """
    reason = isinstance(error, OSError) and error.strerror
    text = " ".join(str(reason or error).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:297] + "..."


def without_details(error: BaseException) -> str:
    """Return the message of an error without what pymongo adds: the topology, and the answer with whole documents."""
    return re.split(r", full error:|, Timeout: | \(configured timeouts:", one_line(error))[0]


def mask(address: str) -> str:
    """Return a database's address without its password and options.

    The password ends at the last "@", because it may contain unescaped ones.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        return address if "@" not in address else "***"
    account, at, place = rest.rpartition("@")
    user, colon, _ = account.partition(":")
    if "?" in user:  # the "@" is among the options
        return f"{scheme}://{user.partition('?')[0]}"
    place = place.partition("?")[0]
    if not at:  # the text in the place of a port may be a password without its "@host"
        place = re.sub(r"^([^/\[\]:]*):(?!\d+(?:[,/]|$))[^/]*", r"\1:***", place)
    return f"{scheme}://{user}{':***' if colon else ''}{at}{place}"


def refuse_unescaped(address: str, what: str) -> None:
    """Raise CannotStart for an address whose password contains an "@": its end would be taken for the server's name."""
    if "@" in address.partition("://")[2].rpartition("@")[0]:
        raise CannotStart(
            f"{what}'s address {mask(address)} has more than one @; write %40 for an @ in a user name or password"
        )
