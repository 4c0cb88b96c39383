"""Rows that the operator corrected, which replace the source's own, in later runs too.

They are stored with each run and catch-up, which takes over those of the last one whose row has not changed, and
reports how many have. `rejects replay` is a catch-up with more of them.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import bson

from migrations_sql_to_mongo.errors import CannotStart
from migrations_sql_to_mongo.layout import TABLES
from migrations_sql_to_mongo.ledger import DONE, Entry, Ledger
from migrations_sql_to_mongo.rows import Row, key_of, number_in
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.swap import corrected_collection
from migrations_sql_to_mongo.tally import HIDDEN, row_digest, without_secrets
from migrations_sql_to_mongo.target import Target

LOST_SHOWN = 20
AT_A_TIME = 1000


def correct(source: Source, target: Target, entry: Entry) -> None:
    """Let the corrected rows of a run replace those of a source, which is open."""
    _replace(source, list(target.db[corrected_collection(entry["_id"])].find()))


def _replace(source: Source, corrected: list[dict[str, Any]]) -> None:
    source.corrections = {}
    for one, row in zip(corrected, rows_of(corrected, source), strict=True):
        source.corrections.setdefault(one["table"], {})[one["key"]] = row
    source.corrected_digests = {(one["table"], one["key"]): one["digest"] for one in corrected}


Fitting = tuple[list[dict[str, Any]], dict[str, Any] | None]  # corrections, and the account of them, if any


def take_over(target: Target, ledger: Ledger, entry: Entry, found: Fitting) -> None:
    """Store what `fitting` has found with a run."""
    kept, account = found
    for start in range(0, len(kept), AT_A_TIME):
        some = [bson.encode(one) for one in kept[start : start + AT_A_TIME]]
        target.insert(corrected_collection(entry["_id"]), some)
    ledger.note(entry, corrections=account)


def preview(
    source: Source, target: Target, ledger: Ledger, corrected: Iterable[dict[str, Any]] = ()
) -> dict[str, Any] | None:
    """Return the account of the corrections that the next run would take over, without writing."""
    kept, account = fitting(source, target, ledger, corrected)
    _replace(source, kept)
    return account


def fitting(source: Source, target: Target, ledger: Ledger, more: Iterable[dict[str, Any]] = ()) -> Fitting:
    """Return the last run's corrections and these, if their rows have not changed, and an account of all.

    Raises CannotStart if one of these is of a row whose key occurs twice.
    """
    last = next((entry for entry in ledger.runs() if entry["state"] == DONE), None)
    earlier = list(target.db[corrected_collection(last["_id"])].find()) if last else []
    given = {one["_id"]: one for one in more}
    corrected = [*({one["_id"]: one for one in earlier} | given).values()]
    if last is None or not corrected:
        return [], None
    found: Counter[tuple[str, str]] = Counter()
    digests: set[tuple[str, str, str]] = set()
    for table in {one["table"] for one in corrected} & {*source.tables}:
        keys = {one["key"] for one in corrected if one["table"] == table}
        columns = source.columns[table]
        for row in source.uncorrected().rows(table):
            if (key := key_of(table, row)) in keys:
                named = without_secrets(dict(zip(columns, row, strict=False)))
                found[table, key] += 1
                digests.add((table, key, row_digest(named.values())))
    if twice := next((one for one in given.values() if found[one["table"], one["key"]] > 1), None):
        raise CannotStart(f"{twice['table']} {twice['key']} occurs twice: only the source can tell the two apart")
    kept = [
        one
        for one in corrected
        if (one["table"], one["key"], one.get("digest")) in digests
        and found[one["table"], one["key"]] == 1
        and {*one["row"]} == {*source.columns[one["table"]]}
    ]
    ids = {one["_id"] for one in kept}
    lost = [f"{one['table']} {one['key']}" for one in corrected if one["_id"] not in ids]
    return kept, {"run": last["_id"], "kept": len(kept), "lost": len(lost), "lost_rows": sorted(lost)[:LOST_SHOWN]}


def rows_of(lines: list[dict[str, Any]], source: Source) -> list[Row]:
    """Return corrected rows as the source would, with the source's password hashes, which files do not contain."""
    without_hash = {line["key"] for line in lines if line["row"].get("hashed_password") == HIDDEN}
    index = list(TABLES["users"]).index("hashed_password")
    users = source.uncorrected().rows("users") if without_hash else iter(())
    hashes = {key: row[index] for row in users if (key := key_of("users", row)) in without_hash}

    def value(line: dict[str, Any], name: str) -> Any:
        kept = line["row"][name]
        if name == "hashed_password" and kept == HIDDEN:
            return hashes.get(line["key"])
        if isinstance(kept, str):
            return number_in(kept) if source.is_number(line["table"], name) else kept
        return _as_read(kept)

    return [tuple(value(line, name) for name in source.columns[line["table"]]) for line in lines]


def _as_read(kept: Any) -> Any:
    """Return a value as the source would, from what JSON and BSON hold of it."""
    if isinstance(kept, list):
        return [_as_read(one) for one in kept]
    if isinstance(kept, bson.Int64):
        return int(kept)  # else it would be no number of the source's
    return bytes.fromhex(kept["hex"]) if isinstance(kept, dict) and "hex" in kept else kept
