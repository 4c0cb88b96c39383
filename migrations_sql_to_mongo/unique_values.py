"""Usernames and email addresses, which only one user can have at a time.

Users of the source may take over one another's, and somebody may have registered one here in the meantime. Users who
wait for one another first give up their own. What they gave up is kept under `legacy.given_up`, and given back as soon
as nobody else has it, also after an interruption.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import bson
import pymongo

from migrations_sql_to_mongo.mapping import fold
from migrations_sql_to_mongo.replacing import documents, write, write_all
from migrations_sql_to_mongo.target import Target, decoded, raw

UNIQUE = {"username": "_id", "email_folded": "email"}  # fields of users, and the fields that they follow
SAID = {"username": "username", "email_folded": "email address"}
WHO = ("username", "name", "email")  # what a user is called by, the first that is there
GIVEN_UP = "given_up"
AT_A_TIME = 200  # users
WANTED_AT_A_TIME = 1000

Wanted = dict[Any, dict[str, Any]]  # by `_id`


def unique_of(document: bytes | None) -> dict[str, Any]:
    """Return the username and the address of a user, where there are any."""
    return dict(_pairs(decoded(document))) if document else {}


def without_unique(document: bytes, only: dict[str, Any] | None = None) -> bytes:
    """Return a user who has given up username and address, if they are these."""
    fields = decoded(document)
    held = {name: value for name, value in _pairs(fields) if only is None or only.get(name) == value}
    if held:
        fields = {name: value for name, value in fields.items() if name not in held}
        fields["legacy"] = {**_legacy(fields), GIVEN_UP: _given_up(fields) | held}
    return bson.encode(fields) if held else document


def restored(document: bytes, names: Iterable[str] = UNIQUE) -> bytes:
    """Return a user with what was given up, but not with an address if the user has another by now."""
    fields = decoded(document)
    held = _given_up(fields)
    if not held:
        return document
    if held.get("email_folded") != fold(str(fields.get("email") or "")):
        held.pop("email_folded", None)
    given = {name: held.pop(name) for name in names if name in held}
    legacy = {name: value for name, value in _legacy(fields).items() if name != GIVEN_UP}
    fields["legacy"] = {**legacy, **({GIVEN_UP: held} if held else {})}
    if not fields["legacy"]:
        del fields["legacy"]
    return bson.encode(dict(_in_order(fields, given)))


def _in_order(fields: dict[str, Any], given: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a user with what is given back in its place, so that the document is what it was."""
    for name, value in fields.items():
        yield name, value
        for one, before in UNIQUE.items():
            if before == name and one in given and one not in fields:
                yield one, given[one]


def _legacy(fields: dict[str, Any]) -> dict[str, Any]:
    legacy = fields.get("legacy")
    return legacy if isinstance(legacy, dict) else {}


def _given_up(fields: dict[str, Any]) -> dict[str, Any]:
    held = _legacy(fields).get(GIVEN_UP)
    return held if isinstance(held, dict) else {}


def free(target: Target, wanted: Wanted) -> set[Any]:
    """Return those of some users who can have what they want: nobody else has it, or will keep it."""
    holders = {pair: one["_id"] for one in _holders(target, wanted) for pair in _pairs(one)}
    found = {*wanted}
    while stay := {key for key in found if any(holders.get(pair, key) not in found for pair in wanted[key].items())}:
        found -= stay
    return found


def taken(target: Target, wanted: Wanted, leaving: Wanted) -> set[Any]:
    """Return those of some users who want what somebody who is not among them has, and will not give up."""
    held = [(one["_id"], pair) for one in _holders(target, wanted) if one["_id"] not in wanted for pair in _pairs(one)]
    others = {pair for key, pair in held if pair not in leaving.get(key, {}).items()}
    return {key for key, fields in wanted.items() if not others.isdisjoint(fields.items())}


def give_up(target: Target, ids: Iterable[Any], only: Wanted | None = None) -> None:
    """Let users give up their usernames and addresses, if they are these."""
    live = documents(target, "users", [*ids])
    bare = {key: without_unique(document, only and only[key]) for key, document in live.items()}
    writes = [write(key, live, bare) for key in bare if bare[key] != live[key]]
    target.patiently(write_all, target, "users", writes)


def give_back(target: Target, *, last: Collection[Any] = ()) -> None:
    """Give back to users what they have given up, unless somebody else has it by now. `last` are those who wait."""
    ids = sorted(lacking(target), key=lambda each: (each in last, each))
    for start in range(0, len(ids), AT_A_TIME):
        some = ids[start : start + AT_A_TIME]
        for names in (UNIQUE, *([name] for name in UNIQUE)):
            live = documents(target, "users", some)
            whole = {key: restored(document, names) for key, document in live.items()}
            writes = [write(key, live, whole) for key in some if key in live and whole[key] != live[key]]
            target.patiently(write_all, target, "users", writes)


def put_back(target: Target, before: dict[Any, bytes], ids: list[Any]) -> None:
    """Replace users by what they were before, or remove them. Usernames and addresses are to be given back then."""
    bare = {key: raw(without_unique(document)) for key, document in before.items()}
    writes: list[Any] = [
        pymongo.ReplaceOne({"_id": each}, bare[each], upsert=True) if each in bare else pymongo.DeleteOne({"_id": each})
        for each in ids
    ]
    target.patiently(write_all, target, "users", writes)


def lacking(target: Target) -> Wanted:
    """Return the users who have given something up, and what."""
    field = f"legacy.{GIVEN_UP}"
    query = {field: {"$exists": True}}
    found = target.patiently(_list, target, query, ("email", field))
    return {one["_id"]: unique_of(restored(bson.encode(one))) for one in found}


def holder_of(target: Target, others_than: Collection[Any], wanted: dict[str, Any]) -> str | None:
    """Say who has what a user wants, other than these; None if nobody has it any more."""
    for name, value in wanted.items():
        query = {name: value, "_id": {"$nin": [*others_than]}}
        for one in target.patiently(_list, target, query, WHO):
            return f"another user of this site ({called(one) or one['_id']}) has the {SAID[name]} {value}"
    return None


def called(user: dict[str, Any]) -> str | None:
    """Return what people call a user, if there is a name. A username that was given up still counts."""
    known = _given_up(user) | user
    return next((str(known[each]) for each in WHO if known.get(each)), None)


def _holders(target: Target, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Yield the users who have something that is wanted."""
    for name in UNIQUE:
        values = [fields[name] for fields in wanted.values() if name in fields]
        for start in range(0, len(values), WANTED_AT_A_TIME):
            query = {name: {"$in": values[start : start + WANTED_AT_A_TIME]}}
            yield from target.patiently(_list, target, query, (name,))


def _list(target: Target, query: dict[str, Any], fields: Iterable[str]) -> list[dict[str, Any]]:
    return list(target.db["users"].find(query, dict.fromkeys(fields, 1)))


def _pairs(fields: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield username and address. An edit by hand may have made them something else than text."""
    return ((name, fields[name]) for name in UNIQUE if isinstance(fields.get(name), str))
