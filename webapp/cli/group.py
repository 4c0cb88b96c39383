"""What all groups of commands share."""

from typing import Any

import click
from flask.cli import AppGroup
from mongoengine.errors import OperationError
from pymongo.errors import PyMongoError

from webapp.mongodb.errors import explained


class SiteGroup(AppGroup):
    """A group of commands that run in the application's context, and fail with one line if the database does."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (PyMongoError, OperationError) as error:
            reason = explained(error)
            if reason is None:
                raise
            raise click.ClickException(reason) from error
