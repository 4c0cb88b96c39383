"""Every name that a project has or had here: collection `known_names`."""

import mongoengine as me

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db


class KnownName(db.Document):
    """A name that is not asked of another index, however its project came and went; 30 bytes, for ever."""

    normalized_name = me.StringField(primary_key=True)

    meta = {"collection": "known_names", "queryset_class": ReadingQuerySet, "auto_create_index": False}
