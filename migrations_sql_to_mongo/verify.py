"""`verify`: reads both sides anew and compares every field of every row.

The rules of the move are written here a second time, on purpose, and otherwise than in `mapping` and `copying`: dates
by their milliseconds, versions by one regular expression over the file's name, order and latest release by PEP 440's
own versions, packages a batch at a time by their names. Only the reading of rows (`source`) and the site's own rules
(`webapp.naming`, `webapp.documents`) are shared. What a row must have become is encoded and compared byte by byte with
what is stored; only where that differs are the two taken apart, to name the fields.
"""

import decimal
import functools
import hashlib
import itertools
import json
import math
import re
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple
from urllib.parse import unquote

import bson
from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from migrations_sql_to_mongo.layout import TABLES
from migrations_sql_to_mongo.progress import Progress
from migrations_sql_to_mongo.rendering import renderer
from migrations_sql_to_mongo.source import Row, Source, key_of
from migrations_sql_to_mongo.tally import HIDDEN
from migrations_sql_to_mongo.target import Fingerprint, Target
from migrations_sql_to_mongo.values import as_json, shown
from webapp import naming
from webapp.descriptions import RENDERER

PACKAGES_AT_A_TIME, ROWS_AT_A_TIME = 250, 1000
KEPT = 50  # differences that are reported in words
_HTML = ("description_html", "description_renderer")

Expected = dict[str, Any]


@dataclass
class Verification:
    """What a comparison found."""

    rows: dict[str, int] = field(default_factory=dict)  # table -> rows compared
    count: int = 0  # of differences
    differences: list[str] = field(default_factory=list)  # the first of them, in words
    lost_microseconds: int = 0
    rendered: int = 0  # descriptions that were rendered again and compared
    other_renderer: int = 0  # descriptions that another version of the renderer made: not compared
    fingerprints: dict[str, dict[str, Any]] = field(default_factory=dict)

    def differs(self, text: str) -> None:
        """Note one difference."""
        self.count += 1
        if len(self.differences) < KEPT:
            self.differences.append(text)


def verify(
    source: Source, target: Target, names: dict[str, str], rejects: str, progress: Progress, *, render: bool
) -> Verification:
    """Compare the source with the collections of these names, and return what differs.

    `rejects` is the collection of the rows that were rejected: they, and no others, must be missing. With `render`
    each description is rendered once more and compared too.
    """
    comparison = _Comparison(source, target, names, rejects, progress)
    with ThreadPoolExecutor(1, thread_name_prefix="verify-read") as pool:
        comparison.pool = pool
        for table in ("licenses", "languages", "users", "downloads", "auditing"):
            if table in names:
                comparison.collection(table)
        if "packages" in names:
            comparison.packages()
    if render and "packages" in names:
        comparison.descriptions()
    comparison.finish()
    progress.finish()
    return comparison.found


