"""Every name that a project has or had here: collection `known_names`."""

from typing import Self

import mongoengine as me

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db
from webapp.rules import naming


class KnownNameQuerySet(ReadingQuerySet):
    """The questions that the site asks about names."""

    def looking_like(self, name: str) -> Self:
        """The names that one takes for this one, itself included."""
        return self.filter(skeleton=naming.skeleton(name))


class KnownName(db.Document):
    """A name that is not asked of another index, however its project came and went; 50 bytes, for ever."""

    normalized_name = me.StringField(primary_key=True)
    skeleton = me.StringField()  # naming.skeleton of it

    meta = {
        "collection": "known_names",
        "queryset_class": KnownNameQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Which names does one take for this one? (an upload to a new project)
            {"fields": ["skeleton"], "name": "by_skeleton"},
        ],
    }


class NameClaim(db.Document):
    """Who begins a project under a name of this look, and which names administrators allow; 60 bytes a project."""

    skeleton = me.StringField(primary_key=True)  # naming.skeleton of the name, so that only one can have it
    holder = me.StringField()  # the normalized name of the project that was begun last
    taken_at = me.DateTimeField()
    allowed = me.ListField(me.StringField(), default=None)  # normalized names

    meta = {"collection": "name_claims", "queryset_class": ReadingQuerySet, "auto_create_index": False}
