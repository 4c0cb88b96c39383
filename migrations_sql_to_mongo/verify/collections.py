"""Tables in which each row becomes a document."""

import itertools
from collections.abc import Callable
from typing import Any

from migrations_sql_to_mongo.rows import Row
from migrations_sql_to_mongo.target import Fingerprint
from migrations_sql_to_mongo.verify.context import Context
from migrations_sql_to_mongo.verify.encoding import Wanted, encode
from migrations_sql_to_mongo.verify.findings import Expected

ROWS_AT_A_TIME = 1000

# Takes a row and the document that is stored for it; raises ValueError for a row that cannot be a document.
Expectation = Callable[[Context, str, Row, bytes], Expected]


def compare_collection(context: Context, table: str, expected: Expectation) -> None:
    """Compare a table with its collection, a few hundred rows at a time."""
    source = context.source
    total = source.count(table)
    fingerprint = Fingerprint()
    rows = context.chosen(table, source.downloads() if table == "downloads" else source.rows(table))
    last: Any = None
    while batch := list(itertools.islice(rows, ROWS_AT_A_TIME)):
        ids = [context.id_of(table, row[0]) for row in batch]
        stored = context.documents(table, [one for one in ids if one is not None])
        for row, document_id in zip(batch, ids, strict=True):
            again, last = row[0] is not None and row[0] == last, row[0]
            document = None if again else stored.get(document_id)
            if not again and context.is_edited(table, document_id, document):
                continue
            if document is None:
                context.must_be_rejected(table, row, "occurs twice" if again else "is missing in the target")
                continue
            fingerprint.add(document)
            try:
                wanted: Wanted | ValueError = encode(expected(context, table, row, document))
            except ValueError as error:
                wanted = error
            context.compare(table, row[0], wanted, document)
            if table == "licenses":
                context.licenses.add(row[0])
        context.count(table, total, len(batch))
    context.look_for_extra(table, fingerprint.documents)
    context.found.fingerprints[table] = fingerprint.as_dict()
