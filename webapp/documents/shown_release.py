"""The two releases that stand for a package where only one is shown."""

import mongoengine as me


class Latest(me.EmbeddedDocument):
    """The release that a reader is shown first: what lists need of it."""

    version = me.StringField(required=True)
    created_date = me.DateTimeField()
    size = me.LongField()


class NewestRelease(me.EmbeddedDocument):
    """The release that was published last and not yanked; after a fix for an old branch it is not `latest`."""

    version = me.StringField(required=True)
    created_date = me.DateTimeField()
