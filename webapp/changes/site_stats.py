"""Compute the site's counts and statistics now and then, in the background and in one process at a time."""

import logging
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import pymongo
from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from webapp.changes.catching_up import add_moved_downloads, derive_requires, leave_out_yanked, remember_names
from webapp.changes.search_index import count_downloads
from webapp.changes.staging import settle_leftovers
from webapp.changes.stating import state_stored_files
from webapp.documents.base import Plain, as_declared, is_recent, utc_now
from webapp.documents.package import Package
from webapp.documents.package_queries import ALL_NAMES
from webapp.documents.site_stats import SITEMAP_BUCKET, Counted, SitemapBucket, SiteStats
from webapp.documents.user import User
from webapp.rules.license_names import license_name
from webapp.rules.naming import language_id

log = logging.getLogger(__name__)

Packages = Collection[Any]

TOP = 12
# How many different texts are merged into licences; a large index has some thousand.
LICENSE_TEXTS = 20_000
# A slow computation is repeated less often: it may take one part in this many of the time.
REST_FACTOR = 50
LANGUAGES = {"$regex": "^Programming Language :: "}
NO_LANGUAGES = {"$not": {"$regex": "^Programming Language :: "}}
_MONTH = {"$dateToString": {"format": "%Y-%m", "date": "$releases.created_date"}}
LONGEST_REST_S = 604_800
# Nobody computes for longer than this. A process that computes is believed to be alive for so long without a sign.
LONGEST, ALIVE = timedelta(minutes=10), timedelta(minutes=2)

# Held by the thread of this process that computes.
_computing = threading.Lock()


def current(max_age_s: int, *fields: str) -> Plain:
    """Return the statistics, or these fields. If they are older than `max_age_s`, a thread recomputes them.

    Only a site without statistics, or a `max_age_s` of 0, waits for the computation.
    """
    wanted = SiteStats.objects(pk="site")
    if fields:
        wanted = wanted.only(*fields, "computed_at", "took_ms", "facts_read")
    stats = wanted.plain_first()
    if not max_age_s or not stats or "computed_at" not in stats:
        return refresh()
    rest_s = max(max_age_s, min(REST_FACTOR * stats.get("took_ms", 0) / 1000, LONGEST_REST_S))
    if not stats.get("facts_read"):
        rest_s = 0  # an upgrade: until its late derivations are done, older releases are shown as unknown
    # A claim is a write, which pages must not wait for: a replica set without a primary accepts none.
    if not is_recent(stats["computed_at"], timedelta(seconds=rest_s)) and not _computing.locked():
        threading.Thread(target=_refresh_in_background, name="site-stats", daemon=True).start()
    return stats


def refresh() -> Plain:
    """Compute and store the statistics, and return them.

    Other late derivations are brought up to date as well.
    """
    started = time.monotonic()
    with pymongo.timeout(LONGEST.total_seconds()):
        before = SiteStats.objects(pk="site").only("moved_downloads", "facts_read").plain_first() or {}
        derive_requires()
        if not before.get("facts_read"):
            leave_out_yanked()
            state_stored_files()
        remember_names()
        stats = _compute()
        stats["facts_read"] = True
        stats["moved_downloads"] = add_moved_downloads(before.get("moved_downloads"))
        count_downloads()
        stats |= {"took_ms": round((time.monotonic() - started) * 1000), "computed_at": utc_now()}
    # With a longer limit the driver would retry a write for minutes while nobody accepts it.
    SiteStats.objects.raw().replace_one({"_id": "site"}, SiteStats(id="site", **stats).to_mongo(), upsert=True)
    return as_declared(SiteStats, SiteStats(id="site", **stats).to_mongo().to_dict())


def _refresh_in_background() -> None:
    if not _computing.acquire(blocking=False):
        return
    try:
        if SiteStats.objects.claim("site", ALIVE):
            with SiteStats.objects.keeping("site", ALIVE):
                refresh()
            settle_leftovers()
    except PyMongoError as error:
        log.warning("the site's statistics could not be computed: %s", error)
    finally:
        _computing.release()


