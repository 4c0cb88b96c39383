"""How up to date the search entries are: collection `search_state`."""

import mongoengine as me

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db


class SearchState(db.Document):
    """How up to date the entries are: "state". While a process rebuilds them, there is "rebuilding", too."""

    id = me.StringField(primary_key=True)
    form = me.IntField()  # FORM of the entries
    packages_id = me.StringField()  # the identity of the collection they were made from
    reached = me.DateTimeField()  # they include all changes up to then
    looked_at = me.DateTimeField()
    claimed_until = me.DateTimeField()  # until when a process has claimed to catch up, or to rebuild
    words_at = me.DateTimeField()  # when the words were counted
    words_took_ms = me.LongField()

    meta = {"collection": "search_state", "queryset_class": ReadingQuerySet, "auto_create_index": False}
