"""`rejects replay`: try rejected rows again that the operator has corrected in the rejects file.

From then on a corrected row replaces the source's, also for `verify`. The whole source is read twice, as it was seen
before and as it is seen now, and the differences are written: a corrected user restores the maintainer links that were
rejected with it, and a corrected release changes the package's `latest`.
"""

import decimal
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import bson

from migrations_sql_to_mongo import changes, new_names
from migrations_sql_to_mongo.batching import Encoded
from migrations_sql_to_mongo.conversions import NUMBER_STARTS, TEXT_STARTS
from migrations_sql_to_mongo.copying import REJECTS, Copy
from migrations_sql_to_mongo.corrections import corrected_collection, corrections_of, rows_of
from migrations_sql_to_mongo.digests import (
    NONE,
    RENDERED_FIELDS,
    chunk,
    chunk_of_users,
    digest_of,
    digests_collection,
    digests_of_user,
)
from migrations_sql_to_mongo.errors import CannotStart, Stopped, one_line
from migrations_sql_to_mongo.layout import TABLES, Layout
from migrations_sql_to_mongo.ledger import CATCH_UP, DONE, Entry, Ledger
from migrations_sql_to_mongo.rendering import rendered_fields
from migrations_sql_to_mongo.replacing import UNIQUE, without_unique
from migrations_sql_to_mongo.rows import position
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.swap import rejects_collection
from migrations_sql_to_mongo.tally import Tally, row_digest
from migrations_sql_to_mongo.target import Fingerprint, Target, bson_id, decoded

# The order in which Copy yields collections.
_ORDER = {
    name: number for number, name in enumerate(("licenses", "languages", "users", "packages", "downloads", "auditing"))
}


class Change(NamedTuple):
    """A document that changes, appears (no `before`) or disappears (no `after`)."""

    collection: str
    before: bytes | None
    after: bytes | None


def replay(
    file: Path, url: str, layout: Layout, target: Target, ledger: Ledger, entry: Entry, *, dry_run: bool
) -> tuple[Tally, int]:
    """Write what corrected rows change. Returns the account with them, and the number of changed documents.

    The caller holds the lock. Raises CannotStart for a file of another run, Stopped if somebody changed one of the
    documents on the site.
    """
    if entry["state"] != DONE:
        raise Stopped(f"run {entry['_id']} is not finished; rows are replayed into a finished run")
    lines = _lines(file)
    with Source(url, layout) as before, Source(url, layout) as after:
        _check_columns(file, lines, before)
        digests = _digests(lines, target, entry)
        after.corrections = corrections_of(target, entry, before)
        rows = list(zip(lines, rows_of(lines, before), strict=True))
        before.corrections = {table: dict(corrected) for table, corrected in after.corrections.items()}
        for line, row in rows:
            after.corrections.setdefault(line["table"], {})[line["key"]] = row
        tally = Tally()
        rejects: list[bytes] = []
        copies = Copy(before, Tally()).documents(), Copy(after, tally).documents()
        found = list(_changes(_without_rejects(copies[0], []), _without_rejects(copies[1], rejects)))
        tally.check()
    packages = [_id(change) for change in found if change.collection == "packages"]
    to_do = [change for change in found if _is_to_do(target, change)]
    users = [change for change in to_do if change.collection == "users"]
    _refuse_taken(target, users)
    if not dry_run:
        _give_up_unique(target, users)
        for change in to_do:
            _write(target, entry, change)
        # Of those too that an interrupted attempt has written.
        target.patiently(target.forget_search_entries, packages)
        _keep(target, ledger, entry, lines, digests, rejects, tally)
    return tally, len(to_do)


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
    names = {"_id": str, "table": str, "key": str, "row": dict}
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


def _digests(lines: list[dict[str, Any]], target: Target, entry: Entry) -> list[str]:
    """Return the digest of the source's row that each line corrects, and give the line that row's key.

    Raises CannotStart for a line of another run.
    """
    rejects = target.db[rejects_collection(entry["_id"])]
    corrected = list(target.db[corrected_collection(entry["_id"])].find())
    by_row = {(one["table"], row_digest(one["row"].values())): one for one in corrected}
    by_name = {one["_id"]: one for one in corrected}
    found = []
    for line in lines:
        known = rejects.find_one({"_id": line["_id"], "table": line["table"], "key": line["key"]})
        if known is None:
            raise CannotStart(f"{line['table']} {line['key']} is not a rejected row of run {entry['_id']}")
        if known["reason"] == "id occurs twice":
            raise CannotStart(f"{line['table']} {line['key']} occurs twice: only the source can tell the two apart")
        # The reject of a second correction is about the first one, which may have changed the key, not about the
        # source's row.
        first = by_row.get((line["table"], known.get("digest"))) or by_name.get(_name(line))
        if first:
            line["key"] = first["key"]
        found.append((first or known).get("digest", ""))
    return found


def _name(line: dict[str, Any]) -> str:
    return f"{line['table']}/{line['key']}"


def _without_rejects(documents: Iterator[Encoded], rejects: list[bytes]) -> Iterator[Encoded]:
    for document in documents:
        if document.collection == REJECTS:
            rejects.append(document.bson)
        else:
            yield document


def _changes(before: Iterator[Encoded], after: Iterator[Encoded]) -> Iterator[Change]:
    """Yield the differences between two streams in the same order."""
    old, new = next(before, None), next(after, None)
    while old is not None or new is not None:
        if old == new:
            old, new = next(before, None), next(after, None)
            continue
        place_old, place_new = _place(old), _place(new)
        if place_old == place_new and old and new:
            yield Change(old.collection, old.bson, new.bson)
            old, new = next(before, None), next(after, None)
        elif new is None or (old is not None and place_old < place_new):
            yield Change(old.collection, old.bson, None)  # type: ignore[union-attr]  # one of them is there
            old = next(before, None)
        else:
            yield Change(new.collection, None, new.bson)
            new = next(after, None)


