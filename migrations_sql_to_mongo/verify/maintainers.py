"""`maintainers`: each becomes an entry of its package."""

from migrations_sql_to_mongo.source import Row
from migrations_sql_to_mongo.verify.context import Context
from migrations_sql_to_mongo.verify.findings import Expected


def expected_maintainer(context: Context, row: Row) -> Expected:
    """Return what a row must have become."""
    user_id, _, _, name = row
    expected: Expected = {"user_id": context.id_of("users", user_id), "name": context.text(name), "role": "maintainer"}
    if expected["name"] is None:
        del expected["name"]
    return expected
