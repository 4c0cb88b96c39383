"""The ledger of all runs: collection `migrations`, one document per run, and the lock for a single migration."""

import contextlib
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from migrations_sql_to_mongo.errors import Stopped
from migrations_sql_to_mongo.target import Target

Entry = dict[str, Any]

COLLECTION = "migrations"
HEARTBEAT_S = 5.0
# Nobody can see whether a holder on another machine is alive; this much silence means that it is not.
SILENCE = timedelta(seconds=60)

# The states of a run, in order. An interrupted run continues from its state.
STEPS = ("copying", "rendering", "indexing", "verifying", "swapping")
RUN, CATCH_UP = "run", "catch-up"  # the run that an entry is about
DONE, FAILED, UNDOING, UNDONE = "done", "failed", "undoing", "undone"


def kind(entry: Entry) -> str:
    """Return what people call an entry: a run, a catch-up, or a replay, which is a catch-up with corrected rows."""
    return "replay" if entry.get("replayed") else str(entry.get("command", RUN))


def command_of(entry: Entry) -> str:
    """Return the command that ends an interrupted run, catch-up or replay."""
    return "rejects replay" if entry.get("replayed") else str(entry.get("command", RUN))


def not_done(entry: Entry) -> Stopped:
    """Return the error for an entry that is neither done nor goes on by itself."""
    if entry["state"] == UNDOING:
        return Stopped(f"the undo of {kind(entry)} {entry['_id']} was interrupted: `undo` ends it")
    return Stopped(f"{kind(entry)} {entry['_id']} is {entry['state']}")


def now() -> datetime:
    """Return the time as the ledger keeps it."""
    return datetime.now(UTC).replace(microsecond=0)


class Ledger:
    """The runs that this database has seen."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._entries = target.db[COLLECTION]
        self._token: str | None = None
        self._lost = threading.Event()

    def runs(self) -> list[Entry]:
        """Return all runs, newest last."""
        return list(self._entries.find({"_id": {"$ne": "lock"}}).sort("_id", -1))

    def run(self, run_id: str) -> Entry | None:
        """Return one run."""
        return self._entries.find_one({"_id": run_id}) if run_id != "lock" else None

    def interrupted(self) -> Entry | None:
        """Return the unfinished run, if any."""
        return next((entry for entry in self.runs() if entry["state"] in STEPS), None)

    def begin(self, fields: Entry, collections: Callable[[str], list[Entry]]) -> Entry:
        """Record a new run, with the collections named after it."""
        stem = now().strftime("%Y%m%d_%H%M%S")
        taken = {entry["_id"] for entry in self.runs()}
        run_id = next(name for name in [stem, *(f"{stem}_{n:03}" for n in range(2, 1000))] if name not in taken)
        entry = {"_id": run_id, "state": STEPS[0], "started_at": now(), "ended_at": None, **fields}
        entry["collections"] = collections(run_id)
        self._target.patiently(self._entries.replace_one, {"_id": run_id}, entry, upsert=True)
        return entry

    def note(self, entry: Entry, **fields: Any) -> None:
        """Record the result of a run. Raises Stopped if another migration has taken over the lock."""
        if self._lost.is_set():
            raise Stopped("another process has taken over: this one was silent for too long")
        entry |= fields
        self._target.patiently(self._entries.update_one, {"_id": entry["_id"]}, {"$set": fields})

    def checkpoint(self, entry: Entry, **fields: Any) -> None:
        """Record the progress of a run, without waiting for the journal. Raises Stopped.

        Whatever it says was written is already in the journal; if the record gets lost, a little is written twice.
        """
        if self._lost.is_set():
            raise Stopped("another process has taken over: this one was silent for too long")
        entry["checkpoint"] = fields
        entries = self._target.without_waiting(COLLECTION)
        self._target.patiently(entries.update_one, {"_id": entry["_id"]}, {"$set": {"checkpoint": fields}})

    @contextlib.contextmanager
    def lock(self, command: str) -> Iterator[None]:
        """Hold the lock. Raises Stopped if another living migration holds it."""
        holder = {**_myself(), "command": command, "since": now(), "token": uuid.uuid4().hex}
        self._take(holder)
        self._token = holder["token"]
        ended = threading.Event()
        heart = threading.Thread(target=self._beat, args=(ended,), name="migration-lock", daemon=True)
        heart.start()
        try:
            yield
        finally:
            ended.set()
            heart.join()
            # If the server is away the lock stays; it is taken over later, because its holder is dead then.
            with contextlib.suppress(PyMongoError):
                self._entries.delete_one({"_id": "lock", "token": self._token})

    def holder(self) -> Entry | None:
        """Return the holder of the lock."""
        return self._entries.find_one({"_id": "lock"})

    def _take(self, holder: Entry) -> None:
        lock = {"_id": "lock", **holder, "heartbeat_at": now()}
        for _ in range(3):
            try:
                self._target.first_write(lambda: self._entries.insert_one(dict(lock)))
            except DuplicateKeyError:
                other = self.holder()
                if other is None:
                    continue
                if is_alive(other):
                    raise Stopped(
                        f"`{other['command']}` of process {other['pid']} on {other['host']} has been at work since "
                        f"{other['since']:%Y-%m-%d %H:%M:%S} UTC; wait for it, or end it"
                    ) from None
                taken = self._entries.find_one_and_replace(
                    {"_id": "lock", "token": other["token"]}, lock, return_document=ReturnDocument.AFTER
                )
                if taken is None:
                    continue
            return
        raise Stopped("other processes keep taking the lock")

    def _beat(self, ended: threading.Event) -> None:
        while not ended.wait(HEARTBEAT_S):
            # The main thread deals with a server that is away.
            with contextlib.suppress(PyMongoError):
                beat = {"$set": {"heartbeat_at": now()}}
                if not self._entries.update_one({"_id": "lock", "token": self._token}, beat).matched_count:
                    self._lost.set()


def _myself() -> Entry:
    return {"host": socket.gethostname(), "pid": os.getpid(), "process_started": _started(os.getpid())}


def _started(pid: int) -> str | None:
    """Return what distinguishes a process from a later one with the same number; None if the system does not tell."""
    try:
        # The 22nd field, counted after the command's name, which may contain spaces. Source: proc(5).
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None


def is_alive(holder: Entry) -> bool:
    """Tell whether the holder of a lock is at work, as far as can be seen from here."""
    if holder["host"] == socket.gethostname():
        try:
            os.kill(holder["pid"], 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return holder["process_started"] in (None, _started(holder["pid"]))
    heartbeat = holder["heartbeat_at"]
    if heartbeat.tzinfo is None:
        heartbeat = heartbeat.replace(tzinfo=UTC)
    return bool(now() - heartbeat < SILENCE)
