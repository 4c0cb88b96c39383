"""`maintainers`: each becomes an entry of its package."""

from migrations_sql_to_mongo.rows import Row
from migrations_sql_to_mongo.verify.context import Context
from migrations_sql_to_mongo.verify.files import more_of
from migrations_sql_to_mongo.verify.findings import Expected


def expected_maintainer(context: Context, row: Row) -> Expected:
    """Return the document expected for a row."""
    *_, user_id, name = row
    is_owner = more_of(context, "maintainers", row[:-2], {}).get("is_owner", False)
    expected: Expected = {"user_id": context.id_of("users", user_id), "name": context.text(name)}
    expected["role"] = "owner" if is_owner else "maintainer"
    if expected["name"] is None:
        del expected["name"]
    return expected
