"""Who looks after which package: atomic changes of `maintainers`.

Each change moves `updated_date`, which is what `Package.store` looks at: an import that read the package before is made
to read it again, and does not bring the former maintainers back.
"""

from typing import Any

import bson

from webapp.documents.base import utc_now
from webapp.documents.package import Package
from webapp.documents.user import User

# A package with more people than this has become something else.
MOST_MAINTAINERS = 100
ROLES = ("owner", "maintainer")


def add_maintainer(normalized_name: str, user: User, role: str) -> bool:
    """Let a user look after a package; False when they do, when it has too many already, or when there is none."""
    entry = {"user_id": user.id, "name": user.shown_name, "role": role}
    free = {
        "_id": normalized_name,
        "maintainers.user_id": {"$ne": user.id},
        f"maintainers.{MOST_MAINTAINERS - 1}": {"$exists": False},
    }
    return _change_one(free, {"$push": {"maintainers": entry}})


def remove_maintainer(normalized_name: str, user_id: bson.ObjectId) -> bool:
    """Take a package out of a user's hands; False when it was not in them."""
    held = {"_id": normalized_name, "maintainers.user_id": user_id}
    return _change_one(held, {"$pull": {"maintainers": {"user_id": user_id}}})


def rename_maintainer(user_id: bson.ObjectId, name: str) -> None:
    """Write a user's new name into the packages that they look after."""
    change = {"$set": {"maintainers.$.name": name, "updated_date": utc_now()}}
    Package._get_collection().update_many({"maintainers.user_id": user_id}, change)


def leave_packages(user_id: bson.ObjectId) -> None:
    """Take a user out of every package that somebody else looks after, too; others keep the entry, as a name."""
    shared = {"maintainers": {"$elemMatch": {"user_id": user_id}}, "maintainers.1": {"$exists": True}}
    change = {"$pull": {"maintainers": {"user_id": user_id}}, "$set": {"updated_date": utc_now()}}
    Package._get_collection().update_many(shared, change)


def _change_one(condition: dict[str, Any], change: dict[str, Any]) -> bool:
    change = {**change, "$set": {**change.get("$set", {}), "updated_date": utc_now()}}
    return bool(Package._get_collection().update_one(condition, change).matched_count)
