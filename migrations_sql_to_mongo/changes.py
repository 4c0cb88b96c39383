"""What has changed in the source since the last move, and the writing of just that into the site's collections.

Each change is a document of `migrations_changes_<run>`, in the order of the stream. It goes through these states, each
written down before the next begins: none yet; "going", when what the site holds is kept for `undo`; "applied", or
"conflict", when the site holds something else than the last move wrote. What is "same" was on the site already.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import bson
import pymongo

from migrations_sql_to_mongo.batching import Encoded
from migrations_sql_to_mongo.carrying_over import carried_over, with_names_of_this_site
from migrations_sql_to_mongo.copying import REJECTS
from migrations_sql_to_mongo.digests import (
    EDITABLE,
    NONE,
    Written,
    chunk,
    chunk_of_users,
    digest_of,
    digests_collection,
    digests_of_user,
    unrendered,
)
from migrations_sql_to_mongo.errors import Stopped
from migrations_sql_to_mongo.ledger import UNDOING, Entry, Ledger
from migrations_sql_to_mongo.replacing import documents, write, write_all
from migrations_sql_to_mongo.swap import corrected_collection, refuse_later, rejects_collection
from migrations_sql_to_mongo.target import Fingerprint, Target, bson_id, raw
from migrations_sql_to_mongo.unique_values import (
    WHO,
    Wanted,
    called,
    free,
    give_back,
    give_up,
    holder_of,
    lacking,
    put_back,
    restored,
    taken,
    unique_of,
)

NEW, CHANGED, GONE = "new", "changed", "gone"
GOING, APPLIED, CONFLICT, SAME = "going", "applied", "conflict", "same"
MOST, MOST_BYTES = 200, 4_000_000  # of documents that are written together
SHOWN = 50  # conflicts

EDITED = "was edited on this site since it was moved"
REGISTERED = "was registered on this site, too"
REMOVED = "was removed from this site since it was moved"
TAKEN = "another user of this site has the username or email address"


@dataclass
class Change:
    """A document that is new in the source, has changed, or is gone."""

    collection: str
    id: Any
    was: bytes | None  # the digest of what the last migration wrote
    document: bytes | None  # the present state, not yet rendered
    rows: bytes | None = None  # the digest of the rows that it is made of
    of_user: tuple[bytes, bytes] | None = None  # what `digests_of_user` says of what the last migration wrote
    maintainers: list[Any] | None = None  # of a package, as the source has them; None: as in the document

    @property
    def kind(self) -> str:
        """The kind of change."""
        if self.document is None:
            return GONE
        return NEW if self.was is None else CHANGED


def changes_collection(run_id: str) -> str:
    """Return the collection of a catch-up's changes."""
    return f"migrations_changes_{run_id}"


class Unchanged(NamedTuple):
    """A document that is the same as before, although its rows were not recognized."""

    collection: str
    id: Any
    digest: bytes
    rows: bytes


def found_changes(
    stream: Iterable[Encoded], written: Written, collections: list[str]
) -> Iterator[Change | Unchanged | Encoded]:
    """Yield what differs from what was written, and the rejects as they occur."""
    for encoded in stream:
        if encoded.collection == REJECTS:
            yield encoded
            continue
        document_id = bson_id(encoded.bson)
        was = written.take(encoded.collection, document_id)
        if was != (digest := digest_of(encoded.bson)):
            of_user = written.find_both(EDITABLE, document_id) if encoded.collection == "users" else None
            yield Change(encoded.collection, document_id, was, encoded.bson, encoded.rows, of_user)
        elif encoded.rows:
            yield Unchanged(encoded.collection, document_id, digest, encoded.rows)
    for collection in collections:
        for document_id, was in written.left(collection):
            yield Change(collection, document_id, was, None)


def refused(change: Change, stored: bytes | None) -> str | None:
    """Return why a change may not be made to the site's document; None if it may, or if there is nothing to do."""
    if is_same(stored, change.document):
        return None
    if stored is None:
        return None if change.was is None else REMOVED
    if change.was is None:
        return REGISTERED
    return None if digest_of(stored) == change.was or _with_its_own(change, stored) else EDITED


def _with_its_own(change: Change, stored: bytes) -> bytes | None:
    """Return a changed document with what this site itself has written, or None if somebody edited it here."""
    if change.document is None or change.was is None:
        return None
    if change.collection == "users" and change.of_user is not None:
        return carried_over(change.document, stored, change.of_user)
    if change.collection == "packages":
        return with_names_of_this_site(change.document, change.maintainers, stored, change.was)
    return None


