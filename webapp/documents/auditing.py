"""What was done by whom: collection `auditing`."""

import bson
import mongoengine as me

from webapp.extensions import db


class AuditEvent(db.Document):
    """One act that is kept for the record."""

    id = me.StringField(primary_key=True, default=lambda: str(bson.ObjectId()))
    created_date = me.DateTimeField()
    description = me.StringField()
    legacy = me.DictField(default=None)  # what an SQL move kept for the record

    meta = {
        "collection": "auditing",
        "auto_create_index": False,
        "indexes": [
            # What happened last?
            {"fields": ["-created_date"], "name": "newest_events"},
        ],
    }
