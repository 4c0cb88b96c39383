"""What several tests here share."""

from datetime import timedelta

import bson

from tests.publishing.uploads import wheel_name
from webapp.documents import (
    Package,
    StoredFile,
)
from webapp.documents.base import utc_now

LONG_AGO = utc_now() - timedelta(days=2)
OLD_ID = bson.ObjectId.from_datetime(LONG_AGO)
CHUNK_BYTES = 300
FILES, PACKAGES = StoredFile._get_collection, Package._get_collection
FIRST, SECOND = "larder-probe", "other-probe"
FILE = wheel_name()


def content_id() -> bson.ObjectId:
    found: bson.ObjectId = StoredFile.objects.get(pk=FILE).content_id
    return found


def record_is_gone() -> None:
    FILES().delete_one({"_id": FILE})
