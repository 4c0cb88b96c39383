"""What is kept of another index: collections `upstream_projects` and `upstream_files`."""

import mongoengine as me

from webapp.documents.base import ReadingQuerySet
from webapp.documents.package import ReleaseFile
from webapp.extensions import db


class UpstreamProject(db.Document):
    """What the other index says of a project that is not here, so that an install repeats without it; 0.5 kB a file."""

    id = me.StringField(primary_key=True)  # normalized name
    files = me.EmbeddedDocumentListField(ReleaseFile)  # `url` is the other index's own
    versions = me.ListField(me.StringField())
    etag = me.StringField()  # of the page that it came from
    checked_at = me.DateTimeField()  # when it was asked for last
    is_absent = me.BooleanField()  # the other index has no such project either ...
    expires_at = me.DateTimeField()  # ... and nobody needs to remember that for long

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
    metadata = me.StringField()  # METADATA (PEP 658)

    meta = {
        "collection": "upstream_files",
        "queryset_class": ReadingQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Whose are these bytes? (flask files clean)
            {"fields": ["content_id"], "name": "by_contents"},
        ],
    }
