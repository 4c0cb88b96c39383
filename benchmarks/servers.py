"""Web servers to measure, started and stopped."""

import contextlib
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORKERS = 2
SERVERS = {
    "granian": ["granian", "--interface", "wsgi", "--workers", "{workers}", "--blocking-threads", "{threads}",
                "--log-level", "error", "--port", "{port}", "{target}"],
    "gunicorn": ["gunicorn", "--workers", "{workers}", "--threads", "{threads}", "--log-level", "error",
                 "--bind", "127.0.0.1:{port}", "{target}"],
}  # fmt: skip


@contextlib.contextmanager
def served(
    target: str, address: str, environment: dict[str, str], *, server: str = "granian", threads: int = 4
) -> Iterator[int]:
    """Serve an application with two workers at this address while the context lasts; give the server's process id."""
    values = {"workers": WORKERS, "threads": threads, "port": address.rpartition(":")[2], "target": target}
    command = [part.format(**values) for part in SERVERS[server]]
    command[0] = str(Path(sys.executable).parent / command[0])
    # One client asks more often than a reader may search. The log is written, as in production, and not kept.
    process = subprocess.Popen(command, env={"SEARCH_LIMIT": "", **environment}, cwd=ROOT, stderr=subprocess.DEVNULL)
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