class _Comparison:
    def __init__(self, source: Source, target: Target, names: dict[str, str], rejects: str, progress: Progress) -> None:
        self.source, self.target, self.names, self.progress = source, target, names, progress
        self.found = Verification()
        self.pool: ThreadPoolExecutor
        # By the whole row: where ids are not unique, another row of the same id may have been kept.
        self.rejected: Counter[tuple[str, str, str]] = Counter(
            (one["table"], one["key"], _digest(one.get("row", {}).values())) for one in target.db[rejects].find()
        )
        self.rejected_keys = {(table, key) for table, key, _ in self.rejected}
        self.licenses: set[str] = set()
        self.left_out: list[tuple[str, str, str]] = []  # of the package at hand, rejected rows
        self.zones = {
            (table, column): source.layout.zone(table, column)
            for table, columns in TABLES.items()
            for column, kind in columns.items()
            if kind == "date"
        }
        # Users without what should be unique, and what they should share with somebody.
        self.emails_taken: list[tuple[Any, str]] = []
        self.usernames_taken: list[tuple[Any, str]] = []

    # Collections that are a table row by row

    def collection(self, table: str) -> None:
        """Compare a table with its collection, some hundred rows at a time."""
        total = self.source.count(table)
        fingerprint = Fingerprint()
        rows = self.source.downloads() if table == "downloads" else self.source.rows(table)
        expect: Callable[[Row, bytes], Expected] = getattr(self, f"_{table}")
        last: Any = None
        while batch := list(itertools.islice(rows, ROWS_AT_A_TIME)):
            ids = [self._id_of(table, row[0]) for row in batch]
            stored = self._by_id(table, [one for one in ids if one is not None])
            for row, document_id in zip(batch, ids, strict=True):
                again, last = row[0] is not None and row[0] == last, row[0]
                document = None if again else stored.get(document_id)
                if document is None:
                    self._must_be_rejected(table, row, "occurs twice" if again else "is missing in the target")
                    continue
                fingerprint.add(document)
                try:
                    wanted: Wanted | ValueError = _encoded(expect(row, document))
                except ValueError as error:
                    wanted = error
                self._same(f"{table} {shown(row[0])}", wanted, document)
                if table == "licenses":
                    self.licenses.add(row[0])
            self._count(table, total, len(batch))
        self._look_for_extra(table, fingerprint.documents)
        self.found.fingerprints[table] = fingerprint.as_dict()

    def _by_id(self, table: str, ids: list[Any]) -> dict[Any, bytes]:
        found = self.target.raw_documents(self.names[table], {"_id": {"$in": ids}})
        return {bson_id(document): document for document in found}

    def _look_for_extra(self, table: str, matched: int) -> None:
        """Name the documents that no row has led to, if there are any."""
        collection = self.target.db[self.names[table]]
        count = collection.count_documents({})
        if count == matched:
            return
        known = {self._id_of(table, row[0]) for row in self.source.ids(table)} if table in self.source.tables else set()
        extra = [one["_id"] for one in collection.find({}, {"_id": 1}) if one["_id"] not in known]
        for document_id in extra:
            self.found.differs(f"{table} {document_id}: in the target, but not in the source")
        if not extra:
            self.found.differs(f"{table}: {matched} rows lead to {count} documents")

    def _id_of(self, table: str, key: Any) -> Any:
        """Return the `_id` that a key leads to, None if it leads to none."""
        if table == "packages":
            return _name_of(key)
        try:
            if TABLES[table]["id"] == "text":
                text = self._text(key)
                return text if text is None or text.encode() is not None else None
            number = _whole(key)
        except ValueError:
            return None
        return None if number is None or number < 0 else bson.ObjectId(str(number).rjust(24, "0"))

    def _licenses(self, row: Row, _: bytes) -> Expected:
        label_id, created, description = row
        expected: Expected = {"_id": label_id, "description": self._text(description)}
        expected["created_date"] = self._date("licenses", "created_date", created)
        return expected

    _languages = _licenses

    def _auditing(self, row: Row, _: bytes) -> Expected:
        odd: Expected = {}
        expected: Expected = {"_id": self._text(row[0]), "description": self._text(row[2])}
        expected["created_date"] = self._date("auditing", "created_date", row[1], odd)
        return expected | ({"legacy": odd} if odd else {})

    def _users(self, row: Row, document: bytes) -> Expected:
        sql_id, username, name, email, hashed_password, created, login, image = row
        username, email = self._text(username), self._text(email)
        legacy: Expected = {"sql_id": _whole(sql_id)}
        expected: Expected = {"_id": self._id_of("users", sql_id), "username": username or None}
        expected |= {"name": self._text(name), "email": email or None}
        folded = (email or "").strip().casefold()
        stored = bson.decode(document)
        if folded and "email_folded" not in stored:
            self.emails_taken.append((sql_id, folded))
            legacy["email_is_taken"] = True
            folded = ""
        if username and "username" not in stored:
            self.usernames_taken.append((sql_id, username))
            legacy["username"] = username
            expected["username"] = None
        expected |= {"email_folded": folded or None, "hashed_password": self._text(hashed_password)}
        odd: Expected = {}
        expected["created_date"] = self._date("users", "created_date", created, odd)
        expected["last_login"] = self._date("users", "last_login", login, odd)
        expected |= {"profile_image_url": self._text(image), "is_admin": False, "legacy": legacy | odd}
        return expected

    def _downloads(self, row: Row, _: bytes) -> Expected:
        sql_id, created, package_id, release_id, address, agent, of_package, url, major, minor, build = row
        odd: Expected = {}
        expected: Expected = {"_id": self._id_of("downloads", sql_id)}
        expected["created_date"] = self._date("downloads", "created_date", created, odd)
        expected["package"] = _name_of(self._text(package_id))
        expected["version"] = None
        if isinstance(of_package, str) and (url is None or isinstance(url, str)):
            numbers = [number if isinstance(number, int) else None for number in (major, minor, build)]
            expected["version"] = _version(of_package, url, *numbers)[0]
        expected |= {"ip_address": self._text(address), "user_agent": self._text(agent)}
        expected["legacy"] = {"package_id": self._text(package_id), "release_id": _whole(release_id), **odd}
        return expected

    # Packages, with what they embed

    def packages(self) -> None:
        """Compare packages a batch at a time; releases and maintainers are read up to the batch's last id."""
        total, tables = {}, ("packages", "releases", "maintainers")
        streams: dict[str, Iterator[Row]] = {}
        for table in tables:
            there = table in self.source.tables
            total[table] = self.source.count(table) if there else 0
            streams[table] = self.source.by_package(table) if there else iter(())
        releases, maintainers = _Children(streams["releases"], 8), _Children(streams["maintainers"], 1)
        fingerprint = Fingerprint()
        last = None
        while batch := list(itertools.islice(streams["packages"], PACKAGES_AT_A_TIME)):
            names = [None if row[0] == before else _name_of(row[0]) for before, row in _with_before(last, batch)]
            reading = self.pool.submit(self._by_id, "packages", [name for name in names if name])
            of_release, of_maintainer = releases.until(batch[-1][0]), maintainers.until(batch[-1][0])
            expected = [
                self._package(row, of_release.get(row[0], []), of_maintainer.get(row[0], [])) if name else (None, [])
                for name, row in zip(names, batch, strict=True)
            ]
            self.left_out = []
            stored = reading.result()
            for name, row, (wanted, left_out) in zip(names, batch, expected, strict=True):
                document = stored.get(name) if name and row[0] == _stored_name(stored.get(name)) else None
                again = name is None and row[0] == last
                children = ([], []) if again else (of_release.pop(row[0], []), of_maintainer.pop(row[0], []))
                last = row[0]
                if document is None or wanted is None:
                    self.rejected.update(left_out)  # they are looked at once more
                    self._whole_package_rejected(row, *children)
                    continue
                fingerprint.add(document)
                self._same(f"packages {row[0]}", wanted, document)
            for table, left in (("releases", of_release), ("maintainers", of_maintainer)):
                for row in itertools.chain(*left.values()):
                    self._must_be_rejected(table, row, "belongs to no package")
            self._count("packages", total["packages"], len(batch))
        for table, children_left in (("releases", releases), ("maintainers", maintainers)):
            for row in children_left.rest():
                self._must_be_rejected(table, row, "belongs to no package")
            self._count(table, total[table], children_left.count)
        self._look_for_extra("packages", fingerprint.documents)
        self.found.fingerprints["packages"] = fingerprint.as_dict()

    def _package(
        self, row: Row, release_rows: list[Row], maintainer_rows: list[Row]
    ) -> tuple["Wanted | ValueError", list[tuple[str, str, str]]]:
        """Return what a package's rows must have become, and the rejected rows that were left out of it.

        Encoded at once: the garbage collector looks at living dicts again and again, which took half of the time.
        """
        marked, self.left_out = self.found.lost_microseconds, []
        try:
            return _encoded(self._expected_package(row, release_rows, maintainer_rows)), self.left_out
        except ValueError as error:
            self.found.lost_microseconds = marked
            return error, self.left_out

    def _expected_package(self, row: Row, release_rows: list[Row], maintainer_rows: list[Row]) -> Expected:
        package_id, created, *texts, license_text = row
        odd: Expected = {}
        when = self._date("packages", "created_date", created, odd)
        columns = list(TABLES["packages"])[2:-1]
        expected: Expected = {"_id": _name_of(package_id), "name": package_id}
        expected |= {column: self._text(text) for column, text in zip(columns, texts, strict=True)}
        expected["license"] = license_text = self._text(license_text)
        listed = license_text in self.licenses
        expected["license_id"] = license_text if listed else naming.license_id(license_text, None, [])
        releases = [self._release(release) for release in release_rows if not self._is_rejected("releases", release)]
        # Equal versions: the row that came last first.
        releases.sort(key=lambda one: (one["sort_key"], one["version"], one["legacy"]["sql_id"]), reverse=True)
        stable = [one for one in releases if not one["is_prerelease"] and one["sort_key"][0] != "!"]
        dated = [one for one in releases if one.get("created_date") is not None]
        dates = [one["created_date"] for one in dated]
        expected["created_date"] = when
        expected["updated_date"] = max(dates + [when] * (when is not None), default=None)
        expected["maintainers"] = [
            {"user_id": self._id_of("users", user_id), "name": self._text(name), "role": "maintainer"}
            for user_id, raw_id, _, name in maintainer_rows
            if not self._is_rejected("maintainers", (user_id, raw_id))
        ] or None
        for one in expected["maintainers"] or []:
            if one["name"] is None:
                del one["name"]
        latest = next(iter(stable or releases), None)
        expected["latest"] = latest and _only(latest, "version", "created_date", "size")
        if dated:
            youngest = max(dates)
            expected["newest_release"] = _only(
                next(one for one in dated if one["created_date"] == youngest), "version", "created_date"
            )
        expected["release_count"] = len(releases)
        expected["releases"] = releases or None
        expected["legacy"] = {"sql_id": package_id, **odd}
        return expected

    def _release(self, row: Row) -> Expected:
        if tuple(map(type, row)) != _USUAL_TYPES:
            row = self._strictly("releases", row)
        sql_id, major, minor, build, created, comment, url, size, package_id = row
        odd: Expected = {}
        when = self._date("releases", "created_date", created, odd)
        version, filename, packagetype = _version(package_id, url, major, minor, build)
        sort_key, is_prerelease = _facts(version)
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

    def _strictly(self, table: str, row: Row) -> Row:
        convert: dict[str, Callable[[Any], Any]] = {"text": self._text, "integer": _whole, "date": lambda value: value}
        return tuple(convert[kind](value) for kind, value in zip(TABLES[table].values(), row, strict=True))

    def _whole_package_rejected(self, row: Row, releases: list[Row], maintainers: list[Row]) -> None:
        if not self._is_rejected("packages", row):
            self.found.differs(f"packages {shown(row[0])}: is missing in the target, and was not rejected")
            return
        for table, rows in (("releases", releases), ("maintainers", maintainers)):
            for child in rows:
                self._must_be_rejected(table, child, "belongs to a rejected package")

    def _is_rejected(self, table: str, row: Row) -> bool:
        """Tell whether a row was rejected; each reject stands for one row."""
        if not self.rejected or (table, key_of(table, row)) not in self.rejected_keys:
            return False
        one = (table, key_of(table, row), _digest(as_json(value) for value in _without_hash(table, row)))
        if not self.rejected[one]:
            return False
        self.rejected[one] -= 1
        self.left_out.append(one)
        return True

    # Descriptions

    def descriptions(self) -> None:
        """Render each description once more, and compare the HTML."""
        packages = self.target.db[self.names["packages"]]
        # Of several rows with one id the first is the package; the others were rejected.
        same = itertools.groupby(self.source.by_package("packages"), key=lambda row: row[0])
        rows = (row for row in (next(rows) for _, rows in same) if row[3])
        total = packages.count_documents({"description_renderer": RENDERER})
        done = 0
        with renderer(total) as render:
            while batch := list(itertools.islice(rows, 400)):
                names = {name: row[3] for row in batch if (name := _name_of(row[0]))}
                fields = {"description_html": 1, "description_renderer": 1, "name": 1}
                stored = {one["_id"]: one for one in packages.find({"_id": {"$in": list(names)}}, fields)}
                wanted = [key for key, one in stored.items() if one.get("description_renderer") == RENDERER]
                self.found.other_renderer += sum(one.get("description_renderer") != RENDERER for one in stored.values())
                for name, html in render((key, self._text(names[key]) or "") for key in wanted):
                    if stored[name].get("description_html") != html and len(html) < 10_000_000:
                        self.found.differs(f"packages {name}: description_html is not what the description renders to")
                done += len(wanted)
                self.found.rendered = done
                self.progress.update("verifying descriptions", done, total)

    def finish(self) -> None:
        """Look at what can be seen only at the end."""
        for table in self.source.tables:
            seen, there = self.found.rows.get(table, 0), self.source.count(table)
            if seen != there:
                self.found.differs(f"{table}: {there} rows are in the source, {seen} were compared")
        for (table, key, _), count in self.rejected.items():
            if count and table in self.source.tables:
                self.found.differs(f"{table} {key}: was rejected, but it is in the target, or no longer in the source")
        for column, flagged in (("email", self.emails_taken), ("username", self.usernames_taken)):
            wanted = {text for _, text in flagged}
            owners: dict[str, Any] = {}
            for row in self.source.rows("users") if wanted else ():
                text = row[3] if column == "email" else row[1]
                text = text.strip().casefold() if column == "email" and isinstance(text, str) else text
                if text in wanted:
                    owners.setdefault(text, row[0])
            for sql_id, text in flagged:
                if owners[text] == sql_id:
                    self.found.differs(f"users {sql_id}: {column} is nobody else's, but is marked as taken")

    # Comparing

    def _same(self, where: str, wanted: "Wanted | ValueError", document: bytes) -> None:
        """Compare an encoded document with what it must be, and name what differs."""
        if isinstance(wanted, ValueError):
            self.found.differs(f"{where}: is in the target, but should have been rejected: {wanted}")
            return
        encoded, needs_html = wanted
        if not needs_html and encoded == document:
            return
        tail = _tail(encoded, document) if needs_html else None
        if tail is not None and {*tail} <= {*_HTML} and "description_renderer" in tail:
            return
        stored = bson.decode(document)
        if needs_html and "description_renderer" not in stored:
            self.found.differs(f"{where}: description_html is missing")
        for name in _HTML if needs_html else ():
            stored.pop(name, None)
        for text in _differences(bson.decode(encoded), stored, ""):
            self.found.differs(f"{where}: {text}")

    def _count(self, table: str, total: int, more: int = 1) -> None:
        """Count rows that were compared."""
        seen = self.found.rows[table] = self.found.rows.get(table, 0) + more
        if seen % 5000 == 0 or seen >= total:
            self.progress.update(f"verifying {table}", seen, total)

    def _must_be_rejected(self, table: str, row: Row, why: str) -> None:
        if not self._is_rejected(table, row):
            self.found.differs(f"{table} {key_of(table, row)}: {why}, and was not rejected")

    def _text(self, value: Any) -> str | None:
        if value is None or type(value) is str:
            return value
        if isinstance(value, bytes | bytearray | memoryview):
            try:
                return bytes(value).decode()
            except UnicodeDecodeError:
                return bytes(value).decode(self.source.layout.encoding or "utf-8")
        raise ValueError(f"{shown(value)} is no text")

    def _date(self, table: str, column: str, value: Any, odd: Expected | None = None) -> datetime | None:
        """Return a date, naive in UTC; what is none is kept in `odd`, or must have rejected its row."""
        if value is None:
            return None
        try:
            zone = self.zones[table, column]
            when = datetime.fromisoformat(value) if type(value) is str else _moment(value, zone)
            if when.tzinfo is not None or zone is not UTC:
                when = _in_utc(when, zone)
        except (ValueError, OverflowError):
            if self.source.layout.date_rule(table, column) == "reject":
                raise ValueError(f"{shown(value)} is no date") from None
            if odd is not None:
                odd[column] = as_json(value)
            return None
        if when.microsecond % 1000:
            self.found.lost_microseconds += 1
        return when


