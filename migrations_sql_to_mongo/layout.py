"""What the old site's tables look like: names, kinds of columns, time zones; and where another site's differ.

A map file says the latter; `map_file` reads it, and docs/migrating.md is its guide.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, tzinfo
from typing import Any, Literal
from zoneinfo import ZoneInfo

Kind = Literal["text", "integer", "date", "key", "flag", "list", "sha256", "md5"]
Scalar = str | int | float | bool

# The tables in the order in which they are moved, with the kinds of their columns. Users come before packages,
# because a maintainer is kept only if the user was.
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
    # The old site kept the one file of a release in `releases`; others have a table of their own, which a map names.
    "files": {
        "id": "key",
        "release_id": "key",
        "filename": "text",
        "url": "text",
        "size": "integer",
        "created_date": "date",
        "package_id": "text",  # follows from the release
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

# What other sites have besides. A row holds these, after those above, only where the source has them.
OPTIONAL: dict[str, dict[str, Kind]] = {
    "users": {"is_active": "flag", "is_admin": "flag"},
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

# Not moved by itself: the users whom another table than `users` makes administrators.
ADMINISTRATORS = "administrators"
SECTIONS: dict[str, dict[str, Kind]] = {
    **{table: columns | OPTIONAL.get(table, {}) for table, columns in TABLES.items()},
    ADMINISTRATORS: {"user_id": "key"},
}

# A table without these is not the table that it seems to be.
REQUIRED = {
    "maintainers": ("user_id", "package_id"),
    "releases": ("id", "package_id"),
    "files": ("id", "release_id", "filename"),
    ADMINISTRATORS: ("user_id",),
}

# Which table's `id` a column holds.
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

# Other names under which a column is taken where no map names it: whom the old site had switched off must stay so.
SYNONYMS: dict[tuple[str, str], tuple[str, ...]] = {("users", "is_active"): ("active",)}

DATE_RULES = ("absent", "reject")
# How a column's values can be written, by the kind of the column.
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
    equals: tuple[Scalar, ...] = ()  # a flag that is set where the column has one of these values


@dataclass(frozen=True)
class Join:
    """Rows of another table that belong to a table's rows, at most one to each."""

    table: str
    pairs: tuple[tuple[str, str], ...]  # column that is there already -> column of the other table

    @property
    def text(self) -> str:
        """The join as a map writes it: "package_id -> package.id"."""
        ours, theirs = zip(*self.pairs, strict=True)
        return f"{', '.join(ours)} -> {', '.join(f'{self.table}.{name}' for name in theirs)}"


@dataclass(frozen=True)
class Section:
    """What a map says of one table."""

    table: str
    joins: tuple[Join, ...] = ()
    where: tuple[tuple[str, Taken], ...] = ()  # rows that do not fit are left behind
    newest_by: str | None = None  # of the rows with one id the one is taken in which this column is the greatest
    columns: dict[str, Taken] = field(default_factory=dict)
    is_excluded: bool = False


@dataclass
class Layout:
    """How to read one source."""

    sections: dict[str, Section] = field(default_factory=dict)  # of the map, by our name of the table
    date_rules: dict[str, str] = field(default_factory=dict)  # "table.column" -> "absent" or "reject"
    timezones: dict[str, str] = field(default_factory=dict)  # "table.column", or "" for all -> name of a zone
    encoding: str | None = None  # of text that is not UTF-8
    # Of the source: columns of dates that hold moments, not times of a zone. It reads them in UTC.
    moments: set[tuple[str, str]] = field(default_factory=set)

    def section(self, table: str) -> Section:
        """Return what the map says of a table: without a word about it, it is called as here."""
        return self.sections.get(table) or Section(table)

    def form(self, table: str, column: str) -> str | None:
        """Return how a column's values are written, None for the usual way."""
        taken = self.section(table).columns.get(column)
        return taken.form if taken else None

    def zone(self, table: str, column: str) -> tzinfo:
        """Return the time zone of a column's naive times."""
        usual = "UTC" if (table, column) in self.moments else self.timezones.get("", "UTC")
        name = self.timezones.get(f"{table}.{column}", usual)
        return UTC if name == "UTC" else ZoneInfo(name)

    def date_rule(self, table: str, column: str) -> str:
        """Return what happens to a date that cannot be understood."""
        return self.date_rules.get(f"{table}.{column}", "absent")

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as the ledger keeps it: a run goes on only with the layout that it began with."""
        return {
            # As text: MongoDB takes a dot in a key for a path.
            "map": json.dumps({name: asdict(one) for name, one in self.sections.items()}, sort_keys=True, default=str),
            "date_rules": sorted(f"{column}={rule}" for column, rule in self.date_rules.items()),
            "timezones": sorted(f"{column}={zone}" for column, zone in self.timezones.items()),
            "encoding": self.encoding,
        }
