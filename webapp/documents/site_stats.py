"""The site's counts and statistics, computed now and then instead of in each request: collection `site_stats`."""

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import mongoengine as me
import pymongo
from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from webapp.documents.base import Plain, ReadingQuerySet, as_declared, utc_now
from webapp.documents.catching_up import add_moved_downloads, derive_requires, remember_names
from webapp.documents.package import ALL_NAMES, Package
from webapp.documents.user import User
from webapp.extensions import db
from webapp.naming import language_id

log = logging.getLogger(__name__)

Packages = Collection[Any]

TOP = 12
# A sitemap may hold 50,000, but one of 500 is made in 5 ms; and a bucket can grow for long before it is divided.
SITEMAP_BUCKET = 500
# A computation that took long is repeated less often: it may fill one part in so many of the time.
REST_FACTOR = 50
LANGUAGES = {"$regex": "^Programming Language :: "}
NO_LANGUAGES = {"$not": {"$regex": "^Programming Language :: "}}
_MONTH = {"$dateToString": {"format": "%Y-%m", "date": "$releases.created_date"}}
LONGEST_REST_S = 604_800
# Nobody computes for longer than this; then another process may try.
CLAIM = timedelta(minutes=10)

# Held by the thread of this process that computes.
_computing = threading.Lock()


class Counted(me.EmbeddedDocument):
    """Something and how often it occurs."""

    id = me.StringField()
    name = me.StringField()
    count = me.LongField()


class SitemapBucket(me.EmbeddedDocument):
    """The packages from one normalized name on, up to the next bucket's; about SITEMAP_BUCKET of them."""

    start = me.StringField()
    updated_date = me.DateTimeField()  # the youngest change in it


class SiteStats(db.Document):
    """The one document "site": totals, releases a month, and what is most frequent."""

    id = me.StringField(primary_key=True)
    projects = me.LongField()
    releases = me.LongField()
    users = me.LongField()
    releases_by_month = me.EmbeddedDocumentListField(Counted)  # "2024-03", oldest first
    top_licenses = me.EmbeddedDocumentListField(Counted)
    top_languages = me.EmbeddedDocumentListField(Counted)
    top_classifiers = me.EmbeddedDocumentListField(Counted)
    top_maintainers = me.EmbeddedDocumentListField(Counted)
    sitemap_buckets = me.EmbeddedDocumentListField(SitemapBucket)
    moved_downloads = me.LongField()  # so many documents of `downloads` are in the counts of downloads
    computed_at = me.DateTimeField()
    took_ms = me.LongField()
    claimed_until = me.DateTimeField()  # some process computes just now

    meta = {"collection": "site_stats", "queryset_class": ReadingQuerySet, "auto_create_index": False}

    @classmethod
    def current(cls, max_age_s: int, *fields: str) -> Plain:
        """Return the statistics, or these fields. When they are older than that, a thread computes them again.

        Only a site that has none yet, or a `max_age_s` of 0, waits for the computation.
        """
        wanted = cls.objects(pk="site")
        if fields:
            wanted = wanted.only(*fields, "computed_at", "took_ms")
        stats = wanted.plain_first()
        if not max_age_s or not stats or "computed_at" not in stats:
            return cls.refresh()
        rest_s = max(max_age_s, min(REST_FACTOR * stats.get("took_ms", 0) / 1000, LONGEST_REST_S))
        # To claim is a write, for which no page waits: a replica set without a primary takes none.
        if utc_now() - stats["computed_at"] > timedelta(seconds=rest_s) and not _computing.locked():
            threading.Thread(target=_refresh_in_background, name="site-stats", daemon=True).start()
        return stats

    @classmethod
    def refresh(cls) -> Plain:
        """Compute the statistics, keep them, and return them. What else is derived late is brought up to date."""
        started = time.monotonic()
        with pymongo.timeout(CLAIM.total_seconds()):
            before = cls.objects(pk="site").only("moved_downloads").plain_first() or {}
            derive_requires()
            remember_names()
            stats = _compute()
            stats["moved_downloads"] = add_moved_downloads(before.get("moved_downloads"))
            stats |= {"took_ms": round((time.monotonic() - started) * 1000), "computed_at": utc_now()}
        # Within that limit the driver would try a write again and again, for minutes, while nobody takes it.
        cls._get_collection().replace_one({"_id": "site"}, cls(id="site", **stats).to_mongo(), upsert=True)
        return as_declared(cls, cls(id="site", **stats).to_mongo().to_dict())

    @classmethod
    def _claim(cls) -> bool:
        """Tell whether this process is the one that computes; the others go on with what there is."""
        now = utc_now()
        free = {"_id": "site", "$or": [{"claimed_until": None}, {"claimed_until": {"$lt": now}}]}
        claim = {"$set": {"claimed_until": now + CLAIM}}
        return bool(cls._get_collection().update_one(free, claim).modified_count)


