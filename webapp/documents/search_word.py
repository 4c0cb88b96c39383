"""How many projects have a word or a label: collection `search_words`, computed now and then."""

import mongoengine as me

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db


class SearchWordQuerySet(ReadingQuerySet):
    """The questions that the site asks about words and labels."""

    def frequencies(self, values: list[str]) -> dict[str, int]:
        """Return how many projects have each of these words and labels, as it was counted last.

        What few have is absent.
        """
        if not values:
            return {}
        found = self._collection.find({"_id": {"$in": values}}, {"packages": 1})
        return {word["_id"]: word["packages"] for word in found if isinstance(word.get("packages"), int)}

    def frequency(self, value: str) -> int:
        """Return how many projects have a word or label; 0 for few."""
        return self.frequencies([value]).get(value, 0)


class SearchWord(db.Document):
    """A word or label that several projects have; about 0.2 kB, some ten thousand of them.

    A search begins with its rarest word, and offers another one for a word that hardly any project has.
    """

    word = me.StringField(primary_key=True)  # as a search compares it: "pars"; or a label: "license:MIT"
    written = me.StringField()  # as it is most often written: "parsing"; absent for a label
    packages = me.IntField()  # how many have it
    typos = me.ListField(me.StringField())  # wording.deletions of what is written; absent for a label

    meta = {
        "collection": "search_words",
        "queryset_class": SearchWordQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Which word is nearly this? (/search/, "did you mean")
            {"fields": ["typos", "-packages", "written"], "name": "by_typo"},
        ],
    }
