"""Descriptions become HTML: by far the longest part of a move, so all processors share it.

It is a step of its own between copying and swapping: the old site goes on while it lasts, and readers of the new one
never see a project without its description.
"""

import contextlib
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice

from pymongo.errors import DocumentTooLarge, OperationFailure

from migrations_sql_to_mongo.target import Target
from webapp.rules.descriptions import RENDERER, render_description

# To start the processes takes a second or two.
FEW = 200
CHUNK = 20
READ = 400
UNRENDERED = {"description": {"$gt": ""}, "description_renderer": None}
# What the server answers when a document would pass 16 MB.
TOO_LARGE = (10334, 17419, 17420)

Text = tuple[str, str]  # a package's id, and its description or HTML


def render_one(text: Text) -> Text:
    """Return a description's HTML. The old site did not know what form of text a description is."""
    package_id, description = text
    return package_id, render_description(description, None)


@contextlib.contextmanager
def renderer(count: int) -> Iterator[Callable[[Iterable[Text]], Iterator[Text]]]:
    """Give a function that renders many descriptions in their order, in several processes if there are many."""
    jobs = os.cpu_count() or 1
    if count < FEW or jobs < 2:
        yield lambda texts: map(render_one, texts)
        return
    # Not forked: a child must not share this process's connections.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:

        def render(texts: Iterable[Text]) -> Iterator[Text]:
            rest = iter(texts)
            # The executor would read all texts ahead, whatever they weigh.
            while some := list(islice(rest, jobs * CHUNK * 2)):
                yield from pool.map(render_one, some, chunksize=CHUNK)

        yield render


def render_staged(target: Target, collection: str, advance: Callable[[int, int], None]) -> int:
    """Render every description that has not been, and return how many there were.

    What an interrupted run has rendered already stays. A document that the HTML would make too large goes without.
    """
    total = target.patiently(target.db[collection].count_documents, UNRENDERED)
    with renderer(total) as render:
        done = 0
        # Once more, if need be: a server that was killed may have lost what it had not yet in its journal.
        while target.patiently(target.db[collection].find_one, UNRENDERED, {"_id": 1}):
            for texts in _unrendered(target, collection):
                for package_id, html in render(texts):
                    target.patiently(_store, target, collection, package_id, html)
                done += len(texts)
                advance(min(done, total), total)
    return total


def _unrendered(target: Target, collection: str) -> Iterator[list[Text]]:
    """Yield the descriptions that have no HTML, some hundred at a time, in the order of the packages' ids."""
    last = ""
    while texts := target.patiently(_unrendered_after, target, collection, last):
        yield texts
        last = texts[-1][0]


def _unrendered_after(target: Target, collection: str, last: str) -> list[Text]:
    found = target.db[collection].find({**UNRENDERED, "_id": {"$gt": last}}, {"description": 1})
    return [(one["_id"], one["description"]) for one in found.sort("_id", 1).limit(READ)]


def _store(target: Target, collection: str, package_id: str, html: str) -> None:
    packages = target.without_waiting(collection)  # what gets lost is rendered again
    fields = {"description_html": html, "description_renderer": RENDERER}
    try:
        packages.update_one({"_id": package_id}, {"$set": fields})
    except DocumentTooLarge:
        packages.update_one({"_id": package_id}, {"$set": {"description_renderer": RENDERER}})
    except OperationFailure as error:
        if error.code not in TOO_LARGE:
            raise
        packages.update_one({"_id": package_id}, {"$set": {"description_renderer": RENDERER}})
