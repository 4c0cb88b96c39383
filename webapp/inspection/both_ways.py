"""Rules for collections that follow from others, compared both ways: search, known names, journal, tokens, claims.

A site keeps running while it is checked, so each difference is looked at again before it is reported.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import bson
import mongoengine as me
from packaging.utils import NormalizedName

from webapp.changes import search_index
from webapp.changes.changing import write_out
from webapp.changes.new_names import LIFETIME as NAME_LIFETIME
from webapp.documents import (
    ApiToken,
    Counter,
    JournalEntry,
    KnownName,
    NameClaim,
    Package,
    SearchEntry,
    StoredFile,
    Team,
    User,
)
from webapp.documents.base import Plain, as_declared, in_batches, utc_now
from webapp.documents.journal import MOST_SERIALS, lift_counter
from webapp.documents.stored_file import ARRIVING, STAGED
from webapp.inspection.findings import Finding

# The site follows changes within a minute or two; what is later than this was missed.
LATE = timedelta(hours=1)
# No change takes this long.
LEFT_OVER = timedelta(minutes=1)
_TOGETHER = 1000
# What attempts leave behind whose process was killed: where, and what they tried.
_MARKS: list[tuple[type[me.Document], str, str]] = [
    (User, "leaving_admin", "an attempt to remove this administrator never ended"),
    (User, "being_deleted", "an attempt to delete this account never ended"),
    (Team, "being_deleted", "an attempt to delete this team never ended"),
]


def broken_search() -> Iterator[Finding]:
    """Yield projects that searches do not find, or not as they are, and entries of projects that are gone."""
    for key, package, entry in _merged(Package, {"updated_date": 1}, SearchEntry, {"made_from": 1}):
        if package is None:
            if not _exists(Package, key) and _exists(SearchEntry, key):
                what = "there is no such project"
                yield Finding("search_entries", key, "search-gone", what, partial(_remove_entry, key))
        elif entry is None:
            if _exists(Package, key) and not _exists(SearchEntry, key):
                yield Finding(
                    "packages", key, "search-missing", "searches do not find it", partial(search_index.write_entry, key)
                )
        elif package.get("updated_date") != entry.get("made_from") and _is_late(package.get("updated_date")):
            what = "searches find it as it was before its last change"
            yield Finding("packages", key, "search-old", what, partial(search_index.write_entry, key))


def _remove_entry(key: str) -> bool:
    return not _exists(Package, key) and bool(SearchEntry.objects.raw().delete_one({"_id": key}).deleted_count)


def broken_names() -> Iterator[Finding]:
    """Yield names that the site would request from upstream although a project has or had them here."""
    for key, package, known in _merged(Package, {"updated_date": 1}, KnownName, {}):
        if package and known is None and _is_late(package.get("updated_date")) and not _exists(KnownName, key):
            yield _unknown("packages", key, "")
    # The project of an upload that has not been published need not have existed.
    published = {"state": {"$nin": [ARRIVING, STAGED]}}
    for document_type, which in ((JournalEntry, {}), (StoredFile, published)):
        steps = [{"$match": which}, {"$group": {"_id": "$package"}}, {"$sort": {"_id": 1}}]
        names = document_type.objects.raw().aggregate(steps)
        for together in in_batches((son["_id"] for son in names if isinstance(son["_id"], str)), _TOGETHER):
            there = _present(KnownName, together) | _present(Package, together)
            for name in sorted(set(together) - there):
                yield _unknown(document_type._get_collection_name(), name, ", which was a project here,")


def _unknown(collection: str, name: str, which: str) -> Finding:
    what = f"the name {name}{which} is not in `known_names`"
    return Finding(collection, name, "known-name", what, partial(_remember, name))


def _remember(name: str) -> bool:
    KnownName.remember(name)
    return True


def broken_journal() -> Iterator[Finding]:
    """Yield a counter that is behind, entries that were not copied to the journal, and those that are missing there."""
    counter = as_declared(Counter, Counter.objects.raw().find_one({"_id": "journal"}) or {}).get("value", 0)
    last = JournalEntry.objects.last_serial()
    fields = {"last_serial": 1, "unwritten": 1, "updated_date": 1}
    found = Package.objects.raw().find({"last_serial": {"$gt": 0}}, fields).sort("_id", 1)
    for together in in_batches(found, _TOGETHER):
        serials = [son["last_serial"] for son in together]
        entries = JournalEntry.objects.raw().find({"_id": {"$in": serials}}, {"package": 1})
        written = {(entry["_id"], entry.get("package")) for entry in entries}
        last = max([last, *(int(serial) for serial in serials if serial < MOST_SERIALS)])
        for son in together:
            unwritten = as_declared(Package, {"unwritten": son.get("unwritten")}).get("unwritten", [])
            if not _is_late(son.get("updated_date"), LEFT_OVER):
                continue
            if whole := [each for each in unwritten if {"serial", "action", "at"} <= each.keys()]:
                what = f"{len(whole)} of its entries were not copied to the journal"
                yield Finding("packages", son["_id"], "claim", what, partial(_write_out, son["_id"], whole))
            elif (son["last_serial"], son["_id"]) not in written:
                what = f"the journal has no entry with its last serial, {son['last_serial']}"
                yield Finding("packages", son["_id"], "journal-missing", what)
    if counter < last and _counter_is_below(last):
        what = f"it is {counter}, but {last} was used, so the next changes get serials that are taken"
        yield Finding("counters", "journal", "counter", what, partial(_lift, last))


def _counter_is_below(value: int) -> bool:
    count = {"$gte": value, "$lt": MOST_SERIALS}
    return Counter.objects.raw().count_documents({"_id": "journal", "value": count}) == 0


def _lift(last: int) -> bool:
    lift_counter(last)
    return not _counter_is_below(last)


def _write_out(key: str, entries: list[Plain]) -> bool:
    write_out(NormalizedName(key), entries)
    return True


def broken_claims() -> Iterator[Finding]:
    """Yield claims on names of projects that were never created, and marks of attempts, that were left behind."""
    for son in NameClaim.objects.raw().find({"holder": {"$type": "string"}}).sort("_id", 1):
        if _is_late(son.get("taken_at"), NAME_LIFETIME) and not _exists(Package, son["holder"]):
            what = f"its project {son['holder']} does not exist"
            yield Finding("name_claims", son["_id"], "claim", what, partial(_release_name, son))
    for document_type, field, what in _MARKS:
        for son in document_type.objects.raw().find({field: {"$type": "string"}}, {field: 1}).sort("_id", 1):
            mark = son[field]
            if not bson.ObjectId.is_valid(mark) or _is_late(bson.ObjectId(mark).generation_time, LEFT_OVER):
                repair = partial(_unmark, document_type, son["_id"], field, mark)
                yield Finding(document_type._get_collection_name(), son["_id"], "claim", what, repair)


def _release_name(son: Plain) -> bool:
    unchanged = {"_id": son["_id"], "holder": son["holder"], "taken_at": son.get("taken_at")}
    claims = NameClaim.objects.raw()
    if son.get("allowed"):
        change = {"$unset": dict.fromkeys(("holder", "taken_at", "taken_by", "session"), "")}
        return bool(claims.update_one(unchanged, change).matched_count)
    return bool(claims.delete_one(unchanged).deleted_count)


def _unmark(document_type: type[me.Document], key: Any, field: str, mark: str) -> bool:
    change = {"$unset": {field: ""}}
    return bool(document_type.objects.raw().update_one({"_id": key, field: mark}, change).matched_count)


def broken_tokens() -> Iterator[Finding]:
    """Yield API tokens whose owner has no account."""
    found = ApiToken.objects.raw().find({"owner": None, "issuer": None}, {"user_id": 1}).sort("_id", 1)
    for together in in_batches(found, _TOGETHER):
        there = _present(User, [son.get("user_id") for son in together])
        for son in together:
            if son.get("user_id") not in there:
                what = "its owner no longer has an account"
                yield Finding("tokens", son["_id"], "token-owner", what, partial(_remove_token, son))


def _remove_token(son: Plain) -> bool:
    unowned = {"_id": son["_id"], "user_id": son.get("user_id")}
    return bool(ApiToken.objects.raw().delete_one(unowned).deleted_count)


def _is_late(since: Any, late: timedelta = LATE) -> bool:
    return not isinstance(since, datetime) or since < utc_now() - late


def _exists(document_type: type[me.Document], key: Any) -> bool:
    return document_type.objects.raw().count_documents({"_id": key}, limit=1) == 1


def _present(document_type: type[me.Document], keys: list[Any]) -> set[Any]:
    found = document_type.objects.raw().find({"_id": {"$in": keys}}, {"_id": 1})
    return {son["_id"] for son in found}


Pair = tuple[str, Plain | None, Plain | None]


def _merged(
    ours: type[me.Document], our_fields: Plain, theirs: type[me.Document], their_fields: Plain
) -> Iterator[Pair]:
    """Yield the documents of two collections side by side, by their `_id`; None where one of them has none."""
    sides = (_in_order(ours, our_fields), _in_order(theirs, their_fields))
    one, other = (next(side, None) for side in sides)
    while one or other:
        if other is None or (one and one["_id"] < other["_id"]):
            yield one["_id"], one, None  # type: ignore[index]
            one = next(sides[0], None)
        elif one is None or other["_id"] < one["_id"]:
            yield other["_id"], None, other
            other = next(sides[1], None)
        else:
            yield one["_id"], one, other
            one, other = (next(side, None) for side in sides)


def _in_order(document_type: type[me.Document], fields: Plain) -> Iterator[Plain]:
    # MongoDB sorts text by its bytes in UTF-8, Python by code points, which is the same order.
    found = document_type.objects.raw().find({"_id": {"$type": "string"}}, {"_id": 1, **fields}, batch_size=5000)
    return iter(found.sort("_id", 1))
