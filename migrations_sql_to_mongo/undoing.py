"""Restore what the site had before a catch-up."""

from typing import Any

import pymongo

from migrations_sql_to_mongo.carrying_over import maintainers_of, names_of, with_names
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
from migrations_sql_to_mongo.digests import PACKAGES, digest_of, digests_collection, is_renamed
from migrations_sql_to_mongo.errors import Stopped
from migrations_sql_to_mongo.ledger import UNDOING, Entry, Ledger
from migrations_sql_to_mongo.replacing import documents, write_all
from migrations_sql_to_mongo.swap import corrected_collection, refuse_later, rejects_collection
from migrations_sql_to_mongo.target import Target, decoded, raw
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
    """Restore what the site had before a catch-up, and return the users who lack what somebody else has by now.

    Raises Stopped as `refuse_undo` does.
    """
    refuse_undo(target, ledger, entry, discard=discard)
    states: list[str | None] = [GOING, APPLIED]
    ledger.note(entry, state=UNDOING)
    for collection in entry["collections"]:  # users before packages, which repeat their names
        for group in groups(target, entry, collection["name"], states):
            _take_back_group(target, collection, group)
        forget_search_entries(target, entry, collection["name"])
    lacked = _lacking_before(entry)
    give_up(target, lacked, lacked)
    give_back(target, last=lacked)
    # The changes first: without what was there before, they would be taken back by removing documents.
    for name in (changes_collection, digests_collection, rejects_collection, corrected_collection):
        target.patiently(target.db.drop_collection, name(entry["_id"]))
    for collection in entry["collections"]:
        for leftover in (collection["staging"], collection["before"]):
            target.patiently(target.db.drop_collection, leftover)
    return [
        said(target, "users", each, TAKEN, wanted) for each, wanted in lacking(target).items() if each not in lacked
    ]


def who_would_lack(target: Target, entry: Entry) -> list[str]:
    """Return the users to whom an undo cannot give back a username or an address, because somebody has it by now."""
    states: list[str | None] = [GOING, APPLIED]
    lacked = _lacking_before(entry)
    # Those who gave something up, but were left alone otherwise; and those who were changed.
    wanted = {key: fields for key, fields in lacking(target).items() if key not in lacked}
    for group in groups(target, entry, "users", states):
        wanted |= unique_in(target, entry, "before", [one["id"] for one in group])
    # Those who lacked it before will lack it again.
    wanted |= {each: {} for each in wanted.keys() & lacked.keys()}
    lack = sorted(taken(target, wanted, lacked))
    place = next((one["before"] for one in entry["collections"] if one["name"] == "users"), "")
    users = {key: decoded(user) for key, user in documents(target, place, lack).items()} if lack else {}
    return [said(target, "users", each, TAKEN, wanted[each], {*wanted}, users.get(each)) for each in lack]


def _lacking_before(entry: Entry) -> Wanted:
    """Return what users had given up before a catch-up."""
    return {one["_id"]: one["wanted"] for one in entry.get("lacking", [])}


def _refuse_changed(target: Target, entry: Entry, collection: Entry, group: list[Entry]) -> None:
    ids = [one["id"] for one in group]
    live, staged, before = (documents(target, collection[place], ids) for place in ("name", "staging", "before"))
    for one in group:
        stored = live.get(one["id"])
        old = before.get(one["id"])
        # Not yet written, or taken back by an interrupted undo.
        may_be_old = one["state"] == GOING or entry["state"] == UNDOING
        is_old = may_be_old and (stored == old or (stored is not None and restored(stored) == old))
        new = staged.get(one["id"])
        is_left = is_same(stored, new) or is_old
        if collection["name"] == PACKAGES and stored and new:
            is_left = is_left or is_renamed(digest_of(PACKAGES, new), stored)
        if not is_left:
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
    if collection["name"] == PACKAGES:
        before = _with_names_of_now(target, collection, before)
    writes: list[Any] = [
        pymongo.ReplaceOne({"_id": each}, raw(before[each]), upsert=True)
        if each in before
        else pymongo.DeleteOne({"_id": each})
        for each in ids
    ]
    target.patiently(write_all, target, collection["name"], writes)


def _with_names_of_now(target: Target, collection: Entry, before: dict[Any, bytes]) -> dict[Any, bytes]:
    """Return what was there before; maintainers who have changed their name since keep the new one."""
    ids = [*before]
    live, staged = (documents(target, collection[place], ids) for place in ("name", "staging"))
    names = names_of(target, maintainers_of(before.values()))
    found = {}
    for each, old in before.items():
        stored, new = live.get(each), staged.get(each)
        if stored and new and not is_same(stored, new) and not is_same(stored, old):
            found[each] = with_names(old, names, stored, digest_of(PACKAGES, new))
        else:
            # A link that was removed could not follow a change of the name.
            gone = {*maintainers_of([old])} - {*maintainers_of([new] if new else [])}
            found[each] = with_names(old, {key: names[key] for key in gone & names.keys()}, None, None)
    return found
