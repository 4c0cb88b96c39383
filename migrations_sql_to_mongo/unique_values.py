"""What only one user may have, a username and an address: users may wait for each other's, or for somebody else's.

Users who wait for one another first give up their own. Whoever does not get what they wait for gets theirs back, also
after an interruption.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import bson
import pymongo

from migrations_sql_to_mongo.replacing import documents, write, write_all
from migrations_sql_to_mongo.target import Target, decoded

UNIQUE = ("email_folded", "username")  # fields of users
AT_A_TIME = 1000

Wanted = dict[Any, dict[str, Any]]  # by `_id`


def unique_of(document: bytes | None) -> dict[str, Any]:
    """Return what only one user may have of a user's fields."""
    fields = decoded(document) if document else {}
    return dict(_pairs(fields))


def without_unique(document: bytes) -> bytes:
    """Return a user without what only one user may have."""
    fields = decoded(document)
    return bson.encode({name: value for name, value in fields.items() if name not in UNIQUE})


def restored(document: bytes, before: bytes | None) -> bytes:
    """Return a user with what was given up, but not what somebody has removed since."""
    if before is None:
        return document
    here, was = decoded(document), unique_of(before)
    lost = {*was} - {*here}
    if "email_folded" in lost and here.get("email") != decoded(before).get("email"):
        lost.discard("email_folded")
    if not lost:
        return document
    fields = here | {name: was[name] for name in lost}
    order = [*decoded(before), *here]
    return bson.encode({name: fields[name] for name in order if name in fields})


def free(target: Target, wanted: Wanted) -> set[Any]:
    """Return those of some users who can have what they want: nobody else has it, or will keep it."""
    holders = {pair: one["_id"] for one in _holders(target, wanted) for pair in _pairs(one)}
    found = {*wanted}
    while stay := {key for key in found if any(holders.get(pair, key) not in found for pair in wanted[key].items())}:
        found -= stay
    return found


def taken(target: Target, wanted: Wanted) -> set[Any]:
    """Return those of some users who want something that somebody outside of these has."""
    others = {pair for one in _holders(target, wanted) if one["_id"] not in wanted for pair in _pairs(one)}
    return {key for key, fields in wanted.items() if not others.isdisjoint(fields.items())}


def give_up(target: Target, ids: list[Any]) -> None:
    """Take from users what only one may have."""
    live = documents(target, "users", ids)
    bare = {key: without_unique(document) for key, document in live.items()}
    writes = [write(key, live, bare) for key in bare if bare[key] != live[key]]
    target.patiently(write_all, target, "users", writes)


def give_back(target: Target, before: Mapping[Any, bytes]) -> list[Any]:
    """Give back what users have given up, and return those who lack something because somebody else has it by now."""
    live = documents(target, "users", [*before])
    whole = {key: restored(document, before[key]) for key, document in live.items()}
    lacking = [key for key in live if whole[key] != live[key]]
    target.patiently(write_all, target, "users", [write(key, live, whole) for key in lacking])
    live = documents(target, "users", lacking)
    lacking = [key for key in lacking if key in live and restored(live[key], whole[key]) != live[key]]
    singly = [
        pymongo.UpdateOne({"_id": key, name: None}, {"$set": {name: value}})
        for key in lacking
        for name, value in unique_of(whole[key]).items()
    ]
    target.patiently(write_all, target, "users", singly)
    return lacking


def _holders(target: Target, wanted: Wanted) -> Iterable[dict[str, Any]]:
    """Yield the users who have something that is wanted."""
    for name in UNIQUE:
        values = [fields[name] for fields in wanted.values() if name in fields]
        for start in range(0, len(values), AT_A_TIME):
            query = {name: {"$in": values[start : start + AT_A_TIME]}}
            yield from target.patiently(_list, target, query, name)


def _list(target: Target, query: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return list(target.db["users"].find(query, {name: 1}))


def _pairs(fields: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield what only one user may have. An edit by hand may have made it something else than text."""
    return ((name, fields[name]) for name in UNIQUE if isinstance(fields.get(name), str))
