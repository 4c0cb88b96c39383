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
from collections.abc import Callable
from typing import Any, NamedTuple

from webapp.documents.base import utc_now
from webapp.documents.journal import JournalFields, next_serial, write_entry
from webapp.documents.package import ConcurrentChange, Package
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


def change_package(normalized_name: str, change: Callable[[Package, bool], Act | None], by: User | None) -> Package:
    """Change a package, or make a new one, and write it down in the journal.

    `change` gets the package and whether it is new, changes it, and says what it did; None means that there is nothing
    to do. It may be called several times. What it raises comes through, and nothing is changed then. Raises
    ConcurrentChange when others kept changing the package, and what `Package.store` raises.
    """
    deadline = time.monotonic() + PATIENCE_S
    with _LOCKS[zlib.crc32(normalized_name.encode()) % len(_LOCKS)]:
        while True:
            package = Package.to_change(normalized_name)
            if package and _is_going(package):
                # A process died while it removed the project; what comes now is about a new one of that name.
                write_out_of(package)
                continue
            is_new = package is None
            package = package or Package(normalized_name=normalized_name)
            try:
                act = change(package, is_new)
                if act is None:
                    return package
                enter(package, act, by)
                package.store()
            except ConcurrentChange:
                # Somebody else got on, so two processes that outrun each other cannot both stand still.
                if time.monotonic() > deadline:
                    raise
                continue
            break
    write_out_of(package)
    return package


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
        if Package._get_collection().delete_one(is_unchanged).deleted_count:
            SearchEntry._get_collection().delete_one({"_id": normalized_name})
    else:
        Package._get_collection().update_one(is_unchanged, {"$unset": {"unwritten": ""}})


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
