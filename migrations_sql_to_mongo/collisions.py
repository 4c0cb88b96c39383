"""Find keys that several rows have but only one may have."""

import sqlite3
from typing import Any


class Collisions:
    """Finds duplicate keys. They are stored in a temporary file, so that little memory is used."""

    def __init__(self) -> None:
        self._file = sqlite3.connect("")  # a temporary file that SQLite removes
        self._file.execute("CREATE TABLE seen (key BLOB, id)")
        self._waiting: list[tuple[bytes, Any]] = []

    def add(self, key: str, row_id: Any) -> None:
        """Add a row's key; empty ones do not count."""
        if key:
            # As bytes, because text in the source may not be UTF-8.
            self._waiting.append((key.encode("utf-8", "surrogateescape"), row_id))
            if len(self._waiting) >= 10_000:
                self._write()

    def found(self) -> list[tuple[str, list[Any]]]:
        """Return each duplicate key, with the ids of its rows in order."""
        self._write()
        self._file.execute("CREATE INDEX by_key ON seen (key)")
        shared = self._file.execute(
            "SELECT key, id FROM seen WHERE key IN (SELECT key FROM seen GROUP BY key HAVING count(*) > 1) "
            "ORDER BY rowid"
        )
        ids: dict[str, list[Any]] = {}
        for key, row_id in shared:
            ids.setdefault(key.decode("utf-8", "surrogateescape"), []).append(row_id)
        self._file.close()
        return list(ids.items())

    def _write(self) -> None:
        self._file.executemany("INSERT INTO seen VALUES (?, ?)", self._waiting)
        self._waiting.clear()
