"""What happened to which project, numbered: collection `journal`, and the numbers: collection `counters`."""

from typing import Any, Self

import bson
import mongoengine as me
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db


class Counter(db.Document):
    """A number that only grows; there is one, "journal"."""

    name = me.StringField(primary_key=True)
    value = me.LongField()

    meta = {"collection": "counters", "queryset_class": ReadingQuerySet, "auto_create_index": False}


class JournalFields(me.EmbeddedDocument):
    """An entry of the journal that stands in its package until it is written out; see `changing.py`."""

    serial = me.LongField(required=True)
    action = me.StringField(required=True)
    version = me.StringField()
    filename = me.StringField()
    note = me.StringField()
    actor_id = me.ObjectIdField()
    actor_name = me.StringField()
    at = me.DateTimeField(required=True)


class JournalQuerySet(ReadingQuerySet):
    """The questions that the site asks about what happened to projects."""

    def about_package(self, normalized_name: str) -> Self:
        """What happened to this project, the last first."""
        return self.filter(package=normalized_name).order_by("-pk")

    def last_serial(self) -> int:
        """The number of the last entry; 0 when there is none."""
        last = self.order_by("-pk").only("serial").plain_first()
        return int(last["serial"]) if last else 0


class JournalEntry(db.Document):
    """One change of a project; about 0.3 kB, any number of them, for ever."""

    serial = me.LongField(primary_key=True)
    package = me.StringField()  # normalized name
    action = me.StringField()  # "new project", "new release", "new file", ...
    version = me.StringField()
    filename = me.StringField()
    note = me.StringField()  # what else there is to say: the reason for a yank, the name of a new maintainer
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
    """Return a number that nobody got before, greater than all that were given out."""
    counter = Counter.objects.raw().find_one_and_update(
        {"_id": "journal"},
        {"$inc": {"value": bson.Int64(1)}},
        upsert=True,
        return_document=ReturnDocument.AFTER,
    )
    return int(counter["value"])


def write_entry(normalized_name: str, fields: dict[str, Any]) -> None:
    """Write an entry into the journal. It may be there already: the serial tells."""
    entry = {"_id": bson.Int64(fields["serial"]), "package": normalized_name, **fields}
    del entry["serial"]
    try:
        JournalEntry.objects.raw().insert_one(entry)
    except DuplicateKeyError:
        return