class Wanted(NamedTuple):
    """What a stored document must be."""

    encoded: bytes
    needs_html: bool  # it has a description, so that rendering has added fields at its end


def _encoded(expected: Expected) -> Wanted:
    """Encode a document. Raises ValueError for what BSON cannot hold."""
    expected = {key: value for key, value in expected.items() if value is not None}
    try:
        return Wanted(bson.encode(expected), "release_count" in expected and bool(expected.get("description")))
    except OverflowError as error:
        raise ValueError(str(error)) from None


class _Children:
    """Releases or maintainers, taken up to a package's id."""

    def __init__(self, rows: Iterator[Row], column: int) -> None:
        self._rows, self._column = rows, column
        self._row = next(rows, None)
        self.count = 0  # of the rows that were taken

    def until(self, package_id: Any) -> dict[Any, list[Row]]:
        """Return all rows up to this package's, by their package's id."""
        found: dict[Any, list[Row]] = {}
        row, column, limit = self._row, self._column, _position(package_id)
        key: Any = found  # no row has this one
        rows: list[Row] = []
        while row is not None:
            if row[column] != key:
                if _position(row[column]) > limit:
                    break
                key = row[column]
                rows = found.setdefault(key, [])
            rows.append(row)
            row = next(self._rows, None)
        self._row = row
        self.count += sum(map(len, found.values()))
        return found

    def rest(self) -> Iterator[Row]:
        """Yield all that is left."""
        while self._row is not None:
            self.count += 1
            yield self._row
            self._row = next(self._rows, None)


