"""Images of descriptions, fetched from other hosts: collection `description_images`."""

import hashlib
from datetime import timedelta

import bson
import mongoengine as me

from webapp.documents.base import CLOCKS_DIFFER, Plain, ReadingQuerySet, utc_now
from webapp.mongodb import db

# How long an image stays, and how long it is believed that there is none.
STAYS, ABSENT = timedelta(days=30), timedelta(minutes=5)
USED_EVERY = timedelta(hours=1)
# What a document takes beside the image.
OVERHEAD_BYTES = 1000


class DescriptionImage(db.Document):
    """An image, or why there is none; up to 3 MB."""

    id = me.StringField(primary_key=True)  # SHA-256 of its address
    url = me.StringField()
    content_type = me.StringField()  # by its bytes; absent if there is no image
    data = me.BinaryField()
    size = me.LongField()  # bytes, with those around it
    problem = me.StringField()  # why it could not be fetched
    used_at = me.DateTimeField()  # by any reader, accurate to the hour
    expires_at = me.DateTimeField()  # when it is deleted, and fetched again if somebody looks

    meta = {
        "collection": "description_images",
        "queryset_class": ReadingQuerySet,
        "auto_create_index": False,
        "indexes": [
            # Which images have expired? (TTL)
            {"fields": ["expires_at"], "name": "end_of_keeping", "expireAfterSeconds": 0},
            # How large are they together, and which was used least recently?
            {"fields": ["used_at", "size"], "name": "by_use"},
        ],
    }

    @classmethod
    def kept(cls, url: str) -> Plain | None:
        """Return what is kept of an address, if it has not expired."""
        now = utc_now()
        found = cls.objects(pk=key_of(url), expires_at__gt=now).plain_first()
        if found and "problem" in found and found["expires_at"] > now + ABSENT + CLOCKS_DIFFER:
            return None  # from a time when the clock was ahead
        if found and "content_type" in found and now - found.get("used_at", now - 2 * USED_EVERY) > USED_EVERY:
            cls.objects.raw().update_one({"_id": found["id"]}, {"$set": {"used_at": now}})
        return found

    @classmethod
    def keep(cls, url: str, content_type: str, data: bytes, most_bytes: int) -> None:
        """Keep an image, and make room for it."""
        values = {"content_type": content_type, "data": bson.Binary(data), "expires_at": utc_now() + STAYS}
        cls._replace(url, values, len(data))
        cls._make_room(most_bytes)

    @classmethod
    def keep_problem(cls, url: str, problem: str) -> None:
        """Keep why there is no image, for some minutes."""
        cls._replace(url, {"problem": problem[:500], "expires_at": utc_now() + ABSENT}, 0)

    @classmethod
    def _replace(cls, url: str, values: Plain, size: int) -> None:
        whole = {"url": url, "size": bson.Int64(size + OVERHEAD_BYTES), "used_at": utc_now()} | values
        cls.objects.raw().replace_one({"_id": key_of(url)}, whole, upsert=True)

    @classmethod
    def _make_room(cls, most_bytes: int) -> None:
        """Remove the least recently used images until the rest is small enough."""
        images = cls.objects.raw()
        rows = images.aggregate([{"$sort": {"used_at": 1}}, {"$group": {"_id": None, "kept": {"$sum": "$size"}}}])
        excess = sum(row["kept"] for row in rows) - most_bytes
        shown = {"size": 1}
        while excess > 0 and (gone := images.find_one_and_delete({}, shown, sort=[("used_at", 1)])):
            excess -= gone.get("size", OVERHEAD_BYTES)


def key_of(url: str) -> str:
    """Return the `_id` for an address."""
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
