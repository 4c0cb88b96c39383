"""Every name that a project has or had here: collection `known_names`."""

from typing import Self

import bson
import mongoengine as me

from webapp.documents.base import Plain, ReadingQuerySet
from webapp.mongodb import db
from webapp.rules import naming

# Stands where a team stood that was deleted: no team can have this name, and without any, everybody could read.
NO_TEAM = "-"


class KnownNameQuerySet(ReadingQuerySet):
    """Queries for names."""

    def looking_like(self, name: str) -> Self:
        """The names that look like this one, including itself."""
        return self.filter(skeleton=naming.skeleton(name))

    def hidden_from(self, user_id: bson.ObjectId, teams: list[str]) -> list[str]:
        """Return the narrowed names of which others may read, but not this user, who belongs to these teams."""
        others = {"readers": {"$gt": "", "$nin": teams}, "people": {"$ne": user_id}}
        return [son["_id"] for son in self.raw().find(others, {"_id": 1}) if isinstance(son["_id"], str)]


class KnownName(db.Document):
    """A name that is never requested from upstream, even after its project was deleted; 50 bytes, forever.

    If the project was narrowed to teams, `readers` and `people` say who may read what there still is about it, such as
    advisories, until another project has the name; about 0.1 kB.
    """

    normalized_name = me.StringField(primary_key=True)
    skeleton = me.StringField()  # naming.skeleton of it
    readers = me.ListField(me.StringField(), default=None)  # the teams that could read it or maintained it
    people = me.ListField(me.ObjectIdField(), default=None)  # the ids of its maintainers

    meta = {
        "collection": "known_names",
        "queryset_class": KnownNameQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Which names look like this one? (an upload to a new project)
            {"fields": ["skeleton"], "name": "by_skeleton"},
            # Which deleted projects are hidden from this member? (each request with READ_ACCESS=members)
            {"fields": ["readers"], "name": "by_reader", "partialFilterExpression": {"readers": {"$gt": ""}}},
        ],
    }

    @classmethod
    def remember(cls, name: str) -> None:
        """Store a name, unless it is known already."""
        cls.objects.raw().update_one({"_id": name}, {"$set": {"skeleton": naming.skeleton(name)}}, upsert=True)

    @classmethod
    def remember_readers(cls, name: str, package: Plain) -> None:
        """Note who may read about a project that is about to be deleted. `package` has the fields that say so."""
        if readers := package.get("readers"):
            teams = [each["team"] for each in package.get("teams", []) if "team" in each]
            people = [each["user_id"] for each in package.get("maintainers", []) if "user_id" in each]
            change: Plain = {"$set": {"readers": [*readers, *teams], "people": people}}
        else:
            change = {"$unset": {"readers": "", "people": ""}}
        cls.objects.raw().update_one({"_id": name}, change)

    @classmethod
    def forget_team(cls, team: str) -> None:
        """Let nobody read because of a team that is being deleted: another one may get its name."""
        for change in ({"$addToSet": {"readers": NO_TEAM}}, {"$pull": {"readers": team}}):
            cls.objects.raw().update_many({"readers": team}, change)


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
