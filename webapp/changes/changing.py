"""One change of a package at a time, each with its entry in the journal, on any kind of MongoDB.

A change is read, made and stored by `Package.store`, whose guard refuses it when somebody else was faster; then it is
made again on what that somebody stored. The serial of a change is drawn after the package was read, and is stored with
the change, so a package's `last_serial` only grows and is never seen before what it stands for.

A standalone server has no transactions, so the entry of the journal is stored within the package, in the same write as
the change, and is copied to the journal afterwards. A process that dies in between leaves it there, and the next change
of the package or `flask files clean` copies it.
"""

import threading
import time
import zlib
from collections.abc import Iterator
from types import TracebackType
from typing import Any, NamedTuple, Self

from webapp.documents.base import utc_now
from webapp.documents.journal import JournalFields, next_serial, write_entry
from webapp.documents.package import ConcurrentChange, Package
from webapp.documents.release_facts import ReleaseFacts
from webapp.documents.search_entry import SearchEntry
from webapp.documents.user import User

# A change that others outran for so long is given up.
PATIENCE_S = 30.0

# After the entry of this act is written, its project is no more.
REMOVE_PROJECT = "remove project"

# Threads of one process wait for each other here instead of outrunning each other: 100 uploads at once to one project
# took 100 writes then, and some thousand attempts without it. Two names may share a lock; that costs time, no more.
_LOCKS = [threading.Lock() for _ in range(64)]


class Act(NamedTuple):
    """What a change was, for the journal."""

    action: str
    version: str | None = None
    filename: str | None = None
    note: str | None = None


class Change:
    """One attempt to change a package: what stands in its block is stored at the block's end, with its journal entry.

    `package` is the package as it was just read, a new one where there was none. `act` says what was done, for the
    journal; while it is None nothing is stored. An exception in the block comes through, and nothing is stored.
    """

    def __init__(self, package: Package, by: User | None, *, is_new: bool) -> None:
        self.package = package
        self.is_new = is_new
        self.act: Act | None = None
        self.conflict: ConcurrentChange | None = None
        self._by = by

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        if isinstance(error, ConcurrentChange):
            self.conflict = error
        elif error is None and self.act is not None:
            enter(self.package, self.act, self._by)
            try:
                self.package.store()
            except ConcurrentChange as outrun:
                self.conflict = outrun
        return self.conflict is not None


def changes(normalized_name: str, by: User | None) -> Iterator[Change]:
    """Yield attempts to change a package, or to make a new one, until one of them is stored.

        for change in changes("flask", user):
            with change:
                change.package.summary = "..."
                change.act = Act("describe")

    The block may run several times, each time on what was stored last; it must not leave the loop by `return` or
    `break`. Raises ConcurrentChange when others kept changing the package for PATIENCE_S, and what `Package.store`
    raises.
    """
    deadline = time.monotonic() + PATIENCE_S
    with _LOCKS[zlib.crc32(normalized_name.encode()) % len(_LOCKS)]:
        while True:
            package = Package.to_change(normalized_name)
            if package and _is_going(package):
                # A process died while it removed the project; what comes now is about a new one of that name.
                write_out_of(package)
                continue
            change = Change(package or Package(normalized_name=normalized_name), by, is_new=package is None)
            yield change
            if change.conflict is None:
                break
            # Somebody else got on, so two processes that outrun each other cannot both stand still.
            if time.monotonic() > deadline:
                raise change.conflict
    if change.act is not None:
        write_out_of(change.package)


def enter(package: Package, act: Act, by: User | None) -> None:
    """Put an entry for the journal into a package that was read and is about to be stored."""
    package.last_serial = next_serial()
    entry = JournalFields(
        serial=package.last_serial,
        action=act.action,
        version=act.version,
        filename=act.filename,
        note=act.note,
        actor_id=by.id if by else None,
        actor_name=by.shown_name if by else None,
        at=utc_now(),
    )
    package.unwritten = [*(package.unwritten or []), entry]


def write_out_of(package: Package) -> None:
    """Copy the entries of a package that was stored to the journal."""
    write_out(package.pk, [entry.to_mongo().to_dict() for entry in package.unwritten or []])


def write_out(normalized_name: str, entries: list[dict[str, Any]]) -> None:
    """Copy all entries that stand in a package to the journal, and take them out of the package.

    A package whose last entry says that it was removed goes now; it has been empty since that entry was made.
    """
    for entry in entries:
        write_entry(normalized_name, entry)
    last = max(entries, key=lambda entry: int(entry["serial"]))
    # `updated_date` stays: nothing that a reader sees is changed. With another serial there was another change, which
    # stored these entries again beside its own, and copies them once more, to where they are already.
    is_unchanged = {"_id": normalized_name, "last_serial": last["serial"]}
    if last.get("action") == REMOVE_PROJECT:
        if Package.objects.raw().delete_one(is_unchanged).deleted_count:
            SearchEntry.objects.raw().delete_one({"_id": normalized_name})
            ReleaseFacts.forget(normalized_name, None, last.get("at"))
    else:
        Package.objects.raw().update_one(is_unchanged, {"$unset": {"unwritten": ""}})


def write_out_leftovers() -> int:
    """Copy to the journal what killed processes left in packages; return how many packages had such."""
    found = 0
    for package in Package.objects.with_unwritten_entries().only("unwritten").plain():
        if entries := [entry for entry in package["unwritten"] if "serial" in entry]:
            write_out(package["normalized_name"], entries)
            found += 1
    return found


def _is_going(package: Package) -> bool:
    last = package.unwritten[-1] if package.unwritten else None
    # An import may have brought it back since.
    return bool(last and last.action == REMOVE_PROJECT and last.serial and last.serial == package.last_serial)
