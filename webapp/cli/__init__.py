"""The commands of `flask --app app`."""

from flask import Flask

from webapp.cli import checks, dumps  # noqa: F401 - they add their commands to `flask db`
from webapp.cli.advisories import advisories_group
from webapp.cli.db import db_group
from webapp.cli.files import files_group
from webapp.cli.packages import packages_group
from webapp.cli.pages import pages_group
from webapp.cli.serve import serve
from webapp.cli.users import users_group


def init_app(app: Flask) -> None:
    """Register every command."""
    groups = (packages_group, advisories_group, files_group, pages_group, users_group, db_group)
    for command in (serve, *groups):
        app.cli.add_command(command)
