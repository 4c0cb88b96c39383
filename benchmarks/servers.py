"""Web servers to measure, started and stopped."""

import contextlib
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from webapp.cli.serve import web_server

ROOT = Path(__file__).resolve().parents[1]
WORKERS = 2
SERVERS = ("granian", "gunicorn")
# The site as its web processes run it.
SITE_TARGET = "webapp.cli.web_process:app"


@contextlib.contextmanager
def served(
    target: str, address: str, environment: dict[str, str], *, server: str = "granian", threads: int = 4
) -> Iterator[int]:
    """Serve an application with two workers at this address while the context lasts; give the server's process id."""
    port = int(address.rpartition(":")[2])
    command, own_environment = web_server("127.0.0.1", port, WORKERS, threads, target)
    if server == "gunicorn":
        command = [sys.executable, "-m", "gunicorn", "--workers", str(WORKERS), "--threads", str(threads)]
        command += ["--log-level", "error", "--bind", f"127.0.0.1:{port}", target]
    # One client asks more often than a reader may search. The log is written, as in production, and not kept.
    environment = {"SEARCH_LIMIT": "", **environment, **own_environment}
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if _answers(address):
                break
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
