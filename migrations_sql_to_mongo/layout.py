"""The tables of the old site: names, kinds of columns, time zones, and how another site's differ.

A map file describes the differences; `map_file` reads it, and docs/migrating.md is its guide.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, tzinfo
from typing import Any, Literal
from zoneinfo import ZoneInfo

Kind = Literal["text", "integer", "date", "key", "flag", "list", "sha256", "md5"]
Scalar = str | int | float | bool

# Why a row is rejected that refers to something that is missing.
NO_SUCH = "there is no such "

# The tables in the order in which they are moved, with the kinds of their columns. Users come before packages, because
# a maintainer is kept only if the user was moved.
TABLES: dict[str, dict[str, Kind]] = {
    "licenses": {"id": "text", "created_date": "date", "description": "text"},
    "languages": {"id": "text", "created_date": "date", "description": "text"},
    "users": {
        "id": "key",
        "username": "text",  # the old site had none; others do
        "name": "text",
        "email": "text",
        "hashed_password": "text",
        "created_date": "date",
        "last_login": "date",
        "profile_image_url": "text",
    },
    "packages": {
        "id": "text",
        "created_date": "date",
        "summary": "text",
        "description": "text",
        "home_page": "text",
        "docs_url": "text",
        "package_url": "text",
        "author_name": "text",
        "author_email": "text",
        "license": "text",
    },
    "maintainers": {"user_id": "key", "package_id": "text"},
    "releases": {
        "id": "key",
        "major_ver": "integer",
        "minor_ver": "integer",
        "build_ver": "integer",
        "created_date": "date",
        "comment": "text",
        "url": "text",
        "size": "integer",
        "package_id": "text",
    },
    # The old site had one file per release, in `releases`; other sites have a separate table, which a map names.
    "files": {
        "id": "key",
        "release_id": "key",
        "filename": "text",
        "url": "text",
        "size": "integer",
        "created_date": "date",
        "package_id": "text",  # derived from the release
    },
    "downloads": {
        "id": "key",
        "created_date": "date",
        "package_id": "text",
        "release_id": "key",
        "ip_address": "text",
        "user_agent": "text",
    },
    "auditing": {"id": "text", "created_date": "date", "description": "text"},
}

# Columns that other sites may have in addition. A row has these, after those above, only if the source does.
OPTIONAL: dict[str, dict[str, Kind]] = {
    "users": {"is_active": "flag", "is_admin": "flag", "is_staff": "flag"},
    "packages": {"keywords": "list", "classifiers": "list", "requires_python": "text", "owner_id": "key"},
    "maintainers": {"is_owner": "flag"},
    "releases": {
        "version": "text",
        "filename": "text",
        "sha256": "sha256",
        "md5": "md5",
        "requires_python": "text",
        "yanked": "flag",
        "yanked_reason": "text",
    },
    "files": {"sha256": "sha256", "md5": "md5", "requires_python": "text", "yanked": "flag", "yanked_reason": "text"},
}

# Not moved itself: the administrators, if they are in another table than `users`.
ADMINISTRATORS = "administrators"
SECTIONS: dict[str, dict[str, Kind]] = {
    **{table: columns | OPTIONAL.get(table, {}) for table, columns in TABLES.items()},
    ADMINISTRATORS: {"user_id": "key"},
}

# A table without these columns is not the expected one.
REQUIRED = {
    "maintainers": ("user_id", "package_id"),
    "releases": ("id", "package_id"),
    "files": ("id", "release_id", "filename"),
    ADMINISTRATORS: ("user_id",),
}

# Which table's `id` a column contains.
LINKS: dict[tuple[str, str], str] = {
    ("packages", "owner_id"): "users",
    ("maintainers", "user_id"): "users",
    ("maintainers", "package_id"): "packages",
    ("releases", "package_id"): "packages",
    ("files", "release_id"): "releases",
    ("downloads", "package_id"): "packages",
    ("downloads", "release_id"): "releases",
    (ADMINISTRATORS, "user_id"): "users",
}

# Other names for a column, used without a map: users disabled on the old site must stay disabled.
SYNONYMS: dict[tuple[str, str], tuple[str, ...]] = {("users", "is_active"): ("active",)}

DATE_RULES = ("absent", "reject")
# The formats in which a column's values can be written, by the kind of the column.
FORMS: dict[Kind, tuple[str, ...]] = {
    "date": ("unix seconds", "unix milliseconds", "julian day", "yyyymmdd"),
    "flag": ("negated", "null", "not null"),
    "list": ("comma list", "space list", "json list"),
}


@dataclass(frozen=True)
class Taken:
    """Where the values of a column come from: columns of the source, or one value for all rows."""

    columns: tuple[str, ...] = ()  # as the map writes them, "name" or "table.name"; several are joined
    value: Scalar | None = None
    form: str | None = None  # one of FORMS
    prefix: str = ""
    equals: tuple[Scalar, ...] = ()  # a flag that is set if the column has one of these values


@dataclass(frozen=True)
class Join:
    """A join with another table, with at most one of its rows per row."""

    table: str
    pairs: tuple[tuple[str, str], ...]  # column that is there already -> column of the other table

    @property
    def text(self) -> str:
        """The join as a map writes it: "package_id -> package.id"."""
        ours, theirs = zip(*self.pairs, strict=True)
        return f"{', '.join(ours)} -> {', '.join(f'{self.table}.{name}' for name in theirs)}"


@dataclass(frozen=True)
class Section:
    """The part of a map about one table."""

    table: str
    joins: tuple[Join, ...] = ()
    where: tuple[tuple[str, Taken], ...] = ()  # rows that do not match are excluded
    newest_by: str | None = None  # of several rows with one id, take the one with the greatest value in this column
    columns: dict[str, Taken] = field(default_factory=dict)
    is_excluded: bool = False


@dataclass
class Layout:
    """How to read one source."""

    sections: dict[str, Section] = field(default_factory=dict)  # from the map, by our name of the table
    date_rules: dict[str, str] = field(default_factory=dict)  # "table.column" -> "absent" or "reject"
    timezones: dict[str, str] = field(default_factory=dict)  # "table.column", or "" for all -> name of a zone
    encoding: str | None = None  # of text that is not UTF-8
    # Of the source: columns of dates that hold moments, not times of a zone. It reads them in UTC.
    moments: set[tuple[str, str]] = field(default_factory=set)

    def section(self, table: str) -> Section:
        """Return the map of a table; without one, it has the same names as here."""
        return self.sections.get(table) or Section(table)

    def no_such(self, what: str) -> str:
        """Return why a row is rejected whose user, package or release is missing."""
        section = self.section(f"{what}s")
        is_partial = section.where or section.is_excluded
        return f"{NO_SUCH}{what}{', or the map leaves it out' if is_partial else ''}"

    def form(self, table: str, column: str) -> str | None:
        """Return how a column's values are written, or None for the usual way."""
        taken = self.section(table).columns.get(column)
        return taken.form if taken else None

    def zone(self, table: str, column: str) -> tzinfo:
        """Return the time zone of a column's naive times."""
        usual = "UTC" if (table, column) in self.moments else self.timezones.get("", "UTC")
        name = self.timezones.get(f"{table}.{column}", usual)
        return UTC if name == "UTC" else ZoneInfo(name)

    def date_rule(self, table: str, column: str) -> str:
        """Return what to do with invalid dates."""
        return self.date_rules.get(f"{table}.{column}", "absent")

    def unlike(self, kept: dict[str, Any]) -> str:
        """Return what differs from a layout in the ledger, like "map and encoding"; empty if nothing does."""
        names = {"map": "map", "date_rules": "rules for dates", "timezones": "time zones", "encoding": "encoding"}
        return " and ".join(names[key] for key, value in self.as_dict().items() if kept.get(key) != value)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as stored in the ledger: a run can only continue with the layout it started with."""
        return {
            # As text, because MongoDB treats a dot in a key as a path.
            "map": json.dumps({name: asdict(one) for name, one in self.sections.items()}, sort_keys=True, default=str),
            "date_rules": sorted(f"{column}={rule}" for column, rule in self.date_rules.items()),
            "timezones": sorted(f"{column}={zone}" for column, zone in self.timezones.items()),
            "encoding": self.encoding,
        }
