"""What the old site's tables look like: names, kinds of columns, time zones; and where another site's differ.

A map file is TOML. Every part of it is optional:

    [users]
    table = "auth_user"          # their name of the table
    columns.created_date = "date_joined"
    columns.hashed_password = "password"

    [downloads]
    exclude = true               # its rows are counted, and left behind

    [dates]
    "users.created_date" = "reject"   # a date that cannot be understood rejects its row; default: "absent"

    [timezones]
    "users.created_date" = "Europe/Berlin"
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from migrations_sql_to_mongo.errors import CannotStart, one_line

Kind = Literal["text", "integer", "date"]

# The tables in the order in which they are moved, with the kinds of their columns. Users come before packages,
# because a maintainer is kept only if the user was.
TABLES: dict[str, dict[str, Kind]] = {
    "licenses": {"id": "text", "created_date": "date", "description": "text"},
    "languages": {"id": "text", "created_date": "date", "description": "text"},
    "users": {
        "id": "integer",
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
    "maintainers": {"user_id": "integer", "package_id": "text"},
    "releases": {
        "id": "integer",
        "major_ver": "integer",
        "minor_ver": "integer",
        "build_ver": "integer",
        "created_date": "date",
        "comment": "text",
        "url": "text",
        "size": "integer",
        "package_id": "text",
    },
    "downloads": {
        "id": "integer",
        "created_date": "date",
        "package_id": "text",
        "release_id": "integer",
        "ip_address": "text",
        "user_agent": "text",
    },
    "auditing": {"id": "text", "created_date": "date", "description": "text"},
}

# A table without these is not the table that it seems to be.
REQUIRED = {
    "maintainers": ("user_id", "package_id"),
    "releases": ("id", "package_id"),
}

DATE_RULES = ("absent", "reject")


@dataclass
class Layout:
    """How to read one source."""

    tables: dict[str, str] = field(default_factory=lambda: {name: name for name in TABLES})
    columns: dict[str, dict[str, str]] = field(default_factory=dict)  # table -> our name -> their name
    excluded: set[str] = field(default_factory=set)
    date_rules: dict[str, str] = field(default_factory=dict)  # "table.column" -> "absent" or "reject"
    timezones: dict[str, str] = field(default_factory=dict)  # "table.column", or "" for all -> name of a zone
    encoding: str | None = None  # of text that is not UTF-8

    def column(self, table: str, name: str) -> str:
        """Return the name that a column has in the source."""
        return self.columns.get(table, {}).get(name, name)

    def zone(self, table: str, column: str) -> tzinfo:
        """Return the time zone of a column's naive times."""
        name = self.timezones.get(f"{table}.{column}") or self.timezones.get("", "UTC")
        return UTC if name == "UTC" else ZoneInfo(name)

    def date_rule(self, table: str, column: str) -> str:
        """Return what happens to a date that cannot be understood."""
        return self.date_rules.get(f"{table}.{column}", "absent")

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as the ledger keeps it: a run goes on only with the layout that it began with."""
        return {
            "tables": {name: theirs for name, theirs in self.tables.items() if name != theirs},
            "columns": self.columns,
            "excluded": sorted(self.excluded),
            # MongoDB takes a dot in a key for a path.
            "date_rules": sorted(f"{column}={rule}" for column, rule in self.date_rules.items()),
            "timezones": sorted(f"{column}={zone}" for column, zone in self.timezones.items()),
            "encoding": self.encoding,
        }


def read_layout(map_file: Path | None, timezones: Iterable[str], encoding: str | None) -> Layout:
    """Return the layout that the operator's options describe. Raises CannotStart for what makes no sense."""
    layout = Layout(encoding=encoding)
    if map_file:
        try:
            content = tomllib.loads(map_file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CannotStart(f"--map {map_file}: {one_line(error)}") from None
        for key, value in content.items():
            if not isinstance(value, dict):
                raise CannotStart(f"--map {map_file}: {key} must be a table")
            _lay_over(layout, key, value, f"--map {map_file}")
    for text in timezones:
        column, _, zone = text.rpartition("=")
        layout.timezones[_date_column(column, "--timezone") if column else ""] = zone
    for zone in layout.timezones.values():
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise CannotStart(f"{zone!r} is no time zone; one is called, for example, Europe/Berlin") from None
    if encoding:
        try:
            b"".decode(encoding)
        except LookupError:
            raise CannotStart(f"--encoding {encoding}: Python knows no such codec") from None
    return layout


def _lay_over(layout: Layout, key: str, value: dict[str, Any], where: str) -> None:
    if key == "dates":
        for column, rule in value.items():
            if rule not in DATE_RULES:
                raise CannotStart(f"{where}: dates.{column} can be {' or '.join(DATE_RULES)}")
            layout.date_rules[_date_column(column, where)] = rule
    elif key == "timezones":
        layout.timezones |= {_date_column(column, where): str(zone) for column, zone in value.items()}
    elif key in TABLES:
        columns = value.get("columns", {})
        unknown = {*value} - {"table", "columns", "exclude"} | {*columns} - {*TABLES[key]}
        if unknown:
            raise CannotStart(f"{where}: [{key}] has no place for {', '.join(sorted(unknown))}")
        layout.tables[key] = str(value.get("table", key))
        layout.columns[key] = {ours: str(theirs) for ours, theirs in columns.items()}
        if value.get("exclude"):
            layout.excluded.add(key)
    else:
        raise CannotStart(f"{where}: there is no table {key}; it can be {', '.join(TABLES)}, dates, timezones")


def _date_column(name: str, where: str) -> str:
    table, _, column = name.partition(".")
    if TABLES.get(table, {}).get(column) != "date":
        raise CannotStart(f"{where}: {name!r} is no column of dates; one is called, for example, users.created_date")
    return name
