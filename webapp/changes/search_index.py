"""Keep the search index in step with `packages`.

`Package.store` writes the entry along with the package. Other changes are found later: manual edits by `updated_date`,
a collection replaced by a migration by its identity, and deleted packages by the number of documents. One process at a
time looks for them.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import mongoengine as me
from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from webapp.documents.base import (
    CLOCKS_DIFFER,
    Plain,
    as_declared,
    in_batches,
    is_recent,
    recent,
    utc_now,
    without_time_limit,
)
from webapp.documents.download_count import DownloadCount
from webapp.documents.package import Package
from webapp.documents.search_entry import SOURCE, TYPO_LETTERS, SearchEntry, entry_of
from webapp.documents.search_state import SearchState
from webapp.documents.search_word import SearchWord
from webapp.rules import wording

log = logging.getLogger(__name__)

# The format of entries. A site whose entries have another number rebuilds them.
FORM = 2
STATE = "state"
BATCH = 500
# The document that stands for rebuilding, and how long a process that works on the index is believed to be alive
# without a sign.
REBUILDING = "rebuilding"
ALIVE = timedelta(minutes=2)
PAUSE_S = 0.5
# Counting the words may take one part in this many of the time.
REST_FACTOR = 50
# Words that fewer packages have are rare: searches look at all of their entries.
RARE_ONE_IN = 20_000
# How many packages' summaries decide how a word is written.
WRITTEN_FROM = 50_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIERS = ("name_words", "summary_words", "text_words")


def catch_up(said: Callable[[int], None] | None = None) -> int:
    """Bring entries and words up to date; return the number of entries written.

    `said` is called now and then with the number of packages read, if all of them have to be read.
    """
    with without_time_limit():
        state = _state()
        if _is_outdated(state):
            with _alone():
                # Sites that start at once all find it outdated; the first one rebuilds it for all.
                return _rebuild(said) if _is_outdated(_state()) else 0
        written, reached = _write_changed(state["reached"])
        if _count(Package) != _count(SearchEntry):
            written += _compare_ids()
        if written or reached > state.get("words_at", _EPOCH):
            _count_words_when_due(state)
    return written


def rebuild(said: Callable[[int], None] | None = None) -> int:
    """Rebuild all entries, next to those that are in use meanwhile; return their number.

    Another process that does so, too, is waited for.
    """
    with without_time_limit(), _alone():
        return _rebuild(said)


def _is_outdated(state: Plain) -> bool:
    return state.get("form") != FORM or state.get("packages_id") != _identity() or "reached" not in state


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other process rebuilds, and keep others from it."""
    if not (is_mine := SearchState.objects.claim(REBUILDING, ALIVE)):
        log.warning("Another process is rebuilding the search index. Waiting for it ...")
    while not is_mine:
        time.sleep(PAUSE_S)
        is_mine = SearchState.objects.claim(REBUILDING, ALIVE)
    try:
        with SearchState.objects.keeping(REBUILDING, ALIVE):
            yield
    finally:
        SearchState.objects.raw().delete_one({"_id": REBUILDING})


def _rebuild(said: Callable[[int], None] | None) -> int:
    started, identity, number = utc_now(), _identity(), 0
    building = SearchEntry._get_db()["search_entries_building"]
    building.drop()
    packages = Package.objects.raw().find({}, dict.fromkeys(SOURCE, 1), batch_size=BATCH)
    for batch in in_batches(map(_entry, packages), BATCH):
        building.insert_many([entry for entry in batch if entry], ordered=False)
        number += len(batch)
        if said:
            said(number)
    put_in_place(SearchEntry, building)
    count_downloads()
    # What was stored in the meantime is only in the old entries.
    _write_changed(started)
    _keep_state({"form": FORM, "packages_id": identity, "reached": started})
    _count_words()
    _forget_earlier_words()
    return number


def _forget_earlier_words() -> None:
    """Remove the words that packages themselves had before there were entries, and their index."""
    packages = Package.objects.raw()
    if "by_word" in packages.index_information():
        packages.drop_index("by_word")
        packages.update_many({"search_words": {"$exists": True}}, {"$unset": {"search_words": ""}})


def accept_entries() -> None:
    """Accept the existing entries, because whoever wrote the packages wrote them too."""
    with without_time_limit():
        _keep_state({"form": FORM, "packages_id": _identity(), "reached": utc_now()})
        count_words()


