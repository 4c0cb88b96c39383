"""Web servers to measure, started and stopped, and what their processes use."""

import contextlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from webapp.cli.web_server import MOST_FILES, web_process_variables

ROOT = Path(__file__).resolve().parents[1]
WORKERS = 2
SERVERS = ("granian", "gunicorn")
# The site as its web processes run it.
SITE_TARGET = "webapp.cli.web_process:app"
# How long a server of `serving` may take to start, and then to finish what it does by itself.
START_S, SETTLE_S = 90, 180


class Failed(Exception):
    """A server does not do what it should."""


@contextlib.contextmanager
def served(
    target: str,
    address: str,
    environment: dict[str, str],
    *,
    server: str = "granian",
    threads: int = 4,
    python: str = sys.executable,
) -> Iterator[int]:
    """Serve an application with two workers at this address while the context lasts; give the server's process id."""
    port = int(address.rpartition(":")[2])
    serve = f"serve('127.0.0.1', {port}, {WORKERS}, {threads}, target={target!r})"
    command = [python, "-c", f"from webapp.cli.web_server import serve; {serve}"]
    if server == "gunicorn":
        command = [python, "-m", "gunicorn", "--workers", str(WORKERS), "--threads", str(threads)]
        command += ["--log-level", "error", "--bind", f"127.0.0.1:{port}", target]
    # One client asks more often than a reader may search. The log is written, as in production, and not kept.
    own = web_process_variables(port, threads, MOST_FILES // 2)  # under granian, the web server sets them itself
    environment = {"SEARCH_LIMIT": "", **environment, **own}
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


@contextlib.contextmanager
def serving(
    command: list[Any], ready: str, settings: dict[str, str] | None = None, folder: Path | None = None
) -> Iterator[tuple[int, float]]:
    """Run a server of any kind; gives its process, and the seconds from its start to its first answer at `ready`."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_"))}
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    began = time.perf_counter()
    server = subprocess.Popen([*map(str, command)], env=environment | (settings or {}), cwd=folder, **quiet)
    try:
        while not _answers_well(ready):
            if server.poll() is not None or time.perf_counter() - began > START_S:
                raise Failed(f"{command[0]} did not start")
            time.sleep(0.01)
        yield server.pid, time.perf_counter() - began
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _answers_well(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=START_S).close()
    except OSError:  # HTTPError is one
        return False
    return True


def settled(processes: list[int]) -> None:
    """Wait until these processes, and those that they started, use less than a fifth of a processor."""
    for _ in range(SETTLE_S):
        before = processor_s(processes)
        time.sleep(1)
        if processor_s(processes) - before < 0.2:
            return
    raise Failed("it is busy, although nobody asks it for anything")


def memory_mb(processes: list[int]) -> float:
    """Return the memory of these processes and of those that they started, in MB; what they share counts once."""
    found = 0.0
    for process in _families(processes):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # one that has just ended
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
            found += int(dict(line.split(":", 1) for line in lines)["Pss"].split()[0]) / 1000
    return found


def processor_s(processes: list[int]) -> float:
    """Return how many seconds of processor time they have used."""
    ticks = sum(sum(map(int, fields[11:13])) for process in _families(processes) if (fields := _stat(process)))
    return ticks / os.sysconf("SC_CLK_TCK")


def _families(processes: list[int]) -> set[int]:
    everyone = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    parents = {process: int(fields[1]) for process in everyone if (fields := _stat(process))}
    found = set(processes)
    while more := {process for process, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _stat(process: int) -> list[str]:
    """Return what the kernel says about a process, from its state on. Source: proc(5), /proc/pid/stat."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
