"""What all commands share, and all groups of commands."""

from typing import Any

import click
from flask.cli import AppGroup
from mongoengine.errors import OperationError
from pymongo.errors import PyMongoError

from webapp.mongodb.errors import explained
from webapp.rules.texts import is_encodable


class SiteCommand(click.Command):
    """A command that refuses arguments in another encoding than UTF-8: MongoDB cannot store or look for them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, and ask for those that are missing."""
        try:
            return super().parse_args(ctx, args)
        except UnicodeDecodeError as error:
            raise click.UsageError(f"what was typed is not text in {error.encoding.upper()}", ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        for parameter in self.params:
            value = ctx.params.get(parameter.name or "")
            if not all(is_encodable(str(each)) for each in (value if isinstance(value, tuple) else [value])):
                raise click.BadParameter("this is not text in UTF-8.", ctx, parameter)
        return super().invoke(ctx)


class SiteGroup(AppGroup):
    """A group of commands that run in the application's context.

    They fail with one line if the database does, or if a file or folder cannot be read or written.
    """

    command_class = SiteCommand

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (PyMongoError, OperationError) as error:
            reason = explained(error)
            if reason is None:
                raise
            raise click.ClickException(reason) from error
        except OSError as error:
            if error.filename is None:  # not about what an argument names
                raise
            raise click.ClickException(f"{error.filename}: {error.strerror}") from error
