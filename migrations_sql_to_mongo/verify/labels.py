"""`licenses`, `languages` and `auditing`: an id, a date and a description."""

from migrations_sql_to_mongo.rows import Row
from migrations_sql_to_mongo.verify.context import Context
from migrations_sql_to_mongo.verify.findings import Expected


def expected_label(context: Context, table: str, row: Row, _: bytes) -> Expected:
    """Return the document expected for a row of `licenses` or `languages`."""
    label_id, created, description = row
    expected: Expected = {"_id": label_id, "description": context.text(description)}
    expected["created_date"] = context.date(table, "created_date", created)
    return expected


def expected_audit_event(context: Context, table: str, row: Row, _: bytes) -> Expected:
    """Return the document expected for a row of `auditing`."""
    odd: Expected = {}
    expected: Expected = {"_id": context.text(row[0]), "description": context.text(row[2])}
    expected["created_date"] = context.date(table, "created_date", row[1], odd)
    return expected | ({"legacy": odd} if odd else {})
