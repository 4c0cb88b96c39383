"""The one-off migration of an SQL site to Larder's documents; docs/migrating.md is its guide."""

import importlib
from typing import Any

import click
from flask import Flask
from flask.cli import ScriptInfo


class LazyGroup(click.Group):
    """`flask migrate-sql`. SQLAlchemy is only imported when a command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return self._group().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command."""
        return self._group().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command in the site's context, whose database is the default target."""
        with ctx.ensure_object(ScriptInfo).load_app().app_context():
            return super().invoke(ctx)

    def _group(self) -> Any:
        return importlib.import_module("migrations_sql_to_mongo.cli").main


def init_app(app: Flask) -> None:
    """Add `migrate-sql` to the site's commands."""
    app.cli.add_command(LazyGroup("migrate-sql", help="Move an SQL site into this one: plan, run, verify, undo."))
