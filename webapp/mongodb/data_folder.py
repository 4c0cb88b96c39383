"""What the processes that share an embedded server find in its data folder: locks, the record and the password.

- `larder-start.lock` is held while a process joins or leaves, so that nobody joins a server that stops.
- `larder-users.lock` is shared by all that use the server. The kernel takes a share back when its
  process ends, by kill -9 too, so a process that gets the lock exclusively is the first or the last.
- `larder-mongod.json` tells people, and those that join, the pid and the port of the server.
- `larder-password` is the password of the server's only user, `larder`. It is mongod's key file as
  well, so that a new server lets nobody in before that user is made.
- `mongod.lock` is mongod's own: it writes its pid there and keeps a flock while it runs, which
  proves that a server runs on this folder, as no pid in a stale file can.
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
    """The content of `larder-mongod.json`. There is no pid before the server has answered."""

    pid: int | None
    port: int


def server_pid(data_dir: Path) -> int | None:
    """Return the pid of the mongod that holds `mongod.lock`, None if there is none.

    For an instant at the start and at the end it is 0. While a server recovers from a kill -9 it is
    still its predecessor's, so no process gets a signal unless a server answered under its pid.
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
    """Return the password of the server's user, made at the first start: 64 hexadecimal digits."""
    path = data_dir / "larder-password"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        password = secrets.token_hex(32)
        _write_private(path, password + "\n")
        return password


def read_record(data_dir: Path) -> Record | None:
    """Return what is known of the server, None if nothing is."""
    try:
        record = json.loads((data_dir / "larder-mongod.json").read_text())
        return Record(record["pid"], int(record["port"]))
    except (FileNotFoundError, ValueError, TypeError, KeyError):  # absent, or edited by hand
        return None


def write_record(data_dir: Path, port: int) -> None:
    """Note the pid of the server that runs, if one does, and the port on which it listens."""
    record = Record(server_pid(data_dir), port)
    _write_private(data_dir / "larder-mongod.json", json.dumps(record._asdict()) + "\n")


def _write_private(path: Path, text: str) -> None:
    """Write a file as a whole or not at all, for its owner alone."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with open_private(draft) as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def make_private(data_dir: Path) -> None:
    """Close the files that an older Larder left open to others. What mongod itself writes is private already."""
    for path in (*data_dir.glob("larder-*"), *data_dir.glob("mongod.log*")):
        path.chmod(0o600)


def open_private(path: Path) -> BinaryIO:
    """Open a file for appending that only its owner may read, if it is a new one."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file exclusively; waits for the process that holds it."""
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
    """Give a lock back, and close its descriptor."""
    fcntl.flock(lock, fcntl.LOCK_UN)  # to close it is not enough: a forked child may have a copy
    os.close(lock)
