"""What the site itself writes into moved documents. It does not count as an edit, and `catch-up` keeps it.

A sign-in changes a user, and so do second factors, teams and an identity provider. Users who change their name change
it in their projects, too.
"""

import contextlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument

from migrations_sql_to_mongo.digests import EDITABLE_FIELDS, PACKAGES, digests_of_user, is_digest
from migrations_sql_to_mongo.replacing import documents
from migrations_sql_to_mongo.target import Target, decoded, raw

Names = dict[Any, str]  # of users, by `_id`

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


def maintainers_of(packages: Iterable[bytes]) -> list[Any]:
    """Return the ids of the users who maintain some packages."""
    lists = [raw(package).get("maintainers") for package in packages]
    found = {_user_id(one) for maintainers in lists if isinstance(maintainers, list) for one in maintainers}
    return [*found - {None}]


def names_of(target: Target, ids: list[Any], collection: str = "users") -> Names:
    """Return the names that users have on this site, or in another collection of users.

    Those without one are left out: the source calls them by their usernames.
    """
    found = documents(target, collection, ids) if ids else {}
    return {key: name for key, user in found.items() if (name := decoded(user).get("name")) and isinstance(name, str)}


def with_names(package: bytes, names: Names, stored: bytes | None, was: bytes | None) -> bytes:
    """Return a package whose maintainers have the names that they have on this site.

    `stored` is the package that is there now, and `was` the digest of what was written last. If a maintainer has
    changed their name since, which also changed the date, the later date is kept.
    """
    fields = decoded(package)
    changed = {**fields}
    if isinstance(maintainers := fields.get("maintainers"), list):
        changed["maintainers"] = [_called(one, names) for one in maintainers]
    if stored and was and not is_digest(was, PACKAGES, stored):
        dates = [
            one["updated_date"] for one in (fields, decoded(stored)) if isinstance(one.get("updated_date"), datetime)
        ]
        changed |= {"updated_date": max(dates)} if dates else {}
    return package if changed == fields else bson.encode(changed)


def _user_id(maintainer: Any) -> bson.ObjectId | None:
    """Return the id of a maintainer's user. An edit by hand may have made either something else."""
    user_id = maintainer.get("user_id") if isinstance(maintainer, dict | RawBSONDocument) else None
    return user_id if isinstance(user_id, bson.ObjectId) else None


def _called(maintainer: Any, names: Names) -> Any:
    key = _user_id(maintainer)
    if key is None or key not in names:
        return maintainer
    others = {field: value for field, value in maintainer.items() if field not in ("user_id", "name")}
    return {"user_id": key, "name": names[key], **others}
