"""Write what has changed in the source into the site's collections, and nothing over what people did there.

The states of a change are described in `changes`.
"""

from typing import Any

from migrations_sql_to_mongo.carrying_over import Names, carried_over, maintainers_of, names_of, with_names
from migrations_sql_to_mongo.changes import (
    APPLIED,
    CONFLICT,
    EDITED,
    GOING,
    SAME,
    TAKEN,
    Change,
    changes_collection,
    groups,
    is_same,
    refused,
)
from migrations_sql_to_mongo.digests import NONE, PACKAGES, chunk, chunk_of_users, digests_collection, is_digest
from migrations_sql_to_mongo.ledger import Entry, Ledger
from migrations_sql_to_mongo.replacing import documents, write, write_all
from migrations_sql_to_mongo.target import Fingerprint, Target
from migrations_sql_to_mongo.unique_values import Wanted, free, give_back, give_up, lacking, restored, unique_of


def apply(target: Target, ledger: Ledger, entry: Entry) -> None:
    """Make every change that is allowed, and mark the others as conflicts. An interrupted attempt continues.

    Changes that fail because of a unique value are tried again as long as that helps: its former owner may have given
    it up. Those left in the end wait for one another, or for somebody else; see `unique_values`.
    """
    for collection in entry["collections"]:
        if collection["name"] == "users" and "lacking" not in entry:
            # What was given up before: `undo` lets it be given up again.
            wanted = [{"_id": each, "wanted": fields} for each, fields in lacking(target).items()]
            ledger.note(entry, lacking=wanted)
        before, left = -1, 0
        while left != before:
            before = left
            _apply_all(target, ledger, entry, collection, is_last=False)
            left = target.patiently(_count_left, target, entry, collection)
        if left:
            if collection["name"] == "users":
                _give_up_all(target, entry, collection)
            _apply_all(target, ledger, entry, collection, is_last=True)
        if collection["name"] == "users":
            # Those who are to have something else in the source come last.
            conflicts = {"collection": "users", "state": CONFLICT}
            kept = target.db[changes_collection(entry["_id"])]
            give_back(target, last=target.patiently(kept.distinct, "id", conflicts))
        collection["is"] = _fingerprint(target, entry, collection)
    ledger.note(entry, collections=entry["collections"])


def _give_up_all(target: Target, entry: Entry, collection: Entry) -> None:
    """Let users who wait for one another only give up what they have."""
    wanted: Wanted = {}
    for group in groups(target, entry, "users", [None, GOING]):
        staged = documents(target, collection["staging"], [one["id"] for one in group])
        wanted |= {one["id"]: unique_of(staged.get(one["id"])) for one in group}
    can_have = free(target, wanted)
    for group in groups(target, entry, "users", [None, GOING]):
        give_up(target, [one["id"] for one in group if one["id"] in can_have])


def _apply_all(target: Target, ledger: Ledger, entry: Entry, collection: Entry, *, is_last: bool) -> None:
    waiting = _names_of_waiting(target, entry) if collection["name"] == PACKAGES else {}
    for group in groups(target, entry, collection["name"], [None, GOING]):
        _apply_group(target, entry, collection, group, waiting, is_last=is_last)
        ledger.checkpoint(entry, change=group[-1]["_id"])


def _count_left(target: Target, entry: Entry, collection: Entry) -> int:
    query = {"collection": collection["name"], "state": {"$in": [None, GOING]}}
    return target.db[changes_collection(entry["_id"])].count_documents(query)


