"""`releases`: each becomes an entry of its package.

There are ten times as many as packages, so most are encoded by hand, straight from their row: that takes a third of the
time of building dicts and encoding these. What is unusual about a row leads to the dicts.
"""

import functools
import operator
import struct
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import bson

from migrations_sql_to_mongo.layout import TABLES
from migrations_sql_to_mongo.rows import Row
from migrations_sql_to_mongo.verify.context import Context
from migrations_sql_to_mongo.verify.conversions import key
from migrations_sql_to_mongo.verify.files import add_files, kind_of_file, more_of
from migrations_sql_to_mongo.verify.findings import Expected
from migrations_sql_to_mongo.verify.rules import facts, whole
from migrations_sql_to_mongo.verify.versions import version_of

# What most rows consist of; the others are looked at value by value.
USUAL_TYPES = (int, int, int, int, str, str, str, int, str)
_EPOCH, _MILLISECOND = datetime(1970, 1, 1), timedelta(milliseconds=1)  # noqa: DTZ001 -- naive in UTC
# What a release consists of as BSON: types, names, lengths and values. Source: bsonspec.org.
_OF_VERSION = b"\x02version\0%b%b\0\x02sort_key\0%b%b\0\x09created_date\0"
_FLAGS = b"\x08is_prerelease\0%b\x08yanked\0\0\x10file_count\0\1\0\0\0\x04files\0"
# The lengths of a file and of the array with this one, apart from name, link, size and kind.
_FILE, _FILES = 68, 76
_LEGACY = struct.Struct("<i 8si 11si 11si 11si x").pack
_LONG = struct.Struct("<q").pack
# Lengths of up to some thousand bytes, packed.
_LENGTHS = [struct.pack("<i", length) for length in range(5000)]


class Release(NamedTuple):
    """What a package needs of a release."""

    sort_key: str
    version: str
    is_prerelease: bool
    yanked: bool
    created_date: datetime | None
    size: int | None
    encoded: bytes

    @property
    def is_stable(self) -> bool:
        """Whether it is neither a pre-release nor of a version that cannot be ordered."""
        return not self.is_prerelease and self.sort_key[0] != "!"


in_order = operator.itemgetter(0, 1)


