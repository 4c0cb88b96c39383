"""Who watches which projects: collection `watchers`."""

from collections.abc import Iterable
from typing import Self

import bson
import mongoengine as me

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db

# How many projects somebody can watch, and how many of the last events are kept for their feed.
MOST_WATCHED = 200
MOST_NEWS = 100

NEVER, AT_ONCE, DAILY = "never", "at once", "daily"
MAILS = (NEVER, AT_ONCE, DAILY)


class WatcherQuerySet(ReadingQuerySet):
    """Queries for watchers."""

    def of(self, normalized_names: Iterable[str]) -> Self:
        """Those who watch some of these projects."""
        return self.filter(projects__in=list(normalized_names))

    def with_feed(self, digest: str) -> Self:
        """The one whose feed has the address with this SHA-256."""
        return self.filter(feed_digest=digest)

    def stop(self, user_id: bson.ObjectId, normalized_name: str) -> None:
        """Let a user no longer watch a project, and forget what happened to it."""
        theirs, of_project = {"_id": user_id}, {"project": normalized_name}
        self.raw().update_one(theirs | {"projects": normalized_name}, {"$pull": {"projects": normalized_name}})
        self.raw().update_one(theirs | {"news": {"$elemMatch": of_project}}, {"$pull": {"news": of_project}})


class News(me.EmbeddedDocument):
    """Something that happened to a watched project; 0.3 kB."""

    key = me.StringField()  # of the event, which is told once
    project = me.StringField()  # normalized name
    way = me.ListField(me.StringField(), default=None)  # other projects that it tells of, by normalized name
    text = me.StringField()  # "Jam 1.2 was released."
    link = me.StringField()
    at = me.DateTimeField()  # when it happened
    arrived_at = me.DateTimeField()  # when it was noted here


class Watcher(db.Document):
    """What a user watches, and what happened to it lately; 30 kB at most."""

    user_id = me.ObjectIdField(primary_key=True)
    projects = me.ListField(me.StringField())  # normalized names, at most MOST_WATCHED
    mail = me.StringField(choices=MAILS)
    feed_digest = me.StringField()  # SHA-256 of the secret in the feed's address, which is not stored
    news = me.EmbeddedDocumentListField(News)  # the last ones, newest last
    mail_at = me.DateTimeField()  # when the next mail is due
    mailed_until = me.DateTimeField()  # what arrived until then has been mailed
    claimed_until = me.DateTimeField()  # while a process sends a mail

    meta = {
        "collection": "watchers",
        "queryset_class": WatcherQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Who watches this project?
            {"fields": ["projects"], "name": "by_project"},
            # Whose feed is this? (/rss/watching/)
            {
                "fields": ["feed_digest"],
                "name": "one_feed_a_digest",
                "unique": True,
                "partialFilterExpression": {"feed_digest": {"$gt": ""}},
            },
            # Who gets a mail now? (telling/watching.py, every two seconds)
            {"fields": ["mail_at"], "name": "due_mails", "partialFilterExpression": {"mail_at": {"$type": "date"}}},
        ],
    }


def forget(user_id: bson.ObjectId) -> None:
    """Forget what a user watches."""
    Watcher.objects.raw().delete_one({"_id": user_id})
