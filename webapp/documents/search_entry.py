"""What searches read about a project: collection `search_entries`, made from `packages`.

A package has 5 kB to 5 MB, most of it releases. An entry has 3 kB and contains the words in the form that searches
compare, so a search that looks at hundreds of projects reads a few hundred kB.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import mongoengine as me

from webapp.documents.base import Plain, in_batches
from webapp.documents.hidden import ShownQuerySet, shown
from webapp.documents.project_status import ProjectStatus
from webapp.documents.shown_release import Latest, NewestRelease
from webapp.mongodb import db
from webapp.rules import wording
from webapp.rules.license_names import license_name
from webapp.rules.people import decoded

# Only the start of a description counts, which says what a project is for; interfaces and changes come later. With more
# words, a search for a common one finds more that is not about it, and the largest index grows accordingly.
MAX_TEXT = 4000
MAX_TEXT_WORDS = 60
# Keyword lists and licences the length of a book are cut.
MAX_SUMMARY_WORDS = 60
MAX_FIELD_WORDS = 100
MAX_LABELS = 150
MAX_CLASSIFIER = 200
# Prefixes of a name up to this length are stored, so that established names come first. The few names that start with a
# longer text are read in alphabetical order.
MAX_PREFIX = 8
# How many letters of a name may contain a typo; the rest must be nearly right.
TYPO_LETTERS = 10

LICENSE, CLASSIFIER, AUTHOR = "license:", "classifier:", "author:"
LANGUAGE = "Programming Language :: "

# The fields of a package that an entry is made from.
SOURCE = (
    "name", "summary", "description", "keywords", "author_name", "author_email", "maintainer_name",
    "maintainer_email", "license_id",
    "classifiers", "latest", "newest_release", "created_date", "updated_date", "release_count", "status",
)  # fmt: skip

# The fields that an entry may lack, because its package does.
_OPTIONAL = {"summary", "latest", "newest_release", "created_date", "status", "made_from"}
WRITTEN_AT_ONCE = 500

# Shorter names have too many neighbours: "lint" is not a typo for "list".
SHORTEST_NAME, LONGEST_NAME = 4, 200
# How many similar names and words are compared, most established first.
COMPARED = 200

# The order of equally good results: most releases first, then the newest release.
ESTABLISHED = [("release_count", -1), ("newest_release.created_date", -1), ("_id", 1)]


def similarly_written(collection: Any, word: str, read: dict[str, int], rank: str) -> list[Plain]:
    """Return what may be a slip away from a word, the first by `rank`: entries or words, whose `typos` are compared."""
    near = {"typos": {"$in": wording.deletions(word, TYPO_LETTERS)}} | shown()
    found = collection.find(near, read, batch_size=COMPARED + 1)
    return list(found.sort(rank, -1).limit(COMPARED))


class SearchEntryQuerySet(ShownQuerySet):
    """Queries for names."""

    def names_beginning(self, text: str, count: int) -> list[str]:
        """Return the first names that start with these letters, most established first.

        The answer comes from an index. For a text longer than MAX_PREFIX the names are in alphabetical order.
        """
        letters = wording.letters(text)
        if not letters:
            return []
        is_short = len(letters) <= MAX_PREFIX
        question = {"prefixes": letters} if is_short else {"letters": {"$gte": letters, "$lt": letters + "\uffff"}}
        order = ESTABLISHED if is_short else [("letters", 1)]
        # The project of exactly this name first, however many others are better established.
        exact = self.raw().find({"letters": letters} | shown(), {"_id": 0, "name": 1}).limit(1)
        found = self.raw().find(question | shown(), {"_id": 0, "name": 1}).sort(order).limit(count)
        names = [entry["name"] for entry in (*exact, *found) if isinstance(entry.get("name"), str)]
        return list(dict.fromkeys(names))[:count]

    def nearest_name(self, letters: str, *, is_taken: bool = False) -> wording.Near | None:
        """Return the most established of the most similar names, except the name itself if it `is_taken`."""
        if not SHORTEST_NAME <= len(letters) <= LONGEST_NAME:
            return None
        rows = similarly_written(
            self.raw(), letters, {"_id": 0, "name": 1, "letters": 1, "release_count": 1}, "release_count"
        )
        rows = [row for row in rows if not (is_taken and row.get("letters") == letters)]
        return wording.nearest(
            letters, ((row.get("letters"), row.get("release_count"), row.get("name")) for row in rows)
        )


class SearchEntry(db.Document):
    """What searches compare and show of one project; about 3 kB."""

    normalized_name = me.StringField(primary_key=True)
    name = me.StringField()
    letters = me.StringField()  # of the name, without "-", "_" and "."
    summary = me.StringField()
    latest = me.EmbeddedDocumentField(Latest)
    newest_release = me.EmbeddedDocumentField(NewestRelease)
    release_count = me.IntField()
    created_date = me.DateTimeField()
    status = me.EmbeddedDocumentField(ProjectStatus)
    labels = me.ListField(me.StringField())  # "license:MIT", "classifier:Topic :: Internet" and its parents
    name_words = me.ListField(me.StringField())
    summary_words = me.ListField(me.StringField())  # from summary and keywords, except those in the name
    text_words = me.ListField(me.StringField())  # from description and author, except those above; MAX_TEXT_WORDS
    field_words = me.ListField(me.StringField())  # "author:ronach", "license:mit", "classifier:internet"
    prefixes = me.ListField(me.StringField())  # "f", "fl", "fla", ... up to MAX_PREFIX letters
    typos = me.ListField(me.StringField())  # wording.deletions of the letters
    downloads = me.LongField()  # in the last 13 weeks, if any; the statistics count them
    made_from = me.DateTimeField()  # the package's updated_date when it was made

    meta = {
        "collection": "search_entries",
        "queryset_class": SearchEntryQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Which projects have this word in the name, in summary or keywords, in description or author? (/search/)
            {"fields": ["name_words", "-release_count", "-newest_release.created_date", "_id"], "name": "by_name_word"},
            {
                "fields": ["summary_words", "-release_count", "-newest_release.created_date", "_id"],
                "name": "by_summary_word",
            },
            {"fields": ["text_words", "-release_count", "-newest_release.created_date", "_id"], "name": "by_text_word"},
            # Which have this word in one field? (/search/?q=author:ronacher)
            {
                "fields": ["field_words", "-release_count", "-newest_release.created_date", "_id"],
                "name": "by_field_word",
            },
            # Which have this licence or classifier? (/search/?license=MIT)
            {"fields": ["labels", "-release_count", "-newest_release.created_date", "_id"], "name": "by_label"},
            # Whose name starts like this? The index contains the name, so suggestions read nothing else.
            # (/search/suggest)
            {
                "fields": ["prefixes", "-release_count", "-newest_release.created_date", "_id", "name"],
                "name": "by_prefix",
            },
            {"fields": ["letters", "_id", "name"], "name": "by_letters"},
            # Which name is similar to this? (/search/, "did you mean")
            {"fields": ["typos", "-release_count", "name", "letters"], "name": "by_typo"},
            # What is newest? (/search/?order=)
            {"fields": ["-newest_release.created_date", "_id"], "name": "newest_releases"},
            {"fields": ["-created_date", "_id"], "name": "newest_projects"},
            # What is downloaded most? (/search/?order=downloads)
            {"fields": ["-downloads", "_id"], "name": "most_downloaded"},
        ],
    }

    @classmethod
    def store(cls, entry: Plain) -> None:
        """Write an entry, unless there is one from a later state of the package.

        A lost one is written again when the index catches up, which looks at the last two minutes once more.
        """
        older = {"_id": entry["_id"], "made_from": {"$not": {"$gt": entry.get("made_from")}}}
        cls.objects.upsert_if(older, _replacing(entry), may_be_lost=True)

    @classmethod
    def write_anew(cls, entry: Plain) -> None:
        """Write an entry, whatever stands there."""
        cls.objects.raw().update_one({"_id": entry["_id"]}, _replacing(entry), upsert=True)

    @classmethod
    def write_downloads(cls, counts: dict[str, int]) -> None:
        """Write how often each project was downloaded, for those where that changed."""
        entries = cls.objects.raw()
        standing = {
            each["_id"]: each["downloads"] for each in entries.find({"downloads": {"$gt": 0}}, {"downloads": 1})
        }
        changed: dict[int, list[str]] = {}
        for key in counts.keys() | standing.keys():
            if counts.get(key) != standing.get(key):
                changed.setdefault(counts.get(key, 0), []).append(key)
        # Most projects have few downloads, and share a number with many others.
        for count, keys in changed.items():
            change = {"$set": {"downloads": count}} if count else {"$unset": {"downloads": ""}}
            for batch in in_batches(keys, WRITTEN_AT_ONCE):
                entries.update_many({"_id": {"$in": batch}}, change)


def _replacing(entry: Plain) -> Plain:
    """Return the change that makes an entry of what stands there, except its downloads."""
    values = {field: value for field, value in entry.items() if field != "_id"}
    gone = dict.fromkeys(_OPTIONAL - values.keys(), "")
    return {"$set": values} | ({"$unset": gone} if gone else {})


def text_words(description: str | None) -> list[str]:
    """Return the first words of a description, in the form that searches compare."""
    return wording.telling_words(wording.prose(description, MAX_TEXT))


def entry_of(package: Mapping[str, Any], described: list[str] | None = None) -> Plain:
    """Return the entry of a package, a plain dictionary with the fields of SOURCE and its `_id`.

    `described` are the words of its description, if known. Fields that the package lacks are absent.
    """
    name = package.get("name") or package["_id"]
    name_words = wording.name_words(name)
    seen = set(name_words)
    summary_words = _others(wording.summary_words(package.get("summary"), *package.get("keywords", [])), seen)
    authors = _authors(package)
    described = text_words(package.get("description")) if described is None else described
    other_words = _others([*wording.search_words(*authors), *described], seen)
    letters = wording.letters(name)
    license_id, classifiers = license_name(package.get("license_id") or ""), package.get("classifiers", [])
    entry = {
        "_id": package["_id"],
        "name": name,
        "letters": letters,
        "summary": package.get("summary"),
        "latest": package.get("latest"),
        "newest_release": package.get("newest_release"),
        "release_count": package.get("release_count", 0),
        "created_date": package.get("created_date"),
        "status": package.get("status"),
        "labels": _labels(license_id, classifiers),
        "name_words": name_words,
        "summary_words": summary_words[:MAX_SUMMARY_WORDS],
        "text_words": other_words[:MAX_TEXT_WORDS],
        "field_words": _field_words(authors, license_id, classifiers),
        "prefixes": [letters[:length] for length in range(1, min(len(letters), MAX_PREFIX) + 1)],
        "typos": wording.deletions(letters, TYPO_LETTERS),
        "made_from": package.get("updated_date"),
    }
    return {key: value for key, value in entry.items() if value is not None}


def _others(words: list[str], seen: set[str]) -> list[str]:
    """Return the words that are in none of the lists before, and remember them."""
    others = [word for word in words if word not in seen]
    seen.update(others)
    return others


def _authors(package: Mapping[str, Any]) -> list[str]:
    # For "Ada <ada@example.org>", the name and the part before the host: half the index would be gmail.com.
    texts = (
        package.get(field) or "" for field in ("author_name", "author_email", "maintainer_name", "maintainer_email")
    )
    return [re.sub(r"@[^\s,>]*", " ", decoded(text[:1000])) for text in texts]


def _labels(license_id: str, classifiers: list[str]) -> list[str]:
    labels = [LICENSE + license_id] if license_id else []
    labels += chain.from_iterable(_classifier(classifier).labels for classifier in classifiers)
    return list(dict.fromkeys(labels))[:MAX_LABELS]


def _field_words(authors: list[str], license_id: str, classifiers: list[str]) -> list[str]:
    words = [AUTHOR + word for word in wording.search_words(*authors)]
    words += [LICENSE + word for word in wording.search_words(license_id)]
    words += chain.from_iterable(_classifier(classifier).words for classifier in classifiers)
    return list(dict.fromkeys(words))[:MAX_FIELD_WORDS]


class _Classifier(NamedTuple):
    labels: tuple[str, ...]
    words: tuple[str, ...]


# There are 900 classifiers; splitting them again for each package took a third of the time of an entry.
@lru_cache(maxsize=2000)
def _classifier(classifier: str) -> _Classifier:
    parts = classifier[:MAX_CLASSIFIER].split(" :: ")
    # "Framework :: Django :: 4.0" is also listed under "Framework :: Django", but "Framework" alone means nothing.
    depths = range(min(2, len(parts)), len(parts) + 1)
    words = wording.search_words(classifier[:MAX_CLASSIFIER])
    return _Classifier(
        tuple(CLASSIFIER + " :: ".join(parts[:depth]) for depth in depths), tuple(CLASSIFIER + word for word in words)
    )
