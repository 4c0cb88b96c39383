"""Change one package at a time, with a journal entry for each change, on any kind of MongoDB.

A package is read, changed and stored by `Package.store`, whose guard refuses it if somebody else was faster; then the
change is repeated on what that somebody stored. Its serial is drawn after the package was read and stored with the
change, so a package's `last_serial` only grows and is never visible before its change.

A standalone server has no transactions, so the journal entry is stored in the package, in the same write as the change,
and copied to the journal afterwards. If a process dies in between, the next change of the package or `flask files
clean` copies it.
"""

import logging
import threading
import time
import zlib
from collections.abc import Iterator
from types import TracebackType
from typing import Any, NamedTuple, Self

import bson
from packaging.utils import NormalizedName

from webapp.documents.api_token import PROJECT, revoke_shared
from webapp.documents.base import as_declared, utc_now
from webapp.documents.journal import REMOVE_PROJECT, JournalFields, SerialTaken, lift_counter, next_serial, write_entry
from webapp.documents.known_name import KnownName
from webapp.documents.package import ConcurrentChange, Package
from webapp.documents.release_facts import ReleaseFacts
from webapp.documents.search_entry import SearchEntry
from webapp.documents.user import User

log = logging.getLogger(__name__)

# How long to keep trying while others are faster.
PATIENCE_S = 30.0

# The fields that say who may read a package.
READABLE_BY = {"readers": 1, "teams.team": 1, "maintainers.user_id": 1}

# Threads of one process take turns instead of outrunning each other: 100 simultaneous uploads to one project take 100
# writes, and took some thousand attempts without these locks. Two names may share a lock, which only costs time.
_LOCKS = [threading.Lock() for _ in range(64)]


class Act(NamedTuple):
    """What a change was, for the journal."""

    action: str
    version: str | None = None
    filename: str | None = None
    note: str | None = None


class Change:
    """One attempt to change a package, which is stored with its journal entry at the end of the `with` block.

    `package` is the package as just read, or a new one. `act` describes the change for the journal; while it is None,
    nothing is stored. If the block raises an exception, nothing is stored either.
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


def changes(normalized_name: NormalizedName, by: User | None) -> Iterator[Change]:
    """Yield attempts to change a package, or to create one, until one of them is stored.

        for change in changes("flask", user):
            with change:
                change.package.summary = "..."
                change.act = Act("describe")

    The block may run several times, each time on what was stored last. It must not leave the loop with `return` or
    `break`. Raises ConcurrentChange if others keep changing the package for PATIENCE_S, and what `Package.store`
    raises.
    """
    deadline = time.monotonic() + PATIENCE_S
    with _LOCKS[zlib.crc32(normalized_name.encode()) % len(_LOCKS)]:
        while True:
            package = Package.to_change(normalized_name)
            if package and _is_going(package):
                # A process died while it removed the project; this change is about a new one of that name.
                write_out_of(package)
                if time.monotonic() > deadline:  # edited by hand, it may stay
                    raise ConcurrentChange(f"{normalized_name} is being removed; try again")
                continue
            change = Change(package or Package(normalized_name=normalized_name), by, is_new=package is None)
            yield change
            if change.conflict is None:
                break
            # Somebody else succeeded, so two processes that outrun each other cannot both be stuck.
            if time.monotonic() > deadline:
                raise change.conflict
    if change.act is not None:
        write_out_of(change.package)


def enter(package: Package, act: Act, by: User | None) -> None:
    """Add a journal entry to a package that was read and is about to be stored."""
    before, serial = package.last_serial or 0, next_serial()
    if serial <= before:
        lift_counter(before)
        serial = next_serial()
    package.last_serial = serial
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
    """Copy the entries of a stored package to the journal."""
    write_out(package.pk, [entry.to_mongo().to_dict() for entry in package.unwritten or []])


def write_out(normalized_name: NormalizedName, entries: list[dict[str, Any]]) -> None:
    """Copy all entries in a package to the journal, and remove them from the package.

    A package whose last entry says that it was removed is deleted now; it has been empty since that entry was made.
    """
    entries = list(_in_journal(normalized_name, entries))
    last = max(entries, key=lambda entry: int(entry["serial"]))
    # `updated_date` stays, because readers see no change. With another serial there was another change, which stored
    # these entries along with its own and copies them again, to where they already are.
    is_unchanged = {"_id": normalized_name, "last_serial": last["serial"]}
    if last.get("action") == REMOVE_PROJECT:
        # First of all, or a kill in between would leave them to whoever next creates a project of this name.
        revoke_shared(PROJECT, normalized_name, last.get("at"))
        # A project that lived for less than a minute is not in `known_names` yet (`catching_up.py`).
        KnownName.remember(normalized_name)
        if gone := Package.objects.raw().find_one(is_unchanged, READABLE_BY):
            KnownName.remember_readers(normalized_name, as_declared(Package, gone))
        if Package.objects.raw().delete_one(is_unchanged).deleted_count:
            SearchEntry.objects.raw().delete_one({"_id": normalized_name})
            ReleaseFacts.forget(normalized_name, None, last.get("at"))
    else:
        # Entries that stay are copied once more, to where they already are.
        Package.objects.raw(may_be_lost=True).update_one(is_unchanged, {"$unset": {"unwritten": ""}})


def _in_journal(normalized_name: NormalizedName, entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Write entries to the journal, and yield them; under new serials from the first one whose serial is taken."""
    is_taken = False
    for entry in sorted(entries, key=lambda entry: int(entry["serial"])):
        try:
            if not is_taken:
                write_entry(normalized_name, entry)
                yield entry
                continue
        except SerialTaken as error:
            log.error("%s: %s. Its change gets a new one.", normalized_name, error)
            lift_counter()
            is_taken = True
        renumbered = entry | {"serial": bson.Int64(next_serial())}
        this = {"_id": normalized_name, "unwritten": {"$elemMatch": {"serial": entry["serial"], "at": entry["at"]}}}
        change = {"$set": {"unwritten.$.serial": renumbered["serial"]}, "$max": {"last_serial": renumbered["serial"]}}
        if Package.objects.raw().update_one(this, change).matched_count:
            write_entry(normalized_name, renumbered)
            yield renumbered
        else:
            yield entry  # another process has just done the same


def write_out_leftovers() -> int:
    """Copy to the journal what killed processes left in packages; return the number of packages."""
    found = 0
    for package in Package.objects.with_unwritten_entries().only("unwritten").plain():
        if entries := [entry for entry in package["unwritten"] if "serial" in entry]:
            write_out(package["normalized_name"], entries)
            found += 1
    return found


def _is_going(package: Package) -> bool:
    # The same one as in `write_out`, also if somebody has changed their order by hand.
    last = max(package.unwritten or [], key=lambda entry: entry.serial or 0, default=None)
    # An import may have recreated it since.
    return bool(last and last.action == REMOVE_PROJECT and last.serial and last.serial == package.last_serial)
