"""What the groups of commands share."""

from typing import Any

import click
from flask.cli import AppGroup
from mongoengine.errors import OperationError
from pymongo.errors import PyMongoError

from webapp.database_errors import is_away, reason_of


class SiteGroup(AppGroup):
    """A group of commands with the site at hand. A database that is away ends them with one line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (PyMongoError, OperationError) as error:
            if not is_away(error):
                raise
            raise click.ClickException(f"the database does not answer: {reason_of(error)}") from error
