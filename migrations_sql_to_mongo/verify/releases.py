"""`releases`: each becomes an entry of its package."""

from collections.abc import Callable
from typing import Any

import bson

from migrations_sql_to_mongo.layout import TABLES
from migrations_sql_to_mongo.source import Row
from migrations_sql_to_mongo.verify.context import Context
from migrations_sql_to_mongo.verify.findings import Expected
from migrations_sql_to_mongo.verify.rules import facts, whole
from migrations_sql_to_mongo.verify.versions import version_of

# What most rows consist of; the others are looked at value by value.
_USUAL_TYPES = (int, int, int, int, str, str, str, int, str)


def expected_release(context: Context, row: Row) -> Expected:
    """Return what a row must have become. Raises ValueError for a row that cannot be a release."""
    if tuple(map(type, row)) != _USUAL_TYPES:
        row = _strictly(context, row)
    sql_id, major, minor, build, created, comment, url, size, package_id = row
    odd: Expected = {}
    when = context.date("releases", "created_date", created, odd)
    version, filename, packagetype = version_of(package_id, url, major, minor, build)
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
    expected["yanked"] = False
    if filename is None:
        expected["file_count"] = 0
    else:
        expected["file_count"] = 1
        file = {"filename": filename, "url": url, "size": size, "packagetype": packagetype}
        if size is None:
            del file["size"]
        if when is not None:
            file["uploaded_at"] = when
        file["yanked"] = False
        expected["files"] = [file]
    expected["legacy"] = {"sql_id": sql_id, "major_ver": major, "minor_ver": minor, "build_ver": build, **odd}
    return expected


def _strictly(context: Context, row: Row) -> Row:
    convert: dict[str, Callable[[Any], Any]] = {"text": context.text, "integer": whole, "date": lambda value: value}
    return tuple(convert[kind](value) for kind, value in zip(TABLES["releases"].values(), row, strict=True))
