"""`rejects replay`: read rejected rows that the operator has corrected in the rejects file.

A catch-up then writes what they change. From then on a corrected row replaces the source's, also for `verify`.
"""

import json
import re
from pathlib import Path
from typing import Any

import bson

from migrations_sql_to_mongo.corrections import AT_A_TIME
from migrations_sql_to_mongo.errors import CannotStart, one_line
from migrations_sql_to_mongo.layout import TABLES
from migrations_sql_to_mongo.ledger import Entry
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.swap import corrected_collection, rejects_collection
from migrations_sql_to_mongo.tally import HIDDEN, row_digest
from migrations_sql_to_mongo.target import Target


def read_lines(file: Path, source: Source) -> list[dict[str, Any]]:
    """Return the lines of a rejects file. Raises CannotStart for anything else."""
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]
    except (OSError, ValueError, RecursionError) as error:
        raise CannotStart(f"{file}: {one_line(error)}") from None
    for number, line in enumerate(lines, start=1):
        if why := _what_is_wrong(line, source):
            raise CannotStart(f"{file}, line {number}: {why}")
    return lines


def corrected_rows(lines: list[dict[str, Any]], source: Source, target: Target, entry: Entry) -> list[dict[str, Any]]:
    """Return the corrected rows of a rejects file as they are stored with a run. `entry` is the last one.

    Rows that are as they were rejected are left out. Raises CannotStart if all are, and for rows that the run has
    neither rejected nor had corrected.
    """
    stored = target.db[corrected_collection(entry["_id"])].find()
    corrected = {(one["table"], one["key"], one["digest"]): one for one in stored}
    rejects = _rejects(lines, target, entry)
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        table, row = line["table"], line["row"]
        reject = rejects.get((table, line["key"], line["digest"]))
        # The reject of a correction is not about the source's row.
        corrects = (reject or line).get("corrects") or line
        of = corrected.get((table, corrects["key"], corrects["digest"]))
        if of is None and corrects is line:
            of = reject
        if of is None:
            why = f"is not a rejected row of run {entry['_id']}, or has changed since"
            raise CannotStart(f"{table} {line['key']} {why}")
        if row_digest(row[name] for name in source.columns[table]) == line["digest"]:
            continue
        if corrects is not line and row.get("hashed_password") == HIDDEN:
            row = {**row, "hashed_password": of["row"]["hashed_password"]}
        kept = {"_id": f"{table}/{of['key']}", "table": table, "key": of["key"], "row": row, "digest": of["digest"]}
        if found.setdefault(kept["_id"], kept) != kept:
            raise CannotStart(f"{table} {of['key']} is in the file twice, corrected differently")
    if lines and not found:
        raise CannotStart("no row in the file has been corrected: all are as they were rejected")
    return [*found.values()]


def _rejects(lines: list[dict[str, Any]], target: Target, entry: Entry) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return the rejects of a run that have the keys of some lines, by table, key and digest."""
    rejects = target.db[rejects_collection(entry["_id"])]
    found = {}
    for start in range(0, len(lines), AT_A_TIME):
        keys = [line["key"] for line in lines[start : start + AT_A_TIME]]
        for one in rejects.find({"key": {"$in": keys}}, {"table": 1, "key": 1, "digest": 1, "corrects": 1}):
            found[one["table"], one["key"], one["digest"]] = one
    return found


def _what_is_wrong(line: Any, source: Source) -> str | None:
    """Return why something is not the line of a rejected row of this source; None if it is."""
    names = {"table": str, "key": str, "digest": str, "row": dict}
    if not isinstance(line, dict) or not all(isinstance(line.get(name), kind) for name, kind in names.items()):
        return "this is not a line of a rejects file"
    table, row = line["table"], line["row"]
    corrects = line.get("corrects", {"key": "", "digest": ""})
    if table not in TABLES or not all(map(_is_value, row.values())) or not _is_replaced(corrects):
        return "this is not a line of a rejects file"
    try:
        bson.encode(row)
    except (bson.errors.InvalidDocument, OverflowError, UnicodeEncodeError) as error:
        return f"MongoDB cannot store this row: {one_line(error)}"
    if line.get("is_cut"):
        return "the row is cut; `plan --report FOLDER` writes it whole"
    columns = source.columns.get(table, {})
    if unknown := {*row} ^ {*columns}:
        return f"the row has too many or too few values: {', '.join(sorted(unknown))}"
    lists = (name for name, value in row.items() if isinstance(value, list) and columns[name] != "list")
    return next((f"{name} cannot be a list" for name in lists), None)


def _is_value(value: Any) -> bool:
    """Tell whether this is a value as `as_json` makes them."""
    if isinstance(value, list):
        return all(map(_is_value, value))
    if isinstance(value, dict):
        return {*value} == {"hex"} and re.fullmatch(r"(?:[0-9a-fA-F]{2})*", str(value["hex"])) is not None
    return value is None or isinstance(value, str | int | float)


def _is_replaced(value: Any) -> bool:
    """Tell whether this names a row of the source, as `Corrected.replaced` does."""
    return isinstance(value, dict) and all(isinstance(value.get(name), str) for name in ("key", "digest"))
