"""`flask serve`: the site under its production WSGI server, with everything that it needs."""

import os
import socket
import sys

import click
from flask import current_app
from flask.cli import with_appcontext
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from webapp import database
from webapp.cli.db import prepare_database


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=5006, show_default=True, help="Port to listen on.")
@click.option("--workers", default=1, show_default=True, help="Number of web processes.")
@click.option("--threads", default=4, show_default=True, help="Requests that each process answers at a time.")
@with_appcontext
def serve(host: str, port: int, workers: int, threads: int) -> None:
    """Serve the site; an empty database is filled first. Ctrl-C stops it."""
    _check_that_port_is_free(host, port)
    settings = current_app.config["MONGODB_SETTINGS"]
    prepare_database()
    click.echo(f"\n  {current_app.config['SITE_NAME']} is at  http://{host}:{port}/")
    if not current_app.config["MONGODB_URI"]:
        # The web processes use the server that this one holds.
        os.environ["MONGODB_URI"] = settings["host"]
        click.echo(f"  its data      mongosh {settings['host']}")
    click.echo("  Ctrl-C stops it.\n")
    sys.stdout.flush()
    database.reconnect(current_app.config["MONGODB_SETTINGS"])
    Granian(
        "app:app",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        # A worker that Ctrl-C and its parent both told to end has once been seen to wait for ever.
        workers_kill_timeout=10,
        log_level=LogLevels.warning,
    ).serve()


def _check_that_port_is_free(host: str, port: int) -> None:
    """Refuse a port that is taken: the web server would share it in silence, and answer every other request."""
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from None
