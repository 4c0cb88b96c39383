"""Content pages written by administrators: collection `pages`."""

from typing import Self

import mongoengine as me

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db


class PageQuerySet(ReadingQuerySet):
    """Queries for content pages."""

    def in_footer(self) -> Self:
        """The pages that every page links to, by title."""
        return self.filter(in_footer=True).order_by("title")


class Page(db.Document):
    """A title and Markdown text at a path of the site; a few kB, a few dozen in all."""

    path = me.StringField(primary_key=True, regex=r"[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*\Z", max_length=200)
    title = me.StringField(required=True, max_length=200)
    in_footer = me.BooleanField()  # true: every page links to it
    content = me.StringField()  # Markdown
    content_html = me.StringField()  # safe to show
    content_renderer = me.StringField()  # the renderer that made it
    content_problem = me.StringField()  # why it is shown as plain text, if it could not be rendered
    created_date = me.DateTimeField()
    updated_date = me.DateTimeField()

    meta = {
        "collection": "pages",
        "queryset_class": PageQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Which pages does every page link to?
            {
                "fields": ["in_footer", "title"],
                "name": "in_footer",
                "partialFilterExpression": {"in_footer": True},
            },
        ],
    }
