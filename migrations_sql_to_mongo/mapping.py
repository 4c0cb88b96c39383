"""Rows of the old tables -> documents. Pure functions: they read no database and write none.

`verify` knows the same rules in its own words and shares nothing of this module: a slip here must not hide there.
"""

import functools
import operator
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import bson

from migrations_sql_to_mongo import values
from migrations_sql_to_mongo.errors import BadValue
from migrations_sql_to_mongo.layout import TABLES, Layout
from migrations_sql_to_mongo.source import Row
from migrations_sql_to_mongo.versions import file_of, known, recover
from webapp import naming
from webapp.documents.user import object_id_of_sql_id

Document = dict[str, Any]

_TYPES: dict[str, frozenset[type]] = {
    "text": frozenset({str, type(None)}),
    "integer": frozenset({int, type(None)}),
    "date": frozenset({str, int, float, datetime, type(None)}),
}


_BY_VERSION = operator.itemgetter("sort_key", "version")


class Remark(NamedTuple):
    """A rule that was applied to a value."""

    text: str
    example: str


@dataclass(slots=True)
class Values:
    """A row with the types that its columns promise."""

    of: list[Any]  # in the order of the table's columns; dates naive in UTC
    remarks: Sequence[Remark] = ()
    odd: Mapping[str, Any] | None = None  # dates that could not be understood, as they were


class RowReader:
    """Reads the rows of one table."""

    def __init__(self, table: str, layout: Layout) -> None:
        self.names = tuple(TABLES[table])
        self._kinds = tuple(TABLES[table].values())
        self._encoding = layout.encoding
        self._dates = [
            (index, name, values.date_reader(layout.zone(table, name)), layout.date_rule(table, name))
            for index, (name, kind) in enumerate(TABLES[table].items())
            if kind == "date"
        ]
        self._good: set[tuple[type, ...]] = set()

    def read(self, row: Row, *, careful: bool = False) -> Values:
        """Return a row's values. Raises BadValue.

        That a text is no UTF-8 or a number too large is seen when the document is encoded; a row whose document
        could not be is read again with `careful`, which looks at each value.
        """
        found = list(row[: len(self.names)])
        # The combinations of types are few; to look one up costs a third of looking at each value.
        types = tuple(map(type, found))
        if careful or types not in self._good:
            if not careful and all(one in _TYPES[kind] for one, kind in zip(types, self._kinds, strict=True)):
                self._good.add(types)
            else:
                self._convert(found)
        read_row = Values(found)
        for index, name, read, rule in self._dates:
            value = found[index]
            found[index], remark = read(value)
            if remark:
                if remark == "bad":
                    if rule == "reject":
                        raise BadValue(f"{name} is no date")
                    read_row.odd = {**(read_row.odd or {}), name: values.as_json(value)}
                read_row.remarks = [*read_row.remarks, Remark(_REMARKS[remark].format(name), values.shown(value))]
        return read_row

    def _convert(self, found: list[Any]) -> None:
        for index, (name, kind) in enumerate(zip(self.names, self._kinds, strict=True)):
            if kind == "text":
                found[index] = values.text(name, found[index], self._encoding)
            elif kind == "integer":
                found[index] = values.integer(name, found[index])

    def as_dict(self, row: Row) -> Document:
        """Return a row with the names of its columns."""
        return dict(zip(self.names, row, strict=False))


_REMARKS = {
    "bad": "{} is no date: left out, the original is kept under `legacy`",
    "epoch": "{} is a number: read as seconds (or milliseconds) since 1970",
    "ambiguous": "{} is a local time that the clocks show twice or never: the first was taken",
    "microseconds": "{} lost its microseconds: BSON keeps milliseconds",
}


def label_document(row: Values) -> Document:
    """Return the document of a row of `licenses`, `languages` or `auditing`: the id stays as it was."""
    label_id, created_date, description = row.of
    if label_id is None:
        raise BadValue("id is NULL")
    return _without_none({"_id": label_id, "description": description, "created_date": created_date})


def audit_document(row: Values) -> Document:
    """Return the document of a row of `auditing`."""
    document = label_document(row)
    if row.odd:
        document["legacy"] = {**row.odd}
    return document


def object_id(name: str, sql_id: int | None) -> bson.ObjectId:
    """Return the `_id` of a row with a number. Raises BadValue."""
    if sql_id is None:
        raise BadValue(f"{name} is NULL")
    if sql_id < 0:
        raise BadValue(f"{name} is negative")
    return object_id_of_sql_id(sql_id)


def fold(email: str | None) -> str:
    """Return the form of an address that is unique, as User.clean makes it; empty when there is none."""
    return email.strip().casefold() if email else ""


def user_document(row: Values, *, email_is_taken: bool = False, username_is_taken: bool = False) -> Document:
    """Return the document of a user.

    Of users whose addresses differ by case alone, all but the first have no `email_folded`: the address is taken.
    Raises BadValue.
    """
    sql_id, username, name, email, hashed_password, created_date, last_login, image_url = row.of
    return _without_none(
        {
            "_id": object_id("id", sql_id),
            "username": None if username_is_taken else username or None,
            "name": name,
            "email": email or None,
            "email_folded": None if email_is_taken else fold(email) or None,
            "hashed_password": hashed_password,
            "created_date": created_date,
            "last_login": last_login,
            "profile_image_url": image_url,
            "is_admin": False,
            "legacy": {
                "sql_id": sql_id,
                **({"email_is_taken": True} if email_is_taken else {}),
                **({"username": username} if username_is_taken else {}),
                **(row.odd or {}),
            },
        }
    )