def is_same(stored: bytes | None, document: bytes | None) -> bool:
    """Tell whether a stored document is this one, apart from what rendering adds."""
    if stored is None or document is None:
        return stored is document
    return unrendered(stored) == unrendered(document)


def kept_change(number: int, change: Change) -> bytes:
    """Return a change as stored in its collection; the document itself is in the staging collection."""
    size = len(change.document or b"")
    fields = {"_id": number, "collection": change.collection, "id": change.id, "kind": change.kind, "size": size}
    fields |= {"was": change.was, "rows": change.rows, "of_user": change.of_user}
    if change.document:
        # What is written may contain more, see `carrying_over`.
        fields["digest"] = digest_of(change.document)
    if change.document and change.collection == "users":
        fields["is_user"] = digests_of_user(change.document)
    elif change.document and change.was and change.collection == "packages":
        fields["maintainers"] = raw(change.document).get("maintainers", [])
    return bson.encode(fields)


def apply(target: Target, ledger: Ledger, entry: Entry) -> None:
    """Make every change that is allowed, and mark the others as conflicts. An interrupted attempt continues.

    Changes that fail because of a unique value are tried again as long as that helps: its former owner may have given
    it up. Those left in the end wait for one another, or for somebody else; see `unique_values`.
    """
    for collection in entry["collections"]:
        if collection["name"] == "users":
            give_back(target)
            if "lacking" not in entry:
                ledger.note(entry, lacking=[*lacking(target)])
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
            give_back(target)
        collection["is"] = _fingerprint(target, entry, collection)
    ledger.note(entry, collections=entry["collections"])


def _give_up_all(target: Target, entry: Entry, collection: Entry) -> None:
    """Let users who wait for one another only give up what they have."""
    wanted: Wanted = {}
    for group in _groups(target, entry, "users", [None, GOING]):
        staged = documents(target, collection["staging"], [one["id"] for one in group])
        wanted |= {one["id"]: unique_of(staged.get(one["id"])) for one in group}
    can_have = free(target, wanted)
    for group in _groups(target, entry, "users", [None, GOING]):
        give_up(target, [one["id"] for one in group if one["id"] in can_have])


def _apply_all(target: Target, ledger: Ledger, entry: Entry, collection: Entry, *, is_last: bool) -> None:
    for group in _groups(target, entry, collection["name"], [None, GOING]):
        _apply_group(target, entry, collection, group, is_last=is_last)
        ledger.checkpoint(entry, change=group[-1]["_id"])


def _count_left(target: Target, entry: Entry, collection: Entry) -> int:
    query = {"collection": collection["name"], "state": {"$in": [None, GOING]}}
    return target.db[changes_collection(entry["_id"])].count_documents(query)


def _groups(target: Target, entry: Entry, collection: str, states: list[str | None]) -> Iterator[list[Entry]]:
    """Yield the changes in these states, in batches that can be written together."""
    last, held, group = -1, 0, []
    while True:
        query = {"collection": collection, "state": {"$in": states}, "_id": {"$gt": last}}
        found = target.patiently(_sorted, target, changes_collection(entry["_id"]), query)
        for change in found:
            group.append(change)
            held += change["size"]
            if len(group) >= MOST or held >= MOST_BYTES:
                yield group
                held, group = 0, []
        if len(found) < MOST:
            break
        last = found[-1]["_id"]
    if group:
        yield group


def _sorted(target: Target, collection: str, query: dict[str, Any]) -> list[Entry]:
    return list(target.db[collection].find(query).sort("_id", 1).limit(MOST))


def _apply_group(target: Target, entry: Entry, collection: Entry, group: list[Entry], *, is_last: bool) -> None:
    name, ids = collection["name"], [one["id"] for one in group]
    staged, live = documents(target, collection["staging"], ids), documents(target, name, ids)
    seen = {key: restored(document) for key, document in live.items()} if name == "users" else live
    staged |= _with_their_own(target, collection, group, seen, staged)
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
    kept = {name: one.get(name) for name in ("of_user", "maintainers")}
    return Change(collection, one["id"], one["was"], staged.get(one["id"]), **kept)


def _with_their_own(
    target: Target, collection: Entry, group: list[Entry], live: dict[Any, bytes], staged: dict[Any, bytes]
) -> dict[Any, bytes]:
    """Stage and return the documents with what this site itself has written; see `carrying_over`."""
    found = {}
    for one in group:
        change, stored = _change(collection["name"], one, staged), live.get(one["id"])
        if stored and digest_of(stored) != one["was"] and (document := _with_its_own(change, stored)):
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
    for group in _groups(target, entry, collection["name"], [APPLIED]):
        ids = [one["id"] for one in group]
        before, after = (documents(target, collection[place], ids) for place in ("before", "staging"))
        for document_id in ids:
            found = Fingerprint.of(found).replaced(before.get(document_id), after.get(document_id))
    return dict(found)