def _compute() -> Plain:
    packages = Package.objects.raw()
    return {
        # Counted in the index, because MongoDB's own count is wrong after it was killed.
        "projects": packages.count_documents({"_id": {"$gte": ""}}),
        "releases": _release_total(packages),
        "users": User.objects.raw().count_documents({"_id": {"$gte": bson.ObjectId("0" * 24)}}),
        "releases_by_month": _releases_by_month(packages),
        "top_licenses": _top_licenses(packages),
        "top_languages": [
            Counted(id=language_id(row.id), name=row.id.partition(" :: ")[2], count=row.count)
            for row in _most_frequent(packages, "classifiers", LANGUAGES)
        ],
        "top_classifiers": _most_frequent(packages, "classifiers", NO_LANGUAGES),
        "top_maintainers": _top_maintainers(packages),
        "sitemap_buckets": _sitemap_buckets(packages),
    }


def _release_total(packages: Packages) -> int:
    # The bounds exclude what a manual edit may have left: text, NaN, or a number that no project reaches.
    counted = {"release_count": {"$gte": 0, "$lt": 1_000_000}}
    rows = packages.aggregate([{"$match": counted}, {"$group": {"_id": None, "count": {"$sum": "$release_count"}}}])
    # A shell may have written a double or a decimal.
    return next((int(float(str(row["count"]))) for row in rows), 0)


def _releases_by_month(packages: Packages) -> list[Counted]:
    rows = packages.aggregate(
        [
            {"$project": {"releases.created_date": 1}},
            {"$unwind": "$releases"},
            # Python's package index started in 2003; dates outside this range, or lists, come from manual edits.
            {
                "$match": {
                    "releases.created_date": {
                        "$gte": datetime(2000, 1, 1, tzinfo=UTC),
                        "$lt": datetime(2100, 1, 1, tzinfo=UTC),
                    },
                    "releases.created_date.0": {"$exists": False},
                }
            },
            {"$group": {"_id": _MONTH, "count": {"$sum": 1}}},
            {"$sort": {"_id": 1}},
        ]
    )
    return [Counted(id=row["_id"], name=row["_id"], count=row["count"]) for row in rows]


def _top_licenses(packages: Packages) -> list[Counted]:
    """Return the most frequent licences. A moved site may list its projects under "MIT license" as well as "MIT"."""
    counts: Counter[str] = Counter()
    for row in _most_frequent(packages, "license_id", most=LICENSE_TEXTS):
        counts[license_name(row.id)] += row.count
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [Counted(id=name, name=name, count=count) for name, count in ordered[:TOP]]


def _most_frequent(packages: Packages, field: str, only: Plain | None = None, most: int = TOP) -> list[Counted]:
    """Return the most frequent values of a field that is text or a list of texts."""
    rows = packages.aggregate(
        [
            {"$project": {field: 1}},
            {"$unwind": f"${field}"},
            {"$match": {field: {"$type": "string", "$gt": "", **(only or {})}}},
            {"$group": {"_id": f"${field}", "count": {"$sum": 1}}},
            {"$sort": {"count": -1, "_id": 1}},
            {"$limit": most},
        ]
    )
    return [Counted(id=row["_id"], name=row["_id"], count=row["count"]) for row in rows]


def _top_maintainers(packages: Packages) -> list[Counted]:
    rows = packages.aggregate(
        [
            {"$project": {"maintainers": 1}},
            {"$unwind": "$maintainers"},
            {"$match": {"maintainers.user_id": {"$type": "objectId"}}},
            {"$group": {"_id": "$maintainers.user_id", "count": {"$sum": 1}}},
            {"$sort": {"count": -1, "_id": 1}},
            {"$limit": TOP},
        ]
    )
    counts = {row["_id"]: row["count"] for row in rows}
    names = {user["id"]: user.get("name") for user in User.objects(pk__in=list(counts)).only("name").plain()}
    return [Counted(id=str(key), name=names[key] or str(key), count=n) for key, n in counts.items() if key in names]


def _sitemap_buckets(packages: Packages) -> list[SitemapBucket]:
    # Read from an index, some thousand at a time: otherwise the server sends 16 MB, which become 150 MB of
    # dictionaries. $bucket would compare each name with each boundary, which takes two minutes for 500,000.
    found = packages.find({"_id": {"$gte": "", "$lt": "\uffff"}}, {"updated_date": 1}, batch_size=5000).sort(ALL_NAMES)
    # The first one starts before all names, so that the buckets together hold whatever is added.
    buckets, youngest = [SitemapBucket(start="")], None
    for number, row in enumerate(found):
        if number and number % SITEMAP_BUCKET == 0:
            buckets.append(SitemapBucket(start=row["_id"]))
            youngest = None
        date = row.get("updated_date")
        if isinstance(date, datetime) and (youngest is None or date > youngest):
            buckets[-1].updated_date = youngest = date
    return buckets
