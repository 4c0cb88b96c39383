"""Check the room for another file: on the database's disk, in its project, and in its uploader's account."""

from typing import Any

import bson
from flask import current_app
from packaging.utils import NormalizedName
from pymongo.errors import OperationFailure

from webapp.documents import StoredFile


class OverQuota(RuntimeError):
    """The project, or the account, has used up its storage."""


class DiskFull(RuntimeError):
    """The disk of the database is nearly full."""


def check_disk(size: int) -> None:
    """Refuse a file that does not fit on the database's disk. Raises DiskFull.

    MongoDB stops when its disk is full, and then readers get no pages.
    """
    free = _free_bytes()
    if free is not None and free - size < current_app.config["DISK_RESERVE_BYTES"]:
        raise DiskFull("The disk of the database is nearly full, so uploads are refused. Please tell an operator.")


def check_quota(normalized_name: NormalizedName, user_id: bson.ObjectId) -> None:
    """Refuse a claimed file that exceeds the storage of its project or account. Raises OverQuota."""
    files, config = StoredFile.objects, current_app.config
    for what, kept, most in (
        ("The files of this project", files.of_project(normalized_name), config["PROJECT_BYTES"]),
        ("The files that you uploaded", files.of_account(user_id), config["ACCOUNT_BYTES"]),
    ):
        if (total := int(kept.sum("size"))) > most:
            reason = f"{what} would take {total:,} bytes; the limit is {most:,} bytes"
            raise OverQuota(f"{reason}. Delete files that nobody needs, or ask an operator for more storage.")


def _free_bytes() -> int | None:
    """Return the number of free bytes on the database's disk, or None if unknown.

    A cluster reports each of its shards. The fullest one counts, because any of them may get the file.
    """
    database: Any = StoredFile._get_db()
    try:
        told = database.command("dbStats")
    except (NotImplementedError, OperationFailure):  # mongomock, or a server that does not tell its users
        return None
    parts = told.get("raw", {}).values() or [told]
    free = [each["fsTotalSize"] - each["fsUsedSize"] for each in parts if "fsTotalSize" in each]
    return int(min(free)) if free else None
