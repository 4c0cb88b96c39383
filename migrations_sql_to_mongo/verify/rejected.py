"""The rows that a move rejected: they, and no others, must be missing in the target."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from migrations_sql_to_mongo.source import Row, key_of
from migrations_sql_to_mongo.tally import HIDDEN, row_digest
from migrations_sql_to_mongo.values import as_json, shown

One = tuple[str, str, str]  # table, key, digest of the row


class Rejected:
    """Rejected rows, each of which can excuse one missing row.

    By the whole row: where ids are not unique, another row of the same id may have been kept.
    """

    def __init__(self, rejects: Iterable[dict[str, Any]], columns: Mapping[str, Iterable[str]]) -> None:
        self._columns = {table: list(names) for table, names in columns.items()}
        self._left: Counter[One] = Counter((one["table"], one["key"], one.get("digest", "")) for one in rejects)
        self._keys = {(table, key) for table, key, _ in self._left}
        self.taken: list[One] = []  # since this list was last replaced

    def take(self, table: str, row: Row) -> bool:
        """Tell whether a row was rejected; each reject stands for one row."""
        if not self._left or (table, key_of(table, row)) not in self._keys:
            return False
        one = (table, key_of(table, row), row_digest(as_json(value) for value in self._without_hash(table, row)))
        if not self._left[one]:
            return False
        self._left[one] -= 1
        self.taken.append(one)
        return True

    def _without_hash(self, table: str, row: Row) -> Iterable[Any]:
        """Return the values of a row as a reject keeps them: no password hash."""
        names = self._columns[table]
        values = row[: len(names)]
        if table != "users":
            return values
        index = names.index("hashed_password")
        return (*values[:index], HIDDEN if values[index] else values[index], *values[index + 1 :])

    def count(self, table: str, key: Any) -> int:
        """Return how many rows with this key were rejected."""
        return sum(count for one, count in self._left.items() if one[:2] == (table, shown(key)))

    def has(self, table: str, key: Any) -> bool:
        """Tell whether a row with this key was rejected."""
        return (table, shown(key)) in self._keys

    def give_back(self, those: Iterable[One]) -> None:
        """Let rows be taken once more."""
        self._left.update(those)

    def left(self) -> Iterator[tuple[str, str]]:
        """Yield table and key of each reject that no row was found for."""
        for (table, key, _), count in self._left.items():
            if count:
                yield table, key
