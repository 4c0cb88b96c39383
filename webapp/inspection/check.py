"""Check the whole database: which documents break which rule."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import mongoengine as me

from webapp.documents import DOCUMENTS
from webapp.documents.base import without_time_limit
from webapp.documents.validators import schema_of, validator_of
from webapp.inspection.advisories import broken_advisories
from webapp.inspection.attestations import broken_attestations
from webapp.inspection.both_ways import broken_claims, broken_journal, broken_names, broken_search, broken_tokens
from webapp.inspection.facts import broken_facts
from webapp.inspection.files import broken_files
from webapp.inspection.findings import Finding
from webapp.inspection.keys import broken_addresses, broken_keys
from webapp.inspection.rules import broken_packages, broken_pages, broken_users
from webapp.inspection.sessions import broken_sessions
from webapp.inspection.shape import described, mistakes, null_lists

# Documents of the wrong shape may be large.
_FEW = 10


# In the order in which they are repaired.
_RULES: tuple[Callable[[], Iterator[Finding]], ...] = (
    *(broken_packages, broken_facts, broken_attestations, broken_users, broken_addresses, broken_pages, broken_tokens),
    *(broken_journal, broken_claims, broken_names, broken_search, broken_advisories, broken_keys),
    broken_sessions,
)


def check(*, deep: bool = False) -> Iterator[Finding]:
    """Yield all findings, collection by collection. With `deep`, the bytes of all files are read.

    The server itself looks for documents of the wrong shape, so only those are sent completely.
    """
    # A collection takes longer than a request may.
    with without_time_limit():
        yield from _misshapen()
        yield from broken_files(deep=deep)
        for broken in _RULES:
            yield from broken()


def _misshapen() -> Iterator[Finding]:
    for document_type in DOCUMENTS:
        collection = document_type.objects.raw()
        schema = schema_of(document_type)
        for son in collection.find({"$nor": [validator_of(document_type)]}, batch_size=_FEW):
            paths = list(null_lists(schema, son))
            is_all = len(paths) == len(list(mistakes(schema, son)))
            repair = partial(_remove_nulls, document_type, son["_id"], paths) if is_all else None
            yield Finding(collection.name, son["_id"], "shape", described(schema, son), repair)


def _remove_nulls(document_type: type[me.Document], key: Any, paths: list[str]) -> bool:
    """Remove null where a list belongs: it counts as absent, but MongoDB cannot add to it."""
    unchanged = {"_id": key, **{path: {"$type": "null"} for path in paths}}
    change = {"$unset": dict.fromkeys(paths, "")}
    return bool(document_type.objects.raw().update_one(unchanged, change).matched_count)
