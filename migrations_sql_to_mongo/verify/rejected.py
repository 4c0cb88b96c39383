"""The rows that the migration rejected: these, and no others, must be missing in the target."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from migrations_sql_to_mongo.rows import Row, key_of
from migrations_sql_to_mongo.tally import HIDDEN, row_digest
from migrations_sql_to_mongo.values import as_json, shown

One = tuple[str, str, str]  # table, key, digest of the row

_MORE = "INSERT INTO rejected VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1"
_LESS = "UPDATE rejected SET count = count - 1 WHERE name = ? AND key = ? AND digest = ? AND count > 0"


class Rejected:
    """Rejected rows, each of which can excuse one missing row.

    Whole rows are compared, because another row with the same id may have been kept. They are stored in a temporary
    file, so that little memory is used.
    """

    def __init__(self, rejects: Iterable[dict[str, Any]], columns: Mapping[str, Iterable[str]]) -> None:
        self._columns = {table: list(names) for table, names in columns.items()}
        self._file = sqlite3.connect("")  # a temporary file that SQLite removes
        self._file.execute(
            "CREATE TABLE rejected (name TEXT, key TEXT, digest TEXT, count INTEGER, "
            "PRIMARY KEY (name, key, digest)) WITHOUT ROWID"
        )
        self._file.executemany(_MORE, ((one["table"], one["key"], one.get("digest", "")) for one in rejects))
        self.has_any = self._file.execute("SELECT 1 FROM rejected LIMIT 1").fetchone() is not None
        self.taken: list[One] | None = None  # if it is a list, what is taken is added

    def take(self, table: str, row: Row) -> bool:
        """Tell whether a row was rejected. Each reject counts once."""
        if not self.has_any or not self._has(table, key_of(table, row)):
            return False
        one = (table, key_of(table, row), row_digest(as_json(value) for value in self._without_hash(table, row)))
        if not self._file.execute(_LESS, one).rowcount:
            return False
        if self.taken is not None:
            self.taken.append(one)
        return True

    def _without_hash(self, table: str, row: Row) -> Iterable[Any]:
        """Return the values of a row as stored in a reject: without the password hash."""
        names = self._columns[table]
        values = row[: len(names)]
        if table != "users":
            return values
        index = names.index("hashed_password")
        return (*values[:index], HIDDEN if values[index] else values[index], *values[index + 1 :])

    def count(self, table: str, key: Any) -> int:
        """Return how many rows with this key were rejected."""
        found = self._file.execute("SELECT sum(count) FROM rejected WHERE name = ? AND key = ?", (table, shown(key)))
        return found.fetchone()[0] or 0

    def has(self, table: str, key: Any) -> bool:
        """Tell whether a row with this key was rejected."""
        return self.has_any and self._has(table, shown(key))

    def _has(self, table: str, key: str) -> bool:
        found = self._file.execute("SELECT 1 FROM rejected WHERE name = ? AND key = ? LIMIT 1", (table, key))
        return found.fetchone() is not None

    def keys(self, table: str) -> list[str]:
        """Return the keys of all rejected rows of a table."""
        return [key for (key,) in self._file.execute("SELECT key FROM rejected WHERE name = ?", (table,))]

    def left(self) -> Iterator[tuple[str, str]]:
        """Yield the table and key of each reject for which no row was found."""
        yield from self._file.execute("SELECT name, key FROM rejected WHERE count > 0 ORDER BY name, key")