def _position(key: Any) -> tuple[int, Any]:
    """Where a key stands: NULL, numbers, text by its bytes."""
    match key:
        case None:
            return 0, b""
        case str():
            return 2, key.encode(errors="surrogateescape")
        case int() | float():
            return 1, key
    return 3, bytes(key)


def _with_before(last: Any, batch: list[Row]) -> Iterable[tuple[Any, Row]]:
    return zip([last, *(row[0] for row in batch)], batch, strict=False)


def _without_hash(table: str, row: Row) -> Iterable[Any]:
    """Return the values of a row as a reject keeps them: no password hash."""
    values = row[: len(TABLES[table])]
    if table != "users":
        return values
    index = list(TABLES["users"]).index("hashed_password")
    return (*values[:index], HIDDEN if values[index] else values[index], *values[index + 1 :])


def _digest(values: Iterable[Any]) -> str:
    return hashlib.blake2b(json.dumps(list(values), default=str).encode(), digest_size=8).hexdigest()


def bson_id(document: bytes) -> Any:
    """Return the `_id` of an encoded document; MongoDB puts it first. Source: bsonspec.org."""
    if document[5:9] == b"_id\0":
        if document[4] == 2:
            return document[13 : 12 + struct.unpack_from("<i", document, 9)[0]].decode()
        if document[4] == 7:
            return bson.ObjectId(document[9:21])
    return bson.decode(document)["_id"]


