"""The two releases that represent a package where only one is shown."""

import mongoengine as me


class Latest(me.EmbeddedDocument):
    """The release shown first, with the fields that lists need."""

    version = me.StringField(required=True)
    created_date = me.DateTimeField()
    size = me.LongField()


class NewestRelease(me.EmbeddedDocument):
    """The release that was published last and not yanked; after a fix for an old branch this is not `latest`."""

    version = me.StringField(required=True)
    created_date = me.DateTimeField()
