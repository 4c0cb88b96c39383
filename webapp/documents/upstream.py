"""What is kept of another index: collections `upstream_projects` and `upstream_files`."""

from datetime import timedelta

import bson
import mongoengine as me
from pymongo.errors import DuplicateKeyError

from webapp.documents import contents
from webapp.documents.base import Plain, ReadingQuerySet, utc_now
from webapp.documents.project_status import ProjectStatus
from webapp.documents.release import ReleaseFile
from webapp.mongodb import db

USED_EVERY = timedelta(hours=1)


class UpstreamProject(db.Document):
    """What the other index says of a project that is not here, so that an install repeats without it; 0.5 kB a file."""

    id = me.StringField(primary_key=True)  # normalized name
    files = me.EmbeddedDocumentListField(ReleaseFile)  # `url` is the other index's own
    versions = me.ListField(me.StringField())
    status = me.EmbeddedDocumentField(ProjectStatus)  # as the other index has it; absent while the project is active
    etag = me.StringField()  # of the page that it came from
    checked_at = me.DateTimeField()  # when it was asked for last
    is_absent = me.BooleanField()  # the other index has no such project either
    expires_at = me.DateTimeField()  # when nobody needs to remember it any more, unless it is asked for again

    meta = {
        "collection": "upstream_projects",
        "queryset_class": ReadingQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Which names need not be remembered any more? (TTL)
            {"fields": ["expires_at"], "name": "end_of_keeping", "expireAfterSeconds": 0},
        ],
    }


class UpstreamFile(db.Document):
    """A file of another index that was fetched through here; its bytes stand in `contents`. 0.3 kB and its metadata."""

    id = me.StringField(primary_key=True)  # SHA-256 of its bytes
    filename = me.StringField()
    package = me.StringField()  # normalized name
    size = me.LongField()  # bytes
    content_id = me.ObjectIdField()  # of the bytes in GridFS; absent while only the metadata were asked for
    kept_at = me.DateTimeField()
    used_at = me.DateTimeField()  # by somebody, to the hour
    kept_bytes = me.LongField()  # of the file and of its metadata, as far as they are kept
    metadata = me.StringField()  # METADATA (PEP 658)

    meta = {
        "collection": "upstream_files",
        "queryset_class": ReadingQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Whose are these bytes? (flask files clean)
            {"fields": ["content_id"], "name": "by_contents"},
            # How much is kept, and what was used longest ago?
            {"fields": ["used_at", "kept_bytes"], "name": "by_use"},
        ],
    }

    @classmethod
    def keep(cls, sha256: str, absent: str, values: Plain, kept_bytes: int, most_bytes: int) -> bool:
        """Keep something of a file whose field `absent` is not there yet, and make room; False when it is there."""
        change = {"$set": values | {"used_at": utc_now()}, "$inc": {"kept_bytes": bson.Int64(kept_bytes)}}
        try:
            cls.objects.raw().update_one({"_id": sha256, absent: None}, change, upsert=True)
        except DuplicateKeyError:
            return False
        cls._make_room(most_bytes)
        return True

    @classmethod
    def note_use(cls, kept: Plain) -> None:
        """Note that a file is used now; a write an hour is enough to know which are used at all."""
        now = utc_now()
        if "used_at" not in kept or now - kept["used_at"] > USED_EVERY:
            cls.objects.raw().update_one({"_id": kept["id"]}, {"$set": {"used_at": now}})

    @classmethod
    def _make_room(cls, most_bytes: int) -> None:
        """Remove what was used longest ago, until no more than this is kept. What is not kept is fetched anew."""
        files = cls.objects.raw()
        # An index holds the answer.
        rows = files.aggregate([{"$sort": {"used_at": 1}}, {"$group": {"_id": None, "kept": {"$sum": "$kept_bytes"}}}])
        excess = sum(row["kept"] for row in rows) - most_bytes
        while excess > 0 and (gone := files.find_one_and_delete({}, sort=[("used_at", 1)])):
            excess -= gone.get("kept_bytes", 0)
            if gone.get("content_id"):
                # A kill before this leaves bytes that nobody owns, for `flask files clean`.
                contents.delete(gone["content_id"])
