"""Security advisories in the OSV format: collections `advisories` and `advisory_state`."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Self, TypeVar

import mongoengine as me
from pymongo.errors import OperationFailure

from webapp.documents.base import Plain, ReadingQuerySet
from webapp.documents.hidden import ShownQuerySet, hidden_names
from webapp.mongodb import db
from webapp.rules import osv

# The only document of `advisory_state`.
STATE = "state"
# MongoDB's code for a query that was running when its collection went: QueryPlanKilled.
COLLECTION_DROPPED = 175
T = TypeVar("T")


def asked_again(question: Callable[[], T]) -> T:
    """Return the answer to a question; ask it again if an import put a new collection in the place of the old one."""
    try:
        return question()
    except OperationFailure as error:
        if error.code != COLLECTION_DROPPED:
            raise
    return question()


class AdvisoryQuerySet(ShownQuerySet):
    """Queries for advisories.

    One that affects a hidden project and others is shown without the hidden one: whoever uses the others must know. One
    that affects nothing else is hidden.
    """

    def _shown(self) -> Plain:
        names = hidden_names()
        return {"affects": {"$elemMatch": {"package": {"$gt": "", "$nin": names}}}} if names else {}

    def as_plain(self, sons: Iterable[Plain]) -> list[Plain]:
        """Return the advisories as plain dictionaries, without what they list about hidden projects."""
        found, names = super().as_plain(sons), hidden_names()
        for advisory in found if names else ():
            if "affects" in advisory:
                advisory["affects"] = [each for each in advisory["affects"] if each.get("package") not in names]
            if "record" in advisory:
                advisory["record"] = osv.without(advisory["record"], names)
        return found

    def plain(self) -> list[Plain]:
        """Return the advisories as plain dictionaries; see ReadingQuerySet."""
        return asked_again(lambda: ReadingQuerySet.plain(self.clone()))

    def count_up_to(self, most: int) -> int:
        """Return how many there are, at most `most`; see ReadingQuerySet."""
        return asked_again(lambda: ReadingQuerySet.count_up_to(self.clone(), most))

    def known(self, normalized_names: Iterable[str]) -> set[str]:
        """Return those of some projects that have advisories: a few, in an ordinary audit."""
        wanted = set(normalized_names).difference(hidden_names())
        steps: list[dict[str, Any]] = [
            {"$match": {"affects.package": {"$in": list(wanted)}}},
            {"$project": {"affects.package": 1}},
            {"$unwind": "$affects"},
            {"$group": {"_id": "$affects.package"}},
        ]
        return {row["_id"] for row in asked_again(lambda: list(self.raw().aggregate(steps)))} & wanted

    def about(self, normalized_names: Iterable[str]) -> Self:
        """The advisories about some projects, withdrawn ones included."""
        wanted = set(normalized_names).difference(hidden_names())
        return self.filter(__raw__={"affects.package": {"$in": list(wanted)}})

    def affecting(self, normalized_name: str, key: str) -> Self:
        """The advisories that affect the version with this sort key, withdrawn ones included."""
        of_version = [{"versions": key}, {"ranges": {"$elemMatch": {"start": {"$lte": key}, "end": {"$gt": key}}}}]
        affected = {"package": {"$eq": normalized_name, "$nin": hidden_names()}, "$or": of_version}
        return self.filter(__raw__={"affects": {"$elemMatch": affected}})

    def standing(self) -> Self:
        """Only those that were not withdrawn."""
        return self.filter(withdrawn_at=None)

    def since(self, when: datetime) -> Self:
        """The advisories that arrived or changed here after that, newest first."""
        return self.filter(imported_at__gt=when).order_by("-imported_at", "pk")

    def newest(self, count: int) -> Self:
        """The advisories that arrived or changed here last."""
        return self.order_by("-imported_at", "pk").limit(count)


class AffectedRange(me.EmbeddedDocument):
    """Affected versions: those with start <= sort key < end. Usually one to three, 0.1 kB each."""

    start = me.StringField()  # rules.naming.sort_key; "" is before every version
    end = me.StringField()  # "~" is after every version
    introduced = me.StringField()  # as the record writes it, and these two
    fixed = me.StringField()
    last_affected = me.StringField()


class Affected(me.EmbeddedDocument):
    """What an advisory affects of one project."""

    package = me.StringField()  # normalized name
    ranges = me.EmbeddedDocumentListField(AffectedRange)
    versions = me.ListField(me.StringField())  # sort keys of listed versions that are in no range
    fixed_in = me.ListField(me.StringField())  # lowest version first


class Advisory(db.Document):
    """An advisory: the record as its source wrote it, and what the site compares and shows. 4 kB on average."""

    id = me.StringField(primary_key=True)  # "PYSEC-2024-1", "GHSA-...", "MAL-..."
    summary = me.StringField()  # of the record, or the first sentence of its details
    aliases = me.ListField(me.StringField())
    severity = me.StringField()  # rules.severity.LEVELS
    score = me.FloatField()  # CVSS base score
    affects = me.EmbeddedDocumentListField(Affected)
    modified = me.StringField()  # as the record writes it
    modified_at = me.DateTimeField()
    published_at = me.DateTimeField()
    withdrawn_at = me.DateTimeField()
    imported_at = me.DateTimeField()  # when it arrived here, or a later dump changed it
    is_own = me.BooleanField()  # added by the operator; dumps do not replace it
    crc = me.LongField()  # of its file in the dump ...
    size = me.LongField()  # ... and its bytes: the next dump is not read where both are the same
    record = me.DictField()

    meta = {
        "collection": "advisories",
        "queryset_class": AdvisoryQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Which advisories are about this project? (/project/, /osv/v1/query, /pypi/<name>/<version>/json)
            {"fields": ["affects.package", "_id"], "name": "by_package"},
            # Which advisories name this one? (/advisories/CVE-2024-1/)
            {"fields": ["aliases"], "name": "by_alias"},
            # Which arrived last? (/advisories/, feeds)
            {"fields": ["-imported_at", "_id"], "name": "newest_advisories"},
            # Which were added here? (flask advisories import)
            {"fields": ["is_own"], "name": "own_advisories", "partialFilterExpression": {"is_own": True}},
        ],
    }


class AdvisoryState(db.Document):
    """What was imported last; the only document is "state"."""

    id = me.StringField(primary_key=True)
    filename = me.StringField()  # of the dump
    records = me.LongField()  # in it
    imported_at = me.DateTimeField()
    claimed_until = me.DateTimeField()  # until when a command is changing the advisories

    meta = {"collection": "advisory_state", "queryset_class": ReadingQuerySet, "auto_create_index": False}

    @classmethod
    def current(cls) -> Plain:
        """Return the state, empty before the first import."""
        return cls.objects(pk=STATE).plain_first() or {}

    @classmethod
    def note(cls, **values: Any) -> None:
        """Store some values."""
        cls.objects.raw().update_one({"_id": STATE}, {"$set": values}, upsert=True)
