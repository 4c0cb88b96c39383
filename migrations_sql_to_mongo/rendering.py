"""Render descriptions to HTML, by far the longest part of a migration, on all processors.

It is a step of its own between copying and swapping: the old site stays up meanwhile, and readers of the new one never
see a project without its description.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import pymongo
from pymongo.errors import BulkWriteError, DocumentTooLarge, OperationFailure

from migrations_sql_to_mongo.digests import RENDERED, RENDERED_FIELDS, chunk, digest_of_rendering
from migrations_sql_to_mongo.target import Target
from webapp.rendering import RENDERER, Rendered, render_description, renderers

READ, READ_CHARACTERS = 400, 1_000_000  # of descriptions at a time
UNRENDERED = {"description": {"$gt": ""}, "description_renderer": None}
# What the server answers if a document would exceed 16 MB.
TOO_LARGE = (10334, 17419, 17420)

STORED_CHARACTERS = 500_000  # of HTML, that are stored together
Text = tuple[str, str]  # a package's id, and its description
Fields = dict[str, str]
Stored = tuple[str, Fields]  # a package's id, and what rendering adds to it


def rendered_fields(description: str) -> Fields:
    """Return the fields that rendering adds to a package."""
    return _fields(render_description(description, None))


def _fields(rendered: Rendered) -> Fields:
    values = zip(RENDERED_FIELDS, (rendered.html, rendered.problem, RENDERER), strict=True)
    return {name: value for name, value in values if value is not None}


@contextlib.contextmanager
def renderer() -> Iterator[Callable[[Iterable[Text]], Iterator[tuple[str, Rendered]]]]:
    """Yield a function that renders descriptions in order, in as many processes as there are processors.

    The old site did not know the format of a description.
    """
    jobs = os.cpu_count() or 1
    children = renderers(jobs)

    def render_one(text: Text) -> tuple[str, Rendered]:
        package_id, description = text
        return package_id, render_description(description, None, children)

    with contextlib.closing(children), ThreadPoolExecutor(jobs) as threads:

        def render(texts: Iterable[Text]) -> Iterator[tuple[str, Rendered]]:
            rest = iter(texts)
            # The executor would read all texts in advance, however large they are.
            while some := list(islice(rest, READ)):
                yield from threads.map(render_one, some)

        yield render


def render_staged(
    target: Target, collection: str, advance: Callable[[int, int], None], digests: str | None = None
) -> int:
    """Render every description that has not been rendered, and return how many there were.

    What an interrupted run has rendered stays. If the HTML would make a document too large, it goes without.
    `digests` is the collection that keeps a digest of each, by which `verify` can tell that nothing has changed since.
    """
    total = target.patiently(target.db[collection].count_documents, UNRENDERED)
    with renderer() as render:
        done = 0
        # Repeat if necessary: a server that was killed may have lost what was not yet in its journal.
        while target.patiently(target.db[collection].find_one, UNRENDERED, {"_id": 1}):
            for texts in _unrendered(target, collection):
                kept = []
                for some in _together(zip(texts, render(texts), strict=True)):
                    stored = target.patiently(_store_all, target, collection, [fields for _, fields in some])
                    kept += [digest_of_rendering(text, stored[package_id]) for (package_id, text), _ in some]
                if digests:
                    number = f"{RENDERED}/{texts[0][0]}"
                    target.insert(digests, [chunk(number, RENDERED, [name for name, _ in texts], kept)])
                done += len(texts)
                advance(min(done, total), total)
    return total


def _unrendered(target: Target, collection: str) -> Iterator[list[Text]]:
    """Yield the descriptions without HTML, some hundred at a time, in the order of the packages' ids."""
    last = ""
    while texts := target.patiently(_unrendered_after, target, collection, last):
        yield texts
        last = texts[-1][0]


def _unrendered_after(target: Target, collection: str, last: str) -> list[Text]:
    found = target.db[collection].find({**UNRENDERED, "_id": {"$gt": last}}, {"description": 1})
    texts: list[Text] = []
    held = 0
    with found.sort("_id", 1).limit(READ).batch_size(READ // 80) as cursor:
        for one in cursor:
            texts.append((one["_id"], one["description"]))
            held += len(one["description"])
            if held > READ_CHARACTERS:
                break
    return texts


def _together(rendered: Iterable[tuple[Text, tuple[str, Rendered]]]) -> Iterator[list[tuple[Text, Stored]]]:
    """Yield what is stored together: writing one at a time takes as long as a short description's rendering."""
    some: list[tuple[Text, Stored]] = []
    held = 0
    for text, (package_id, one) in rendered:
        fields = _fields(one)
        some.append((text, (package_id, fields)))
        held += len(one.html)
        if held > STORED_CHARACTERS:
            yield some
            some, held = [], 0
    yield some


def _store_all(target: Target, collection: str, rendered: list[Stored]) -> dict[str, Fields]:
    """Store what descriptions have become, and return the fields that were stored, by package."""
    packages = target.without_waiting(collection)  # what gets lost is rendered again
    writes = [pymongo.UpdateOne({"_id": package_id}, {"$set": fields}) for package_id, fields in rendered]
    try:
        if writes and not target.is_mock:
            packages.bulk_write(writes, ordered=False)
            return dict(rendered)
    except DocumentTooLarge:
        pass
    except BulkWriteError as error:
        details = error.details or {}
        errors = details.get("writeErrors", [])
        if details.get("writeConcernErrors") or any(one["code"] not in TOO_LARGE for one in errors):
            raise
    return {package_id: _store(packages, package_id, fields) for package_id, fields in rendered}


def _store(packages: Any, package_id: str, fields: Fields) -> Fields:
    """Store what a description has become, and return the fields that were stored."""
    try:
        packages.update_one({"_id": package_id}, {"$set": fields})
    except (DocumentTooLarge, OperationFailure) as error:
        if isinstance(error, OperationFailure) and error.code not in TOO_LARGE:
            raise
        fields = {"description_renderer": RENDERER}
        packages.update_one({"_id": package_id}, {"$set": fields})
    return fields
