"""The one-off move of an SQL site into Larder's documents; docs/migrating.md is its guide."""

import importlib
from typing import Any

import click
from flask import Flask
from flask.cli import ScriptInfo


class LazyGroup(click.Group):
    """`flask migrate-sql`. The site starts without SQLAlchemy; only who asks for a command pays for it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return self._group().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command."""
        return self._group().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command within the site, whose database is its default target."""
        with ctx.ensure_object(ScriptInfo).load_app().app_context():
            return super().invoke(ctx)

    def _group(self) -> Any:
        return importlib.import_module("migrations_sql_to_mongo.cli").main


def init_app(app: Flask) -> None:
    """Give the site's command line `migrate-sql`."""
    app.cli.add_command(LazyGroup("migrate-sql", help="Move an SQL site into this one: plan, run, verify, undo."))
