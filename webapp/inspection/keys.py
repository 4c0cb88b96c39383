"""Rules for keys: declared indexes that are missing, and documents that have the same unique key.

They follow from the declared documents, so a new collection is checked without another line here.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from webapp.documents import DOCUMENTS, User
from webapp.documents.base import Plain, as_declared
from webapp.documents.indexes import ensure_one, missing_indexes, twins_of
from webapp.documents.user import fold
from webapp.inspection.findings import Finding


def broken_keys() -> Iterator[Finding]:
    """Yield missing indexes, and the documents that stand in the way of unique ones."""
    for document_type in DOCUMENTS:
        collection = document_type._get_collection_name()
        for spec in missing_indexes(document_type):
            twins = list(twins_of(document_type, spec)) if spec.get("unique") else []
            for same in twins:
                others = ", ".join(Finding.id_of(each) for each in same[1:])
                fields = ", ".join(name for name, _ in spec["fields"])
                yield Finding(collection, same[0], "twice", f"its {fields} is also that of {others}")
            # An index of that name may be somebody's own.
            is_taken = bool(twins) or spec["name"] in document_type.objects.raw().index_information()
            repair = None if is_taken else partial(ensure_one, document_type, spec)
            what = f"the index {spec['name']} is missing or is not as declared"
            yield Finding(collection, spec["name"], "index", what, repair)


def broken_addresses() -> Iterator[Finding]:
    """Yield accounts that have the address of another, in any spelling of its letters."""
    seen: dict[int, Any] = {}
    for son in User.objects.raw().find({"email": {"$type": "string"}}, {"email": 1}).sort("_id", 1):
        email = fold(as_declared(User, son).get("email", ""))
        other = seen.setdefault(hash(email), son["_id"]) if email else son["_id"]
        if other != son["_id"] and _has_address(other, email):
            what = f"its address is also that of {Finding.id_of(other)}"
            yield Finding("users", son["_id"], "email-twice", what)


def _has_address(user_id: Any, email: str) -> bool:
    son: Plain = User.objects.raw().find_one({"_id": user_id}, {"email": 1}) or {}
    return fold(str(son.get("email", ""))) == email
