"""Group the rows of each package, read from several tables in parallel, in the order of the packages."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from migrations_sql_to_mongo import mapping
from migrations_sql_to_mongo.errors import BadValue
from migrations_sql_to_mongo.mapping import Document
from migrations_sql_to_mongo.row_reader import RowReader, Values
from migrations_sql_to_mongo.rows import Row, position
from migrations_sql_to_mongo.spool import KEPT, Spool

Rows = list[Row] | Spool[Row]


class Side:
    """Rows in the order of their packages' ids, read package by package."""

    def __init__(self, rows: Iterator[Row], column: int) -> None:
        self._rows, self._column = rows, column
        self._row = next(rows, None)

    def of(self, key: Any) -> Rows:
        """Return the rows of this package; those before it must have been read."""
        found: Rows = []
        row, column, rows = self._row, self._column, self._rows
        while row is not None and row[column] == key:
            if len(found) == KEPT:
                found = Spool(map(tuple, found))
            found.append(row)
            row = next(rows, None)
        self._row = row
        return found

    def before(self, key: Any) -> Iterator[Row]:
        """Yield the rows before this package, which belong to no package."""
        while self._row is not None and self._row[self._column] != key:
            if position(self._row[self._column]) > position(key):
                return
            row, self._row = self._row, next(self._rows, None)
            yield row

    def rest(self) -> Iterator[Row]:
        """Yield all remaining rows."""
        while self._row is not None:
            row, self._row = self._row, next(self._rows, None)
            yield row


@dataclass
class Attempt:
    """The results for the rows of one package, until it is certain that the package is kept."""

    rejects: Spool[tuple[str, Row, str]] = field(default_factory=Spool)
    remarks: list[tuple[str, Row, Values]] = field(default_factory=list)


class Group(NamedTuple):
    """A package's row and the rows that belong to it."""

    package: Row
    releases: Rows
    maintainers: Rows
    files: Rows

    @property
    def children(self) -> tuple[tuple[str, Rows], ...]:
        """The rows that belong to it, by their tables."""
        return ("releases", self.releases), ("maintainers", self.maintainers), ("files", self.files)

    @property
    def is_large(self) -> bool:
        """Whether there are so many rows that they are not all in memory."""
        return any(isinstance(rows, Spool) for _, rows in self.children)


class FilesOfPackage:
    """The rows of `files` of one package, read release by release."""

    def __init__(self, rows: Rows, reader: RowReader, attempt: Attempt) -> None:
        self._reader, self._attempt = reader, attempt
        self._rows: dict[Any, list[Row]] = {}
        for row in rows:
            self._rows.setdefault(row[1], []).append(row)

    def of(self, release_id: Any, *, careful: bool) -> tuple[list[Document], list[Document]]:
        """Return the files of a release, and what is invalid about them.

        Rows that cannot be files are rejected.
        """
        found: dict[str, Document] = {}
        odd: list[Document] = []
        for row in self._rows.pop(release_id, ()):
            try:
                values = self._reader.read(row, careful=careful)
                document = mapping.file_document(values)
                if document["filename"] in found:
                    raise BadValue("filename occurs twice in its release")
            except BadValue as error:
                self._attempt.rejects.append(("files", row, str(error)))
                continue
            found[document["filename"]] = document
            if values.odd:
                odd.append({"filename": document["filename"], **values.odd})
            if values.remarks:
                self._attempt.remarks.append(("files", row, values))
        return list(found.values()), odd

    def reject(self, release_id: Any, reason: str) -> None:
        """Reject the files of a release."""
        for row in self._rows.pop(release_id, ()):
            self._attempt.rejects.append(("files", row, reason))

    def reject_others(self, reason: str) -> None:
        """Reject the files of missing releases."""
        for release_id in [*self._rows]:
            self.reject(release_id, reason)