def _apply_group(
    target: Target, entry: Entry, collection: Entry, group: list[Entry], waiting: Names, *, is_last: bool
) -> None:
    name, ids = collection["name"], [one["id"] for one in group]
    staged, live = documents(target, collection["staging"], ids), documents(target, name, ids)
    seen = {key: restored(document) for key, document in live.items()} if name == "users" else live
    staged |= _with_their_own(target, collection, group, seen, staged, waiting)
    marks: dict[str, list[Entry]] = {GOING: [], CONFLICT: [], SAME: []}
    for one in group:
        change = _change(name, one, staged)
        one["reason"] = refused(change, seen.get(one["id"]))
        if is_same(live.get(one["id"]), staged.get(one["id"])):
            # Already done: by this run before it was interrupted, or by somebody else.
            state = GOING if one.get("state") == GOING else SAME
        else:
            state = CONFLICT if one["reason"] else GOING
        marks[state].append(one)
    going = marks[GOING]
    before = [seen[one["id"]] for one in going if one["id"] in live and not _is_done(one, live, staged)]
    if before:
        target.insert(collection["before"], before)
    _mark(target, entry, going, GOING)
    writes = [write(one["id"], live, staged) for one in going if not _is_done(one, live, staged)]
    if writes:
        target.patiently(write_all, target, name, writes)
    now = documents(target, name, [one["id"] for one in going])
    applied = [one for one in going if is_same(now.get(one["id"]), staged.get(one["id"]))]
    for one in going:
        if one not in applied and (is_last or not _may_wait(one, live, now)):
            one["reason"] = TAKEN if _may_wait(one, live, now) else EDITED
            marks[CONFLICT].append(one)
    written = applied + marks[SAME]
    if written:
        _keep_digests(target, entry, name, written, f"{entry['_id']}/{written[0]['_id']:012}/{int(is_last)}")
    _mark(target, entry, applied, APPLIED)
    _mark(target, entry, marks[SAME], SAME)
    for one in marks[CONFLICT]:
        _mark(target, entry, [one], CONFLICT, one["reason"])


def _change(collection: str, one: Entry, staged: dict[Any, bytes]) -> Change:
    return Change(collection, one["id"], one["was"], staged.get(one["id"]), of_user=one.get("of_user"))


def _names_of_waiting(target: Target, entry: Entry) -> Names:
    """Return the names that users will have who were not edited here, but wait for a username or an address."""
    query = {"collection": "users", "state": CONFLICT, "reason": TAKEN}
    ids = target.patiently(target.db[changes_collection(entry["_id"])].distinct, "id", query)
    users = [one["staging"] for one in entry["collections"] if one["name"] == "users"]
    return names_of(target, ids, users[0]) if ids else {}


def _with_their_own(
    target: Target,
    collection: Entry,
    group: list[Entry],
    live: dict[Any, bytes],
    staged: dict[Any, bytes],
    waiting: Names,
) -> dict[Any, bytes]:
    """Stage and return the documents with what this site itself has written; see `carrying_over`."""
    name = collection["name"]
    found = {}
    names = names_of(target, maintainers_of(staged.values())) | waiting if name == PACKAGES else {}
    for one in group:
        new, stored = staged.get(one["id"]), live.get(one["id"])
        document = None
        if new and name == PACKAGES:
            document = with_names(new, names, stored, one["was"])
        elif new and stored and one.get("of_user") and not is_digest(one["was"], name, stored):
            document = carried_over(new, stored, one["of_user"])
        if document and document != new:
            found[one["id"]] = document
    if found:
        target.insert(collection["staging"], list(found.values()))
    return found


def _keep_digests(target: Target, entry: Entry, collection: str, written: list[Entry], number: str) -> None:
    ids = [one["id"] for one in written]
    digests, rows = (one.get("digest") or NONE for one in written), (one.get("rows") for one in written)
    kept = [chunk(number, collection, ids, digests, rows)]
    if users := {one["id"]: one["is_user"] for one in written if "is_user" in one}:
        kept.append(chunk_of_users(number, users))
    target.insert(digests_collection(entry["_id"]), kept)


def _is_done(one: Entry, live: dict[Any, bytes], staged: dict[Any, bytes]) -> bool:
    return is_same(live.get(one["id"]), staged.get(one["id"]))


def _may_wait(one: Entry, live: dict[Any, bytes], now: dict[Any, bytes]) -> bool:
    """Tell whether a document is unchanged, so that only a unique value can have prevented the write."""
    return now.get(one["id"]) == live.get(one["id"])


def _mark(target: Target, entry: Entry, changes: list[Entry], state: str, reason: str | None = None) -> None:
    if changes:
        ids = {"_id": {"$in": [one["_id"] for one in changes]}}
        marked = {"$set": {"state": state, **({"reason": reason} if reason else {})}}
        target.patiently(target.db[changes_collection(entry["_id"])].update_many, ids, marked)


def _fingerprint(target: Target, entry: Entry, collection: Entry) -> dict[str, Any]:
    """Return the fingerprint of the collection after the last migration and these changes."""
    found = collection["was"]
    for group in groups(target, entry, collection["name"], [APPLIED]):
        ids = [one["id"] for one in group]
        before, after = (documents(target, collection[place], ids) for place in ("before", "staging"))
        for document_id in ids:
            found = Fingerprint.of(found).replaced(before.get(document_id), after.get(document_id))
    return dict(found)
