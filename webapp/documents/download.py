"""Downloads from a migrated site: collection `downloads`."""

import bson
import mongoengine as me

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db


class Download(db.Document):
    """One download; about 0.2 kB, any number of them."""

    id = me.ObjectIdField(primary_key=True, default=bson.ObjectId)
    created_date = me.DateTimeField()
    package = me.StringField()  # normalized name
    version = me.StringField()
    ip_address = me.StringField()
    user_agent = me.StringField()
    legacy = me.DictField(default=None)  # what a migration from SQL kept for the record

    meta = {
        "collection": "downloads",
        "queryset_class": ReadingQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Which downloads did this package have, newest first?
            {"fields": ["package", "-created_date"], "name": "by_package"},
        ],
    }
