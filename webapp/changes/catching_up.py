"""Derive what is missing after an upgrade or a migration from SQL.

This runs with the statistics, in the background and in one process at a time, so nobody has to start it.
"""

import contextlib
from collections.abc import Iterator
from itertools import islice

from mongoengine.errors import ValidationError
from packaging.utils import NormalizedName
from pymongo.errors import BulkWriteError

from webapp.documents.download import Download
from webapp.documents.download_count import DownloadCount
from webapp.documents.known_name import KnownName
from webapp.documents.package import ConcurrentChange, Package
from webapp.documents.package_queries import ALL_NAMES
from webapp.rules import naming

# How many names are compared at a time.
BATCH = 5000
_DUPLICATE = 11000


def derive_requires() -> None:
    """Add `requires` to packages written by an older version of the site."""
    packages = Package.objects.raw()
    # `by_requirement` lists those without the field under null. Usually there are none, and nothing else is read.
    without = {"requires": None, "requires_dist.0": {"$exists": True}}
    for package in packages.find(without, {"requires_dist": 1}):
        texts = [text for text in package["requires_dist"] if isinstance(text, str)]
        packages.update_one(
            {"_id": package["_id"], "requires": None}, {"$set": {"requires": naming.required_names(texts)}}
        )


def leave_out_yanked() -> None:
    """Correct the newest release of projects where an older version of the site chose a yanked one."""
    with_yanked = {"releases": {"$elemMatch": {"yanked": True}}, "newest_release": {"$ne": None}}
    is_yanked = {"$filter": {"input": "$releases", "as": "each", "cond": {"$eq": ["$$each.yanked", True]}}}
    found = Package.objects.raw().aggregate(
        [
            {"$match": with_yanked},
            {"$project": {"newest": "$newest_release.version", "yanked": is_yanked}},
            {"$match": {"$expr": {"$in": ["$newest", "$yanked.version"]}}},
            {"$project": {"_id": 1}},
        ]
    )
    for son in found:
        if isinstance(son["_id"], str) and (package := Package.to_change(NormalizedName(son["_id"]))):
            # A concurrent change derives it as well.
            with contextlib.suppress(ConcurrentChange, ValidationError):
                package.clean()
                package.store()


def remember_names() -> None:
    """Remember the names of all projects. Migrations and manual edits can add or remove one without a journal entry.

    The names come from an index, and nothing is written for names that are already known.
    """
    known = KnownName.objects.raw()
    found = Package.objects.raw().find({"_id": {"$gte": ""}}, {"_id": 1}, sort=ALL_NAMES, batch_size=BATCH)
    names: Iterator[str] = (package["_id"] for package in found)
    while batch := list(islice(names, BATCH)):
        standing = {each["_id"]: each for each in known.find({"_id": {"$in": batch}})}
        for name in batch:
            if name in standing and "skeleton" not in standing[name]:  # an older version of the site wrote it
                known.update_one({"_id": name}, {"$set": {"skeleton": naming.skeleton(name)}})
        if new := [{"_id": name, "skeleton": naming.skeleton(name)} for name in batch if name not in standing]:
            try:
                known.insert_many(new, ordered=False)
            except BulkWriteError as error:
                # Another process was faster.
                if any(each.get("code") != _DUPLICATE for each in error.details["writeErrors"]):
                    raise


def add_moved_downloads(added_up: int | None) -> int:
    """Add up `downloads`, unless this number of them was already added up, and return how many there are.

    The site itself writes none, so their number changes only when a migration adds or removes them. `known` is None if
    the number is unknown; MongoDB's own count may be wrong after it was killed.
    """
    number = Download.objects.raw().estimated_document_count()
    if number != added_up:
        DownloadCount.add_moved()
    return int(number)
