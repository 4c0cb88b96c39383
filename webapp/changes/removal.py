"""Delete files: their names stay taken forever, and their bytes are removed.

    mark -> the package no longer lists the files -> settle

Readers see what the package lists. If a process dies before the package is written, the marked files are still there;
if it dies afterwards, bytes are left that nobody can reach. `settle` decides by what the package lists, and is called
again by `flask files clean` and when the site starts.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from packaging.utils import NormalizedName
from pymongo.errors import BulkWriteError

from webapp.documents import Package, ReleaseFile, StoredFile, contents
from webapp.documents.base import in_batches, utc_now
from webapp.documents.release import is_own
from webapp.documents.stored_file import ARRIVING, DELETED, DELETING, STAGED, STORED
from webapp.mongodb.errors import is_only_duplicates

# A deletion that has not finished after this long never will.
LIFETIME = timedelta(minutes=1)
# What a deleted file loses; its name, version, size and digests stay.
_GONE = ("content_id", "metadata", "attestations", "publisher", "attempt", "alive_at", "deleting_at")
# How many files are queried together.
_BATCH = 1000


def mark(normalized_name: NormalizedName, files: Iterable[tuple[str, ReleaseFile]]) -> None:
    """Mark files, given with their versions, for deletion.

    A file that is stored elsewhere gets a document here, so that its name stays taken.
    """
    now = utc_now()
    for batch in in_batches(files, _BATCH):
        names = {file.filename: (version, file) for version, file in batch if file.filename}
        # An imported record may have the name of a file that is just being uploaded: that upload is left alone.
        own = [filename for filename, (_, file) in names.items() if is_own(file.url)]
        ours = {
            "_id": {"$in": list(names)},
            "package": normalized_name,
            # A session that has just published a file may not have recorded that yet.
            "$or": [
                {"state": {"$in": [STORED, DELETING]}},
                {"state": {"$in": [ARRIVING, STAGED]}, "_id": {"$in": own}},
            ],
        }
        gone = {"attempt": "", "alive_at": "", "session": ""}
        change = {"$set": {"state": DELETING, "deleting_at": now}, "$unset": gone}
        _files().update_many(ours, change)
        known = {document["_id"] for document in _files().find({"_id": {"$in": list(names)}}, {"_id": 1})}
        new = [
            {
                "_id": filename,
                "package": normalized_name,
                "version": version,
                "state": DELETING,
                "deleting_at": now,
                **{key: value for key, value in (("sha256", file.sha256), ("size", file.size)) if value is not None},
            }
            for filename, (version, file) in names.items()
            if filename not in known
        ]
        if new:
            _insert(new)


def settle(normalized_name: NormalizedName, filenames: Iterable[str]) -> None:
    """Finish what `mark` started: files that the package lists stay, and only the names of the others are left."""
    package = Package.objects.raw().find_one({"_id": normalized_name}, {"releases.files.filename": 1})
    listed = _listed(package or {})
    for batch in in_batches(filenames, _BATCH):
        ours = {"_id": {"$in": batch}, "package": normalized_name, "state": {"$in": [STORED, DELETING]}}
        for document in _files().find(ours, {"state": 1, "content_id": 1}):
            if document["_id"] not in listed:
                _remove(document)
            elif document.get("state") == DELETING:
                _unmark(document)


def settle_leftovers() -> int:
    """Finish all deletions that did not finish; return the number of files."""
    left: dict[NormalizedName, list[str]] = {}
    for file in StoredFile.objects.deleting(utc_now() - LIFETIME).only("filename", "package").plain():
        left.setdefault(file.get("package", ""), []).append(file["filename"])
    for normalized_name, filenames in left.items():
        settle(normalized_name, filenames)
    return sum(map(len, left.values()))


def _remove(document: dict[str, Any]) -> None:
    # The bytes first: without the document, nothing would say whose they are.
    if document.get("content_id"):
        contents.delete(document["content_id"])
    change = {"$set": {"state": DELETED}, "$unset": dict.fromkeys(_GONE, "")}
    _files().update_one({"_id": document["_id"]}, change)


def _unmark(document: dict[str, Any]) -> None:
    marked = {"_id": document["_id"], "state": DELETING}
    if document.get("content_id"):
        _files().update_one(marked, {"$set": {"state": STORED}, "$unset": {"deleting_at": ""}})
    else:
        _files().delete_one(marked)


def _listed(package: dict[str, Any]) -> set[str]:
    releases = [each for each in package.get("releases") or [] if isinstance(each, dict)]
    files = [file for release in releases for file in release.get("files") or [] if isinstance(file, dict)]
    return {file["filename"] for file in files if isinstance(file.get("filename"), str)}


def _insert(documents: list[dict[str, Any]]) -> None:
    try:
        _files().insert_many(documents, ordered=False)
    except BulkWriteError as error:
        # Somebody else just took the name, which is just as good.
        if not is_only_duplicates(error):
            raise


def _files() -> Any:
    return StoredFile.objects.raw()
