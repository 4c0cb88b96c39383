"""Content pages written by administrators: collection `pages`."""

import mongoengine as me

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db


class Page(db.Document):
    """A title and Markdown text at a path of the site; a few kB, a few dozen in all."""

    path = me.StringField(primary_key=True, regex=r"[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*\Z", max_length=200)
    title = me.StringField(required=True, max_length=200)
    content = me.StringField()  # Markdown
    content_html = me.StringField()  # safe to show
    content_renderer = me.StringField()  # the renderer that made it
    content_problem = me.StringField()  # why it is shown as plain text, if it could not be rendered
    created_date = me.DateTimeField()
    updated_date = me.DateTimeField()

    meta = {"collection": "pages", "queryset_class": ReadingQuerySet, "auto_create_index": False}