def _place(encoded: Encoded | None) -> tuple[int, Any]:
    if encoded is None:
        return len(_ORDER), ""
    document = bson.decode(encoded.bson)
    key = document["name"] if encoded.collection == "packages" else document["_id"]
    sql_id = document.get("legacy", {}).get("sql_id")
    if isinstance(key, bson.ObjectId):
        # The `_id` may be a digest; rows come in the order of their keys.
        start = str(key)[:3]
        key = sql_id if start == TEXT_STARTS else decimal.Decimal(sql_id) if start == NUMBER_STARTS else int(str(key))
    return _ORDER[encoded.collection], position(key)


def _id(change: Change) -> Any:
    return bson_id(change.after or change.before or b"")


def _stored(target: Target, change: Change) -> bytes | None:
    return next(target.raw_documents(change.collection, {"_id": _id(change)}), None)


def _is_to_do(target: Target, change: Change) -> bool:
    """Tell whether a document is unchanged; False if it is already as it should be. Raises Stopped."""
    stored = _stored(target, change)
    if _is(stored, change.before) or _is_bare(stored, change):
        return True
    if _is(stored, change.after):
        return False
    raise Stopped(f"{change.collection} {_id(change)} was changed on the site since the run; nothing was replayed")


def _refuse_taken(target: Target, users: list[Change]) -> None:
    """Raise Stopped if somebody else has what a user would get, and only one may have."""
    ids = {_id(change) for change in users}
    after = [bson.decode(change.after) for change in users if change.after]
    for name in UNIQUE:
        wanted = {fields[name]: fields["legacy"]["sql_id"] for fields in after if name in fields}
        for holder in target.db["users"].find({name: {"$in": list(wanted)}}, {name: 1}):
            if holder["_id"] not in ids:
                raise Stopped(f"users {wanted[holder[name]]}: {changes.TAKEN}; nothing was replayed")


def _give_up_unique(target: Target, users: list[Change]) -> None:
    """Take from users what only one may have and they are about to lose, so that others can get it."""
    for change in users:
        before, after = (bson.decode(one) if one else {} for one in (change.before, change.after))
        if any(before.get(name) not in (None, after.get(name)) for name in UNIQUE):
            unset = {"$unset": dict.fromkeys(UNIQUE, "")}
            target.patiently(target.db["users"].update_one, {"_id": before["_id"]}, unset)


def _is_bare(stored: bytes | None, change: Change) -> bool:
    """Tell whether a user has given up what only one may have, in an attempt that was interrupted."""
    if change.collection != "users" or stored is None or change.before is None:
        return False
    return stored == without_unique(change.before)


def _is(stored: bytes | None, document: bytes | None) -> bool:
    """Tell whether a stored document is this one, apart from its rendered description."""
    if stored is None or document is None:
        return stored is document
    kept = decoded(stored)
    for name in RENDERED_FIELDS:
        kept.pop(name, None)
    return bson.encode(kept) == document


def _write(target: Target, entry: Entry, change: Change) -> None:
    stored = _stored(target, change)
    if _is_bare(stored, change):
        stored = change.before
    collection = target.db[change.collection]
    after = bson.decode(change.after) if change.after else None
    document_id = _id(change)
    if entry.get("command") == CATCH_UP:
        [place] = [one for one in entry["collections"] if one["name"] == change.collection]
        was = digest_of(change.before) if change.before else None
        replayed = changes.Change(change.collection, document_id, was, change.after)
        changes.note_replayed(target, entry, place, replayed, stored)
    if after is None:
        target.patiently(collection.delete_one, {"_id": document_id})
    else:
        if change.collection == "packages":
            new_names.note(target, entry, [document_id])
            after |= rendered_fields(after["description"]) if after.get("description") else {}
        target.patiently(collection.replace_one, {"_id": document_id}, after, upsert=True)
    for one in entry["collections"]:
        if one["name"] == change.collection:
            # So that catch-up does not mistake it for a manual edit.
            digest = digest_of(change.after) if change.after else NONE
            number = f"replayed/{time.time_ns()}"
            kept = [chunk(number, change.collection, [document_id], [digest])]
            if change.collection == "users" and change.after:
                kept.append(chunk_of_users(number, {document_id: digests_of_user(change.after)}))
            target.insert(digests_collection(entry["_id"]), kept)
            one["is"] = Fingerprint.of(one["is"]).replaced(stored, _stored(target, change))


def _keep(
    target: Target,
    ledger: Ledger,
    entry: Entry,
    lines: list[dict[str, Any]],
    digests: list[str],
    rejects: list[bytes],
    tally: Tally,
) -> None:
    corrected = target.db[corrected_collection(entry["_id"])]
    for line, digest in zip(lines, digests, strict=True):
        one = {"_id": _name(line), **{name: line[name] for name in ("table", "key", "row")}, "digest": digest}
        target.patiently(corrected.replace_one, {"_id": one["_id"]}, one, upsert=True)
    name = rejects_collection(entry["_id"])
    target.patiently(target.db[name].delete_many, {})
    if rejects:
        target.insert(name, rejects)
    ledger.note(entry, collections=entry["collections"], tally=tally.as_dict())
    target.patiently(target.refresh_stats)
