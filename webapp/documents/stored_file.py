"""The files that are kept here, and who has which file name: collection `files`."""

from datetime import datetime
from typing import Self

import bson
import mongoengine as me

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db

ARRIVING, STORED, DELETING, DELETED = "arriving", "stored", "deleting", "deleted"

# The states of a file that takes room.
KEPT = (ARRIVING, STORED, DELETING)


class StoredFileQuerySet(ReadingQuerySet):
    """The questions that the site asks about files."""

    def named(self, filename: str) -> Self:
        """The file of this name."""
        return self.filter(pk=filename)

    def with_contents(self, content_ids: list[bson.ObjectId]) -> Self:
        """The files whose bytes these are."""
        return self.filter(content_id__in=content_ids)

    def of_project(self, normalized_name: str) -> Self:
        """The files of a project whose bytes are here, or are arriving."""
        return self.filter(package=normalized_name, state__in=KEPT)

    def of_account(self, user_id: bson.ObjectId) -> Self:
        """The files whose bytes are here, or are arriving, and that this user uploaded."""
        return self.filter(uploaded_by=user_id, state__in=KEPT)

    def with_warnings(self, normalized_name: str) -> Self:
        """The files of a project about which its uploaders were warned."""
        # The index of a project's bytes would do, too, but then each file with its metadata is read.
        return self.filter(__raw__={"package": normalized_name, "warnings": {"$exists": True}}).hint("with_warnings")

    def arriving(self) -> Self:
        """The files whose upload did not end yet, or never will."""
        return self.filter(state=ARRIVING)

    def deleting(self, before: datetime) -> Self:
        """The files whose deletion began before this time and did not end."""
        return self.filter(deleting_at__lt=before)


class StoredFile(db.Document):
    """A file name that was used, for ever: 0.6 kB and the file's core metadata, some kB; one for each file."""

    filename = me.StringField(primary_key=True)
    canonical_name = me.StringField()  # the same for all spellings of the name; old documents have none
    package = me.StringField()  # normalized name
    version = me.StringField()
    state = me.StringField()  # "arriving", "stored", "deleting" or "deleted"
    size = me.LongField()  # bytes
    sha256 = me.StringField()
    blake2b_256 = me.StringField()
    md5 = me.StringField()
    metadata = me.StringField()  # METADATA or PKG-INFO, byte for byte
    metadata_sha256 = me.StringField()
    entry_points = me.ListField(me.StringField(), default=None)  # of a wheel; absent in what an older Larder kept
    warnings = me.ListField(me.StringField(), default=None)  # what was odd about it, a sentence each; 20 at most
    uploaded_at = me.DateTimeField()
    uploaded_by = me.ObjectIdField()
    uploaded_with = me.StringField()  # the publisher's tool: "twine/6.2.0 CPython/3.11.2"
    content_id = me.ObjectIdField()  # of the bytes in GridFS: `contents.files`, `contents.chunks`
    attempt = me.StringField()  # of an arriving file: which upload it is ...
    alive_at = me.DateTimeField()  # ... and its last sign of life
    deleting_at = me.DateTimeField()  # when its deletion began that has not ended; see files/removal.py

    meta = {
        "collection": "files",
        "queryset_class": StoredFileQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Is this another spelling of a name that was used?
            {
                "fields": ["canonical_name"],
                "name": "one_file_a_name",
                "unique": True,
                "partialFilterExpression": {"canonical_name": {"$gt": ""}},
            },
            # How much room do the files of this project, and of this account, take?
            {"fields": ["package", "state", "size"], "name": "bytes_of_project"},
            {"fields": ["uploaded_by", "state", "size"], "name": "bytes_of_account"},
            # About which files, of which versions, were the uploaders warned? (/manage/<name>/)
            {
                "fields": ["package", "version"],
                "name": "with_warnings",
                "partialFilterExpression": {"warnings": {"$exists": True}},
            },
            # Which uploads did not end? (flask files clean)
            {"fields": ["state"], "name": "arriving", "partialFilterExpression": {"state": ARRIVING}},
            # Which deletions did not end? (flask files clean)
            {
                "fields": ["deleting_at"],
                "name": "deleting",
                "partialFilterExpression": {"deleting_at": {"$exists": True}},
            },
            # Whose are these bytes? (flask files clean)
            {"fields": ["content_id"], "name": "by_contents"},
        ],
    }
