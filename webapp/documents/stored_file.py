"""Uploaded files and their names: collection `files`."""

from datetime import datetime
from typing import Self

import bson
import mongoengine as me
from packaging.utils import NormalizedName

from webapp.documents.base import Plain, as_declared
from webapp.documents.hidden import ShownQuerySet, shown
from webapp.mongodb import db

ARRIVING, STAGED, STORED, DELETING, DELETED = "arriving", "staged", "stored", "deleting", "deleted"

# The states of a file that uses storage.
KEPT = (ARRIVING, STAGED, STORED, DELETING)
# More than any file has, and less than infinity.
_MOST_BYTES = 2**53


class StoredFileQuerySet(ShownQuerySet):
    """Queries for files."""

    NAMED_IN = "package"

    def named(self, filename: str) -> Self:
        """The file with this name."""
        return self.filter(pk=filename)

    def fields_of(self, filename: str, *fields: str) -> Plain:
        """Return these fields of the file with this name, as far as there are any.

        Every download asks this; building a queryset takes as long as the answer.
        """
        found = self.raw().find_one({"_id": filename} | shown(self.NAMED_IN), dict.fromkeys(fields, 1))
        return as_declared(self._document, found)

    def with_contents(self, content_ids: list[bson.ObjectId]) -> Self:
        """The files that own these bytes."""
        return self.filter(content_id__in=content_ids)

    def of_project(self, normalized_name: NormalizedName) -> Self:
        """The files of a project that are stored or arriving."""
        return self.filter(package=normalized_name, state__in=KEPT)

    def of_account(self, user_id: bson.ObjectId) -> Self:
        """The stored or arriving files that this user uploaded."""
        return self.filter(uploaded_by=user_id, state__in=KEPT)

    def total_bytes(self) -> int:
        """Return how much storage these files take. A size that an edit by hand made no number counts as nothing."""
        return int(self.filter(size__gte=0, size__lt=_MOST_BYTES).sum("size"))

    def with_warnings(self, normalized_name: NormalizedName) -> Self:
        """The files of a project with warnings."""
        # The index of a project's storage would do too, but then each file would be read with its metadata.
        return self.filter(__raw__={"package": normalized_name, "warnings": {"$exists": True}}).hint("with_warnings")

    def arriving(self) -> Self:
        """The files whose upload has not finished, or never will."""
        return self.filter(state=ARRIVING)

    def of_session(self, session_id: bson.ObjectId) -> Self:
        """The files that belong to a publishing session."""
        return self.filter(session=session_id, state=STAGED)

    def deleting(self, before: datetime) -> Self:
        """The files whose deletion started before this time and has not finished."""
        return self.filter(deleting_at__lt=before)


class StoredFile(db.Document):
    """A used file name, forever: 0.6 kB plus the file's core metadata, a few kB; one per file."""

    filename = me.StringField(primary_key=True)
    canonical_name = me.StringField()  # the same for all spellings of the name; older documents have none
    package = me.StringField()  # normalized name
    version = me.StringField()
    state = me.StringField()  # "arriving", "staged", "stored", "deleting" or "deleted"
    session = me.ObjectIdField()  # the publishing session that it is part of, until that is published
    size = me.LongField()  # bytes
    sha256 = me.StringField()
    blake2b_256 = me.StringField()
    md5 = me.StringField()
    metadata = me.StringField()  # METADATA or PKG-INFO, byte for byte
    metadata_sha256 = me.StringField()
    entry_points = me.ListField(me.StringField(), default=None)  # of a wheel; absent in files from older versions
    warnings = me.ListField(me.StringField(), default=None)  # oddities, one sentence each; 20 at most
    attestations = me.ListField(me.DictField(), default=None)  # PEP 740, as they were sent; 2 at most, 10 kB each
    publisher = me.DictField(default=None)  # who signed them, as in a provenance object; absent if nobody verified it
    uploaded_at = me.DateTimeField()
    uploaded_by = me.ObjectIdField()  # absent: a pipeline published it
    uploaded_with = me.StringField()  # the uploading tool: "twine/6.2.0 CPython/3.11.2"
    content_id = me.ObjectIdField()  # of the bytes in GridFS: `contents.files`, `contents.chunks`
    attempt = me.StringField()  # of an arriving file: which upload it is ...
    alive_at = me.DateTimeField()  # ... and its last sign of life
    deleting_at = me.DateTimeField()  # when its unfinished deletion started; see changes/removal.py

    meta = {
        "collection": "files",
        "queryset_class": StoredFileQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Is this another spelling of a used name?
            {
                "fields": ["canonical_name"],
                "name": "one_file_a_name",
                "unique": True,
                "partialFilterExpression": {"canonical_name": {"$gt": ""}},
            },
            # How much storage do the files of this project, and of this account, take?
            {"fields": ["package", "state", "size"], "name": "bytes_of_project"},
            {"fields": ["uploaded_by", "state", "size"], "name": "bytes_of_account"},
            # Which files, of which versions, have warnings? (/manage/<name>/)
            {
                "fields": ["package", "version"],
                "name": "with_warnings",
                "partialFilterExpression": {"warnings": {"$exists": True}},
            },
            # Which uploads did not finish? (flask files clean)
            {"fields": ["state"], "name": "arriving", "partialFilterExpression": {"state": ARRIVING}},
            # Which files belong to this publishing session, and which to any?
            {
                "fields": ["session"],
                "name": "by_session",
                "partialFilterExpression": {"session": {"$exists": True}},
            },
            # Which deletions did not finish? (flask files clean)
            {
                "fields": ["deleting_at"],
                "name": "deleting",
                "partialFilterExpression": {"deleting_at": {"$exists": True}},
            },
            # Whose are these bytes? (flask files clean)
            {"fields": ["content_id"], "name": "by_contents"},
        ],
    }
