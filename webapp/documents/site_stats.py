"""The site's counts and statistics, computed now and then instead of in each request: collection `site_stats`."""

import mongoengine as me

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db

# A sitemap may list 50,000, but one of 500 takes only 5 ms, and a bucket can grow for long before it is divided.
SITEMAP_BUCKET = 500


class Counted(me.EmbeddedDocument):
    """A value, and how often it occurs."""

    id = me.StringField()
    name = me.StringField()
    count = me.LongField()


class SitemapBucket(me.EmbeddedDocument):
    """The packages from one normalized name up to the next bucket; about SITEMAP_BUCKET of them."""

    start = me.StringField()
    updated_date = me.DateTimeField()  # the latest change in it


class SiteStats(db.Document):
    """Totals, releases per month, and the most frequent values; the only document is "site"."""

    id = me.StringField(primary_key=True)
    projects = me.LongField()
    releases = me.LongField()
    users = me.LongField()
    releases_by_month = me.EmbeddedDocumentListField(Counted)  # "2024-03", oldest first
    top_licenses = me.EmbeddedDocumentListField(Counted)
    top_languages = me.EmbeddedDocumentListField(Counted)
    top_classifiers = me.EmbeddedDocumentListField(Counted)
    top_maintainers = me.EmbeddedDocumentListField(Counted)
    sitemap_buckets = me.EmbeddedDocumentListField(SitemapBucket)
    moved_downloads = me.LongField()  # how many documents of `downloads` have been added up
    facts_read = me.BooleanField()  # how much of the files from older versions was read
    computed_at = me.DateTimeField()
    took_ms = me.LongField()
    claimed_until = me.DateTimeField()  # until when a process has claimed the computation

    meta = {"collection": "site_stats", "queryset_class": ReadingQuerySet, "auto_create_index": False}
