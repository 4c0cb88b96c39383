"""Restore what the site had before a catch-up."""

from typing import Any

import pymongo

from migrations_sql_to_mongo.changes import (
    APPLIED,
    GOING,
    TAKEN,
    changes_collection,
    forget_search_entries,
    groups,
    is_same,
)
from migrations_sql_to_mongo.conflicts import said, unique_in
from migrations_sql_to_mongo.digests import digests_collection
from migrations_sql_to_mongo.errors import Stopped
from migrations_sql_to_mongo.ledger import UNDOING, Entry, Ledger
from migrations_sql_to_mongo.replacing import documents, write_all
from migrations_sql_to_mongo.swap import corrected_collection, refuse_later, rejects_collection
from migrations_sql_to_mongo.target import Target, raw
from migrations_sql_to_mongo.unique_values import Wanted, give_back, give_up, lacking, put_back, restored, taken


def refuse_undo(target: Target, ledger: Ledger, entry: Entry, *, discard: bool) -> None:
    """Raise Stopped if a catch-up was followed by another, or if something was changed since that is not discarded."""
    refuse_later(ledger, entry)
    if discard:
        return
    states: list[str | None] = [GOING, APPLIED]
    for collection in entry["collections"]:
        for group in groups(target, entry, collection["name"], states):
            _refuse_changed(target, entry, collection, group)
    if lack := who_would_lack(target, entry):
        raise Stopped(f"{lack[0]}; --discard-changes undoes everything else, and leaves it to that user")


def take_back(target: Target, ledger: Ledger, entry: Entry, *, discard: bool) -> list[str]:
    """Restore what the site had before a catch-up, and return which users lack what somebody else has by now.

    Raises Stopped as `refuse_undo` does.
    """
    refuse_undo(target, ledger, entry, discard=discard)
    states: list[str | None] = [GOING, APPLIED]
    ledger.note(entry, state=UNDOING)
    for collection in reversed(entry["collections"]):
        for group in groups(target, entry, collection["name"], states):
            _take_back_group(target, collection, group)
        forget_search_entries(target, entry, collection["name"])
    give_up(target, entry.get("lacking", []))
    give_back(target, last=entry.get("lacking", []))
    # The changes first: without what was there before, they would be taken back by removing documents.
    for name in (changes_collection, digests_collection, rejects_collection, corrected_collection):
        target.patiently(target.db.drop_collection, name(entry["_id"]))
    for collection in entry["collections"]:
        for leftover in (collection["staging"], collection["before"]):
            target.patiently(target.db.drop_collection, leftover)
    return [said(target, "users", each, TAKEN, wanted) for each, wanted in lacking(target).items()]


def who_would_lack(target: Target, entry: Entry) -> list[str]:
    """Return which users an undo would not give back what somebody else has by now, and only one may have."""
    states: list[str | None] = [GOING, APPLIED]
    # Those who lacked it before will lack it again, or have got it back since and give it up again.
    lacked = entry.get("lacking", [])
    wanted: Wanted = {each: {} for each in lacked}
    for collection in entry["collections"]:
        for group in groups(target, entry, "users", states) if collection["name"] == "users" else ():
            wanted |= unique_in(target, entry, "before", [one["id"] for one in group if one["id"] not in lacked])
    return [said(target, "users", each, TAKEN, wanted[each]) for each in sorted(taken(target, wanted))]


def _refuse_changed(target: Target, entry: Entry, collection: Entry, group: list[Entry]) -> None:
    ids = [one["id"] for one in group]
    live, staged, before = (documents(target, collection[place], ids) for place in ("name", "staging", "before"))
    for one in group:
        stored = live.get(one["id"])
        old = before.get(one["id"])
        # Not yet written, or taken back by an interrupted undo.
        may_be_old = one["state"] == GOING or entry["state"] == UNDOING
        is_old = may_be_old and (stored == old or (stored is not None and restored(stored) == old))
        if not is_same(stored, staged.get(one["id"])) and not is_old:
            raise Stopped(
                f"{collection['name']} {one['id']} was changed since the run; --discard-changes undoes that change, too"
            )


def _take_back_group(target: Target, collection: Entry, group: list[Entry]) -> None:
    ids = [one["id"] for one in group]
    before = documents(target, collection["before"], ids)
    if collection["name"] == "users":
        # What only one user may have must be given up before it can be given back.
        put_back(target, before, ids)
        return
    writes: list[Any] = [
        pymongo.ReplaceOne({"_id": each}, raw(before[each]), upsert=True)
        if each in before
        else pymongo.DeleteOne({"_id": each})
        for each in ids
    ]
    target.patiently(write_all, target, collection["name"], writes)
