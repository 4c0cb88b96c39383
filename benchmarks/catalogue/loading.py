"""Writing a made-up catalogue into an empty database: by several processes, the indexes afterwards."""

import gc
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import mongoengine as me
import pymongo
from pymongo.collection import Collection
from pymongo.database import Database

from benchmarks.catalogue import texts
from benchmarks.catalogue.catalogue import Catalogue
from webapp.changes import search_index, site_stats
from webapp.documents import (
    DOCUMENTS,
    Download,
    License,
    Package,
    ProgrammingLanguage,
    ReleaseDescription,
    ReleaseFacts,
    SearchEntry,
    User,
    ensure_indexes,
)
from webapp.documents.base import without_time_limit
from webapp.rules import naming

# Documents that one command inserts, and packages that a process is given at a time.
BATCH, PART = 250, 5000
LOADED = (Package, SearchEntry, User, Download, ReleaseFacts, ReleaseDescription)


def load(packages: int, seed: int, processes: int, uri: str, said: Callable[[int], None]) -> None:
    """Write the catalogue, over `uri` if several processes do it; `said` is told how many packages stand so far.

    Indexes that stand already are dropped first and built again afterwards: inserting into them takes four times as
    long.
    """
    with without_time_limit():
        for document_type in LOADED:
            document_type._get_collection().drop_indexes()
        parts = [range(first, min(first + PART, packages)) for first in range(0, packages, PART)]
        done = 0
        for written in _written(parts, Catalogue(packages, seed), processes, uri):
            done += written
            said(done)
        License.objects.add_missing((name, name) for name, _, _ in texts.LICENSES)
        languages = ["Programming Language :: Python", "Programming Language :: Python :: 3", *texts.PYTHONS]
        ProgrammingLanguage.objects.add_missing((naming.language_id(each) or each, each) for each in languages)


def finish() -> None:
    """Build the indexes, count the words, and compute the statistics: two at a time."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_build_indexes, LOADED))
        ensure_indexes(DOCUMENTS)
        counted = pool.submit(search_index.accept_entries)
        site_stats.refresh()
        counted.result()


def _build_indexes(document_type: type[me.Document]) -> None:
    """Build the indexes of a class, all in one walk through its documents."""
    specs = ({**spec} for spec in document_type._meta["index_specs"])
    models = [pymongo.IndexModel(spec.pop("fields"), background=False, **spec) for spec in specs]
    if models:
        with without_time_limit():
            document_type._get_collection().create_indexes(models)


def _written(parts: list[range], catalogue: Catalogue, processes: int, uri: str) -> Iterator[int]:
    if processes == 1:
        yield from (_write(Package._get_db(), catalogue, part) for part in parts)
        return
    context = multiprocessing.get_context("spawn")
    task = partial(_write_by_process, uri, catalogue.packages, catalogue.seed)
    with context.Pool(processes) as pool:
        yield from pool.imap_unordered(task, parts)


_kept: dict[str, Any] = {}


def _write_by_process(uri: str, packages: int, seed: int, part: range) -> int:
    if not _kept:  # the first part of this process
        # Nothing here refers to itself, and looking for what does took a quarter of the time.
        gc.disable()
        _kept["database"] = pymongo.MongoClient[Any](uri, tz_aware=True).get_default_database("larder")
        _kept["catalogue"] = Catalogue(packages, seed)
    return _write(_kept["database"], _kept["catalogue"], part)


def _write(database: Database[Any], catalogue: Catalogue, part: range) -> int:
    packages, entries, users, downloads, facts, descriptions = (
        _patient(database[document_type._get_collection_name()]) for document_type in LOADED
    )
    for first in range(part.start, part.stop, BATCH):
        numbers = range(first, min(first + BATCH, part.stop))
        documents = [catalogue.package(number) for number in numbers]
        packages.insert_many([package for package, _ in documents], ordered=False)
        entries.insert_many([entry for _, entry in documents], ordered=False)
        said = [catalogue.facts(package) for package, _ in documents]
        facts.insert_many([each for stated, _ in said for each in stated], ordered=False)
        if older := [each for _, texts_of_older in said for each in texts_of_older]:
            descriptions.insert_many(older, ordered=False)
        downloads.insert_many([catalogue.download(number) for number in numbers], ordered=False)
        mine = [number for number in numbers if number < catalogue.users]
        if mine:
            users.insert_many([catalogue.user(number) for number in mine], ordered=False)
    return len(part)


def _patient(collection: Collection[Any]) -> Collection[Any]:
    # Who makes up a catalogue can make it again: no need to wait for a majority of a replica set.
    return collection.with_options(write_concern=pymongo.WriteConcern(w=1))
