"""The files in the embedded server's data folder by which processes coordinate.

- `larder-start.lock` is held while a process joins or leaves, so that nobody joins a server that is stopping.
- `larder-users.lock` is shared by all processes that use the server. The kernel releases a share when its process ends,
  even by kill -9, so a process that gets the lock exclusively is the first or the last.
- `larder-mongod.json` has the pid and the port of the server, for people and for processes that join.
- `larder-password` is the password of the server's only user, `larder`. It is also mongod's key file, so that a new
  server lets nobody in before that user is created.
- `mongod.lock` is mongod's own. It contains the pid and is locked while mongod runs, which proves that a server runs on
  this folder, as a stale pid could not.
"""

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple


class Record(NamedTuple):
    """The content of `larder-mongod.json`. Without a pid, the server has not answered yet."""

    pid: int | None
    port: int


def server_pid(data_dir: Path) -> int | None:
    """Return the pid of the mongod that holds `mongod.lock`, or None.

    It is 0 for an instant at the start and at the end. While a server recovers from a kill -9 it is still that of its
    predecessor, so a process only gets a signal after a server has answered under its pid.
    """
    try:
        lock = os.open(data_dir / "mongod.lock", os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return None if try_lock(lock, fcntl.LOCK_SH) else int(os.read(lock, 32) or b"0")
    finally:
        os.close(lock)


def password_of(data_dir: Path) -> str:
    """Return the password of the server's user, created at the first start: 64 hexadecimal digits."""
    path = data_dir / "larder-password"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        password = secrets.token_hex(32)
        _write_private(path, password + "\n")
        return password


def read_record(data_dir: Path) -> Record | None:
    """Return what is known about the server, or None."""
    try:
        record = json.loads((data_dir / "larder-mongod.json").read_text())
        return Record(record["pid"], int(record["port"]))
    except (FileNotFoundError, ValueError, TypeError, KeyError):  # absent, or edited by hand
        return None


def write_record(data_dir: Path, port: int) -> None:
    """Record the pid of the running server, if any, and its port."""
    record = Record(server_pid(data_dir), port)
    _write_private(data_dir / "larder-mongod.json", json.dumps(record._asdict()) + "\n")


def _write_private(path: Path, text: str) -> None:
    """Write a file atomically, readable only by its owner."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with open_private(draft) as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def make_private(data_dir: Path) -> None:
    """Make files private that an older version left open to others. mongod's own files are private already."""
    for path in (*data_dir.glob("larder-*"), *data_dir.glob("mongod.log*")):
        path.chmod(0o600)


def open_private(path: Path) -> BinaryIO:
    """Open a file for appending; a new one is private."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock, and wait for it if necessary."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        unlock(lock)


def try_lock(lock: int, mode: int) -> bool:
    """Take a lock without waiting, and tell whether that worked."""
    try:
        fcntl.flock(lock, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(lock: int) -> None:
    """Release a lock, and close its descriptor."""
    fcntl.flock(lock, fcntl.LOCK_UN)  # closing it is not enough: a forked child may have a copy
    os.close(lock)
