"""The bytes of small files, kept in the memory of each process.

Only bytes are kept, never who may have them: whether a file is served is asked anew for each download. They are kept
under their digest, once they have been found to have it, so they cannot become outdated.
"""

import hashlib
import threading

import bson
from cachetools import LRUCache
from flask import Flask

from webapp.documents import contents
from webapp.serving.per_app import PerApp
from webapp.serving.slow_clients import WHOLE_BYTES

# What a file occupies besides its bytes.
_MORE = 500


class KeptFiles:
    """The files that were downloaded last, up to a number of bytes. Shared by all threads."""

    def __init__(self, most_bytes: int) -> None:
        self._kept: LRUCache[str, bytes] = LRUCache(most_bytes, getsizeof=lambda data: len(data) + _MORE)
        self._lock = threading.Lock()

    def get(self, sha256: str) -> bytes | None:
        """Return the bytes with this digest, or None."""
        with self._lock:
            return self._kept.get(sha256)

    def put(self, sha256: str, data: bytes) -> None:
        """Keep these bytes if they have this digest and take a quarter of the room at most."""
        if len(data) + _MORE <= self._kept.maxsize / 4 and hashlib.sha256(data).hexdigest() == sha256:
            with self._lock:
                self._kept[sha256] = data


kept_files = PerApp[KeptFiles]("kept_files")


def init_app(app: Flask) -> None:
    """Create the application's store."""
    kept_files.set(app, KeptFiles(app.config["FILE_CACHE_BYTES"]))


def reader(content_id: bson.ObjectId, size: int, sha256: str) -> contents.Reader:
    """Return a reader of stored bytes, which keeps those of a small file."""
    return _KeptReader(content_id, size, sha256) if size <= WHOLE_BYTES else contents.Reader(content_id, size)


class _KeptReader(contents.Reader):
    """The bytes of a file of one chunk, from memory if they are kept there."""

    def __init__(self, content_id: bson.ObjectId, size: int, sha256: str) -> None:
        super().__init__(content_id, size)
        self._sha256 = sha256
        self._files = kept_files()

    def chunk(self, number: int) -> bytes:
        """Return the bytes of the file."""
        data = self._files.get(self._sha256)
        if data is None:
            data = super().chunk(number)
            self._files.put(self._sha256, data)
        return data