def _stored_name(document: bytes | None) -> str | None:
    """Return the `name` of a package's encoded document: the second field."""
    if document is None:
        return None
    start = 4 + 9 + struct.unpack_from("<i", document, 9)[0]
    if document[start : start + 6] == b"\x02name\0":
        return document[start + 10 : start + 9 + struct.unpack_from("<i", document, start + 6)[0]].decode()
    return bson.decode(document).get("name")


def _tail(encoded: bytes, document: bytes) -> dict[str, Any] | None:
    """Return the fields that a stored document has after those that are expected; None if these differ."""
    end = len(encoded) - 1
    if document[4:end] != encoded[4:end]:
        return None
    rest = document[end:]
    return bson.decode(struct.pack("<i", len(rest) + 4) + rest)


def _differences(expected: Any, stored: Any, path: str) -> Iterator[str]:
    """Yield what differs between two values, with the path of each field."""
    if isinstance(expected, dict) and isinstance(stored, dict):
        for key in {**expected, **stored}:
            where = f"{path}.{key}" if path else key
            if key not in stored:
                yield f"{where} is missing: {_said(key, expected[key])} in the source"
            elif key not in expected:
                yield f"{where} is not in the source: {_said(key, stored[key])}"
            else:
                yield from _differences(expected[key], stored[key], where)
    elif isinstance(expected, list) and isinstance(stored, list):
        if len(expected) != len(stored):
            yield f"{path} has {len(stored)} entries, {len(expected)} in the source"
        for index, (one, other) in enumerate(zip(expected, stored, strict=False)):
            yield from _differences(one, other, f"{path}[{index}]")
    elif type(expected) is not type(stored) or expected != stored:
        name = path.rpartition(".")[2]
        yield f"{path} is {_said(name, stored)}, {_said(name, expected)} in the source"


