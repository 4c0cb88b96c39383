"""What the comparisons of all tables share: both sides, the findings, and the reading of single values."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

import bson

from migrations_sql_to_mongo.digests import RENDERED_FIELDS, is_digest
from migrations_sql_to_mongo.layout import OPTIONAL, TABLES
from migrations_sql_to_mongo.progress import Progress
from migrations_sql_to_mongo.rows import Row, key_of
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.target import READ, Target, bson_id, decoded
from migrations_sql_to_mongo.values import as_json, shown
from migrations_sql_to_mongo.verify.conversions import id_of_key, moment_in_form
from migrations_sql_to_mongo.verify.encoding import Wanted, differences, tail
from migrations_sql_to_mongo.verify.findings import Expected, Verification
from migrations_sql_to_mongo.verify.rejected import Rejected
from migrations_sql_to_mongo.verify.rules import in_utc, moment, name_of
from webapp.rules.texts import counted


@dataclass(frozen=True)
class Behind:
    """What stands behind the documents that are to be looked at: what an earlier move wrote, and did not change."""

    names: dict[str, str]  # table -> collection
    digest: Callable[[str, Any], bytes | None]  # of the document that was moved, by table and `_id`


class Context:
    """One comparison of a source with a target."""

    def __init__(
        self,
        source: Source,
        target: Target,
        names: dict[str, str],
        rejects: str,
        progress: Progress,
        only: dict[str, set[Any]] | None = None,
        behind: Behind | None = None,
    ) -> None:
        self.source, self.target, self.names, self.progress = source, target, names, progress
        self.found = Verification()
        # A few at a time: the server sends 16 MB otherwise, which are 100 MB here.
        keys = target.db[rejects].find({}, {"table": 1, "key": 1, "digest": 1}, batch_size=READ)
        self.rejected = Rejected(keys, source.columns)
        self._only, self._behind = only, behind
        self.licenses: set[str] = set()  # ids of the old table
        dates = [
            (table, column) for table, columns in TABLES.items() for column, kind in columns.items() if kind == "date"
        ]
        # table -> place, name, kind and form of each column that only some sites have
        self.optional = {
            table: [
                (place, name, kind, source.layout.form(table, name))
                for place, (name, kind) in enumerate(source.columns.get(table, {}).items())
                if name in columns
            ]
            for table, columns in OPTIONAL.items()
        }
        self._zones = {where: source.layout.zone(*where) for where in dates}
        self._forms = {where: source.layout.form(*where) for where in dates}

    # Reading

    def chosen(self, table: str, rows: Iterator[Row], column: int = 0) -> Iterator[Row]:
        """Yield the rows to compare. `column` holds the id of a document of `table`."""
        if self._only is None or self._behind:
            return rows
        wanted = self._only.get(table, set())
        return (row for row in rows if self.id_of(table, row[column]) in wanted)

    def read_licenses(self) -> None:
        """Read the licences that packages may have: those that were migrated."""
        if "licenses" in self.source.tables:
            rows = Counter(row[0] for row in self.source.ids("licenses"))
            self.licenses = {one for one, count in rows.items() if count > self.rejected.count("licenses", one)}

    def documents(self, table: str, ids: list[Any]) -> dict[Any, bytes]:
        """Return the stored documents of a table with these ids."""
        found = self._found(self.names[table], ids)
        if self._behind:
            found |= self._found(self._behind.names[table], [one for one in ids if not self._is_chosen(table, one)])
        return found

    def _found(self, collection: str, ids: list[Any]) -> dict[Any, bytes]:
        found = self.target.raw_documents(collection, {"_id": {"$in": ids}})
        return {bson_id(document): document for document in found}

    def _is_chosen(self, table: str, document_id: Any) -> bool:
        return self._only is not None and document_id in self._only.get(table, ())

    def is_edited(self, table: str, document_id: Any, document: bytes | None) -> bool:
        """Tell whether somebody has changed a document on the site since it was migrated, and count it if so."""
        if self._behind is None or self._is_chosen(table, document_id):
            return False
        was = self._behind.digest(table, document_id)
        if was is None or (document is not None and is_digest(was, table, document)):
            return False
        self.found.edited += 1
        return True

    def id_of(self, table: str, key: Any) -> Any:
        """Return the `_id` for a key, or None if it has none."""
        if table == "packages":
            return name_of(key)
        try:
            if TABLES[table]["id"] == "text":
                text = self.text(key)
                return text if text is None or text.encode() is not None else None
            return id_of_key(self.text, key)
        except ValueError:
            return None

    def text(self, value: Any) -> str | None:
        """Return the expected text of a value. Raises ValueError for anything that is not text."""
        if value is None or type(value) is str:
            return value
        if isinstance(value, bytes | bytearray | memoryview):
            try:
                return bytes(value).decode()
            except UnicodeDecodeError:
                return bytes(value).decode(self.source.layout.encoding or "utf-8")
        raise ValueError(f"{type(value).__name__} is not text")  # the value may be a password hash

    def is_usual_date(self, table: str, column: str) -> bool:
        """Tell whether a column's dates are written in the usual way and in UTC."""
        return self._zones[table, column] is UTC and self._forms[table, column] is None

    def date(self, table: str, column: str, value: Any, odd: Expected | None = None) -> datetime | None:
        """Return a date, naive and in UTC. An invalid one goes into `odd`, or its row must have been rejected."""
        if value is None:
            return None
        original = value
        try:
            zone = self._zones[table, column]
            if form := self._forms[table, column]:
                value = moment_in_form(value, form)
                if isinstance(value, datetime):
                    return value
            when = _usual_date(value, zone) or moment(value, zone)
        except (ValueError, OverflowError):
            if self.source.layout.date_rule(table, column) == "reject":
                raise ValueError(f"{shown(value)} is not a date") from None
            if odd is not None:
                odd[column] = as_json(original)
            return None
        if when.microsecond % 1000:
            self.found.lost_microseconds += 1
        return when

    # Comparing

    def compare(self, table: str, key: Any, wanted: Wanted | ValueError, document: bytes) -> bool:
        """Compare a stored document with the expected one, name the fields that differ, and tell whether none does."""
        if isinstance(wanted, Wanted) and not wanted.needs_html and wanted.encoded == document:
            return True
        where = f"{table} {shown(key)}"
        if isinstance(wanted, ValueError):
            self.found.differs(f"{where}: is in the target, but should have been rejected: {wanted}")
            return False
        encoded, needs_html = wanted
        added = tail(encoded, document) if needs_html else None
        if added is not None and {*added} <= {*RENDERED_FIELDS} and "description_renderer" in added:
            return True
        stored = decoded(document)
        if needs_html and "description_renderer" not in stored:
            self.found.differs(f"{where}: description_html is missing")
        for name in RENDERED_FIELDS if needs_html else ():
            stored.pop(name, None)
        for text in differences(bson.decode(encoded), stored, ""):
            self.found.differs(f"{where}: {text}")
        return False

    def must_be_rejected(self, table: str, row: Row, why: str) -> None:
        """Note a difference for a row that is missing in the target, unless it was rejected."""
        if not self.rejected.take(table, row):
            self.found.differs(f"{table} {key_of(table, row)}: {why}, and was not rejected")

    def look_for_extra(self, table: str, matched: int) -> None:
        """Name the documents that come from no row."""
        if self._behind:
            return  # those that no move wrote are none of its business, and what is gone from the source is chosen
        collection = self.target.db[self.names[table]]
        count = collection.count_documents({})
        if count == matched:
            return
        known = {self.id_of(table, row[0]) for row in self.source.ids(table)} if table in self.source.tables else set()
        extra = [one["_id"] for one in collection.find({}, {"_id": 1}) if one["_id"] not in known]
        for document_id in extra:
            self.found.differs(f"{table} {document_id}: in the target, but not in the source")
        if not extra:
            self.found.differs(f"{table}: {counted(matched, 'rows')} lead to {counted(count, 'documents')}")

    def count(self, table: str, total: int, more: int = 1) -> None:
        """Count compared rows."""
        seen = self.found.rows[table] = self.found.rows.get(table, 0) + more
        if seen % 5000 == 0 or seen >= total:
            self.progress.update(f"verifying {table}", seen, total)

    def finish(self) -> None:
        """Check what can only be known after all rows were read."""
        if self._only is not None:
            return
        for table in self.source.tables:
            seen, there = self.found.rows.get(table, 0), self.source.count(table)
            if seen != there:
                self.found.differs(f"{table}: rows in the source: {there:,}, compared: {seen:,}")
        for table, key in self.rejected.left():
            if table in self.source.tables:
                self.found.differs(f"{table} {key}: was rejected, but it is in the target, or no longer in the source")


def _usual_date(value: Any, zone: tzinfo) -> datetime | None:
    """Return a date in the most common form of ISO text, naive and in UTC; None for any other form."""
    if type(value) is not str or value[4:5] != "-":
        return None
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        return None
    return when if when.tzinfo is None and zone is UTC else in_utc(when, zone)
