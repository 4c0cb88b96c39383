"""Reads the operator's map, a TOML file that says where another site's tables and columns are.

Its guide, with an example of each key, is docs/migrating.md.

    [users]
    table = "auth_user"
    columns.hashed_password = "password"
    columns.name = ["first_name", "last_name"]

    [releases]
    table = "shop_release"
    joins = ["package_id -> shop_package.id"]
    where.is_deleted = false
    columns.package_id = "shop_package.name"
    columns.created_date = { column = "created", as = "unix seconds" }
"""

import difflib
import tomllib
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from migrations_sql_to_mongo.errors import CannotStart, one_line
from migrations_sql_to_mongo.layout import DATE_RULES, FORMS, SECTIONS, Join, Layout, Scalar, Section, Taken

SECTION_KEYS = ("table", "joins", "where", "newest_by", "columns", "exclude")
COLUMN_KEYS = ("column", "value", "as", "is", "prefix")
Toml = dict[str, Any]


def meant(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean users?", or the possible names if none is similar."""
    names = list(known)
    folded = {one.casefold(): one for one in names}
    if close := difflib.get_close_matches(name.casefold(), folded, 1):
        return f"; did you mean {folded[close[0]]}?"
    return f"; it can be {', '.join(names[:20])}" if names else ""


def read_layout(map_file: Path | None, timezones: Iterable[str], encoding: str | None) -> Layout:
    """Return the layout that the operator's options describe. Raises CannotStart for invalid ones."""
    layout = Layout(encoding=encoding)
    if map_file:
        try:
            content = tomllib.loads(map_file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CannotStart(f"--map {map_file}: {one_line(error)}") from None
        try:
            lay_over(layout, content)
        except CannotStart as error:
            raise CannotStart(f"--map {map_file}: {error.message}") from None
    for text in timezones:
        column, _, zone = text.rpartition("=")
        layout.timezones[_date_column(column, "--timezone") if column else ""] = zone
    for zone in layout.timezones.values():
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise CannotStart(f"{zone!r} is not a time zone; write, for example, Europe/Berlin") from None
    if encoding:
        try:
            b"".decode(encoding)
        except LookupError:
            raise CannotStart(f"--encoding {encoding}: Python knows no such codec") from None
    return layout


def lay_over(layout: Layout, content: Toml) -> None:
    """Apply a map to a layout. Raises CannotStart."""
    for key, value in content.items():
        if key not in (*SECTIONS, "dates", "timezones"):
            raise CannotStart(f"[{key}] is unknown{meant(key, (*SECTIONS, 'dates', 'timezones'))}")
        if not isinstance(value, dict):
            raise CannotStart(f"{key} must be a table: write [{key}]")
        if key == "dates":
            for column, rule in value.items():
                if rule not in DATE_RULES:
                    raise CannotStart(f"dates.{column} can be {' or '.join(DATE_RULES)}")
                layout.date_rules[_date_column(column, "[dates]")] = rule
        elif key == "timezones":
            layout.timezones |= {_date_column(column, "[timezones]"): str(zone) for column, zone in value.items()}
        else:
            layout.sections[key] = _section(key, value)


def _date_column(name: str, where: str) -> str:
    table, _, column = name.partition(".")
    if SECTIONS.get(table, {}).get(column) != "date":
        dates = [
            f"{table}.{each}" for table, all_of in SECTIONS.items() for each, kind in all_of.items() if kind == "date"
        ]
        raise CannotStart(f"{where}: {name!r} is not a column of dates{meant(name, dates)}")
    return name


def _section(name: str, value: Toml) -> Section:
    for key in value:
        if key not in SECTION_KEYS:
            hint = f"; write columns.{key}" if key in SECTIONS[name] else meant(key, SECTION_KEYS)
            raise CannotStart(f"[{name}] {key} is unknown{hint}")
    columns = _table(value, "columns", name)
    for column in columns:
        if column not in SECTIONS[name]:
            raise CannotStart(f"[{name}] there is no place for columns.{column}{meant(column, SECTIONS[name])}")
    where = _table(value, "where", name)
    return Section(
        table=_text(value.get("table", name), f"[{name}] table"),
        joins=tuple(_join(text, f"[{name}] joins") for text in _list(value.get("joins", []), f"[{name}] joins")),
        where=tuple(_conditions(where, f"[{name}] where")),
        newest_by=_text(value["newest_by"], f"[{name}] newest_by") if "newest_by" in value else None,
        columns={column: _taken(name, column, said) for column, said in columns.items()},
        is_excluded=_true_or_false(value.get("exclude", False), f"[{name}] exclude"),
    )


def _join(text: Any, where: str) -> Join:
    """Return the join in a text like "package_id -> package.id"."""
    example = f'{where}: write them like ["package_id -> package.id"]'
    ours, arrow, theirs = _text(text, where).partition("->")
    left = [one.strip() for one in ours.split(",")]
    right = [one.strip().rpartition(".") for one in theirs.split(",")]
    tables = {table for table, _, _ in right}
    if not arrow or len(left) != len(right) or len(tables) != 1 or not all(left) or not all(map(all, right)):
        raise CannotStart(f"{example}, not {text!r}")
    return Join(tables.pop(), tuple((one, column) for one, (_, _, column) in zip(left, right, strict=True)))


def _conditions(said: Toml, where: str, table: str = "") -> Iterator[tuple[str, Taken]]:
    for name, wanted in said.items():
        column = table + name
        if isinstance(wanted, dict) and "as" in wanted:
            if wanted not in ({"as": "null"}, {"as": "not null"}):
                raise CannotStart(f'{where}.{column} can be {{ as = "null" }} or {{ as = "not null" }}')
            yield column, Taken(form=wanted["as"])
        elif isinstance(wanted, dict):  # where.role.name = "admin" is a column of a joined table
            yield from _conditions(wanted, where, f"{column}.")
        else:
            yield column, Taken(equals=_values(wanted, f"{where}.{column}"))


def _taken(table: str, column: str, said: Any) -> Taken:
    kind, where = SECTIONS[table][column], f"[{table}] columns.{column}"
    if isinstance(said, str):
        return Taken((said,))
    if isinstance(said, list) and said:
        if kind not in ("text", "key", "flag"):
            raise CannotStart(f"{where} takes one column; several can be joined in texts, keys and flags alone")
        return Taken(tuple(_text(one, where) for one in said))
    if not isinstance(said, dict):
        raise CannotStart(
            f'{where} must name a column, like "{column}"; for one value in all rows, write {{ value = {_toml(said)} }}'
        )
    for key in said:
        if key not in COLUMN_KEYS:
            raise CannotStart(f"{where}: {key} is unknown{meant(key, COLUMN_KEYS)}")
    if ("column" in said) == ("value" in said):
        raise CannotStart(f"{where} takes either column or value")
    if "value" in said:
        if len(said) > 1:
            raise CannotStart(f"{where}: a value stands alone")
        return Taken(value=_values(said["value"], where)[0])
    form = said.get("as")
    if form is not None and form not in FORMS.get(kind, ()):
        known = FORMS.get(kind, ())
        raise CannotStart(
            f"{where}: as = {_toml(form)} is unknown{meant(str(form), known)}"
            if known
            else f"{where} takes no `as`: it is taken as it is"
        )
    if "is" in said and (kind != "flag" or form):
        raise CannotStart(f"{where}: `is` makes a flag of other values" + ("; leave out `as`" if form else ""))
    if "prefix" in said and kind != "text":
        raise CannotStart(f"{where}: a prefix goes before text alone")
    return Taken(
        (_text(said["column"], f"{where}: column"),),
        form=form,
        prefix=_text(said.get("prefix", ""), f"{where}: prefix"),
        equals=_values(said["is"], f"{where}: is") if "is" in said else (),
    )


def _values(said: Any, where: str) -> tuple[Scalar, ...]:
    values = said if isinstance(said, list) else [said]
    # A date of TOML's own.
    values = [one.isoformat() if isinstance(one, date) else one for one in values]
    if not values or not all(isinstance(one, str | int | float | bool) for one in values):
        raise CannotStart(f"{where} must be a text, a number, true or false")
    return tuple(values)


def _table(value: Toml, key: str, name: str) -> Toml:
    found = value.get(key, {})
    if not isinstance(found, dict):
        raise CannotStart(f"[{name}] {key} must be a table, like {key}.created_date = ...")
    return found


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise CannotStart(f"{where} must be a list")
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise CannotStart(f"{where} must be a text")
    return value


def _true_or_false(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise CannotStart(f"{where} must be true or false")
    return value


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)