def maintainer_document(user_id: int | None, name: str | None) -> Document:
    """Return a maintainer as a package embeds it. The old site knew no roles."""
    document: Document = {"user_id": object_id("user_id", user_id)}
    if name is not None:
        document["name"] = name
    document["role"] = "maintainer"
    return document


def release_document(row: Values) -> Document:
    """Return a release as a package embeds it, with the file that its URL leads to. Raises BadValue."""
    sql_id, major, minor, build, created_date, comment, url, size, package_id = row.of
    if sql_id is None:
        raise BadValue("id is NULL")
    if size is not None:
        size = bson.Int64(size)
    file = file_of(url)
    version = recover(package_id, file, major, minor, build)
    sort_key, is_prerelease, _ = known(version)
    document: Document = {"version": version, "sort_key": sort_key}
    if created_date is not None:
        document["created_date"] = created_date
    if comment is not None:
        document["comment"] = comment
    if url is not None:
        document["url"] = url
    if size is not None:
        document["size"] = size
    document["is_prerelease"] = is_prerelease
    document["yanked"] = False
    document["file_count"] = 0
    if file:
        entry: Document = {"filename": file.filename, "url": url}
        if size is not None:
            entry["size"] = size
        entry["packagetype"] = file.packagetype
        if created_date is not None:
            entry["uploaded_at"] = created_date
        entry["yanked"] = False
        document["file_count"] = 1
        document["files"] = [entry]
    document["legacy"] = {"sql_id": sql_id, "major_ver": major, "minor_ver": minor, "build_ver": build}
    if row.odd:
        document["legacy"] |= row.odd
    return document


def package_name(package_id: str | None) -> str:
    """Return the `_id` of a package. Raises BadValue."""
    if package_id is None:
        raise BadValue("id is NULL")
    try:
        return naming.normalize_name(package_id)
    except naming.InvalidName:
        raise BadValue("id is no project name") from None


def package_document(
    row: Values, releases: list[Document], maintainers: list[Document], licenses: Container[str | None]
) -> Document:
    """Return the document of a package. `licenses` are the ids of the old table. Raises BadValue."""
    name, created_date, summary, description, home_page, docs_url, package_url, author, email, license_text = row.of
    # Sorting keeps the order of equal versions, which came by their ids: the last one is to be first.
    releases.reverse()
    releases.sort(key=_BY_VERSION, reverse=True)
    dates = [release["created_date"] for release in releases if "created_date" in release]
    updated_date = max([*dates, *([created_date] if created_date is not None else [])], default=None)
    document = {
        "_id": package_name(name),
        "name": name,
        "summary": summary,
        "description": description,
        "home_page": home_page,
        "docs_url": docs_url,
        "package_url": package_url,
        "author_name": author,
        "author_email": email,
        "license": license_text,
        "license_id": license_text if license_text in licenses else license_id(license_text),
        "created_date": created_date,
        "updated_date": updated_date,
        "maintainers": maintainers or None,
        "latest": _latest(releases),
        "newest_release": _newest_release(releases),
        "release_count": len(releases),
        "releases": releases or None,
        "legacy": {"sql_id": name, **(row.odd or {})},
    }
    return _without_none(document)


@functools.lru_cache(maxsize=1000)
def license_id(text: str | None) -> str | None:
    """Return the short name of a licence that the old table of licences did not have."""
    return naming.license_id(text, None, ())


def _latest(releases: list[Document]) -> Document | None:
    """Return what Package.clean takes for the latest: the highest stable version, or the highest if none is stable."""
    found = next((release for release in releases if _is_stable(release)), None) or _highest_unstable(releases)
    return found and {key: found[key] for key in ("version", "created_date", "size") if key in found}


def _is_stable(release: Document) -> bool:
    return not release["is_prerelease"] and not release["sort_key"].startswith("!")


def _highest_unstable(releases: list[Document]) -> Document | None:
    return releases[0] if releases else None


def _newest_release(releases: list[Document]) -> Document | None:
    newest = None
    for release in releases:  # sorted, so that of one date the highest version comes first
        date = release.get("created_date")
        if date is not None and (newest is None or date > newest["created_date"]):
            newest = release
    return newest and {"version": newest["version"], "created_date": newest["created_date"]}


def download_document(row: Values, version: str | None) -> Document:
    """Return the document of a download. Raises BadValue."""
    sql_id, created_date, package_id, release_id, ip_address, user_agent = row.of
    try:
        package = naming.normalize_name(package_id or "")
    except naming.InvalidName:
        package = None
    return _without_none(
        {
            "_id": object_id("id", sql_id),
            "created_date": created_date,
            "package": package,
            "version": version,
            "ip_address": ip_address,
            "user_agent": user_agent,
            "legacy": {"package_id": package_id, "release_id": release_id, **(row.odd or {})},
        }
    )


def _without_none(document: Document) -> Document:
    return {key: value for key, value in document.items() if value is not None}
