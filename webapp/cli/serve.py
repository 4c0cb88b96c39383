"""`flask serve`: the site under its production WSGI server, with everything that it needs."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from webapp.accounts import mails
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
    prepare_database()
    uri = current_app.config["MONGODB_SETTINGS"]["host"]
    click.echo(f"\n  {current_app.config['SITE_NAME']} is at  http://{host}:{port}/")
    if not current_app.config["MONGODB_URI"]:
        click.echo(f"  its data      mongosh {uri}")
    for reason in mails.missing_settings():
        click.echo(f"  warning       {reason}", err=True)
    click.echo("  Ctrl-C stops it.\n")
    # In a session of its own, so that Ctrl-C does not reach it: granian 2.8 told to stop by the terminal and by its
    # parent at once hung in 16 of 20 cases. It is told once, by SIGTERM, and finishes the requests in flight.
    server = subprocess.Popen(  # noqa: S603 - the command is ours
        [
            *(sys.executable, "-m", "granian", "app:app", "--interface", "wsgi", "--log-level", "error"),
            *("--host", host, "--port", str(port), "--workers", str(workers), "--blocking-threads", str(threads)),
            *("--workers-kill-timeout", "10"),
        ],
        cwd=Path(current_app.root_path).parent,
        # The web processes use the database that this one holds.
        env=os.environ | {"MONGODB_URI": uri},
        start_new_session=True,
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,
    )
    signal.signal(signal.SIGTERM, lambda signum, _frame: sys.exit(128 + signum))
    try:
        code = server.wait()
    except KeyboardInterrupt:
        code = 0
    finally:
        server.terminate()
        server.wait()
    raise SystemExit(code)


def _end_with_parent() -> None:
    """Let the web server end when this process is killed, by kill -9 too. Source: prctl(2), PR_SET_PDEATHSIG."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _check_that_port_is_free(host: str, port: int) -> None:
    """Refuse a port that is taken: the web server would share it in silence, and answer every other request."""
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from None
