"""Check the whole database: which documents break which rule."""

from collections.abc import Iterator

import pymongo

from webapp.documents import DOCUMENTS
from webapp.documents.validators import schema_of, validator_of
from webapp.inspection.facts import broken_facts
from webapp.inspection.findings import Finding
from webapp.inspection.rules import broken_files, broken_packages, broken_pages, broken_users
from webapp.inspection.shape import described

# Documents of the wrong shape may be large.
_FEW = 10


def check() -> Iterator[Finding]:
    """Yield all findings, collection by collection.

    The server itself looks for documents of the wrong shape, so only those are sent completely.
    """
    # A collection takes longer than a request may.
    with pymongo.timeout(0):
        yield from _misshapen()
        for broken in (broken_packages, broken_facts, broken_files, broken_users, broken_pages):
            yield from broken()


def _misshapen() -> Iterator[Finding]:
    for document_type in DOCUMENTS:
        collection = document_type.objects.raw()
        schema = schema_of(document_type)
        for son in collection.find({"$nor": [validator_of(document_type)]}, batch_size=_FEW):
            yield Finding(collection.name, son["_id"], "shape", described(schema, son))
