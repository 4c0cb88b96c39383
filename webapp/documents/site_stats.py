"""The site's counts and statistics, computed now and then instead of in each request: collection `site_stats`."""

import mongoengine as me

from webapp.documents.base import ReadingQuerySet
from webapp.mongodb import db

# A sitemap may hold 50,000, but one of 500 is made in 5 ms; and a bucket can grow for long before it is divided.
SITEMAP_BUCKET = 500


class Counted(me.EmbeddedDocument):
    """Something and how often it occurs."""

    id = me.StringField()
    name = me.StringField()
    count = me.LongField()


class SitemapBucket(me.EmbeddedDocument):
    """The packages from one normalized name on, up to the next bucket's; about SITEMAP_BUCKET of them."""

    start = me.StringField()
    updated_date = me.DateTimeField()  # the youngest change in it


class SiteStats(db.Document):
    """The one document "site": totals, releases a month, and what is most frequent."""

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
    moved_downloads = me.LongField()  # so many documents of `downloads` are in the counts of downloads
    facts_read = me.BooleanField()  # what files of an older Larder state was read from them
    computed_at = me.DateTimeField()
    took_ms = me.LongField()
    claimed_until = me.DateTimeField()  # some process computes just now

    meta = {"collection": "site_stats", "queryset_class": ReadingQuerySet, "auto_create_index": False}
