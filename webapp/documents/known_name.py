"""Every name that a project has or had here: collection `known_names`."""

from typing import Self

import mongoengine as me

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db
from webapp.rules import naming


class KnownNameQuerySet(ReadingQuerySet):
    """Queries for names."""

    def looking_like(self, name: str) -> Self:
        """The names that look like this one, including itself."""
        return self.filter(skeleton=naming.skeleton(name))


class KnownName(db.Document):
    """A name that is never requested from upstream, even after its project was deleted; 50 bytes, forever."""

    normalized_name = me.StringField(primary_key=True)
    skeleton = me.StringField()  # naming.skeleton of it

    meta = {
        "collection": "known_names",
        "queryset_class": KnownNameQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Which names look like this one? (an upload to a new project)
            {"fields": ["skeleton"], "name": "by_skeleton"},
        ],
    }

    @classmethod
    def remember(cls, name: str) -> None:
        """Store a name, unless it is known already."""
        cls.objects.raw().update_one({"_id": name}, {"$set": {"skeleton": naming.skeleton(name)}}, upsert=True)


class NameClaim(db.Document):
    """Who creates a project with a name that looks like this, and which names are allowed; 60 bytes per project."""

    # naming.skeleton of the name, so that only one project can have it; of an allowed name "=" and the name
    skeleton = me.StringField(primary_key=True)
    holder = me.StringField()  # the normalized name of the project that was created last
    taken_at = me.DateTimeField()  # in the future while a publishing session reserves the name ...
    taken_by = me.ObjectIdField()  # ... for this member ...
    session = me.ObjectIdField()  # ... who opened this one last
    allowed = me.ListField(me.StringField(), default=None)  # normalized names

    meta = {"collection": "name_claims", "queryset_class": ReadingQuerySet, "auto_create_index": False}
