"""The embedded server: one `mongod` per data folder, shared by all processes of the site.

`acquire` starts or joins it, `release` stops it when the last process leaves, and every process that uses it restarts
it when it dies. `data_folder` describes how they coordinate.
"""

import contextlib
import fcntl
import logging
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote_plus

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from webapp.mongodb.data_folder import (
    locked,
    make_private,
    open_private,
    password_of,
    read_record,
    server_pid,
    try_lock,
    unlock,
    write_record,
)
from webapp.mongodb.mongod_programs import MongodError, MongodFailed, Program, find_mongods

log = logging.getLogger(__name__)

USER = "larder"
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
WATCH_S = 1.0  # between two checks whether a server has died
WATCH_PAUSE_S = 60.0  # at most, while it cannot be restarted
LOG_LIMIT_BYTES = 10_000_000
PORT_ATTEMPTS = 5
# What mongod prints soon after its start, before it touches the data.
EXIT_CODE_PORT_TAKEN = 48
# Two servers that start at the same moment may both bind a port. The one that is slower to listen on it ends with
# another exit code and this complaint.
PORT_TAKEN = "Address already in use"
EXIT_CODE_OTHER_VERSION = 62
ERROR_AUTHENTICATION_FAILED = 18


class _Use(NamedTuple):
    """A use of a server by this process: its share of the users' lock, and the event that ends its watch."""

    users_lock: int
    ended: threading.Event


class _Refused(Exception):
    """A server runs on the folder, but was started with another password or none."""


# The servers that this process uses. The key contains the pid, so that a forked child does not find its parent's.
# Module state, because `release` is about the whole process.
_held: dict[tuple[int, Path], _Use] = {}


def acquire(data_dir: Path, *, port: int = 27017, database: str = "larder") -> str:
    """Return the URI of the server on `data_dir`, including the password, and start it if necessary.

    It listens on `port`, or on a free one if that is taken. It runs until this process and all others that acquired it
    have released it or ended. Raises MongodNotFound and MongodFailed.
    """
    data_dir = data_dir.resolve()
    _exit_on_signals()
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(data_dir / "larder-start.lock"):
            make_private(data_dir)
            password = password_of(data_dir)
            port = _join(data_dir, port, password)
    except OSError as error:
        raise MongodFailed(f"mongod cannot run on {data_dir}: {error}") from error
    log.debug("mongod serves %s on 127.0.0.1:%d", data_dir, port)
    return f"mongodb://{USER}:{quote_plus(password)}@127.0.0.1:{port}/{database}?authSource=admin"


def release() -> None:
    """Leave every server that this process acquired, and stop those that nobody else uses.

    Runs automatically at exit. In a forked child it does nothing, because its parent's uses are not its own.
    """
    for pid, data_dir in list(_held):
        if pid == os.getpid():
            try:
                with locked(data_dir / "larder-start.lock"):
                    _leave(data_dir)
            except OSError as error:
                log.warning("mongod on %s may still be running: %s", data_dir, error)


def _join(data_dir: Path, port: int, password: str) -> int:
    """Register this process as a user, and return the port of the server, which is running from now on."""
    if (os.getpid(), data_dir) in _held:
        return _beside_others(data_dir, port, password)
    use = _Use(os.open(data_dir / "larder-users.lock", os.O_RDWR | os.O_CREAT, 0o600), threading.Event())
    alone = try_lock(use.users_lock, fcntl.LOCK_EX)
    fcntl.flock(use.users_lock, fcntl.LOCK_SH)
    _held[os.getpid(), data_dir] = use
    # Unlike atexit, this also runs at the end of multiprocessing's processes, such as granian's workers.
    Finalize(None, release, exitpriority=0)
    try:
        port = _alone(data_dir, port, password) if alone else _beside_others(data_dir, port, password)
    except BaseException:  # including Ctrl-C: leave nothing behind
        _leave(data_dir)
        raise
    threading.Thread(target=_watch, args=(data_dir, port, use.ended), name="mongod", daemon=True).start()
    return port


def _alone(data_dir: Path, port: int, password: str) -> int:
    """Return the port of the server if nobody else uses it."""
    try:
        running = _running_port(data_dir, password)
    except _Refused:  # left behind by a version that set no password, or by one with another password
        _stop(data_dir)
        running = None
    return running or _start(data_dir, port, password)


def _beside_others(data_dir: Path, port: int, password: str) -> int:
    """Return the port of the server that others use. If it died, restart it on the same port."""
    try:
        running = _running_port(data_dir, password)
    except _Refused:
        raise MongodFailed(
            f"mongod runs on {data_dir} without the password in larder-password. "
            "Stop every process that uses it, then start again."
        ) from None
    last = read_record(data_dir)
    return running or _start(data_dir, last.port if last else port, password, keep_port=True)


