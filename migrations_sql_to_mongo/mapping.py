"""Turn rows of the old tables into documents. Pure functions: they read no database and write none.

`verify` implements the same rules separately and shares nothing with this module, so that a mistake here does not hide
there.
"""

import functools
import operator
from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from typing import Any

import bson

from migrations_sql_to_mongo import conversions, values
from migrations_sql_to_mongo.conversions import is_written_out, kept_key, object_id
from migrations_sql_to_mongo.errors import BadValue
from migrations_sql_to_mongo.row_reader import Values
from migrations_sql_to_mongo.versions import File, file_of, known, recover
from webapp.rules import naming

Document = dict[str, Any]


_BY_VERSION = operator.itemgetter("sort_key", "version")


def label_document(row: Values) -> Document:
    """Return the document of a row of `licenses`, `languages` or `auditing`, with the same id."""
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


def fold(email: str | None) -> str:
    """Return the unique form of an address, as User.clean makes it; empty if there is none."""
    return email.strip().casefold() if email else ""


def user_document(row: Values, *, email_is_taken: bool = False, username_is_taken: bool = False) -> Document:
    """Return the document of a user.

    If addresses differ only in case, all users but the first lack `email_folded`, because the address is taken. Raises
    BadValue.
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
            "is_admin": bool(row.more.get("is_admin")),
            "is_disabled": None if row.more.get("is_active", True) else True,
            "legacy": {
                "sql_id": kept_key(sql_id),
                **({"email_is_taken": True} if email_is_taken else {}),
                **({"username": username} if username_is_taken else {}),
                **({"is_staff": True} if row.more.get("is_staff") else {}),
                **(row.odd or {}),
            },
        }
    )


def maintainer_document(user_id: Any, name: str | None, *, is_owner: bool = False) -> Document:
    """Return a maintainer, as embedded in a package. The old site had no roles."""
    document: Document = {"user_id": object_id("user_id", conversions.key("user_id", user_id))}
    if name is not None:
        document["name"] = name
    document["role"] = "owner" if is_owner else "maintainer"
    return document


def release_document(row: Values, files: Sequence[Document] = (), odd_files: Sequence[Document] = ()) -> Document:
    """Return a release, as embedded in a package, with its files or the one in its URL. Raises BadValue.

    `odd_files` collects what is invalid about the files.
    """
    sql_id, major, minor, build, created_date, comment, url, size, package_id = row.of
    if sql_id is None:
        raise BadValue("id is NULL")
    if size is not None:
        size = bson.Int64(size)
    more = row.more
    file = (file_of(more["filename"]) if more.get("filename") else None) or file_of(url)
    named = file or (file_of(files[0]["filename"]) if files else None)
    version = (more.get("version") or "").strip() or recover(package_id, named, major, minor, build)
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
    document["yanked"] = bool(more.get("yanked"))
    document["file_count"] = 0
    if files:
        _add_files(document, files)
    elif file:
        document["file_count"] = 1
        document["files"] = [_file(file, url, size, created_date, more)]
    if more:
        document |= {name: more[name] for name in ("requires_python", "yanked_reason") if more.get(name)}
    if "version" in more:
        document["legacy"] = {"sql_id": kept_key(sql_id)}
    else:
        document["legacy"] = {"sql_id": kept_key(sql_id), "major_ver": major, "minor_ver": minor, "build_ver": build}
    if row.odd:
        document["legacy"] |= row.odd
    if odd_files:
        document["legacy"]["files"] = list(odd_files)
    return document


def _file(
    file: File, url: str | None, size: int | None, uploaded_at: datetime | None, more: Mapping[str, Any]
) -> Document:
    """Return a file, as embedded in a release."""
    entry: Document = {"filename": file.filename}
    if url is not None:
        entry["url"] = url
    if size is not None:
        entry["size"] = size
    entry["packagetype"] = file.packagetype
    if uploaded_at is not None:
        entry["uploaded_at"] = uploaded_at
    entry["yanked"] = bool(more.get("yanked"))
    if more:
        names = ("sha256", "md5", "requires_python", "yanked_reason")
        entry |= {name: more[name] for name in names if more.get(name)}
    return entry


def file_document(row: Values) -> Document:
    """Return a row of `files`, as embedded in its release. Raises BadValue."""
    _, _, filename, url, size, created_date, _ = row.of
    if not filename:
        raise BadValue("filename is empty" if filename == "" else "filename is NULL")
    file = file_of(filename)
    if file is None:
        raise BadValue("filename is not that of a distribution")
    return _file(file, url, None if size is None else bson.Int64(size), created_date, row.more)


def _add_files(document: Document, files: Sequence[Document]) -> None:
    """Add its files to a release, and derive what the release's own row lacks."""
    sdists_first = sorted(files, key=lambda file: file["packagetype"] != "sdist")
    dates = [file["uploaded_at"] for file in files if "uploaded_at" in file]
    sizes = [file["size"] for file in files if "size" in file]
    following = {
        "created_date": min(dates, default=None),
        "url": sdists_first[0].get("url"),
        "size": bson.Int64(sum(sizes)) if sizes and sum(sizes) <= values.MAX_INT64 else None,
        "requires_python": next((file["requires_python"] for file in files if "requires_python" in file), None),
    }
    document |= {name: value for name, value in following.items() if value is not None and name not in document}
    document["yanked"] = document["yanked"] or all(file["yanked"] for file in files)
    document["file_count"] = len(files)
    document["files"] = list(files)


