"""What is stored of another index: collections `upstream_projects` and `upstream_files`."""

from datetime import timedelta

import bson
import mongoengine as me

from webapp.documents import contents
from webapp.documents.base import Plain, ReadingQuerySet, utc_now
from webapp.documents.project_status import ProjectStatus
from webapp.documents.release import ReleaseFile
from webapp.mongodb import db

USED_EVERY = timedelta(hours=1)


class UpstreamProject(db.Document):
    """A project's page from the other index, so that an install can be repeated without it; 0.5 kB per file."""

    id = me.StringField(primary_key=True)  # normalized name
    files = me.EmbeddedDocumentListField(ReleaseFile)  # `url` is that of the other index
    versions = me.ListField(me.StringField())
    status = me.EmbeddedDocumentField(ProjectStatus)  # as in the other index; absent for an active project
    etag = me.StringField()  # of the page
    checked_at = me.DateTimeField()  # when it was last requested
    is_absent = me.BooleanField()  # the other index does not have it either
    expires_at = me.DateTimeField()  # when it is deleted, unless it is requested again

    meta = {
        "collection": "upstream_projects",
        "queryset_class": ReadingQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Which pages have expired? (TTL)
            {"fields": ["expires_at"], "name": "end_of_keeping", "expireAfterSeconds": 0},
        ],
    }


class UpstreamFile(db.Document):
    """A file of another index, fetched through this site; its bytes are in `contents`. 0.3 kB plus texts."""

    id = me.StringField(primary_key=True)  # SHA-256 of its bytes
    filename = me.StringField()
    package = me.StringField()  # normalized name
    size = me.LongField()  # bytes
    content_id = me.ObjectIdField()  # of the bytes in GridFS; absent if only the metadata was requested
    kept_at = me.DateTimeField()
    used_at = me.DateTimeField()  # by anybody, accurate to the hour
    kept_bytes = me.LongField()  # of the stored parts: the file, its metadata and its provenance
    metadata = me.StringField()  # METADATA (PEP 658)
    provenance = me.StringField()  # its attestations, as the other index sent them (PEP 740); empty if it has none

    meta = {
        "collection": "upstream_files",
        "queryset_class": ReadingQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Whose are these bytes? (flask files clean)
            {"fields": ["content_id"], "name": "by_contents"},
            # How large is the cache, and what was used least recently?
            {"fields": ["used_at", "kept_bytes"], "name": "by_use"},
        ],
    }

    @classmethod
    def store_part(cls, sha256: str, absent: str, values: Plain, kept_bytes: int, most_bytes: int) -> bool:
        """Store a part of a file, unless its field `absent` exists, and make room for it; False if it exists."""
        change = {"$set": values | {"used_at": utc_now()}, "$inc": {"kept_bytes": bson.Int64(kept_bytes)}}
        if not cls.objects.upsert_if({"_id": sha256, absent: None}, change):
            return False
        cls._make_room(most_bytes)
        return True

    @classmethod
    def note_use(cls, kept: Plain) -> None:
        """Record that a file is used; a write per hour is accurate enough."""
        now = utc_now()
        if "used_at" not in kept or now - kept["used_at"] > USED_EVERY:
            cls.objects.raw().update_one({"_id": kept["id"]}, {"$set": {"used_at": now}})

    @classmethod
    def _make_room(cls, most_bytes: int) -> None:
        """Remove the least recently used files until the cache is small enough. They are fetched again when needed."""
        files = cls.objects.raw()
        # From an index.
        rows = files.aggregate([{"$sort": {"used_at": 1}}, {"$group": {"_id": None, "kept": {"$sum": "$kept_bytes"}}}])
        excess = sum(row["kept"] for row in rows) - most_bytes
        while excess > 0 and (gone := files.find_one_and_delete({}, sort=[("used_at", 1)])):
            excess -= gone.get("kept_bytes", 0)
            if gone.get("content_id"):
                # A kill before this leaves bytes without an owner, for `flask files clean`.
                contents.delete(gone["content_id"])
