"""What the groups of commands share."""

from typing import Any

import click
from flask.cli import AppGroup

from webapp.errors import DATABASE_AWAY


class SiteGroup(AppGroup):
    """A group of commands with the site at hand. A database that is away ends them with one line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except DATABASE_AWAY as error:
            raise click.ClickException(f"the database does not answer: {str(error)[:200]}") from error
