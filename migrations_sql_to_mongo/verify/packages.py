"""`packages`, with their embedded releases and maintainers."""

import functools
import itertools
import operator
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import bson

from migrations_sql_to_mongo.grouping import Rows
from migrations_sql_to_mongo.layout import TABLES
from migrations_sql_to_mongo.rows import PACKAGE_COLUMN, Row
from migrations_sql_to_mongo.spool import KEPT, Spool
from migrations_sql_to_mongo.target import Fingerprint
from migrations_sql_to_mongo.values import shown
from migrations_sql_to_mongo.verify.compared import Compared
from migrations_sql_to_mongo.verify.context import Context
from migrations_sql_to_mongo.verify.encoding import Wanted, encode_with, stored_name
from migrations_sql_to_mongo.verify.files import expected_file, more_of
from migrations_sql_to_mongo.verify.findings import Expected
from migrations_sql_to_mongo.verify.maintainers import expected_maintainer
from migrations_sql_to_mongo.verify.rejected import One
from migrations_sql_to_mongo.verify.releases import Release, Releases, in_order
from migrations_sql_to_mongo.verify.rules import name_of
from webapp.rules import naming

_TEXTS = tuple(TABLES["packages"])[2:-1]
# Packages that are looked at together: so many, or with about so many rows and characters of description.
PACKAGES_AT_A_TIME, ROWS_AT_A_TIME, CHARACTERS_AT_A_TIME = 250, 5_000, 500_000


RowsOf = dict[str, dict[Any, Rows]]  # by table and package


class _Batch(NamedTuple):
    """Packages that are looked at together."""

    rows: list[Row]
    names: list[str | None]  # their documents' ids; None for a row with the id of the one before, or without a name
    of: RowsOf
    last: Any  # the id of the package before them
    reading: Future[dict[Any, bytes]]  # their documents


class Packages:
    """Compares packages a batch at a time; releases and maintainers are read up to the batch's last id."""

    def __init__(self, context: Context, compared: Compared, pool: ThreadPoolExecutor) -> None:
        self._context, self._compared, self._pool = context, compared, pool
        self._release = Releases(context).of

    def compare(self) -> None:
        """Compare the tables with the collection."""
        context, source = self._context, self._context.source
        total: dict[str, int] = {}
        streams: dict[str, Iterator[Row]] = {}
        for table in ("packages", *PACKAGE_COLUMN):
            there = table in source.tables
            total[table] = source.count(table) if there else 0
            rows = source.by_package(table) if there else iter(())
            streams[table] = context.chosen("packages", rows, PACKAGE_COLUMN.get(table, 0))
        children = {
            table: _Children(streams[table], column, functools.partial(self._orphan, table))
            for table, column in PACKAGE_COLUMN.items()
        }
        self._compared.begin(context)
        fingerprint = Fingerprint()
        for batch in self._read_ahead(_batches(streams["packages"], children)):
            self._compare_batch(batch, fingerprint)
            context.count("packages", total["packages"], len(batch.rows))
        self._compared.keep()
        for table, left in children.items():
            left.rest()
            context.count(table, total[table], left.count)
        context.look_for_extra("packages", fingerprint.documents)
        context.found.fingerprints["packages"] = fingerprint.as_dict()

    def _orphan(self, table: str, row: Row) -> None:
        self._context.must_be_rejected(table, row, "belongs to no package")

    def _read_ahead(self, batches: Iterable[tuple[list[Row], RowsOf]]) -> Iterator["_Batch"]:
        """Yield each batch while the documents of the next one are read."""
        waiting = last = None
        for rows, of in batches:
            names = [None if row[0] == before else name_of(row[0]) for before, row in _with_before(last, rows)]
            reading = self._pool.submit(self._context.documents, "packages", [name for name in names if name])
            if waiting:
                yield waiting
            waiting, last = _Batch(rows, names, of, last, reading), rows[-1][0]
        if waiting:
            yield waiting

    def _compare_batch(self, batch: "_Batch", fingerprint: Fingerprint) -> None:
        context, compared, last = self._context, self._compared, batch.last
        stored = batch.reading.result()
        for name, row in zip(batch.names, batch.rows, strict=True):
            document = stored.get(name) if name and row[0] == stored_name(stored.get(name)) else None
            again = name is None and row[0] == last
            own = {table: [] if again else rows.pop(row[0], []) for table, rows in batch.of.items()}
            last = row[0]
            if name and context.is_edited("packages", name, stored.get(name)):
                continue
            if name is None or document is None:
                self._must_be_rejected(row, own)
                continue
            digest, rows_digest = fingerprint.add(document), self._digest_of_rows(row, own)
            if rows_digest and compared.is_known(name, (digest, rows_digest)):
                context.found.recognized += 1
                continue
            wanted, left_out = self._package(row, own)
            if context.compare("packages", row[0], wanted, document) and rows_digest and not left_out:
                compared.add(name, (digest, rows_digest))
        for table, left in batch.of.items():
            for child in itertools.chain(*left.values()):
                self._orphan(table, child)

    def _digest_of_rows(self, row: Row, children: dict[str, Rows]) -> bytes | None:
        """Return the digest of a package's rows; None if they are so many that they are not all in memory."""
        if any(isinstance(rows, Spool) for rows in children.values()):
            return None
        return self._compared.digest(row, children.values())

    def _package(self, row: Row, children: dict[str, Rows]) -> tuple[Wanted | ValueError, list[One]]:
        """Return what a package's rows must have become, and the rejected rows that were left out of it."""
        found, rejected = self._context.found, self._context.rejected
        marked, taken = found.lost_microseconds, list[One]()
        rejected.taken = taken
        try:
            return self._expected(row, children), taken
        except ValueError as error:
            found.lost_microseconds = marked
            return error, taken
        finally:
            rejected.taken = None

    def _expected(self, row: Row, children: dict[str, Rows]) -> Wanted:
        context = self._context
        package_id, created, *texts, license_text = row[: len(TABLES["packages"])]
        odd: Expected = {}
        when = context.date("packages", "created_date", created, odd)
        more = more_of(context, "packages", row, odd)
        expected: Expected = {"_id": name_of(package_id), "name": package_id}
        expected |= zip(_TEXTS, map(context.text, texts), strict=True)
        expected["license"] = license_text = context.text(license_text)
        listed = license_text in context.licenses
        expected["license_id"] = (
            license_text if listed else naming.license_id(license_text, None, more.get("classifiers", []))
        )
        expected |= {column: more.get(column) or None for column in ("keywords", "classifiers", "requires_python")}
        releases = self._releases(children)
        offered = [one for one in releases if not one.yanked]
        dates = [when, *[one.created_date for one in releases]]
        expected["created_date"] = when
        expected["updated_date"] = max([date for date in dates if date is not None], default=None)
        expected["maintainers"] = self._maintainers(row, more.get("owner_id"), children["maintainers"], odd) or None
        if latest := next((one for one in offered or releases if one.is_stable), next(iter(offered or releases), None)):
            expected["latest"] = _only(latest, "version", "created_date", "size")
        if dated := [(one.created_date, one) for one in offered if one.created_date is not None]:
            _, newest = max(dated, key=operator.itemgetter(0))  # of several with one date the first
            expected["newest_release"] = _only(newest, "version", "created_date")
        expected["release_count"] = len(releases)
        legacy = {"legacy": {"sql_id": package_id, **odd}}
        return encode_with(expected, "releases", [one.encoded for one in releases], legacy)

    def _releases(self, children: dict[str, Rows]) -> list[Release]:
        context = self._context
        files: dict[Any, list[tuple[Expected, Expected]]] = {}
        for file in children["files"]:
            if not context.rejected.take("files", file):
                files.setdefault(file[1], []).append(expected_file(context, file))
        rows: Iterable[Row] = children["releases"]
        if context.rejected.has_any:
            rows = (row for row in rows if not context.rejected.take("releases", row))
        releases = [self._release(row, files.get(row[0], [])) for row in rows]
        # Equal versions: the row that came last first.
        releases.reverse()
        releases.sort(key=in_order, reverse=True)
        return releases

    def _maintainers(self, row: Row, owner_id: Any, rows: Rows, odd: Expected) -> list[Expected]:
        context = self._context
        found = {}
        if owner_id is not None:
            user_id, name = context.id_of("users", row[-2]), context.text(row[-1])
            if user_id is None or context.rejected.has("users", row[-2]):
                odd["owner_id"] = owner_id
            else:
                found[user_id] = {"user_id": user_id, **({"name": name} if name is not None else {}), "role": "owner"}
        for link in rows:
            if not context.rejected.take("maintainers", link):
                maintainer = expected_maintainer(context, link)
                found.setdefault(maintainer["user_id"], maintainer)
        return list(found.values())

    def _must_be_rejected(self, row: Row, children: dict[str, Rows]) -> None:
        context = self._context
        if not context.rejected.take("packages", row):
            context.found.differs(f"packages {shown(row[0])}: is missing in the target, and was not rejected")
            return
        for table, rows in children.items():
            for child in rows:
                context.must_be_rejected(table, child, "belongs to a rejected package")


