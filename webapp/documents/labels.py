"""Licences and languages that packages are listed under: collections `licenses` and `languages`."""

from collections.abc import Iterable
from typing import Self

import mongoengine as me
from pymongo.errors import DuplicateKeyError

from webapp.documents.base import ReadingQuerySet, utc_now
from webapp.mongodb import db
from webapp.rules.license_names import license_name


class LabelQuerySet(ReadingQuerySet):
    """Queries for licences and languages."""

    def in_order(self) -> Self:
        """All of them, by id."""
        return self.order_by("pk")

    def meaning(self, name: str) -> list[str]:
        """Return the ids of a licence: its name, and what the projects of a moved site are listed under instead."""
        # Only the index is read, which has a few hundred keys.
        known = self.raw().find({"_id": {"$gte": ""}}, {"_id": 1})
        return [name, *(each["_id"] for each in known if license_name(each["_id"]) == name)]

    def add_missing(self, descriptions: Iterable[tuple[str, str]]) -> None:
        """Add each (id, description) that does not exist yet."""
        wanted = dict(descriptions)
        if not wanted:
            return
        labels = self.raw()
        known = {label["_id"] for label in labels.find({"_id": {"$in": list(wanted)}}, {"_id": 1})}
        for label_id, description in wanted.items():
            if label_id not in known:
                try:
                    labels.insert_one({"_id": label_id, "description": description, "created_date": utc_now()})
                except DuplicateKeyError:
                    continue  # somebody else was faster, which is as good


class License(db.Document):
    """A licence, by the short name in a package's `license_id`; a few hundred."""

    id = me.StringField(primary_key=True)
    description = me.StringField()
    created_date = me.DateTimeField()

    meta = {"collection": "licenses", "queryset_class": LabelQuerySet, "auto_create_index": False}


class ProgrammingLanguage(db.Document):
    """A programming language; the description is its classifier. About a hundred."""

    id = me.StringField(primary_key=True)  # naming.language_id of the classifier
    description = me.StringField()
    created_date = me.DateTimeField()

    meta = {"collection": "languages", "queryset_class": LabelQuerySet, "auto_create_index": False}
