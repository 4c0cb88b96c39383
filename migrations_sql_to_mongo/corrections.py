"""Rows that the operator corrected, which replace the source's own, in later runs too.

`rejects replay` stores them with the run that rejected them. The next run takes over those whose row has not changed,
and reports how many have.
"""

from typing import Any

import bson

from migrations_sql_to_mongo.layout import TABLES
from migrations_sql_to_mongo.ledger import DONE, Entry, Ledger
from migrations_sql_to_mongo.rows import Row, key_of, number_in
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.tally import HIDDEN, row_digest, without_secrets
from migrations_sql_to_mongo.target import Target

Corrections = dict[str, dict[str, Row]]
LOST_SHOWN = 20


def corrected_collection(run_id: str) -> str:
    """Return the collection of corrected rows."""
    return f"migrations_corrected_{run_id}"


def corrections_of(target: Target, entry: Entry, source: Source) -> Corrections:
    """Return the corrected rows of a run. `source` is open."""
    return _as_rows(list(target.db[corrected_collection(entry["_id"])].find()), source)


def take_over(source: Source, target: Target, ledger: Ledger, entry: Entry) -> None:
    """Take over the corrections of the last finished run, and record which no longer fit.

    Done once per run: one that continues already has them.
    """
    if "corrections" not in entry:
        kept, account = _still_fitting(source, target, ledger)
        collection = target.db[corrected_collection(entry["_id"])]
        for one in kept:
            target.patiently(collection.replace_one, {"_id": one["_id"]}, one, upsert=True)
        ledger.note(entry, corrections=account)
    source.corrections = corrections_of(target, entry, source)


def preview(source: Source, target: Target, ledger: Ledger) -> dict[str, Any] | None:
    """Return the account of the corrections that the next run would take over, without writing."""
    kept, account = _still_fitting(source, target, ledger)
    source.corrections = _as_rows(kept, source)
    return account


def _still_fitting(
    source: Source, target: Target, ledger: Ledger
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Return the last run's corrections whose rows have not changed, and an account of all of them, if any."""
    last = next((entry for entry in ledger.runs() if entry["state"] == DONE), None)
    corrected = list(target.db[corrected_collection(last["_id"])].find()) if last else []
    if last is None or not corrected:
        return [], None
    found: set[tuple[str, str, str]] = set()
    for table in {one["table"] for one in corrected} & {*source.tables}:
        keys = {one["key"] for one in corrected if one["table"] == table}
        columns = source.columns[table]
        for row in source.rows(table):
            if (key := key_of(table, row)) in keys:
                named = without_secrets(dict(zip(columns, row, strict=False)))
                found.add((table, key, row_digest(named.values())))
    kept = [
        one
        for one in corrected
        if (one["table"], one["key"], one.get("digest")) in found and {*one["row"]} == {*source.columns[one["table"]]}
    ]
    ids = {one["_id"] for one in kept}
    lost = [f"{one['table']} {one['key']}" for one in corrected if one["_id"] not in ids]
    return kept, {"run": last["_id"], "kept": len(kept), "lost": len(lost), "lost_rows": sorted(lost)[:LOST_SHOWN]}


def rows_of(lines: list[dict[str, Any]], source: Source) -> list[Row]:
    """Return corrected rows as the source would, with the source's password hashes, which files do not contain."""
    without_hash = {line["key"] for line in lines if line["row"].get("hashed_password") == HIDDEN}
    index = list(TABLES["users"]).index("hashed_password")
    users = source.rows("users") if without_hash else iter(())
    hashes = {key: row[index] for row in users if (key := key_of("users", row)) in without_hash}

    def value(line: dict[str, Any], name: str) -> Any:
        kept = line["row"][name]
        if name == "hashed_password" and kept == HIDDEN:
            return hashes.get(line["key"])
        if isinstance(kept, str):
            return number_in(kept) if source.is_number(line["table"], name) else kept
        if isinstance(kept, bson.Int64):
            return int(kept)  # else it would be no number of the source's
        return bytes.fromhex(kept["hex"]) if isinstance(kept, dict) and "hex" in kept else kept

    return [tuple(value(line, name) for name in source.columns[line["table"]]) for line in lines]


def _as_rows(lines: list[dict[str, Any]], source: Source) -> Corrections:
    found: Corrections = {}
    for one, row in zip(lines, rows_of(lines, source), strict=True):
        found.setdefault(one["table"], {})[one["key"]] = row
    return found
