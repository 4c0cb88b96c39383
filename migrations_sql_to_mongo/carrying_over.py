"""What this site itself writes into documents that were moved, and `catch-up` keeps: it is not an edit of theirs.

A sign-in changes a user, and so do second factors, teams and an identity provider. A user who changes their own name
changes it in their projects, too.
"""

import contextlib
import itertools
from typing import Any

import bson

from migrations_sql_to_mongo.digests import EDITABLE_FIELDS, digest_of, digests_of_user
from migrations_sql_to_mongo.mapping import last_date
from migrations_sql_to_mongo.target import decoded

MOST_NAMES = 6  # of maintainers of a package that differ here and in the source; with more, it was edited
MOVED_FIELDS = ("_id", *EDITABLE_FIELDS, "hashed_password", "last_login")  # of users


def carried_over(user: bytes, stored: bytes, of_user: tuple[bytes, bytes]) -> bytes | None:
    """Return a changed user with the fields that only this site writes, or None if somebody edited the user here.

    `of_user` is what `digests_of_user` says of what was written last. A password that was changed here stays, but not
    if it was changed in the source as well: then it is an edit. Where a sign-in replaced the hash, the password is that
    of the hash before.
    """
    edited_was, hash_was = of_user
    (edited_here, hash_here), (edited_there, hash_there) = map(digests_of_user, (stored, user))
    fields, here = decoded(user), decoded(stored)
    hash_here = _first_hash(here, hash_here)
    if edited_here not in (edited_was, edited_there) or len({hash_was, hash_here, hash_there}) == 3:
        return None
    kept = {*here} - {*EDITABLE_FIELDS}
    is_changed_there = hash_here == hash_was != hash_there
    if is_changed_there:
        kept -= {"hashed_password", "rehashed"}
    if is_changed_there or fields.get("is_disabled"):
        kept.discard("sessions")  # as if the account was disabled, or got another password, on the site
    # An interrupted attempt has staged what the site kept then, and people may have removed a part of that since.
    moved = {name: value for name, value in fields.items() if name in MOVED_FIELDS}
    return bson.encode(moved | {name: value for name, value in here.items() if name in kept})


def _first_hash(user: dict[str, Any], digest: bytes) -> bytes:
    """Return the digest of a user's hash, or of the one that sign-ins have replaced without changing the password."""
    rehashed = user.get("rehashed")
    if isinstance(rehashed, dict) and rehashed.get("after") == digest.hex():
        with contextlib.suppress(ValueError):
            return bytes.fromhex(str(rehashed.get("before")))
    return digest


def with_names_of_this_site(package: bytes, maintainers: list[Any] | None, stored: bytes, was: bytes) -> bytes | None:
    """Return a changed package with the names that its maintainers have here.

    None if somebody edited the package here. `maintainers` are those of the source, if an interrupted attempt may have
    put the names into the package already; `was` is the digest of what was written last.
    """
    fields, here = decoded(package), decoded(stored)
    names_there = _names(fields if maintainers is None else {"maintainers": maintainers})
    names_here = _names(here)
    if names_there is None or names_here is None:
        return None
    differ = [each for each in names_here if each in names_there and names_here[each] != names_there[each]]
    # Each has changed here or in the source; the digest tells which.
    for count in range(1, len(differ) + 1 if len(differ) <= MOST_NAMES else 0):
        for renamed in itertools.combinations(differ, count):
            if _before(here, {each: names_there[each] for each in renamed}) == was:
                dates = [date for date in (fields.get("updated_date"), here.get("updated_date")) if date is not None]
                changed = _renamed(fields, {each: names_here[each] for each in renamed})
                return bson.encode(changed | ({"updated_date": max(dates)} if dates else {}))
    return None


def _before(package: dict[str, Any], names: dict[Any, Any]) -> bytes | None:
    """Return the digest of a package before maintainers changed these names, which also changed the date."""
    try:
        date = last_date(package.get("created_date"), package.get("releases") or [])
    except TypeError:  # an edit by hand made one of them something else
        return None
    before = _renamed(package, names) | {"updated_date": date}
    if date is None:
        del before["updated_date"]
    return digest_of(bson.encode(before))


def _names(package: dict[str, Any]) -> dict[Any, Any] | None:
    """Return the names of maintainers by their ids; None if an edit by hand made them something else."""
    maintainers = package.get("maintainers", [])
    if not isinstance(maintainers, list) or not all(map(_is_maintainer, maintainers)):
        return None
    return {one["user_id"]: one.get("name") for one in maintainers}


def _is_maintainer(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("user_id"), bson.ObjectId)


def _renamed(package: dict[str, Any], names: dict[Any, Any]) -> dict[str, Any]:
    """Return a package in which these maintainers have these names; None is no name."""
    maintainers = []
    for one in package.get("maintainers", []):
        name = names.get(one["user_id"], one.get("name"))
        others = {key: value for key, value in one.items() if key not in ("user_id", "name")}
        maintainers.append({"user_id": one["user_id"], **({} if name is None else {"name": name}), **others})
    return package | ({"maintainers": maintainers} if maintainers else {})
