"""How far the search entries are in step with the packages: collection `search_state`."""

import mongoengine as me

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db


class SearchState(db.Document):
    """How far the entries are in step: the one document "state" of collection `search_state`."""

    id = me.StringField(primary_key=True)
    form = me.IntField()  # FORM of the entries
    packages_id = me.StringField()  # the identity of the collection that they were made from
    reached = me.DateTimeField()  # changes up to then are in them
    looked_at = me.DateTimeField()
    claimed_until = me.DateTimeField()  # some process catches up just now
    words_at = me.DateTimeField()  # when the words were counted
    words_took_ms = me.LongField()

    meta = {"collection": "search_state", "queryset_class": ReadingQuerySet, "auto_create_index": False}