def _refresh_in_background() -> None:
    if not _computing.acquire(blocking=False):
        return
    try:
        if SiteStats._claim():
            SiteStats.refresh()
    except PyMongoError as error:
        log.warning("the site's statistics could not be computed: %s", error)
    finally:
        _computing.release()


def _compute() -> Plain:
    packages = Package._get_collection()
    return {
        # Counted in the index: what MongoDB knows without counting is wrong after it was killed.
        "projects": packages.count_documents({"_id": {"$gte": ""}}),
        "releases": _release_total(packages),
        "users": User._get_collection().count_documents({"_id": {"$gte": bson.ObjectId("0" * 24)}}),
        "releases_by_month": _releases_by_month(packages),
        "top_licenses": _most_frequent(packages, "license_id"),
        "top_languages": [
            Counted(id=language_id(row.id), name=row.id.partition(" :: ")[2], count=row.count)
            for row in _most_frequent(packages, "classifiers", LANGUAGES)
        ],
        "top_classifiers": _most_frequent(packages, "classifiers", NO_LANGUAGES),
        "top_maintainers": _top_maintainers(packages),
        "sitemap_buckets": _sitemap_buckets(packages),
    }


def _release_total(packages: Packages) -> int:
    # The bounds leave out what an edit by hand may have put there: text, NaN, a number that no project reaches.
    counted = {"release_count": {"$gte": 0, "$lt": 1_000_000}}
    rows = packages.aggregate([{"$match": counted}, {"$group": {"_id": None, "count": {"$sum": "$release_count"}}}])
    # A shell may have written a double or a decimal.
    return next((int(float(str(row["count"]))) for row in rows), 0)


def _releases_by_month(packages: Packages) -> list[Counted]:
    rows = packages.aggregate(
        [
            {"$project": {"releases.created_date": 1}},
            {"$unwind": "$releases"},
            # Python's package index began in 2003; a date outside of this, or a list, is a slip of somebody's hand.
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


def _most_frequent(packages: Packages, field: str, only: Plain | None = None) -> list[Counted]:
    """Return the most frequent values of a field that is text or a list of texts."""
    rows = packages.aggregate(
        [
            {"$project": {field: 1}},
            {"$unwind": f"${field}"},
            {"$match": {field: {"$type": "string", "$gt": "", **(only or {})}}},
            {"$group": {"_id": f"${field}", "count": {"$sum": 1}}},
            {"$sort": {"count": -1, "_id": 1}},
            {"$limit": TOP},
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
    # An index holds what is asked for. Some thousand at a time: otherwise the server sends 16 MB of them, which become
    # 150 MB of dictionaries. $bucket would compare each name with each boundary: two minutes for 500,000.
    found = packages.find({"_id": {"$gte": "", "$lt": "\uffff"}}, {"updated_date": 1}, batch_size=5000).sort(ALL_NAMES)
    # The first begins before all names, so that together the buckets hold whatever is added.
    buckets, youngest = [SitemapBucket(start="")], None
    for number, row in enumerate(found):
        if number and number % SITEMAP_BUCKET == 0:
            buckets.append(SitemapBucket(start=row["_id"]))
            youngest = None
        date = row.get("updated_date")
        if isinstance(date, datetime) and (youngest is None or date > youngest):
            buckets[-1].updated_date = youngest = date
    return buckets
