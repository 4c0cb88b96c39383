"""The journal of changes to projects: collection `journal`, and their serials: collection `counters`."""

from typing import Any, Self

import bson
import mongoengine as me
from packaging.utils import NormalizedName
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db

# What readers are told of a project without changes in the journal, such as a migrated one. bandersnatch takes 0 for an
# answer without a serial, and mirrors nothing; the first change has a higher one, or mirrors would miss it.
UNCHANGED_SERIAL = 1


class Counter(db.Document):
    """A number that only grows; there is one, "journal"."""

    name = me.StringField(primary_key=True)
    value = me.LongField()

    meta = {"collection": "counters", "queryset_class": ReadingQuerySet, "auto_create_index": False}


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

    meta = {
        "collection": "journal",
        "queryset_class": JournalQuerySet,
        "auto_create_index": False,
        "indexes": [
            # What happened to this project? (/manage/)
            {"fields": ["package", "-_id"], "name": "by_package"},
        ],
    }


def next_serial() -> int:
    """Return the next number, which nobody else gets."""
    serial = _draw()
    # The first number of a new database is taken.
    return serial if serial > UNCHANGED_SERIAL else _draw()


def _draw() -> int:
    counter = Counter.objects.raw().find_one_and_update(
        {"_id": "journal"},
        {"$inc": {"value": bson.Int64(1)}},
        upsert=True,
        return_document=ReturnDocument.AFTER,
    )
    return int(counter["value"])


def write_entry(normalized_name: NormalizedName, fields: dict[str, Any]) -> None:
    """Write an entry to the journal, unless its serial is already there."""
    entry = {"_id": bson.Int64(fields["serial"]), "package": normalized_name, **fields}
    del entry["serial"]
    try:
        JournalEntry.objects.raw().insert_one(entry)
    except DuplicateKeyError:
        return
