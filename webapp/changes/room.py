"""Check the room for another file: on the database's disk, in its project, and in its uploader's account.

Adding up all files of an account takes longer with each of them. So the figures are remembered for some seconds, and
asked again if as much could have arrived since that a limit is near.
"""

from collections.abc import Callable, Hashable
from typing import Any

import bson
from cachetools import TTLCache
from flask import current_app
from packaging.utils import NormalizedName
from pymongo.errors import OperationFailure

from webapp.documents import StoredFile
from webapp.documents.stored_file import StoredFileQuerySet

# How long a figure is remembered, and what all processes of a site receive meanwhile at most: a gigabyte a second.
REMEMBERED_S = 5
RECEIVED_BYTES = 5_000_000_000
FIGURES = 10_000


class OverQuota(RuntimeError):
    """The project, or the account, has used up its storage."""


class DiskFull(RuntimeError):
    """The disk of the database is nearly full."""


def check_disk(size: int) -> None:
    """Refuse a file that does not fit on the database's disk. Raises DiskFull.

    MongoDB stops when its disk is full, and then readers get no pages.
    """
    needed = size + current_app.config["DISK_RESERVE_BYTES"]
    free = _figure("free", _free_bytes, lambda free: free is None or free - RECEIVED_BYTES >= needed)
    if free is not None and free < needed:
        raise DiskFull("The disk of the database is nearly full, so uploads are refused. Please tell an operator.")


def check_quota(normalized_name: NormalizedName, user_id: bson.ObjectId | None, also: int = 0) -> None:
    """Refuse a claimed file that exceeds the storage of its project or account, if any.

    `also` bytes are not claimed yet. Raises OverQuota.
    """
    files, config = StoredFile.objects, current_app.config
    _check_total("The files of this project", files.of_project, normalized_name, config["PROJECT_BYTES"], also)
    if user_id is not None:
        _check_total("The files that you uploaded", files.of_account, user_id, config["ACCOUNT_BYTES"], also)


def _check_total(what: str, files: Callable[[Any], StoredFileQuerySet], of: Hashable, most: int, also: int) -> None:
    total = also + _figure(of, lambda: files(of).total_bytes(), lambda total: total + also + RECEIVED_BYTES <= most)
    if total > most:
        reason = f"{what} would take {total:,} bytes; the limit is {most:,} bytes"
        raise OverQuota(f"{reason}. Delete files that nobody needs, or ask an operator for more storage.")


def _figure(of: Hashable, ask: Callable[[], Any], is_enough: Callable[[Any], bool]) -> Any:
    """Return a figure: the remembered one if that is enough to know, otherwise what the database says now."""
    # Threads may overwrite each other's figures, which are all from the last seconds.
    remembered = current_app.extensions.setdefault("room", TTLCache(FIGURES, REMEMBERED_S))
    figure = remembered.get(of, remembered)
    if figure is remembered or not is_enough(figure):
        figure = remembered[of] = ask()
    return figure


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