def _said(name: str, value: Any) -> str:
    return HIDDEN if name == "hashed_password" else shown(value if isinstance(value, str) else repr(value))


def _only(document: Expected, *names: str) -> Expected:
    return {name: document[name] for name in names if name in document}


# The rules, in other words than in `mapping`


def _whole(value: Any) -> int | None:
    if value is None or type(value) is int:
        return value
    if isinstance(value, decimal.Decimal | float) and math.isfinite(value):
        whole = int(value)
        if whole == value and abs(whole) < (2**63 if isinstance(value, decimal.Decimal) else 2**53):
            return whole
    raise ValueError(f"{shown(value)} is no whole number")


def _moment(value: Any, zone: tzinfo) -> datetime:
    if isinstance(value, int | float | decimal.Decimal) and not isinstance(value, bool):
        number = float(value)
        seconds = number / 1000 if abs(number) >= 1e11 else number
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    if isinstance(value, datetime):
        return _in_utc(value, zone)
    raise ValueError("no date")


def _in_utc(when: datetime, zone: tzinfo) -> datetime:
    if when.tzinfo is None:
        when = when.replace(tzinfo=zone)
    return when.astimezone(UTC).replace(tzinfo=None)


@functools.lru_cache(maxsize=4000)
def _name_of(name: Any) -> str | None:
    try:
        return naming.normalize_name(name) if isinstance(name, str) else None
    except naming.InvalidName:
        return None