@functools.lru_cache(maxsize=1000)
def package_name(package_id: str | None) -> str:
    """Return the `_id` of a package. Raises BadValue."""
    if package_id is None:
        raise BadValue("id is NULL")
    try:
        return naming.normalize_name(package_id)
    except naming.InvalidName:
        raise BadValue("id is not a valid project name") from None


def package_document(
    row: Values, releases: list[Document], maintainers: list[Document], licenses: Container[str | None]
) -> Document:
    """Return the document of a package. `licenses` are the ids in the old table. Raises BadValue."""
    name, created_date, summary, description, home_page, docs_url, package_url, author, email, license_text = row.of
    # Sorting keeps the order of equal versions, which are ordered by id: the last one must come first.
    classifiers = row.more.get("classifiers", [])
    releases.reverse()
    releases.sort(key=_BY_VERSION, reverse=True)
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
        "license_id": license_text if license_text in licenses else license_id(license_text, tuple(classifiers)),
        "keywords": row.more.get("keywords") or None,
        "classifiers": classifiers or None,
        "requires_python": row.more.get("requires_python") or None,
        "created_date": created_date,
        "updated_date": last_date(created_date, releases),
        "maintainers": maintainers or None,
        "latest": _latest(releases),
        "newest_release": _newest_release(releases),
        "release_count": len(releases),
        "releases": releases or None,
        "legacy": {"sql_id": name, **(row.odd or {})},
    }
    return _without_none(document)


def last_date(created_date: datetime | None, releases: list[Document]) -> datetime | None:
    """Return the date of the last change in a package that the old site tells of."""
    dates = [release["created_date"] for release in releases if "created_date" in release]
    return max([*dates, *([created_date] if created_date is not None else [])], default=None)


@functools.lru_cache(maxsize=1000)
def license_id(text: str | None, classifiers: tuple[str, ...]) -> str | None:
    """Return the short name of a licence that is not in the old table of licences."""
    return naming.license_id(text, None, classifiers)


def _latest(releases: list[Document]) -> Document | None:
    """Return the latest release, as Package.clean chooses it: not yanked before yanked, then stable, then highest."""
    offered = [release for release in releases if not release["yanked"]] or releases
    found = next((release for release in offered if _is_stable(release)), None) or next(iter(offered), None)
    return found and {key: found[key] for key in ("version", "created_date", "size") if key in found}


def _is_stable(release: Document) -> bool:
    return not release["is_prerelease"] and not release["sort_key"].startswith("!")


def _newest_release(releases: list[Document]) -> Document | None:
    newest = None
    for release in releases:  # sorted, so that of several with one date the highest version comes first
        date = release.get("created_date")
        if date is not None and not release["yanked"] and (newest is None or date > newest["created_date"]):
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
            "legacy": {
                **({} if is_written_out(sql_id) else {"sql_id": kept_key(sql_id)}),
                "package_id": package_id,
                "release_id": kept_key(release_id),
                **(row.odd or {}),
            },
        }
    )


def _without_none(document: Document) -> Document:
    return {key: value for key, value in document.items() if value is not None}