def _leave(data_dir: Path) -> None:
    use = _held.pop((os.getpid(), data_dir))
    use.ended.set()
    try:
        if try_lock(use.users_lock, fcntl.LOCK_EX):
            _stop(data_dir)
    finally:
        unlock(use.users_lock)


def _watch(data_dir: Path, port: int, ended: threading.Event) -> None:
    """Restart the server whenever it dies, as long as this process uses it."""
    pause = WATCH_S
    while not ended.wait(pause):
        try:
            with locked(data_dir / "larder-start.lock"):
                # Under the lock, because a check takes mongod's own lock for an instant, in which none could start.
                if not ended.is_set() and server_pid(data_dir) is None:
                    log.error("mongod on %s has died and is being restarted", data_dir)
                    _beside_others(data_dir, port, password_of(data_dir))
                    log.warning("mongod on %s is running again", data_dir)
            pause = WATCH_S
        except (MongodError, OSError) as error:
            pause = min(2 * pause, WATCH_PAUSE_S)
            log.error("mongod on %s cannot be started again, next attempt in %d s: %s", data_dir, pause, error)


def _running_port(data_dir: Path, password: str) -> int | None:
    """Return the port of the server on `data_dir`, or None. Raises MongodFailed and _Refused.

    Waits for one that is still starting or stopping, which a killed process may have left behind.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    while (pid := server_pid(data_dir)) is not None:
        record = read_record(data_dir)
        if record is None or (pid and record.pid not in (None, pid)):
            raise MongodFailed(
                f"A mongod that this site did not start, process {pid}, serves {data_dir}. "
                "Stop it, or set MONGODB_URI to its address."
            )
        if _answers(record.port, data_dir, password):
            write_record(data_dir, record.port)
            return record.port
        if time.monotonic() > deadline:
            raise MongodFailed(
                f"mongod has not answered on port {record.port} for {START_TIMEOUT_S:.0f} s; see {data_dir}/mongod.log"
            )
    return None


def _start(data_dir: Path, port: int, password: str, *, keep_port: bool = False) -> int:
    """Start the newest mongod that can read the data, and return its port once it answers. Raises MongodFailed."""
    programs = find_mongods()
    for program, older in zip(programs, [*programs[1:], None], strict=True):
        code, complaint = _launch(program, data_dir, port)
        for _ in range(PORT_ATTEMPTS):
            is_taken = code == EXIT_CODE_PORT_TAKEN or (code and PORT_TAKEN in complaint)
            if is_taken and not keep_port:
                log.info("port %d is taken, so mongod uses another one", port)
                port = _free_port()
                code, complaint = _launch(program, data_dir, port)
        if code == EXIT_CODE_OTHER_VERSION and older:
            log.warning("%s cannot read the data in %s, so %s is used: %s", program, data_dir, older, complaint)
            continue
        if code == EXIT_CODE_OTHER_VERSION:
            raise MongodFailed(
                f"{program} cannot read the data in {data_dir}, which another series of MongoDB has written. "
                f"Install that series, and see docs/operating.md for a way out. mongod says: {complaint}"
            )
        if code:
            raise MongodFailed(f"mongod does not start (exit code {code}): {complaint}")
        break
    running = _running_port(data_dir, password)
    if running is None:
        raise MongodFailed(f"mongod exited right after it started; see {data_dir}/mongod.log")
    return running


def _launch(program: Program, data_dir: Path, port: int) -> tuple[int, str]:
    """Start a mongod; return the exit code of the command, and the reason if it is not 0. Raises MongodFailed."""
    log_path = data_dir / "mongod.log"
    if log_path.exists() and log_path.stat().st_size > LOG_LIMIT_BYTES:
        log_path.replace(data_dir / "mongod.log.1")
    write_record(data_dir, port)  # before the start, because this process may be killed during it
    with open_private(log_path) as mongod_log:
        log_start = mongod_log.tell()
        try:
            # With --fork the command ends when the server accepts connections, and the server is a daemon: out of reach
            # of the terminal's Ctrl-C, and not a zombie when another process stops it.
            process = subprocess.Popen(  # noqa: S603  # our mongod on our folder, nothing that came from outside
                [
                    program.path,
                    *("--fork", f"--logpath={log_path}", "--logappend", f"--dbpath={data_dir}"),
                    *("--bind_ip=127.0.0.1", f"--port={port}", "--nounixsocket"),
                    # The key file enables authentication, and is the password of a user built into mongod. So there is
                    # no moment in which anybody on this machine could create the first user.
                    *(f"--keyFile={data_dir / 'larder-password'}", "--setParameter=enableLocalhostAuthBypass=false"),
                    # Code that the site does not need, and that strangers could reach before signing in.
                    *("--networkMessageCompressors=disabled", "--noscripting"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=mongod_log,
                start_new_session=True,
            )
        except OSError as error:
            raise MongodFailed(f"{program.path} does not run on this machine: {error.strerror}.{_hint()}") from error
    try:
        process.wait(START_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()  # only the command; the daemon lives on, because recovering a lot of data may take longer
        process.wait()
        raise MongodFailed(
            f"mongod needs more than {START_TIMEOUT_S:.0f} s to start; see {log_path}, and try again later"
        ) from None
    except BaseException:  # Ctrl-C: a server must be running before it can be stopped
        process.wait(START_TIMEOUT_S)
        raise
    finally:
        if process.returncode == 0:
            write_record(data_dir, port)
    return process.returncode, "" if process.returncode == 0 else _complaint(log_path, log_start)


def _hint() -> str:
    """Return what a Mac with an ARM processor lacks, because the mongod in its wheel is an Intel program."""
    if (sys.platform, platform.machine()) == ("darwin", "arm64"):
        return " It is an Intel program: install Rosetta with `softwareupdate --install-rosetta`."
    return ""


def _stop(data_dir: Path) -> None:
    """Stop the server on `data_dir` and wait for its end, unless it is not ours."""
    record, pid = read_record(data_dir), server_pid(data_dir)
    if pid and record and record.pid == pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while server_pid(data_dir) is not None:
            if time.monotonic() > deadline:
                log.warning("mongod, process %d, is taking long to stop", pid)
                return
            time.sleep(0.005)
    if server_pid(data_dir) is None:
        (data_dir / "larder-mongod.json").unlink(missing_ok=True)


def _answers(port: int, data_dir: Path, password: str) -> bool:
    """Tell whether the server that answers on `port` within a second is the one on `data_dir`; create its user.

    Raises _Refused if the server does not know the password, or asks for none.
    """
    try:
        try:
            options = _options(port, password)
        except OperationFailure as error:
            if error.code != ERROR_AUTHENTICATION_FAILED:
                raise
            _make_user(port, password)
            options = _options(port, password)
    except OperationFailure as error:
        if error.code == ERROR_AUTHENTICATION_FAILED:
            raise _Refused from error
        return False
    except PyMongoError:
        return False
    if options.get("storage", {}).get("dbPath") != str(data_dir):
        return False
    if "keyFile" not in options.get("security", {}):
        raise _Refused
    return True


def _options(port: int, password: str) -> dict[str, Any]:
    with _client(port, USER, password, "admin") as client:
        options: dict[str, Any] = client.admin.command("getCmdLineOpts")["parsed"]
    return options


def _make_user(port: int, password: str) -> None:
    """Create the server's user, or set its password.

    Source: https://www.mongodb.com/docs/manual/reference/built-in-roles/#mongodb-authrole---system, the user with which
    the members of a cluster authenticate to each other, with the content of the key file.
    """
    with _client(port, "__system", password, "local") as client:
        command = "updateUser" if client.admin.command("usersInfo", USER)["users"] else "createUser"
        # Synced to the disk: if a kill -9 lost the user, the clients that reconnect first would be refused.
        client.admin.command(command, USER, pwd=password, roles=["root"], writeConcern={"w": 1, "j": True})


def _client(port: int, user: str, password: str, source: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(
        "127.0.0.1",
        port,
        username=user,
        password=password,
        authSource=source,
        authMechanism="SCRAM-SHA-256",
        directConnection=True,
        timeoutMS=1000,
    )


def _complaint(log_path: Path, start: int) -> str:
    """Return the message of the first error in mongod's log, which causes those that follow."""
    with log_path.open("rb") as mongod_log:
        mongod_log.seek(start)
        for line in mongod_log.read().decode(errors="replace").splitlines():
            if re.search(r'"s":"[EF]"', line):
                words = r'"(?:msg|error|errmsg|error_str)":"((?:[^"\\]|\\.)*)"'
                return ": ".join(re.findall(words, line))
            if line and not line.startswith("{"):  # printed by the linker or the option parser
                return line
    return f"see {log_path}"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def _exit_on_signals() -> None:
    """Let SIGTERM, and SIGHUP from a closed terminal, end this process so that `release` runs.

    Servers such as gunicorn have installed their own signal handlers by now, and keep them.
    """
    if threading.current_thread() is threading.main_thread():
        for signum in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(signum) is signal.SIG_DFL:
                signal.signal(signum, lambda signum, _frame: sys.exit(128 + signum))
