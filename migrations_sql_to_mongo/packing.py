"""The releases of one package, encoded one by one, and the package with them.

There are ten times as many as packages, so most are encoded by hand, straight from their row: that takes two thirds of
the time of building dicts and encoding these. What is unusual about a row leads to the dicts.
"""

import functools
import struct
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import bson

from migrations_sql_to_mongo.errors import BadValue
from migrations_sql_to_mongo.mapping import Document
from migrations_sql_to_mongo.versions import known
from webapp.documents.package import MAX_PACKAGE_BYTES

# The types of a row of `releases` as most are.
USUAL_RELEASE = (int, int, int, int, str, str, str, int, str)
# What orders releases, and what a package says of one.
_NEEDED = ("version", "sort_key", "created_date", "size", "is_prerelease", "yanked")
_ENCODED = "encoded"
_EPOCH, _MILLISECOND = datetime(1970, 1, 1), timedelta(milliseconds=1)  # noqa: DTZ001 -- naive in UTC
_INT64 = struct.Struct("<q").pack
# Lengths of up to some thousand bytes as BSON has them. Source: bsonspec.org.
_LENGTHS = [struct.pack("<i", length) for length in range(4000)]
_ONE_FILE = b"\x08yanked\0\0\x10file_count\0\1\0\0\0\x04files\0"
_SDIST = b"\x02packagetype\0\6\0\0\0sdist\0\x09uploaded_at\0"
_LEGACY = struct.Struct("<12s 8si 11si 11si 11si 2x").pack


class TooLarge(BadValue):
    """What a document would hold is too large for one."""

    def __init__(self, size_bytes: int, most: int) -> None:
        super().__init__(f"its document would take more than {most:,} bytes")
        self.size_bytes = size_bytes


class Packed:
    """Any number of releases: of each what a package needs to know of it, and the encoded document."""

    def __init__(self) -> None:
        self._documents: list[Document] = []
        self._size = 0

    def add(self, release: Document) -> None:
        """Add a release."""
        kept = {name: release[name] for name in _NEEDED if name in release}
        self.add_encoded(kept | {_ENCODED: bson.encode(release)})

    def add_encoded(self, release: Document) -> None:
        """Add what `usual_release` returned."""
        self._size += len(release[_ENCODED])
        if self._size > MAX_PACKAGE_BYTES:
            self._documents = []  # the others are only measured
        self._documents.append(release)

    def complete(self) -> list[Document]:
        """Return what was added. Raises TooLarge."""
        if self._size > MAX_PACKAGE_BYTES:
            raise TooLarge(self._size, MAX_PACKAGE_BYTES)
        return self._documents


def encoded_package(package: Document) -> bytes:
    """Return a package as BSON. Its releases are those of `Packed`, and only `legacy` follows them."""
    releases, legacy = package.pop("releases", ()), package.pop("legacy")
    fields = [bson.encode(package)[4:-1]]
    if releases:
        # An array is a document with the numbers of its elements as their names.
        array = b"".join([b"\x03%d\0%b" % (number, one[_ENCODED]) for number, one in enumerate(releases)])
        fields += b"\x04releases\0", struct.pack("<i", len(array) + 5), array, b"\0"
    body = b"".join([*fields, bson.encode({"legacy": legacy})[4:]])
    return struct.pack("<i", len(body) + 4) + body


def usual_release(row: Sequence[Any]) -> Document | None:
    """Return the release of a row as most rows are, for `Packed.add_encoded`; None for a row that is not.

    Such a row has values of USUAL_RELEASE, a date in UTC, and an sdist whose name is the package's and a plain version.
    """
    sql_id, major, minor, build, created, comment, url, size, package_id = row
    filename = url[url.rfind("/") + 1 :]
    version = filename[len(package_id) + 1 : -7]
    if filename != f"{package_id}-{version}.tar.gz" or not version.replace(".", "").isdigit() or "." in package_id:
        return None
    try:
        sort_key, is_prerelease, is_parsed, head = _of_version(version)
        when = datetime.fromisoformat(created)
        if not is_parsed or created[4:5] != "-" or when.tzinfo or when.microsecond % 1000 or size < 0:
            return None
        date = _INT64((when - _EPOCH) // _MILLISECOND)
        link, name, note = url.encode(), filename.encode(), comment.encode()
        shared = b"".join((b"\x02url\0", _LENGTHS[len(link) + 1], link, b"\0\x12size\0", _INT64(size)))
        length = len(name) + len(shared)
        body = b"".join(
            (
                head, date, b"\x02comment\0", _LENGTHS[len(note) + 1], note, b"\0", shared,
                b"\x08is_prerelease\0", b"\1" if is_prerelease else b"\0", _ONE_FILE,
                _LENGTHS[length + 81], b"\x030\0", _LENGTHS[length + 73],
                b"\x02filename\0", _LENGTHS[len(name) + 1], name, b"\0", shared, _SDIST, date, b"\x08yanked\0\0\0\0",
                _LEGACY(
                    b"\x03legacy\0\x3e\0\0\0", b"\x10sql_id\0", sql_id,
                    b"\x10major_ver\0", major, b"\x10minor_ver\0", minor, b"\x10build_ver\0", build,
                ),
            )
        )  # fmt: skip
        encoded = _LENGTHS[len(body) + 4] + body
    except (ValueError, IndexError, struct.error):
        return None  # no date, too long, or too large a number
    return {
        "version": version,
        "sort_key": sort_key,
        "created_date": when,
        "size": bson.Int64(size),
        "is_prerelease": is_prerelease,
        "yanked": False,
        _ENCODED: encoded,
    }


@functools.lru_cache(maxsize=10_000)
def _of_version(version: str) -> tuple[str, bool, bool, bytes]:
    """Return what `known` does, and the begin of a release with this version as BSON, up to its date."""
    sort_key, is_prerelease, is_parsed = known(version)
    text, key = version.encode(), sort_key.encode()
    lengths = _LENGTHS[len(text) + 1], _LENGTHS[len(key) + 1]
    head = b"\x02version\0%b%b\0\x02sort_key\0%b%b\0\x09created_date\0" % (lengths[0], text, lengths[1], key)
    return sort_key, is_prerelease, is_parsed, head