class Releases:
    """The releases that the rows of `releases` must have become."""

    def __init__(self, context: Context) -> None:
        self._context = context
        columns = list(context.source.columns.get("releases", ()))
        self._is_usual = columns == list(TABLES["releases"]) and context.is_usual_date("releases", "created_date")

    def of(self, row: Row, files: list[tuple[Expected, Expected]]) -> Release:
        """Return the release expected for a row and its files. Raises ValueError for a row that cannot be one."""
        if self._is_usual and not files and tuple(map(type, row)) == USUAL_TYPES:
            try:
                return self._usual(row)
            except (IndexError, struct.error, ValueError):
                pass  # something is too long, or too large, or no date
        found = expected_release(self._context, row, files)
        try:
            encoded = bson.encode(found)
        except OverflowError as error:
            raise ValueError(str(error)) from None
        of_version = found["sort_key"], found["version"], found["is_prerelease"], found["yanked"]
        return Release(*of_version, found.get("created_date"), found.get("size"), encoded)

    def _usual(self, row: Row) -> Release:
        """Return the release of a row without unusual values. Raises IndexError, struct.error or ValueError for one."""
        sql_id, major, minor, build, created, comment, url, size, package_id = row
        version, filename, packagetype = version_of(package_id, url, major, minor, build)
        if filename is None or packagetype is None or created[4] != "-":
            raise ValueError("unusual")
        when = datetime.fromisoformat(created)
        if when.tzinfo or when.microsecond % 1000:
            raise ValueError("unusual")
        sort_key, is_prerelease, of_version, flags = _of_version(version)
        date, length = _LONG((when - _EPOCH) // _MILLISECOND), _LENGTHS
        link, name, note, kind = url.encode(), filename.encode(), comment.encode(), packagetype.encode()
        shared = b"".join([b"\x02url\0", length[len(link) + 1], link, b"\0\x12size\0", _LONG(size)])
        numbers = b"\x10major_ver\0", major, b"\x10minor_ver\0", minor, b"\x10build_ver\0", build
        legacy = _LEGACY(62, b"\x10sql_id\0", sql_id, *numbers)
        of_file = len(name) + len(shared) + len(kind)
        body = b"".join([
            of_version, date, b"\x02comment\0", length[len(note) + 1], note, b"\0", shared, flags,
            length[of_file + _FILES], b"\x030\0", length[of_file + _FILE],
            b"\x02filename\0", length[len(name) + 1], name, b"\0", shared,
            b"\x02packagetype\0", length[len(kind) + 1], kind, b"\0\x09uploaded_at\0", date,
            b"\x08yanked\0\0\0\0\x03legacy\0", legacy, b"\0",
        ])  # fmt: skip
        encoded = length[len(body) + 4] + body
        yanked = False
        return Release(sort_key, version, is_prerelease, yanked, when, size, encoded)


@functools.lru_cache(maxsize=10_000)
def _of_version(version: str) -> tuple[str, bool, bytes, bytes]:
    """Return a version's sort key, whether it is a pre-release, and the parts of a release with these as BSON."""
    sort_key, is_prerelease = facts(version)
    text, key_text = version.encode(), sort_key.encode()
    of_version = _OF_VERSION % (_LENGTHS[len(text) + 1], text, _LENGTHS[len(key_text) + 1], key_text)
    return sort_key, is_prerelease, of_version, _FLAGS % (b"\1" if is_prerelease else b"\0")


def expected_release(context: Context, row: Row, files: list[tuple[Expected, Expected]]) -> Expected:
    """Return the release expected for a row and its files. Raises ValueError for a row that cannot be a release."""
    usual, rest = row[: len(TABLES["releases"])], row[len(TABLES["releases"]) :]
    if tuple(map(type, usual)) != USUAL_TYPES:
        usual = _strictly(context, usual)
    sql_id, major, minor, build, created, comment, url, size, package_id = usual
    odd: Expected = {}
    when = context.date("releases", "created_date", created, odd)
    more = more_of(context, "releases", row, odd) if rest else {}
    link = more["filename"] if kind_of_file(more.get("filename") or "") else url
    if files and not kind_of_file((link or "").rpartition("/")[2].partition("#")[0].partition("?")[0]):
        link = files[0][0]["filename"]
    version, filename, packagetype = version_of(package_id, link, major, minor, build)
    version = (more.get("version") or "").strip() or version
    sort_key, is_prerelease = facts(version)
    expected: Expected = {"version": version, "sort_key": sort_key}
    if when is not None:
        expected["created_date"] = when
    if comment is not None:
        expected["comment"] = comment
    if url is not None:
        expected["url"] = url
    if size is not None:
        expected["size"] = size = bson.Int64(size)
    expected["is_prerelease"] = is_prerelease
    expected["yanked"] = more.get("yanked", False)
    if filename is None or files:
        expected["file_count"] = 0
    else:
        expected["file_count"] = 1
        file = {"filename": filename, "url": url, "size": size, "packagetype": packagetype}
        file = {name: value for name, value in file.items() if value is not None}
        if when is not None:
            file["uploaded_at"] = when
        file["yanked"] = expected["yanked"]
        for name in ("sha256", "md5", "requires_python", "yanked_reason"):
            if more.get(name):
                file[name] = more[name]
        expected["files"] = [file]
    expected |= {name: more[name] for name in ("requires_python", "yanked_reason") if more.get(name)}
    numbers = {} if "version" in more else {"major_ver": major, "minor_ver": minor, "build_ver": build}
    expected["legacy"] = {"sql_id": key(context.text, sql_id), **numbers, **odd}
    if files:
        add_files(expected, files)
    return expected


def _strictly(context: Context, row: Row) -> Row:
    convert: dict[str, Callable[[Any], Any]] = {
        "text": context.text,
        "integer": whole,
        "date": lambda value: value,
        "key": functools.partial(key, context.text),
    }
    return tuple(convert[kind](value) for kind, value in zip(TABLES["releases"].values(), row, strict=True))
