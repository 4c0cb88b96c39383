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
from migrations_sql_to_mongo.tally import row_digest
from migrations_sql_to_mongo.target import Target


def corrected_rows(file: Path, source: Source, target: Target, entry: Entry) -> list[dict[str, Any]]:
    """Return the corrected rows of a rejects file, as they are stored with a run. `entry` is the last one.

    Raises CannotStart for anything else, and for rows that this run has neither rejected nor had corrected.
    """
    lines = _lines(file)
    _check_columns(file, lines, source)
    corrected = list(target.db[corrected_collection(entry["_id"])].find())
    by_row = {(one["table"], row_digest(one["row"].values())): one for one in corrected}
    by_name = {one["_id"]: one for one in corrected}
    rejects = _rejects(lines, target, entry)
    found = []
    for number, line in enumerate(lines, start=1):
        table, key = line["table"], line["key"]
        digest: str = line["digest"]
        # The reject of a second correction is about the first one, which may have changed the key, not about the
        # source's row.
        of = by_row.get((table, digest)) or by_name.get(_name(table, key)) or rejects.get((table, key, digest))
        if of is None:
            why = f"is not a rejected row of run {entry['_id']}, or has changed since"
            raise CannotStart(f"{file}, line {number}: {table} {key} {why}")
        row = {"table": table, "key": of["key"], "row": line["row"], "digest": of["digest"]}
        found.append({"_id": _name(table, of["key"]), **row})
    return found


def _name(table: str, key: str) -> str:
    return f"{table}/{key}"


def _rejects(lines: list[dict[str, Any]], target: Target, entry: Entry) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return the rejects of a run that have the keys of some lines, by table, key and digest."""
    rejects = target.db[rejects_collection(entry["_id"])]
    found = {}
    for start in range(0, len(lines), AT_A_TIME):
        keys = [line["key"] for line in lines[start : start + AT_A_TIME]]
        for one in rejects.find({"key": {"$in": keys}}, {"table": 1, "key": 1, "digest": 1}):
            found[one["table"], one["key"], one["digest"]] = one
    return found


def _lines(file: Path) -> list[dict[str, Any]]:
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]
    except (OSError, ValueError) as error:
        raise CannotStart(f"{file}: {one_line(error)}") from None
    for number, line in enumerate(lines, start=1):
        if not _is_line(line):
            raise CannotStart(f"{file}, line {number}: this is not a line of a rejects file")
        try:
            bson.encode(line["row"])
        except (bson.errors.InvalidDocument, OverflowError, UnicodeEncodeError) as error:
            raise CannotStart(f"{file}, line {number}: MongoDB cannot store this row: {one_line(error)}") from None
        if line.get("is_cut"):
            raise CannotStart(f"{file}, line {number}: the row is cut; `plan --report FOLDER` writes it whole")
    return lines


def _is_line(line: Any) -> bool:
    """Tell whether a value is a rejected row, with values as `as_json` makes them."""
    names = {"table": str, "key": str, "digest": str, "row": dict}
    if not isinstance(line, dict) or not all(isinstance(line.get(name), kind) for name, kind in names.items()):
        return False
    return line["table"] in TABLES and all(map(_is_value, line["row"].values()))


def _is_value(value: Any) -> bool:
    if isinstance(value, dict):
        return {*value} == {"hex"} and re.fullmatch(r"(?:[0-9a-fA-F]{2})*", str(value["hex"])) is not None
    return value is None or isinstance(value, str | int | float)


def _check_columns(file: Path, lines: list[dict[str, Any]], source: Source) -> None:
    for number, line in enumerate(lines, start=1):
        if unknown := {*line["row"]} ^ {*source.columns.get(line["table"], {})}:
            raise CannotStart(
                f"{file}, line {number}: the row has too many or too few values: {', '.join(sorted(unknown))}"
            )
