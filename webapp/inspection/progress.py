"""How far a dump has come, kept beside its files, so that an interrupted one can be continued."""

import contextlib
import fcntl
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bson import Timestamp

from webapp.inspection.manifest import DumpedCollection, as_json, from_json

NAME = "progress.json"


class Checkpoint(NamedTuple):
    """A part of a file that is on the disk for certain."""

    size: int
    sha256: str


class Busy(RuntimeError):
    """Another process is writing this dump."""


class Progress:
    """What is on the disk of a dump. Threads may share it."""

    def __init__(self, folder: Path, source: dict[str, Any]) -> None:
        """Continue a dump of the same `source`, which says what is dumped, or begin one."""
        self._folder, self._lock = folder, threading.Lock()
        found = self._read()
        is_same = found.get("source") == source
        self.moment: Timestamp | None = Timestamp(*found["moment"]) if is_same and found.get("moment") else None
        self.is_continued = is_same
        self.finished: dict[str, DumpedCollection] = {}
        self.checkpoints: dict[str, Checkpoint] = {}
        if is_same:
            self.finished = {each["name"]: DumpedCollection(**each) for each in found["finished"]}
            self.checkpoints = {name: Checkpoint(*each) for name, each in found["checkpoints"].items()}
        self._source = source

    def _read(self) -> dict[str, Any]:
        try:
            found = from_json((self._folder / NAME).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def begin_anew(self, moment: Timestamp | None) -> None:
        """Forget what is there."""
        for path in self._folder.iterdir():
            path.unlink()
        self.moment, self.is_continued, self.finished, self.checkpoints = moment, False, {}, {}
        self._write()

    def finish(self, collection: DumpedCollection) -> None:
        """Note a collection whose file is complete."""
        with self._lock:
            self.finished[collection.name] = collection
            self.checkpoints.pop(collection.name, None)
            self._write()

    def reach(self, name: str, checkpoint: Checkpoint) -> None:
        """Note how much of a collection's file is on the disk."""
        with self._lock:
            self.checkpoints[name] = checkpoint
            self._write()

    def _write(self) -> None:
        known = {
            "source": self._source,
            "moment": [self.moment.time, self.moment.inc] if self.moment else None,
            "finished": [each._asdict() for each in self.finished.values()],
            "checkpoints": self.checkpoints,
        }
        fresh = self._folder / f"{NAME}.new"
        with private_file(fresh, "wb") as file:
            file.write(as_json(known).encode())
        fresh.replace(self._folder / NAME)
        sync_folder(self._folder)

    def remove(self) -> None:
        """Remove the notes, because the dump is complete."""
        (self._folder / NAME).unlink()


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Let one process write into a folder. Raises Busy. The kernel releases the lock of a killed process."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Busy(str(folder)) from None
    finally:
        os.close(descriptor)


def matches(path: Path, checkpoint: Checkpoint) -> bool:
    """Tell whether a file still begins with what was noted."""
    digest, rest = hashlib.sha256(), checkpoint.size
    try:
        with path.open("rb") as file:
            while rest and (part := file.read(min(rest, 1_000_000))):
                digest.update(part)
                rest -= len(part)
    except OSError:
        return False
    return rest == 0 and digest.hexdigest() == checkpoint.sha256


@contextlib.contextmanager
def private_file(path: Path, mode: str = "xb", buffering: int = 1_000_000) -> Iterator[Any]:
    """Open a file that only its owner can read, and sync it to the disk at the end."""
    with open(path, mode, buffering, opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Sync the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
