"""`releases`: each becomes an entry of its package."""

import functools
from collections.abc import Callable
from typing import Any

import bson

from migrations_sql_to_mongo.layout import TABLES
from migrations_sql_to_mongo.source import Row
from migrations_sql_to_mongo.verify.context import Context
from migrations_sql_to_mongo.verify.conversions import key
from migrations_sql_to_mongo.verify.files import add_files, kind_of_file, more_of
from migrations_sql_to_mongo.verify.findings import Expected
from migrations_sql_to_mongo.verify.rules import facts, whole
from migrations_sql_to_mongo.verify.versions import version_of

# What most rows consist of; the others are looked at value by value.
_USUAL_TYPES = (int, int, int, int, str, str, str, int, str)


def expected_release(context: Context, row: Row, files: list[tuple[Expected, Expected]]) -> Expected:
    """Return the release expected for a row and its files. Raises ValueError for a row that cannot be a release."""
    usual, rest = row[: len(TABLES["releases"])], row[len(TABLES["releases"]) :]
    if tuple(map(type, usual)) != _USUAL_TYPES:
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
