"""Downloads by day: collection `download_counts`."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby, islice
from typing import Any, NamedTuple, Self

import mongoengine as me
from packaging.utils import NormalizedName
from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from webapp.documents.base import Plain, ReadingQuerySet
from webapp.documents.download import Download
from webapp.mongodb import db
from webapp.mongodb.errors import is_away, is_only_duplicates

log = logging.getLogger(__name__)

# Pages show thirteen weeks, and this many of the most downloaded releases or projects.
RECENT_DAYS = 13 * 7
TOP = 12
# How many months, of some hundred releases or projects, are read at most to find the most downloaded.
MOST_MONTHS = 200
BATCH = 500
MOST = 10**12
# Dates outside this range come from manual edits.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_DAY = {"$dateToString": {"format": "%Y-%m-%d", "date": "$created_date"}}


class Fetched(NamedTuple):
    """A downloaded release, and the day in UTC, such as "2026-11-20"."""

    package: str  # normalized name
    version: str
    day: str


class DownloadCountQuerySet(ReadingQuerySet):
    """Queries for downloads. Each reads a limited number of months."""

    def of_site(self) -> Self:
        """The months of the whole site."""
        return self.filter(kind="site")

    def of_project(self, normalized_name: NormalizedName) -> list[Plain]:
        """The months of one project, all releases together. Building a queryset takes as long as asking."""
        return self.as_plain(self.raw().find({"package": normalized_name, "kind": "project"}))

    def of_releases(self, normalized_name: NormalizedName, months: list[str]) -> Self:
        """These months of the releases of one project, most downloads first."""
        return self._most(self.filter(package=normalized_name, kind="release", month__in=months))

    def of_projects(self, months: list[str]) -> Self:
        """These months of all projects, most downloads first."""
        return self._most(self.filter(kind="project", month__in=months))

    def _most(self, months: Self) -> Self:
        # In one batch: the first one has 101 by default.
        return months.order_by("-count").limit(MOST_MONTHS).batch_size(MOST_MONTHS + 1)


class DownloadCount(db.Document):
    """A month of the site, of a project or of one release, by day; 0.3 kB.

    A page reads a few months, however many downloads there were. With a document for each release and day, a project
    page would add up thousands: 32 ms for a project with 200 busy versions, and 240 ms for one with 2,500.
    """

    id = me.StringField(primary_key=True)  # "2026-11", "flask/2026-11" or "flask/3.0.3/2026-11"; "/moved" may follow
    kind = me.StringField(choices=("site", "project", "release"))
    package = me.StringField()  # normalized name
    version = me.StringField()
    month = me.StringField()  # "2026-11", in UTC
    count = me.LongField()  # over all days
    days = me.DictField()  # {"20": 7}: seven on the 20th
    moved = me.BooleanField()  # added up from the `downloads` of a migrated site

    meta = {
        "collection": "download_counts",
        "queryset_class": DownloadCountQuerySet,
        "auto_create_index": False,
        "indexes": [
            # How often was this project downloaded, and which of its releases most? (/project/)
            {"fields": ["package", "kind", "month", "-count"], "name": "by_package"},
            # How many downloads were there, and which projects had the most? (/stats/)
            {"fields": ["kind", "month", "-count"], "name": "by_month"},
        ],
    }

    @classmethod
    def add(cls, waiting: dict[str, Plain]) -> None:
        """Add `months` to the stored counts, and remove from it what was added.

        After a PyMongoError, the rest was not added, or the answer about a batch was lost. One by one, a month takes
        0.44 ms of processor time, a third of what the download itself takes; in a batch, 0.03.
        """
        while batch := list(islice(waiting.items(), BATCH)):
            failed: set[int] = set()
            trouble: BulkWriteError | None = None
            try:
                _add_all(cls.objects.raw(), batch)
            except BulkWriteError as error:
                failed = {each["index"] for each in error.details["writeErrors"]}
                trouble = error if is_away(error) else None
            for place, (key, _) in enumerate(batch):
                if place in failed and trouble:
                    continue
                if place in failed:
                    log.warning("%s in download_counts is damaged, so its latest downloads are not counted", key)
                del waiting[key]
            if trouble:
                raise trouble

    @classmethod
    def summary(cls, today: date, normalized_name: NormalizedName | None = None) -> Plain:
        """Return the downloads of a project, or of the whole site, as pages show them.

        `days` and `weeks` cover the last thirteen weeks: [{id: "2026-11-20", count}]; `recent` is their sum, and
        `total` that of all time. `top` has the releases, or the projects, with the most recent downloads: [{id:
        "3.0.3", count}].
        """
        documents = cls.objects.of_project(normalized_name) if normalized_name else cls.objects.of_site().plain()
        if normalized_name and not documents:
            return {"days": [], "weeks": [], "recent": 0, "total": 0, "top": []}
        first, last = today - timedelta(days=RECENT_DAYS - 1), today
        months = months_between(first, last)
        if normalized_name:
            parts, key = cls.objects.of_releases(normalized_name, months), "version"
        else:
            parts, key = cls.objects.of_projects(months), "package"
        days = by_day(documents, first, last)
        recent = sum(day["count"] for day in days)
        return {
            "days": days,
            "weeks": by_week(days),
            "recent": recent,
            "total": _sum(documents),
            "top": _top(parts.plain(), key, first) if recent else [],
        }

    @classmethod
    def recent_by_project(cls, today: date) -> dict[str, int]:
        """Return how often each project was downloaded in the last thirteen weeks: {"flask": 1200}."""
        first = today - timedelta(days=RECENT_DAYS - 1)
        begun, *whole = months_between(first, today)
        counted = {"kind": "project", "month": {"$in": whole}, "count": {"$gt": 0, "$lte": MOST}}
        rows = cls.objects.raw().aggregate(
            [{"$match": counted}, {"$group": {"_id": "$package", "count": {"$sum": "$count"}}}], allowDiskUse=True
        )
        found = Counter({row["_id"]: int(row["count"]) for row in rows if isinstance(row["_id"], str)})
        for month in cls.objects(kind="project", month=begun).only("package", "month", "days").plain():
            if count := sum(day["count"] for day in by_day([month], first, today)):
                found[month.get("package", "")] += count
        return found

    @classmethod
    def add_moved(cls) -> None:
        """Add up the `downloads` of a migrated site, and replace earlier sums."""
        collection = cls.objects.raw()
        collection.delete_many({"moved": True})
        documents = ({"_id": f"{key}/moved", **month, "moved": True} for key, month in _moved_months())
        while batch := list(islice(documents, BATCH)):
            try:
                collection.insert_many(batch, ordered=False)
            except BulkWriteError as error:
                # Another process does the same at the same time, and its result is as good.
                if not is_only_duplicates(error):
                    raise


def _add_all(collection: Collection[Plain], batch: list[tuple[str, Plain]]) -> None:
    additions = [(key, _addition(month)) for key, month in batch]
    if isinstance(collection, Collection):
        collection.bulk_write([UpdateOne({"_id": key}, each, upsert=True) for key, each in additions], ordered=False)
    else:  # mongomock takes no updates in bulk from this pymongo
        for key, each in additions:
            collection.update_one({"_id": key}, each, upsert=True)


def _addition(month: Plain) -> Plain:
    counts = {f"days.{day}": count for day, count in month["days"].items()} | {"count": month["count"]}
    return {"$inc": counts, "$setOnInsert": {name: month[name] for name in month if name not in ("count", "days")}}


def months(fetched: Iterable[tuple[Fetched, int]]) -> dict[str, Plain]:
    """Return what some downloads add to each month: {"flask/2026-11": {kind, package, month, count, days}, ...}."""
    found: dict[str, Plain] = {}
    for (package, version, day), count in fetched:
        month, day_of_month = day[:7], day[8:]
        levels: list[tuple[str, Plain]] = [(month, {"kind": "site"})]
        if package:
            levels.append((f"{package}/{month}", {"kind": "project", "package": package}))
        if package and version:
            release = {"kind": "release", "package": package, "version": version}
            levels.append((f"{package}/{version}/{month}", release))
        for key, named in levels:
            document = found.setdefault(key, {**named, "month": month, "count": 0, "days": {}})
            document["count"] += count
            document["days"][day_of_month] = document["days"].get(day_of_month, 0) + count
    return found


def by_day(documents: Iterable[Plain], first: date, last: date) -> list[Plain]:
    """Return the downloads of each day of some months, including days without any: [{id: "2026-11-20", count: 7}].

    Invalid months, days and numbers come from manual edits, and are left out.
    """
    days = [str(first + timedelta(days=number)) for number in range((last - first).days + 1)]
    counts = dict.fromkeys(days, 0)
    for document in documents:
        for day, count in _days(document):
            if day in counts:
                counts[day] += count
    return [{"id": day, "count": count} for day, count in counts.items()]


def by_week(days: list[Plain]) -> list[Plain]:
    """Return the sums of seven days each, under the first of them."""
    weeks = (days[start : start + 7] for start in range(0, len(days), 7))
    return [{"id": week[0]["id"], "count": sum(day["count"] for day in week)} for week in weeks]


def months_between(first: date, last: date) -> list[str]:
    """Return the months of these days: ["2026-10", "2026-11"]."""
    days = range((last - first).days + 1)
    return list(dict.fromkeys(str(first + timedelta(days=number))[:7] for number in days))


def _moved_months() -> Iterator[tuple[str, Plain]]:
    """Yield the months of the migrated downloads, one project at a time so that little memory is used."""
    rows = Download.objects.raw().aggregate(
        [
            {"$match": {"created_date": {"$gte": EARLIEST, "$lt": LATEST}}},
            {"$group": {"_id": {"package": "$package", "version": "$version", "day": _DAY}, "count": {"$sum": 1}}},
            {"$sort": {"_id.package": 1, "_id.day": 1}},
        ],
        allowDiskUse=True,
    )
    site: dict[str, Plain] = {}
    for _, of_one in groupby(rows, key=lambda row: row["_id"].get("package")):
        for key, month in months((_fetched(**row["_id"]), row["count"]) for row in of_one).items():
            if month["kind"] == "site":
                _add(site.setdefault(key, month | {"count": 0, "days": {}}), month)
            else:
                yield key, month
    for key, month in site.items():
        yield key, month | {"days": dict(sorted(month["days"].items()))}


def _top(documents: list[Plain], key: str, first: date) -> list[Plain]:
    """Return what has the most downloads from this day on: [{id, count}]."""
    counts: Counter[str] = Counter()
    begun = str(first)[:7]
    for document in documents:
        if key in document and document.get("month") == begun:
            counts[document[key]] += sum(count for day, count in _days(document) if day >= str(first))
        elif key in document:  # adding the days up takes longer than all else on a page
            counts[document[key]] += _sum([document])
    most = sorted(counts, key=lambda name: (-counts[name], name))[:TOP]
    return [{"id": name, "count": counts[name]} for name in most if counts[name]]


def _days(document: Plain) -> Iterator[tuple[str, int]]:
    for day_of_month, count in document.get("days", {}).items():
        if isinstance(count, int | float) and 0 < count <= MOST:
            yield f"{document.get('month')}-{day_of_month}", int(count)


def _add(total: Plain, month: Plain) -> None:
    total["count"] += month["count"]
    for day, count in month["days"].items():
        total["days"][day] = total["days"].get(day, 0) + count


def _fetched(day: str, package: Any = None, version: Any = None) -> Fetched:
    package, version = (value if isinstance(value, str) else "" for value in (package, version))
    return Fetched(package, version, day)


def _sum(documents: Iterable[Plain]) -> int:
    return sum(count for each in documents if 0 < (count := each.get("count", 0)) <= MOST)
