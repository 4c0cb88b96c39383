"""`flask serve`: run the site on its production WSGI server, with its database."""

import ctypes
import ipaddress
import json
import os
import resource
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from mongoengine.errors import OperationError
from pymongo.errors import PyMongoError

from webapp.cli.db import prepare_database
from webapp.documents import Package
from webapp.members import mails
from webapp.mongodb.errors import explained, is_away
from webapp.mongodb.mongod_programs import support_warning
from webapp.rendering import end_children
from webapp.serving.log_config import logging_config
from webapp.serving.slow_clients import BODIES, STREAMS, UPSTREAM

# The most files that a web process may open; half of them may be connections.
MOST_FILES = 10_000
# Uploads that the server for uploads handles at a time.
UPLOAD_THREADS = 8
# Environment variables for the web processes.
PORT, REQUESTS, CONNECTIONS = "LARDER_PORT", "LARDER_REQUESTS", "LARDER_CONNECTIONS"

AT_LEAST_ONE = click.IntRange(min=1)


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=5006, show_default=True, help="Port to listen on.")
@click.option("--workers", default=1, type=AT_LEAST_ONE, show_default=True, help="Number of web processes.")
@click.option(
    "--threads",
    default=4,
    type=AT_LEAST_ONE,
    show_default=True,
    help="Requests that each process handles at a time.",
)
@click.option("--uploads-port", type=int, help="Port of a second server, for uploads that a proxy sends there.")
@with_appcontext
def serve(host: str, port: int, workers: int, threads: int, uploads_port: int | None) -> None:
    """Serve the site. An empty database is filled first."""
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
    environment = os.environ | {"MONGODB_URI": uri, mails.LOOPBACK_URL: current_app.config["LOOPBACK_URL"]}
    if current_app.config["METRICS"]:
        environment["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    log_config = folder / "log.json"
    log_config.write_text(json.dumps(logging_config(current_app.config["LOG_FORMAT"], current_app.config["LOG_LEVEL"])))
    command, web_environment = web_server(address_to_listen_on(host), port, workers, threads)
    servers = [_started([*command, "--log-config", str(log_config)], environment | web_environment)]
    if uploads_port:
        uploads = uploads_server(address_to_listen_on(host), uploads_port)
        servers.append(_started([*uploads, "--log-config-json", str(log_config)], environment))
    signal.signal(signal.SIGTERM, lambda signum, _frame: sys.exit(128 + signum))
    try:
        code = servers[0].wait()
    except KeyboardInterrupt:
        code = 0
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait()
    return code


def _started(command: list[str], environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    """Start a web server in a session of its own, so that Ctrl-C does not reach it.

    granian 2.8 stopped by the terminal and by its parent at once hung in 16 of 20 cases. It gets a single SIGTERM, and
    finishes the requests in progress.
    """
    return subprocess.Popen(  # noqa: S603 - the command is ours
        command,
        cwd=Path(current_app.root_path).parent,
        env=environment,
        start_new_session=True,
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,
    )


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


def web_server(
    host: str, port: int, workers: int, threads: int, target: str = "webapp.cli.web_process:app"
) -> tuple[list[str], dict[str, str]]:
    """Return the command that runs the web server, and the environment variables it needs."""
    connections = _connections()
    command = [
        *(sys.executable, "-m", "granian", target, "--interface", "wsgi", "--log-level", "error"),
        *("--host", host, "--port", str(port), "--workers", str(workers)),
        # Only HTTP/1.1: over HTTP/2, silent connections were never dropped, and one could hold any number of requests.
        *("--http", "1", "--no-ws"),
        # Most of these threads wait for clients: slow_clients.py.
        *("--blocking-threads", str(threads + BODIES + STREAMS + UPSTREAM), "--backpressure", str(connections)),
        # Clients that have not sent their headers by then are disconnected.
        *("--http1-header-read-timeout", "10000"),
        # Without the last option, granian stops when one of its workers does.
        *("--workers-kill-timeout", "10", "--respawn-failed-workers"),
    ]
    return command, {PORT: str(port), REQUESTS: str(threads), CONNECTIONS: str(connections)}


def uploads_server(host: str, port: int) -> list[str]:
    """Return the command that runs the server for uploads.

    It sends the application's own reason in the status line, the only part of a refusal that twine prints; granian
    cannot. It is slower, and a slow client occupies a thread, so it needs a proxy that receives uploads whole.
    """
    shown_host = f"[{host}]" if ":" in host else host
    return [
        *(sys.executable, "-m", "gunicorn", "app:app", "--bind", f"{shown_host}:{port}"),
        *("--worker-class", "gthread", "--workers", "1", "--threads", str(UPLOAD_THREADS)),
        *("--graceful-timeout", "10", "--no-control-socket"),
    ]


def _connections() -> int:
    """Raise the limit on open files as far as the system allows, and return how many connections fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if files > soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return files // 2


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


def _end_with_parent() -> None:
    """Stop the web server when this process is killed, even by kill -9. Source: prctl(2), PR_SET_PDEATHSIG."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


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
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from None
