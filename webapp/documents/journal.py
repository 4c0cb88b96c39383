"""The journal of changes to projects: collection `journal`, and their serials: collection `counters`."""

import math
from datetime import datetime
from typing import Any, Self

import bson
import mongoengine as me
from packaging.utils import NormalizedName
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError, OperationFailure

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db

# What readers are told of a project without changes in the journal, such as a migrated one. bandersnatch takes 0 for an
# answer without a serial, and mirrors nothing; the first change has a higher one, or mirrors would miss it.
UNCHANGED_SERIAL = 1
# More than any site counts; MongoDB and JSON keep each of these numbers exactly.
MOST_SERIALS = 2**53
# What MongoDB answers if it cannot add to a value: it is too large, or no number.
_NOT_COUNTED = (2, 14)
# The action after which a project no longer exists.
REMOVE_PROJECT = "remove project"

# What two entries have in common only if they are the same.
_IDENTITY = ("package", "action", "version", "filename", "at")


class SerialTaken(RuntimeError):
    """Another entry has this serial, because the counter was behind."""


class Counter(db.Document):
    """A number that only grows; there is one, "journal"."""

    name = me.StringField(primary_key=True)
    value = me.LongField()

    meta = {"collection": "counters", "queryset_class": ReadingQuerySet, "auto_create_index": False}


class JournalState(db.Document):
    """Who is telling others what happened, and what they know; the only document is "telling"."""

    id = me.StringField(primary_key=True)
    claimed_until = me.DateTimeField()
    advisories_told_at = me.DateTimeField()  # the `imported_at` of the last advisory that others were told of

    meta = {"collection": "journal_state", "queryset_class": ReadingQuerySet, "auto_create_index": False}


class JournalFields(me.EmbeddedDocument):
    """A journal entry stored in its package until it is copied to the journal; see `changing.py`."""

    serial = me.LongField(required=True)
    action = me.StringField(required=True)
    version = me.StringField()
    filename = me.StringField()
    note = me.StringField()
    actor_id = me.ObjectIdField()
    actor_name = me.StringField()
    at = me.DateTimeField(required=True)


class JournalQuerySet(ReadingQuerySet):
    """Queries for the journal."""

    def about_package(self, normalized_name: NormalizedName) -> Self:
        """The changes of this project, newest first."""
        return self.filter(package=normalized_name).order_by("-pk")

    def deletions(self, normalized_name: str) -> Self:
        """The deletions of this project, the newest first."""
        return self.about_package(NormalizedName(normalized_name)).filter(action=REMOVE_PROJECT)

    def last_deletion(self, normalized_name: str) -> datetime | None:
        """Return when this project was last deleted, or None."""
        last = self.deletions(normalized_name).only("at").plain_first() or {}
        return last.get("at")

    def untold(self) -> Self:
        """The changes that webhooks and watchers have not been told, oldest first."""
        return self.filter(is_untold=True).order_by("pk")

    def last_serial(self) -> int:
        """The serial of the last entry; 0 if there is none."""
        last = self.order_by("-pk").only("serial").plain_first()
        return int(last["serial"]) if last else 0


class JournalEntry(db.Document):
    """One change of a project; about 0.3 kB, any number of them, forever."""

    serial = me.LongField(primary_key=True)
    package = me.StringField()  # normalized name
    action = me.StringField()  # "new project", "new release", "new file", ...
    version = me.StringField()
    filename = me.StringField()
    note = me.StringField()  # a note, such as the reason for a yank or the name of a new maintainer
    actor_id = me.ObjectIdField()
    actor_name = me.StringField()
    at = me.DateTimeField()
    is_untold = me.BooleanField()  # true until webhooks and watchers have been told: webapp/telling

    meta = {
        "collection": "journal",
        "queryset_class": JournalQuerySet,
        "auto_create_index": False,
        "indexes": [
            # What happened to this project? (/manage/)
            {"fields": ["package", "-_id"], "name": "by_package"},
            # What have webhooks and watchers not been told yet? (telling/events.py, every two seconds)
            {"fields": ["is_untold", "_id"], "name": "untold_entries", "partialFilterExpression": {"is_untold": True}},
        ],
    }


def next_serial() -> int:
    """Return the next number, which nobody else gets."""
    serial = _draw()
    # The first number of a new database is taken.
    return serial if serial > UNCHANGED_SERIAL else _draw()


def _draw() -> int:
    try:
        value = _counted()
    except OperationFailure as error:
        if error.code not in _NOT_COUNTED:
            raise
        value = math.nan
    if not 0 <= value < MOST_SERIALS:
        lift_counter()
        value = _counted()
    return int(value)


def _counted() -> float:
    counter = Counter.objects.raw().find_one_and_update(
        {"_id": "journal"},
        {"$inc": {"value": bson.Int64(1)}},
        upsert=True,
        return_document=ReturnDocument.AFTER,
    )
    value: float = counter["value"]
    return value


def lift_counter(at_least: int = 0) -> bool:
    """Raise a counter that is behind the journal, as one from an older backup is; False if it is not behind.

    What an edit by hand left there instead of a count is removed: everything else compares as more, or as nothing.
    """
    is_no_count = {"_id": "journal", "value": {"$not": {"$gte": 0, "$lt": MOST_SERIALS}}}
    Counter.objects.raw().update_one(is_no_count, {"$unset": {"value": ""}})
    least = max(JournalEntry.objects.last_serial(), at_least)
    change = {"$max": {"value": bson.Int64(least)}}
    result = Counter.objects.raw().update_one({"_id": "journal"}, change, upsert=bool(least))
    return bool(result.modified_count or result.upserted_id)


def write_entry(normalized_name: NormalizedName, fields: dict[str, Any]) -> None:
    """Write an entry to the journal, unless it is already there. Raises SerialTaken."""
    entry = {"_id": bson.Int64(fields["serial"]), "package": normalized_name, **fields, "is_untold": True}
    del entry["serial"]
    try:
        JournalEntry.objects.raw().insert_one(entry)
    except DuplicateKeyError:
        standing = JournalEntry.objects.raw().find_one({"_id": entry["_id"]}) or entry
        if any(standing.get(name) != entry.get(name) for name in _IDENTITY):
            raise SerialTaken(f"the journal has another entry with the serial {entry['_id']}") from None
