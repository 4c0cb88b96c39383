"""What a catch-up has changed, and the conflicts, as an operator reads them."""

from collections.abc import Collection
from typing import Any

import bson

from migrations_sql_to_mongo.changes import APPLIED, CONFLICT, SAME, TAKEN, changes_collection
from migrations_sql_to_mongo.ledger import Entry
from migrations_sql_to_mongo.replacing import documents
from migrations_sql_to_mongo.target import Target
from migrations_sql_to_mongo.unique_values import WHO, Wanted, called, holder_of, lacking, unique_of

SHOWN = 50


def counted(target: Target, entry: Entry) -> tuple[dict[str, dict[str, int]], int, list[str]]:
    """Return how many changes of each kind were made or not made in each collection, and the first of the latter."""
    kept = target.db[changes_collection(entry["_id"])]
    made: dict[str, dict[str, int]] = {}
    for one in kept.aggregate(
        [
            {"$match": {"state": {"$in": [APPLIED, SAME]}}},
            {"$group": {"_id": {"collection": "$collection", "kind": "$kind"}, "count": {"$sum": 1}}},
            {"$sort": {"_id": 1}},
        ]
    ):
        made.setdefault(one["_id"]["collection"], {})[one["_id"]["kind"]] = one["count"]
    count = kept.count_documents({"state": CONFLICT})
    conflicts = list(kept.find({"state": CONFLICT}).sort("_id", 1).limit(SHOWN))
    wanted = unique_in(target, entry, "staging", [one["id"] for one in conflicts if one["collection"] == "users"])
    found = [said(target, one["collection"], one["id"], one["reason"], wanted.get(one["id"])) for one in conflicts]
    # Users whose rows have not changed are listed, too, if somebody still has their username or address.
    lacks = lacking(target)
    unchanged = {*lacks} - {*kept.distinct("id", {"state": CONFLICT, "collection": "users"})}
    found += [said(target, "users", each, TAKEN, lacks[each]) for each in sorted(unchanged)[: SHOWN - len(found)]]
    return made, count + len(unchanged), found


def said(
    target: Target,
    collection: str,
    document_id: Any,
    reason: str,
    wanted: dict[str, Any] | None = None,
    leaving: Collection[Any] = (),
    user: dict[str, Any] | None = None,
) -> str:
    """Describe a conflict. A user is given by the id in the source and the name on the site, or that of `user`.

    If the reason is TAKEN, `wanted` is what the user would have, and `leaving` are those who give up what they have.
    """
    if user is None and collection == "users":
        user = target.db["users"].find_one({"_id": document_id}, [*WHO, "legacy"])
    name = called(user or {})
    sql_id = str(document_id).lstrip("0") if isinstance(document_id, bson.ObjectId) else document_id
    if user and isinstance(legacy := user.get("legacy"), dict):
        sql_id = legacy.get("sql_id", sql_id)
    if reason == TAKEN and wanted:
        reason = holder_of(target, {document_id, *leaving}, wanted) or TAKEN
    return f"{collection} {sql_id}{f' ({name})' if name else ''}: {reason}"


def unique_in(target: Target, entry: Entry, place: str, ids: list[Any]) -> Wanted:
    """Return the usernames and addresses that these users have in another collection of a catch-up."""
    collection = next((one[place] for one in entry["collections"] if one["name"] == "users"), "")
    found = documents(target, collection, ids) if ids else {}
    return {each: unique_of(found.get(each)) for each in ids}
