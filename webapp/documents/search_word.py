"""How many projects have a word or a label: collection `search_words`, computed now and then."""

import mongoengine as me

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db


class SearchWordQuerySet(ReadingQuerySet):
    """Queries for words and labels."""

    def frequencies(self, values: list[str]) -> dict[str, int]:
        """Return how many projects have each of these words and labels, as last counted.

        Rare ones are absent.
        """
        if not values:
            return {}
        found = self._collection.find({"_id": {"$in": values}}, {"packages": 1})
        return {word["_id"]: word["packages"] for word in found if isinstance(word.get("packages"), int)}

    def frequency(self, value: str) -> int:
        """Return how many projects have a word or label; 0 if it is rare."""
        return self.frequencies([value]).get(value, 0)


class SearchWord(db.Document):
    """A word or label that several projects have; about 0.2 kB, tens of thousands of them.

    A search starts with its rarest word, and suggests similar words for one that hardly any project has.
    """

    word = me.StringField(primary_key=True)  # as searches compare it: "pars"; or a label: "license:MIT"
    written = me.StringField()  # as it is usually written: "parsing"; absent for a label
    packages = me.IntField()  # how many have it
    typos = me.ListField(me.StringField())  # wording.deletions of the written form; absent for a label

    meta = {
        "collection": "search_words",
        "queryset_class": SearchWordQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Which word is similar to this? (/search/, "did you mean")
            {"fields": ["typos", "-packages", "written"], "name": "by_typo"},
        ],
    }
