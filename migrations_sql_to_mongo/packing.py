"""The releases of one package: of many, all but what orders them is encoded at once, which takes half of the memory."""

from typing import Any

import bson
from bson.raw_bson import RawBSONDocument

from migrations_sql_to_mongo.errors import BadValue
from migrations_sql_to_mongo.mapping import Document
from webapp.documents.package import MAX_PACKAGE_BYTES

PACKED = 1000  # releases are encoded together
_NEEDED = ("version", "sort_key", "created_date", "size", "is_prerelease", "yanked")
_ENCODED = "encoded"


class TooLarge(BadValue):
    """What a document would hold is too large for one."""

    def __init__(self, size_bytes: int, most: int) -> None:
        super().__init__(f"its document would take more than {most:,} bytes")
        self.size_bytes = size_bytes


class Packed:
    """Any number of releases."""

    def __init__(self) -> None:
        self.documents: list[Document] = []  # from `complete` on
        self._recent: list[Document] = []
        self._size = 0

    def add(self, release: Document) -> None:
        """Add a release."""
        self._recent.append(release)
        if len(self._recent) == PACKED:
            self._pack()

    def _pack(self) -> None:
        for release in self._recent:
            encoded = bson.encode(release)
            self._size += len(encoded)
            kept = {name: release[name] for name in _NEEDED if name in release}
            self.documents.append(kept | {_ENCODED: encoded})
        self._recent = []
        if self._size > MAX_PACKAGE_BYTES:
            self.documents = []  # the others are only measured

    def complete(self) -> "Packed":
        """Return itself when all were added. Raises TooLarge."""
        if self._size and self._recent:
            self._pack()
        if self._size > MAX_PACKAGE_BYTES:
            raise TooLarge(self._size, MAX_PACKAGE_BYTES)
        self.documents = self.documents or self._recent
        return self

    def encoded(self, package: Document) -> bytes:
        """Return the package with these releases as BSON."""
        if self._size:
            releases: list[Any] = package["releases"]
            package["releases"] = [RawBSONDocument(one[_ENCODED]) for one in releases]
        return bson.encode(package)
