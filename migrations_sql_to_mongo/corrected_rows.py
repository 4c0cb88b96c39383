"""Put corrected rows in the place of the source's, with what the server would have joined to them."""

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from migrations_sql_to_mongo.rows import PACKAGE_COLUMN, RELEASE_OF_DOWNLOAD, Row, forms, key_of

if TYPE_CHECKING:
    from migrations_sql_to_mongo.source import Source

Read = Callable[["Source"], Iterator[Row]]
Order = Callable[[Row], Any]


def with_corrections(source: "Source", table: str, read: Read, order: Order) -> Iterator[Row]:
    """Yield the rows of a table, those that were corrected as they are now.

    `read` reads the table from a source without corrections, in this order.
    """
    corrected = source.corrections.get(table, {})
    whole = source.uncorrected(whole=True)
    kept: Iterator[Row] = (row for row in read(source.uncorrected()) if key_of(table, row) not in corrected)
    complete = list(corrected.values())
    if joined := _joined_of(source, table):
        kept = map(joined.join, kept)
        complete = joined.completed(table, corrected, read(whole)) if corrected else []
    if table == "files":
        moved = _by_id(source.corrections.get("releases", {}).values())
        if moved:
            complete += [row for row in read(whole) if row[1] in moved and key_of(table, row) not in corrected]
        packages = _packages_of_releases(source, [row[1] for row in complete])
        place = PACKAGE_COLUMN[table]
        complete = [(*row[:place], packages.get(row[1]), *row[place + 1 :]) for row in complete]
        kept = (row for row in kept if row[1] not in moved)
    return heapq.merge(kept, sorted(complete, key=order), key=order)


def ids_with_corrections(source: "Source", table: str, rows: Iterator[Row]) -> Iterator[Row]:
    """Yield the ids of a table, each as a row, those of corrected rows as they are now."""
    corrected = source.corrections.get(table, {})
    kept = (row for row in rows if key_of(table, row) not in corrected) if corrected else rows
    return itertools.chain(kept, (row[:1] for row in corrected.values()))


class Corrected:
    """The corrected rows, which may have other keys than the source's rows that they replace."""

    def __init__(self, source: "Source") -> None:
        self._digests = source.corrected_digests
        self._rows: dict[tuple[str, str], list[tuple[str, Row]]] = {}
        for table, rows in source.corrections.items():
            for key, row in rows.items():
                self._rows.setdefault((table, key_of(table, row)), []).append((key, self._own(table, row)))

    def replaced(self, table: str, row: Row) -> dict[str, str] | None:
        """Return the key and the digest of the source's row that a row replaces; None if it is the source's own."""
        those = self._rows.get((table, key_of(table, row)), ()) if self._rows else ()
        own = self._own(table, row)
        key = next((key for key, one in those if one == own[: len(one)]), None)
        return None if key is None else {"key": key, "digest": self._digests[table, key]}

    @staticmethod
    def _own(table: str, row: Row) -> Row:
        """Return a row without the package that a file has through its release."""
        place = PACKAGE_COLUMN["files"]
        return (*row[:place], *row[place + 1 :]) if table == "files" else tuple(row)


class _Joined:
    """What is joined to rows that refer to a user or a release: the last values of each row."""

    def __init__(self, source: "Source", of: str, place: int, width: int) -> None:
        self._source, self._of, self._place, self._width = source, of, place, width
        self._corrected = source.corrections.get(of, {})
        rows = self._uncorrected() if self._corrected else ()
        self._before = _by_id(row for row in rows if key_of(of, row) in self._corrected)
        self._now = _by_id(self._corrected.values())

    def _uncorrected(self) -> Iterator[Row]:
        return self._source.uncorrected(whole=True).rows(self._of) if self._of in self._source.tables else iter(())

    def join(self, row: Row) -> Row:
        """Return a row of the source with what is joined to it now."""
        linked = row[-self._width] if self._of == "users" else None  # the id of the user that the server has found
        link = row[self._place] if linked is None else linked
        if link in self._before or (linked is None and link in self._now):
            return (*row[: -self._width], *self._values(self._now.get(link)))
        return row

    def completed(self, table: str, corrected: dict[str, Row], rows: Iterator[Row]) -> list[Row]:
        """Return corrected rows with what is joined to them: what the server has joined if they refer to the same."""
        width = len(self._source.columns[table])
        originals = {key: row for row in rows if (key := key_of(table, row)) in corrected}
        wanted = {form for row in corrected.values() for form in forms(row[self._place])}
        others = (row for row in self._uncorrected() if key_of(self._of, row) not in self._corrected)
        there = self._now | _by_id(row for row in others if not wanted.isdisjoint(forms(row[0])))
        complete = []
        for key, row in corrected.items():
            original = originals.get(key)
            if original is not None and original[self._place] == row[self._place]:
                complete.append(self.join((*row, *original[width:])))
            else:
                complete.append((*row, *self._values(there.get(row[self._place]))))
        return complete

    def _values(self, row: Row | None) -> Row:
        """Return what a user or a release adds to the rows that refer to it."""
        if row is None:
            return (None,) * self._width
        if self._of == "users":
            return row[0], row[2] if row[2] is not None else row[1]
        named = dict(zip(self._source.columns[self._of], row, strict=False))
        return tuple(named.get(name) for name in RELEASE_OF_DOWNLOAD)


def _joined_of(source: "Source", table: str) -> _Joined | None:
    columns = list(source.columns[table])
    if column := source.user_column(table):
        return _Joined(source, "users", columns.index(column), 2)
    if table == "downloads":
        return _Joined(source, "releases", columns.index("release_id"), len(RELEASE_OF_DOWNLOAD))
    return None


def _packages_of_releases(source: "Source", ids: list[Any]) -> dict[Any, Any]:
    """Return the packages of these releases, and of the corrected ones, by the releases' ids."""
    corrected, place = source.corrections.get("releases", {}), PACKAGE_COLUMN["releases"]
    wanted = {form for one in ids for form in forms(one)}
    is_read = wanted and "releases" in source.tables
    rows = source.uncorrected(whole=True).rows("releases") if is_read else iter(())
    those = (row for row in rows if not wanted.isdisjoint(forms(row[0])) and key_of("releases", row) not in corrected)
    return {key: row[place] for key, row in (_by_id(those) | _by_id(corrected.values())).items()}


def _by_id(rows: Iterable[Row]) -> dict[Any, Row]:
    """Return rows by their ids, in each form in which a server may hold a reference to them."""
    return {form: row for row in rows for form in forms(row[0])}
