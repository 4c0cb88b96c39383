"""The site always has an administrator: how to remove one safely on any kind of MongoDB."""

from collections.abc import Callable
from typing import Any

import bson
from pymongo import ReadPreference

from webapp.changes.staging import cancel_of_account
from webapp.documents.api_token import revoke_all
from webapp.documents.user import User
from webapp.documents.watcher import forget

Guard = dict[str, Any]


class LastAdministrator(RuntimeError):
    """The site would be left without an administrator."""


def end_administration(user_id: bson.ObjectId, apply: Callable[[Guard], bool]) -> bool:
    """Let `apply` demote, disable or delete a user, unless that is the last administrator who can sign in.

    `apply` gets the condition that its single atomic operation must contain, and returns whether it changed a document;
    so does this function. Raises LastAdministrator.

    Two administrators can remove each other at the same moment, and a standalone server has no transactions. So the
    user is first marked, in one atomic operation, and only then is another administrator without a mark looked for.
    Suppose all administrators were removed. The last one was marked the whole time, so each of the others, when it was
    removed, saw yet another administrator without a mark, who was removed later than itself but before the last one.
    That would go on forever, but there are only so many administrators. Two attempts at the same moment may both be
    refused; then one of them is repeated.

    A process that dies in between leaves a mark. The marked user stays an administrator, but does not count as the one
    who remains. The next attempt on the same user replaces the mark, and making them an administrator removes it.
    """
    # A member, or an administrator who cannot sign in: nobody depends on them.
    if apply({"_id": user_id, "$or": [{"is_admin": {"$ne": True}}, {"is_disabled": True}]}):
        return True
    # A secondary may not have the marks yet.
    users = User.objects.raw().with_options(read_preference=ReadPreference.PRIMARY)
    mark = str(bson.ObjectId())
    marked = users.update_one({"_id": user_id, "is_admin": True}, {"$set": {"leaving_admin": mark}})
    if not marked.matched_count:
        return False
    others = {"_id": {"$ne": user_id}, "is_admin": True, "is_disabled": {"$ne": True}, "leaving_admin": None}
    if users.find_one(others, {"_id": 1}) is None:
        users.update_one({"_id": user_id, "leaving_admin": mark}, {"$unset": {"leaving_admin": ""}})
        raise LastAdministrator("The site needs an administrator, and nobody else is one.")
    applied = apply({"_id": user_id, "leaving_admin": mark})
    if not applied:
        users.update_one({"_id": user_id, "leaving_admin": mark}, {"$unset": {"leaving_admin": ""}})
    return applied


def make_administrator(user_id: bson.ObjectId, *, by_group: bool = False) -> bool:
    """Make a user an administrator; False if there is no such user, or they already are one.

    `by_group` says that a group of the identity provider does so, and will end it.
    """
    is_none = {"_id": user_id, "$or": [{"is_admin": {"$ne": True}}, {"leaving_admin": {"$exists": True}}]}
    change: dict[str, Any] = {"$set": {"is_admin": True}, "$unset": {"leaving_admin": ""}}
    change["$set" if by_group else "$unset"]["is_admin_by_group"] = True
    return bool(User.objects.raw().update_one(is_none, change).matched_count)


def remove_administrator(user_id: bson.ObjectId) -> bool:
    """Make an administrator a member again; False if they are none. Raises LastAdministrator."""
    change = {"$set": {"is_admin": False}, "$unset": {"leaving_admin": "", "is_admin_by_group": ""}}

    def apply(guard: Guard) -> bool:
        return bool(User.objects.raw().update_one(guard | {"is_admin": True}, change).matched_count)

    return end_administration(user_id, apply)


def disable(user_id: bson.ObjectId) -> bool:
    """Disable an account and end its sessions; False if it was already disabled. Raises LastAdministrator."""
    change = {"$set": {"is_disabled": True, "sessions": []}, "$unset": {"leaving_admin": ""}}

    def apply(guard: Guard) -> bool:
        # `guard` may contain is_disabled itself.
        condition = {"$and": [guard, {"is_disabled": {"$ne": True}}]}
        return bool(User.objects.raw().update_one(condition, change).matched_count)

    return end_administration(user_id, apply)


def enable(user_id: bson.ObjectId) -> bool:
    """Let a disabled user sign in again, without their old API tokens; False if they were not disabled.

    The tokens are revoked first: if the process dies in between, the account is still disabled.
    """
    condition = {"_id": user_id, "is_disabled": True}
    if User.objects.raw().find_one(condition, {"_id": 1}) is None:
        return False
    revoke_all(user_id)
    return bool(User.objects.raw().update_one(condition, {"$unset": {"is_disabled": ""}}).matched_count)


def delete(user_id: bson.ObjectId, condition: Guard | None = None) -> bool:
    """Delete an account; False if there is none that meets the condition. Raises LastAdministrator."""

    def apply(guard: Guard) -> bool:
        return bool(User.objects.raw().delete_one({**guard, **(condition or {})}).deleted_count)

    deleted = end_administration(user_id, apply)
    if deleted:
        # Without their owner they are invalid anyway; this keeps the collection tidy.
        revoke_all(user_id)
        forget(user_id)
        cancel_of_account(user_id)
    return deleted