def add_indexes(document_type: type[me.Document], building: Collection[Any]) -> None:
    """Add the indexes of a document to a collection. Built after the documents, they take half the time."""
    for spec in document_type._meta["index_specs"]:
        options = {key: value for key, value in spec.items() if key != "fields"}
        building.create_index(spec["fields"], background=False, **options)


def put_in_place(document_type: type[me.Document], building: Collection[Any]) -> None:
    """Add the indexes to a collection, then rename it."""
    add_indexes(document_type, building)
    if building.find_one({}, {"_id": 1}):
        building.rename(document_type._get_collection_name(), dropTarget=True)
    else:
        building.drop()
        document_type.objects.raw().delete_many({})


def count_downloads() -> None:
    """Write into the entries how often each project was downloaded lately, by which searches can be ordered."""
    SearchEntry.write_downloads(DownloadCount.recent_by_project(utc_now().date()))


def count_words() -> None:
    """Count how many packages have each word and label that is not rare. A rebuild of the entries is waited for."""
    with _alone():
        _count_words()


def _count_words() -> None:
    started = time.monotonic()
    entries, few = SearchEntry.objects.raw(), max(2, _count(SearchEntry) // RARE_ONE_IN)
    all_of = [{"$ifNull": [f"${field}", []]} for field in (*_TIERS, "labels", "field_words")]
    rows = entries.aggregate(
        [
            {"$project": {"word": {"$concatArrays": all_of}}},
            {"$unwind": "$word"},
            {"$group": {"_id": "$word", "packages": {"$sum": 1}}},
            {"$match": {"packages": {"$gte": few}, "_id": {"$type": "string"}}},
        ],
        allowDiskUse=True,
    )
    counts = {row["_id"]: row["packages"] for row in rows}
    written = _as_written(counts)
    building = SearchEntry._get_db()["search_words_building"]
    building.drop()
    for batch in in_batches((_word(word, number, written) for word, number in counts.items()), BATCH):
        building.insert_many(batch, ordered=False)
    put_in_place(SearchWord, building)
    _keep_state({"words_at": utc_now(), "words_took_ms": round((time.monotonic() - started) * 1000)})


class CatchingUp:
    """When this web process last checked whether to catch up."""

    def __init__(self) -> None:
        self._looked_at = time.monotonic()

    def in_background(self, max_age_s: int) -> None:
        """Catch up in a background thread if no process has done so for this long. Cheap to call often."""
        now = time.monotonic()
        if not max_age_s or now - self._looked_at < max_age_s:
            return
        self._looked_at = now
        # A claim is a write, which readers must not wait for: a replica set without a primary accepts none.
        threading.Thread(target=_catch_up_or_log, args=[max_age_s], name="search-index", daemon=True).start()


def _catch_up_or_log(max_age_s: int) -> None:
    try:
        looked_at_long_ago = {"looked_at": {"$not": recent(timedelta(seconds=max_age_s))}}
        if not SearchState.objects.claim(STATE, ALIVE, looked_at_long_ago):
            return
        try:
            with SearchState.objects.keeping(STATE, ALIVE):
                catch_up()
        finally:
            _keep_state({"claimed_until": None, "looked_at": utc_now()})
    except PyMongoError as error:
        log.warning("the search index could not be brought up to date: %s", error)


def _write_changed(since: datetime) -> tuple[int, datetime]:
    """Write the entries of packages changed since then; return their number and the last change."""
    changed = Package.objects.raw().find({"updated_date": {"$gte": since - CLOCKS_DIFFER}}, dict.fromkeys(SOURCE, 1))
    entries, written, reached = SearchEntry.objects.raw(), 0, since
    for batch in in_batches((entry for package in changed if (entry := _entry(package))), BATCH):
        ids = {"_id": {"$in": [entry["_id"] for entry in batch]}}
        standing = {entry["_id"]: entry.get("made_from") for entry in entries.find(ids, {"made_from": 1})}
        for entry in batch:
            reached = max(reached, entry.get("made_from", reached))
            if entry["_id"] not in standing or standing[entry["_id"]] != entry.get("made_from"):
                SearchEntry.store(entry)
                written += 1
    # A date in the future, from a manual edit, would hide all later changes.
    reached = min(reached, utc_now())
    _keep_state({"reached": reached})
    return written, reached


def write_entry(key: str) -> bool:
    """Write the entry of one package anew; False if there is no such package."""
    package = Package.objects.raw().find_one({"_id": key}, dict.fromkeys(SOURCE, 1))
    entry = _entry(package) if package else None
    if entry is None:
        return False
    SearchEntry.write_anew(entry)
    return True


def _compare_ids() -> int:
    """Add missing entries, and remove those whose package is gone."""
    packages, entries = Package.objects.raw(), SearchEntry.objects.raw()
    missing, gone = _differences(_ids(packages), _ids(entries))
    for batch in in_batches(missing, BATCH):
        for package in packages.find({"_id": {"$in": batch}}, dict.fromkeys(SOURCE, 1)):
            if entry := _entry(package):
                SearchEntry.store(entry)
    for batch in in_batches(gone, BATCH):
        entries.delete_many({"_id": {"$in": batch}})
    return len(missing) + len(gone)


def _differences(ours: Iterator[str], theirs: Iterator[str]) -> tuple[list[str], list[str]]:
    """Return what only the first, and what only the second of two sorted sequences contains."""
    missing, gone = [], []
    our, their = next(ours, None), next(theirs, None)
    while our is not None or their is not None:
        if their is None or (our is not None and our < their):
            missing.append(str(our))
            our = next(ours, None)
        elif our is None or their < our:
            gone.append(their)
            their = next(theirs, None)
        else:
            our, their = next(ours, None), next(theirs, None)
    return missing, gone


def _ids(collection: Collection[Any]) -> Iterator[str]:
    # MongoDB sorts text by its bytes in UTF-8, Python by code points, which is the same order.
    found = collection.find({"_id": {"$gte": "", "$lt": "\uffff"}}, {"_id": 1}, batch_size=5000).sort("_id", 1)
    return (document["_id"] for document in found)


def _entry(package: Plain) -> Plain | None:
    declared = as_declared(Package, package)
    key = declared.pop("normalized_name", None)
    return entry_of(declared | {"_id": key}) if key else None


def _word(word: str, packages: int, written: dict[str, str]) -> Plain:
    if ":" in word:
        return {"_id": word, "packages": packages}
    shown = written.get(word, word)
    return {"_id": word, "written": shown, "packages": packages, "typos": wording.deletions(shown, TYPO_LETTERS)}


def _as_written(stems: Iterable[str]) -> dict[str, str]:
    """Return how each word is most often written in the summaries of the most established packages."""
    wanted = set(stems)
    forms: dict[str, Counter[str]] = {}
    newest = (
        SearchEntry.objects.raw()
        .find({}, {"summary": 1, "name": 1})
        .sort([("newest_release.created_date", -1), ("_id", 1)])
    )
    for entry in newest.limit(WRITTEN_FROM):
        words = wording.written_words(f"{entry.get('name', '')} {entry.get('summary', '')}")
        for stem, word in zip(wording.stems(words), words, strict=True):
            if stem in wanted:
                forms.setdefault(stem, Counter())[word] += 1
    return {stem: counter.most_common(1)[0][0] for stem, counter in forms.items()}


def _count_words_when_due(state: Plain) -> None:
    rest = timedelta(milliseconds=REST_FACTOR * state.get("words_took_ms", 0))
    if not is_recent(state.get("words_at", _EPOCH), rest):
        count_words()


def _count(document_type: type[me.Document]) -> int:
    # In the index, because MongoDB's own count is wrong after it was killed.
    return int(document_type.objects.raw().count_documents({"_id": {"$gte": ""}}))


def _state() -> Plain:
    return SearchState.objects(pk=STATE).plain_first() or {}


def _keep_state(values: Plain) -> None:
    SearchState.objects.raw().update_one({"_id": STATE}, {"$set": values}, upsert=True)


def _identity() -> str:
    """Return what identifies the current collection `packages`; empty if unknown."""
    database = Package._get_db()
    try:
        found = list(database.list_collections(filter={"name": Package._get_collection_name()}))
    except NotImplementedError:  # mongomock
        return ""
    return next((str(each.get("info", {}).get("uuid", "")) for each in found), "")