def counted(target: Target, entry: Entry) -> tuple[dict[str, dict[str, int]], int, list[str]]:
    """Return how many changes of each kind were made or not made in each collection, and the first of the latter."""
    kept = target.db[changes_collection(entry["_id"])]
    made: dict[str, dict[str, int]] = {}
    for one in kept.aggregate(
        [
            {"$match": {"state": {"$in": [APPLIED, SAME]}}},
            {"$group": {"_id": {"collection": "$collection", "kind": "$kind"}, "count": {"$sum": 1}}},
            {"$sort": {"_id": 1}},
        ]
    ):
        made.setdefault(one["_id"]["collection"], {})[one["_id"]["kind"]] = one["count"]
    count = kept.count_documents({"state": CONFLICT})
    conflicts = list(kept.find({"state": CONFLICT}).sort("_id", 1).limit(SHOWN))
    wanted = _wanted(target, entry, "staging", [one["id"] for one in conflicts if one["collection"] == "users"])
    found = [said(target, one["collection"], one["id"], one["reason"], wanted.get(one["id"])) for one in conflicts]
    # Also users whom the source did not change, but who still lack what somebody else has.
    lacks = lacking(target)
    unchanged = {*lacks} - {*kept.distinct("id", {"state": CONFLICT, "collection": "users"})}
    found += [said(target, "users", each, TAKEN, lacks[each]) for each in sorted(unchanged)[: SHOWN - len(found)]]
    return made, count + len(unchanged), found


def said(target: Target, collection: str, document_id: Any, reason: str, wanted: dict[str, Any] | None = None) -> str:
    """Describe a conflict. A user is given by the id in the source and the name on the site.

    If the reason is TAKEN, `wanted` is what the user would have.
    """
    user = target.db["users"].find_one({"_id": document_id}, [*WHO, "legacy.sql_id"]) if collection == "users" else None
    name = called(user or {})
    sql_id = str(document_id).lstrip("0") if isinstance(document_id, bson.ObjectId) else document_id
    if user and isinstance(legacy := user.get("legacy"), dict):
        sql_id = legacy.get("sql_id", sql_id)
    if reason == TAKEN and wanted:
        reason = holder_of(target, document_id, wanted) or TAKEN
    return f"{collection} {sql_id}{f' ({name})' if name else ''}: {reason}"


def refuse_undo(target: Target, ledger: Ledger, entry: Entry, *, discard: bool) -> None:
    """Raise Stopped if a catch-up was followed by another, or if something was changed since that is not discarded."""
    refuse_later(ledger, entry)
    if discard:
        return
    states: list[str | None] = [GOING, APPLIED]
    for collection in entry["collections"]:
        for group in _groups(target, entry, collection["name"], states):
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
        for group in _groups(target, entry, collection["name"], states):
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
        for group in _groups(target, entry, "users", states) if collection["name"] == "users" else ():
            wanted |= _wanted(target, entry, "before", [one["id"] for one in group if one["id"] not in lacked])
    return [said(target, "users", each, TAKEN, wanted[each]) for each in sorted(taken(target, wanted))]


def _wanted(target: Target, entry: Entry, place: str, ids: list[Any]) -> Wanted:
    """Return what only one user may have of what these users have in another collection of a catch-up."""
    collection = next((one[place] for one in entry["collections"] if one["name"] == "users"), "")
    found = documents(target, collection, ids) if ids else {}
    return {each: unique_of(found.get(each)) for each in ids}


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


def forget_search_entries(target: Target, entry: Entry, collection: str) -> None:
    """Let the site rebuild the search entries of the packages that a catch-up changes."""
    if collection == "packages":
        target.patiently(target.forget_search_entries, list(changed_ids(target, entry, collection)))


def changed_collections(target: Target, entry: Entry) -> list[str]:
    """Return the collections in which a catch-up changed something, or a row that was corrected after it."""
    query = {"state": {"$in": [GOING, APPLIED]}}
    return list(target.db[changes_collection(entry["_id"])].distinct("collection", query))


def changed_ids(target: Target, entry: Entry, collection: str) -> Iterator[Any]:
    """Yield the `_id` of every document in a collection that a catch-up changes."""
    query = {"collection": collection}
    for one in target.db[changes_collection(entry["_id"])].find(query, {"id": 1}):
        yield one["id"]