class _Children:
    """Releases or maintainers, taken up to a package's id. Those that belong to none go to `orphan`."""

    def __init__(self, rows: Iterator[Row], column: int, orphan: Callable[[Row], None]) -> None:
        self._rows, self._column, self._orphan = rows, column, orphan
        self._row = next(rows, None)
        self.count = 0  # of the rows that were taken

    def until(self, package_id: Any) -> Rows:
        """Return the rows of this package."""
        found: Rows = []
        row, column, rows = self._row, self._column, self._rows
        limit = None
        while row is not None:
            if row[column] == package_id:
                if len(found) == KEPT:
                    found = Spool(map(tuple, found))
                found.append(row)
            else:
                limit = limit or _position(package_id)
                if _position(row[column]) > limit:
                    break
                self._orphan(row)
                self.count += 1
            row = next(rows, None)
        self._row = row
        self.count += len(found)
        return found

    def rest(self) -> None:
        """Take all that is left: it belongs to no package."""
        while self._row is not None:
            self.count += 1
            self._orphan(self._row)
            self._row = next(self._rows, None)


def _batches(packages: Iterator[Row], children: dict[str, _Children]) -> Iterator[tuple[list[Row], RowsOf]]:
    """Yield some packages at a time, and of each other table their rows, by package."""
    batch: list[Row] = []
    of: RowsOf = {table: {} for table in children}
    rows = characters = 0
    for row in packages:
        batch.append(row)
        characters += len(row[3] or "") if isinstance(row[3], str | bytes) else 0
        for table, those in children.items():
            if found := those.until(row[0]):
                of[table][row[0]] = found
                rows += len(found)
        if len(batch) >= PACKAGES_AT_A_TIME or rows >= ROWS_AT_A_TIME or characters >= CHARACTERS_AT_A_TIME:
            yield batch, of
            batch, of = [], {table: {} for table in children}
            rows = characters = 0
    if batch:
        yield batch, of


def _position(key: Any) -> tuple[int, Any]:
    """Return the sort position of a key: NULL, then numbers, then text by its bytes."""
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


def _only(release: Release, *names: str) -> Expected:
    values = ((name, getattr(release, name)) for name in names)
    return {name: bson.Int64(value) if name == "size" else value for name, value in values if value is not None}