@functools.lru_cache(maxsize=10_000)
def _facts(version: str) -> tuple[str, bool]:
    return naming.sort_key(version), naming.is_prerelease(version)


# What most rows of releases consist of; the others are looked at value by value.
_USUAL_TYPES = (int, int, int, int, str, str, str, int, str)
_KINDS = {"whl": "bdist_wheel", "egg": "bdist_egg", "exe": "bdist_wininst", "msi": "bdist_msi"}
_KINDS |= {"rpm": "bdist_rpm", "dmg": "bdist_dmg"}
_BUILT_FOR = r"(?:py\d|win32|win-amd64|win-arm|linux|macosx|noarch|freebsd|cygwin)"


def _version(
    package: str, url: str | None, major: int | None, minor: int | None, build: int | None
) -> tuple[str, str | None, str | None]:
    """Return a release's version, and name and kind of its file."""
    filename = url[url.rfind("/") + 1 :] if url else ""
    if filename[-7:] == ".tar.gz" and "%" not in filename:
        dash = filename.rfind("-")
        version = filename[dash + 1 : -7]
        if dash > 0 and _name_of(filename[:dash]) == _name_of(package) and version and _is_parsed(version):
            return version, filename, "sdist"
    return _version_slowly(package, url or "", (major or 0, minor or 0, build or 0))


def _is_parsed(version: str) -> bool:
    return _facts(version)[0][0] != "!"


def _version_slowly(package: str, url: str, numbers: tuple[int, int, int]) -> tuple[str, str | None, str | None]:
    filename = unquote(url.partition("?")[0].partition("#")[0].split("/")[-1])
    plain = ".".join(map(str, numbers))
    parts = re.fullmatch(
        r"(.+?)(\.tar\.(?:gz|bz2|xz|Z)|\.(?:zip|tgz|tar|whl|egg|exe|msi|rpm|dmg))", filename, re.DOTALL
    )
    if not parts:
        return plain, None, None
    stem, kind = parts[1], _KINDS.get(parts[2][1:], "sdist")
    if kind == "sdist" and re.search(r"-\d[^-]*\.(?:linux|macosx|win|freebsd|cygwin)", filename):
        kind = "bdist_dumb"
    own = _after_own_name(package, stem)
    if own is not None:
        own = own.split("-")[0].replace("_", "-") if kind == "bdist_wheel" else re.split(rf"[.-]{_BUILT_FOR}", own)[0]
        if own and _is_parsed(own):
            return own, filename, kind
    other = _by_packaging(stem, filename, kind)
    if other is not None:
        parsed = Version(other)
        if not any(numbers) or (parsed.major, parsed.minor, parsed.micro) == numbers:
            return other, filename, kind
    if own and not any(numbers) and re.fullmatch(r"[0-9][A-Za-z0-9_.!+-]*", own):
        return own, filename, kind
    return plain, filename, kind


def _after_own_name(package: str, stem: str) -> str | None:
    """Return what comes after the package's name and a dash, in the first place where the name is the package's."""
    for dash in (index for index, sign in enumerate(stem) if sign == "-"):
        if _name_of(stem[:dash]) == _name_of(package):
            return stem[dash + 1 :]
    return None


def _by_packaging(stem: str, filename: str, kind: str) -> str | None:
    try:
        if kind == "bdist_wheel":
            parse_wheel_filename(filename)
            return filename.split("-")[1].replace("_", "-")
        stem = re.split(rf"[.-]{_BUILT_FOR}", stem)[0]
        parse_sdist_filename(stem + ".zip")
        return stem.split("-")[-1]
    except (InvalidSdistFilename, InvalidWheelFilename):
        return None
