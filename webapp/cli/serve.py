"""`flask serve`: run the site on its production WSGI server, with its database."""

import ipaddress
import json
import os
import shlex
import socket
import tempfile
import time
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from mongoengine.errors import OperationError
from pymongo.errors import PyMongoError

from webapp.cli import web_server
from webapp.cli.db import prepare_database
from webapp.cli.group import SiteCommand
from webapp.cli.web_server import started, uploads_server
from webapp.documents import Package
from webapp.members import mails
from webapp.mongodb import connection
from webapp.mongodb.errors import explained, is_away
from webapp.mongodb.mongod_programs import support_warning
from webapp.rendering import end_children
from webapp.serving import metrics
from webapp.serving.log_config import logging_config

PORTS = click.IntRange(1, 65535)
# More would exhaust the machine.
PROCESSES_OR_THREADS = click.IntRange(1, 1000)


@click.command("serve", cls=SiteCommand)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=5006, type=PORTS, show_default=True, help="Port to listen on.")
@click.option("--workers", default=1, type=PROCESSES_OR_THREADS, show_default=True, help="Number of web processes.")
@click.option(
    "--threads",
    default=4,
    type=PROCESSES_OR_THREADS,
    show_default=True,
    help="Requests that each process handles at a time.",
)
@click.option("--uploads-port", type=PORTS, help="Port of a second server, for uploads that a proxy sends there.")
@with_appcontext
def serve(host: str, port: int, workers: int, threads: int, uploads_port: int | None) -> None:
    """Serve the site. An empty database is filled first."""
    if port == uploads_port:
        raise click.UsageError("--uploads-port needs another port than --port")
    address = address_to_listen_on(host)
    for each in filter(None, (port, uploads_port)):
        check_that_port_is_free(address, each)
    _prepare_database()
    end_children()  # the web processes have their own
    with tempfile.TemporaryDirectory(prefix="larder-") as folder:
        raise SystemExit(_serve(host, port, workers, threads, uploads_port, Path(folder)))


def _serve(host: str, port: int, workers: int, threads: int, uploads_port: int | None, folder: Path) -> int:
    """Run the web server until it or this process is stopped, and return its exit code."""
    current_app.config["LOOPBACK_URL"] = loopback_url(host, port)
    uri = current_app.config["MONGODB_SETTINGS"]["host"]
    shown_host = f"[{host}]" if ":" in host else host
    click.echo(f"\n  {current_app.config['SITE_NAME']} is at  http://{shown_host}:{port}/")
    if not current_app.config["MONGODB_URI"]:
        _say_database(uri)
    for reason in mails.missing_settings():
        click.echo(f"  warning       {reason}", err=True)
    click.echo("  Press Ctrl-C to stop.\n")
    # The web processes use this process's database, and add up their metrics in a folder of their own.
    os.environ |= {"MONGODB_URI": uri, mails.LOOPBACK_URL: current_app.config["LOOPBACK_URL"]}
    address = address_to_listen_on(host)
    log_config = logging_config(current_app.config["LOG_FORMAT"], current_app.config["LOG_LEVEL"])
    connection.forget(current_app)
    # After that: connections that were opened before the files are counted must not be closed in them.
    metrics.share(current_app, folder)
    uploads = []
    if uploads_port:
        log_file = folder / "log.json"
        log_file.write_text(json.dumps(log_config))
        command = [*uploads_server(address, uploads_port), "--log-config-json", str(log_file)]
        uploads.append(started(command, Path(current_app.root_path).parent))
    try:
        return web_server.serve(address, port, workers, threads, log_config=log_config, beside=uploads)
    finally:
        for each in uploads:
            each.terminate()
            each.wait()


def loopback_url(host: str, port: int) -> str:
    """Return the address of a site that only this machine can reach, or an empty string for any other."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"http://localhost:{port}" if host == "localhost" else ""
    shown = f"[{address}]" if address.version == 6 else str(address)
    return f"http://{shown}:{port}" if address.is_loopback else ""


def _say_database(uri: str) -> None:
    """Print the version of the embedded server, and the command that opens it in a shell, with its password."""
    version = Package._get_db().client.server_info()["version"]
    click.echo(f"  database      MongoDB {version} in {current_app.config['MONGODB_DIR']}")
    click.echo(f"  open it with  mongosh {shlex.quote(uri)}")
    if reason := support_warning(version):
        click.echo(f"  warning       {reason}", err=True)


def _prepare_database() -> None:
    """Wait for a database that is still starting, and prepare it.

    A database that refuses the site will still do so in a minute, so that ends the wait at once.
    """
    wait_s = current_app.config["MONGODB_WAIT_S"]
    deadline = time.monotonic() + wait_s
    told = False
    try:
        while True:
            try:
                Package._get_db()["packages"].find_one({}, {"_id": 1})
                break
            except PyMongoError as error:
                if not is_away(error) or time.monotonic() > deadline:
                    raise
            if not told:
                click.echo(f"The database does not answer yet. Waiting up to {wait_s} s ...", err=True)
                told = True
            time.sleep(0.5)
        prepare_database()
    except (PyMongoError, OperationError) as error:
        reason = explained(error)
        if reason is None:
            raise
        raise click.ClickException(reason) from None


def address_to_listen_on(host: str) -> str:
    """Return the IP address of a host: the web server takes no names. Raises ClickException."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise click.ClickException(f"cannot listen on {host}: it has no address") from None
    # IPv4 first, as browsers try it for "localhost" everywhere.
    return min((str(each[4][0]) for each in found), key=lambda address: ":" in address)


def check_that_port_is_free(host: str, port: int) -> None:
    """Refuse a port that is in use: the web server would silently share it, and get every other request."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        # Python adds the address once more to `strerror`.
        reason = os.strerror(error.errno) if error.errno else error
        raise click.ClickException(f"cannot listen on port {port} of {host}: {reason}") from None
