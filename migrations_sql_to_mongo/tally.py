"""The account of a migration: every row that was read is migrated, rejected or excluded."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from migrations_sql_to_mongo.errors import Stopped
from migrations_sql_to_mongo.values import as_json, shown
from webapp.rules.texts import counted

EXAMPLES = 3
USUAL_SHARE = 5  # percentage of a table that may be rejected
# Characters of a rejected row that are kept in MongoDB as they are; of a longer row's values, so many.
KEPT_WHOLE, CUT_AT = 100_000, 1_000
LARGE_SHOWN = 20
HIDDEN = "(hidden)"  # replaces a password hash in what people read


@dataclass
class Counted:
    """How often something occurred, and its first examples."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, example: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(example)


@dataclass
class TableTally:
    """The account of one table."""

    found: int = 0  # what COUNT(*) said
    read: int = 0
    migrated: int = 0
    rejected: int = 0
    excluded: int = 0
    reasons: dict[str, Counted] = field(default_factory=dict)  # of rejections
    remarks: dict[str, Counted] = field(default_factory=dict)  # of rules that were applied

    @property
    def is_large(self) -> bool:
        """Whether a single row is at most USUAL_SHARE percent of the table."""
        return self.read - self.excluded >= 100 / USUAL_SHARE

    @property
    def usual_reason(self) -> str:
        """The reason for most of its rejections."""
        return max(self.reasons, key=lambda text: self.reasons[text].count, default="")

    def remark(self, text: str, example: str) -> None:
        """Count a row, or a value, to which a rule was applied."""
        self.remarks.setdefault(text, Counted()).add(example)


@dataclass
class Large:
    """A document near the size limit, or beyond it."""

    name: str
    size_bytes: int


@dataclass
class Tally:
    """The account of all tables, and of the resulting documents."""

    tables: dict[str, TableTally] = field(default_factory=dict)
    documents: dict[str, int] = field(default_factory=dict)  # collection -> documents
    size_bytes: dict[str, int] = field(default_factory=dict)  # collection -> bytes of BSON
    large: list[Large] = field(default_factory=list)
    descriptions: int = 0  # that are to be rendered

    def table(self, name: str) -> TableTally:
        """Return the account of a table."""
        found = self.tables.get(name)
        if found is None:
            found = self.tables[name] = TableTally()
        return found

    def add_document(self, collection: str, encoded: bytes) -> None:
        """Count one document."""
        self.documents[collection] = self.documents.get(collection, 0) + 1
        self.size_bytes[collection] = self.size_bytes.get(collection, 0) + len(encoded)

    def add_large(self, name: str, size_bytes: int) -> None:
        """Record a document near the size limit or beyond it."""
        self.large = sorted([*self.large, Large(name, size_bytes)], key=lambda one: -one.size_bytes)[:LARGE_SHOWN]

    @property
    def rejected(self) -> int:
        """Rows that were rejected, in all tables."""
        return sum(table.rejected for table in self.tables.values())

    @property
    def rows(self) -> int:
        """Rows that were read, in all tables."""
        return sum(table.read for table in self.tables.values())

    def past_share(self, percent: float | None) -> str | None:
        """Return which tables lost more than this share of their rows, with the most common reason; None if none did.

        By default the share is USUAL_SHARE. A table so small that one row is more than that must have lost all of its
        rows, and more than one.
        """
        share = USUAL_SHARE if percent is None else percent
        found = {
            name: table
            for name, table in self.tables.items()
            if table.rejected * 100 > share * (table.read - table.excluded)
            and (percent is not None or table.is_large or table.rejected == table.read - table.excluded > 1)
        }
        if not found:
            return None
        lost = ", ".join(
            f"{table.rejected:,} of {counted(table.read - table.excluded, name)} ({table.usual_reason})"
            for name, table in found.items()
        )
        allowed = f"at most {share:g} % are allowed"
        if percent is None and not all(table.is_large for table in found.values()):
            allowed += ", and of fewer than 20 rows all but one"
        return f"too many rows are rejected: {lost}; {allowed}"

    def check(self) -> None:
        """Raise Stopped unless every row in the source is accounted for."""
        for name, table in self.tables.items():
            if not table.found == table.read == table.migrated + table.rejected + table.excluded:
                raise Stopped(
                    f"{name}: {counted(table.found, 'rows')} found, {table.read} read, but {table.migrated} migrated, "
                    f"{table.rejected} rejected and {table.excluded} excluded; nothing was swapped in"
                )

    def as_dict(self) -> dict[str, Any]:
        """Return everything in a form for JSON and BSON."""
        plain = asdict(self)
        for table in plain["tables"].values():
            for kind in ("reasons", "remarks"):
                table[kind] = [{"text": text, **counted} for text, counted in table[kind].items()]
        return plain

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> "Tally":
        """Return the tally from which `as_dict` was made."""

        def counted(those: list[dict[str, Any]]) -> dict[str, Counted]:
            return {one["text"]: Counted(one["count"], one["examples"]) for one in those}

        tables = {
            name: TableTally(**table | {kind: counted(table[kind]) for kind in ("reasons", "remarks")})
            for name, table in kept["tables"].items()
        }
        return cls(**kept | {"tables": tables, "large": [Large(**one) for one in kept["large"]]})


@dataclass(frozen=True)
class Reject:
    """A row that cannot become a document."""

    table: str
    number: int  # of the rejects of its table
    key: str
    reason: str
    row: dict[str, Any]
    detail: str = ""  # the value at fault
    corrects: dict[str, str] | None = None  # the key and the digest of the source's row, if this is a correction

    def as_dict(self) -> dict[str, Any]:
        """Return it for a report's file: the complete row, without password hashes."""
        row = without_secrets(self.row)
        number = f"{self.table}/{self.number:09d}"
        return {
            "_id": number,
            "table": self.table,
            "key": self.key,
            "reason": self.reason,
            "digest": row_digest(row.values()),
            **({} if self.corrects is None else {"corrects": self.corrects}),
            "row": row,
        }

    @property
    def example(self) -> str:
        """The row in a few words."""
        if self.row.get("id", self.key) is None:
            values = (
                f"{name} {shown(value)}" for name, value in without_secrets(self.row).items() if value is not None
            )
            return next(values, "a row of NULLs")
        return shown(f"{self.key}: {self.detail}" if self.detail else self.key)


def without_secrets(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as JSON holds it, with HIDDEN in the place of a password hash."""
    shown_row = {name: as_json(value) for name, value in row.items()}
    if shown_row.get("hashed_password"):
        shown_row["hashed_password"] = HIDDEN
    return shown_row


def row_digest(values: Iterable[Any]) -> str:
    """Return what identifies a row, from its values as in JSON."""
    return hashlib.blake2b(json.dumps(list(values), default=str).encode(), digest_size=16).hexdigest()


def cut(reject: dict[str, Any]) -> dict[str, Any]:
    """Return a reject with long values cut, because MongoDB accepts no document of more than 16 MB."""
    if sum(len(str(value)) for value in reject["row"].values()) <= KEPT_WHOLE:
        return reject
    row = {name: _cut_value(value) for name, value in reject["row"].items()}
    return {**reject, "row": row, "is_cut": True}


def _cut_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _cut_value(one) for name, one in value.items()}
    if isinstance(value, list) and len(str(value)) > CUT_AT:
        return f"{str(value)[:CUT_AT]}..."
    return f"{value[:CUT_AT]}..." if isinstance(value, str) and len(value) > CUT_AT else value
