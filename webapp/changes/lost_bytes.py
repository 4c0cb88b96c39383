"""Put the bytes of a published file back after they were lost or damaged, and its document in `files`.

    store them under a new id -> the file's document refers to that id -> delete what was left of the old ones

Readers see the old bytes or the new ones. A kill in between leaves bytes without an owner, for `flask files clean`.
"""

import hashlib
import tempfile
from typing import IO, Any

import bson

from webapp.documents import Contents, Package, StoredFile, contents
from webapp.documents.stored_file import DELETED, STORED
from webapp.rules.archives import BadDistribution
from webapp.rules.distributions import examine


def is_whole(document: dict[str, Any]) -> bool:
    """Tell whether the bytes of a stored file are there, and have its digest. Reads all of them."""
    content_id, size = document.get("content_id"), document.get("size")
    if content_id is None or size is None or not contents.is_described(content_id, size):
        return False
    return contents.sha256_of(content_id, size) == document.get("sha256")


def put_back(filename: str, sha256: str, source: IO[bytes]) -> bool:
    """Store the bytes of a published file again; False if they are not missing, or the file is not published.

    `source` must have this SHA-256.
    """
    published = {"_id": filename, "sha256": sha256, "state": STORED}
    document = _files().find_one(published, {"metadata": 0})
    if document is None or is_whole(document):
        return False
    content_id = bson.ObjectId()
    size = contents.put(content_id, filename, contents.chunks_of(source))
    # Somebody else may have put them back, or deleted the file.
    unchanged = {**published, "content_id": document.get("content_id")}
    change = {"$set": {"content_id": content_id, "size": bson.Int64(size)}}
    is_mine = bool(_files().update_one(unchanged, change).matched_count)
    needless = document.get("content_id") if is_mine else content_id
    if needless:
        contents.delete(needless)
    return is_mine


def find_bytes(filename: str, sha256: str | None) -> bson.ObjectId | None:
    """Return the id of bytes with this name and digest that belong to no file, or None. Reads them."""
    for son in Contents.objects.raw().find({"filename": filename}, {"length": 1}).sort("_id", 1):
        if not _files().count_documents({"content_id": son["_id"]}, limit=1):
            length = son.get("length")
            if isinstance(length, int) and sha256 and contents.sha256_of(son["_id"], length) == sha256:
                found: bson.ObjectId = son["_id"]
                return found
    return None


def put_record_back(normalized_name: str, filename: str) -> bool:
    """Make the lost document in `files` of a listed file from its bytes; False if they are not there."""
    package = Package.objects(pk=normalized_name).declared_first()
    listed = [(release, file) for release in (package.releases if package else []) for file in release.files]
    release, file = next(((each, file) for each, file in listed if file.filename == filename), (None, None))
    content_id = find_bytes(filename, file.sha256) if file else None
    if package is None or release is None or file is None or content_id is None:
        return False
    size = Contents.objects.raw().find_one({"_id": content_id})["length"]
    with tempfile.TemporaryFile() as copy:
        for data in contents.Reader(content_id, size):
            copy.write(data)
        try:
            distribution = examine(filename, copy, size)
        except BadDistribution:
            return False
    uploader = next((each.user_id for each in package.maintainers if each.name == file.uploaded_by), None)
    values = {
        "canonical_name": distribution.canonical_name,
        "package": normalized_name,
        "version": distribution.version,
        "state": STORED,
        "size": bson.Int64(size),
        "sha256": file.sha256,
        "blake2b_256": file.blake2b_256,
        "md5": file.md5,
        "metadata": distribution.metadata,
        "metadata_sha256": hashlib.sha256(distribution.metadata.encode()).hexdigest(),
        "entry_points": distribution.entry_points,
        "warnings": list(distribution.warnings) or None,
        "uploaded_at": file.uploaded_at,
        "uploaded_by": uploader,
        "uploaded_with": file.uploaded_with,
        "content_id": content_id,
    }
    known = {name: value for name, value in values.items() if value is not None}
    return StoredFile.objects.upsert_if({"_id": filename, "state": DELETED}, known)


def _files() -> Any:
    return StoredFile.objects.raw()
