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
            # What follows is what the driver knows of its connections.
            reason = str(error).partition(" (configured timeouts")[0].partition(", Timeout:")[0]
            raise click.ClickException(f"the database does not answer: {reason[:200]}") from error
