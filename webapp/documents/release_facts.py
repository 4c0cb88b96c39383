"""What each release states about itself: collections `release_facts` and `release_descriptions`.

A package shows the facts of its latest release, so they are stored in the package as well. A description in the package
is stored only there; one of older releases is stored once for all releases of the project that share it.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

import mongoengine as me

from webapp.documents.base import Plain, ReadingQuerySet, as_declared
from webapp.documents.plain_fields import FactsFields
from webapp.mongodb import db

# Where facts come from, from the least to the most reliable.
MOVED, INSTALLED, DOCUMENT, SDIST, WHEEL = "moved", "installed", "document", "sdist", "wheel"
SOURCES = (MOVED, INSTALLED, DOCUMENT, SDIST, WHEEL)


class StatedFields:
    """The fields that a release states: core metadata, and what an index's documents add.

    They are stored in this order, which is also the order for readers.
    """

    name = me.StringField(required=True)  # as its authors write it
    summary = me.StringField()
    description_content_type = me.StringField()
    home_page = me.StringField()
    docs_url = me.StringField()
    package_url = me.StringField()
    project_urls = me.MapField(me.StringField(), default=dict)
    download_url = me.StringField()
    bugtrack_url = me.StringField()
    author_name = me.StringField()  # these four as written; rules/people.py separates the people
    author_email = me.StringField()
    maintainer_name = me.StringField()
    maintainer_email = me.StringField()
    license = me.StringField()  # as written, sometimes a whole licence
    license_expression = me.StringField()  # SPDX (PEP 639)
    license_files = me.ListField(me.StringField())
    keywords = me.ListField(me.StringField())
    platform = me.StringField()
    dynamic = me.ListField(me.StringField())
    classifiers = me.ListField(me.StringField())
    requires_python = me.StringField()
    requires_dist = me.ListField(me.StringField())
    provides_extra = me.ListField(me.StringField())
    # From a wheel, such as "console_scripts: flask = flask.cli:main". None or absent if unknown.
    entry_points = me.ListField(me.StringField(), default=None)


# All of them except the name, which a project has even if nothing else is known.
STATED = tuple(
    name for name, field in vars(StatedFields).items() if isinstance(field, me.base.BaseField) and name != "name"
)


class ReleaseFacts(StatedFields, db.Document):
    """What one release states; 0.9 kB on average, one for each release with known metadata."""

    key = me.StringField(primary_key=True)  # "flask/3.1.2": the project's normalized name, and the version
    description_id = me.StringField()  # absent: it has no description
    source = me.StringField(choices=SOURCES)
    filename = me.StringField()  # the file that the metadata comes from
    as_of = me.LongField()  # of an index's document: its last_serial
    stated_at = me.DateTimeField()

    meta = {"collection": "release_facts", "queryset_class": ReadingQuerySet, "auto_create_index": False}

    @classmethod
    def of(cls, normalized_name: str, version: str) -> FactsFields | None:
        """Return what a release states, in the fields of a package, or None if nothing is known."""
        son = cls.objects.raw().find_one({"_id": key_of(normalized_name, version)})
        return None if son is None else cast("FactsFields", as_declared(cls, son))

    @classmethod
    def several(cls, normalized_name: str, versions: Iterable[str]) -> dict[str, FactsFields | None]:
        """Return what some releases state, by their versions; None for those of which nothing is known."""
        keys = {key_of(normalized_name, version): version for version in versions}
        found = cls.objects.raw().find({"_id": {"$in": list(keys)}})
        stated = {keys[son["_id"]]: cast("FactsFields", as_declared(cls, son)) for son in found}
        return {version: stated.get(version) for version in keys.values()}

    @classmethod
    def summaries(cls, releases: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Return the summaries of some releases, by the project's normalized name and the version. Some have none."""
        keys = {key_of(*release): release for release in releases}
        found = cls.objects(pk__in=list(keys)).only("summary").plain() if keys else []
        return {keys[each["key"]]: each["summary"] for each in found if each.get("summary")}

    @classmethod
    def forget(cls, normalized_name: str, versions: Iterable[str] | None, until: datetime | None) -> None:
        """Delete what was stated until then about some deleted releases, or about all, and unused texts."""
        which: Plain = within(normalized_name)
        if versions is not None:
            which = {"_id": {"$in": [key_of(normalized_name, version) for version in versions]}}
        facts = cls.objects.raw()
        facts.delete_many(which if until is None else which | {"stated_at": {"$lte": until}})
        used = facts.distinct("description_id", within(normalized_name))
        texts = ReleaseDescription.objects.raw()
        needless = {"$nin": [key_of(normalized_name, each) for each in used if isinstance(each, str)]}
        texts.delete_many({"_id": within(normalized_name)["_id"] | needless})


class ReleaseDescription(db.Document):
    """A description of releases that differs from their package's; a few kB, one per text of a project."""

    key = me.StringField(primary_key=True)  # "flask/5f2c...": the project's normalized name, and `description_id_of`
    text = me.StringField()
    content_type = me.StringField()
    html = me.StringField()  # safe to show
    renderer = me.StringField()  # the renderer that made it
    problem = me.StringField()  # why it is shown as plain text, if it could not be rendered
    kept_at = me.DateTimeField()

    meta = {"collection": "release_descriptions", "queryset_class": ReadingQuerySet, "auto_create_index": False}

    @classmethod
    def of(cls, normalized_name: str, description_id: str) -> Plain | None:
        """Return a description, or None."""
        son = cls.objects.raw().find_one({"_id": key_of(normalized_name, description_id)})
        return None if son is None else as_declared(cls, son)


def key_of(normalized_name: str, rest: str) -> str:
    """Return the `_id` of a document that belongs to a project."""
    return f"{normalized_name}/{rest}"


def within(normalized_name: str) -> dict[str, Any]:
    """Return the condition that matches all documents of a project: "0" is the character after "/"."""
    return {"_id": {"$gte": f"{normalized_name}/", "$lt": f"{normalized_name}0"}}


def description_id_of(text: str | None, content_type: str | None) -> str | None:
    """Return the id of a description: 32 hexadecimal digits, or None for an empty text."""
    if not text:
        return None
    content = f"{content_type or ''}\n{text}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(content).hexdigest()[:32]
