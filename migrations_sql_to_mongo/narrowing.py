"""Read only the rows of some documents, instead of whole tables."""

import copy
from collections.abc import Iterator

import sqlalchemy as sa

from migrations_sql_to_mongo.queries import Queries
from migrations_sql_to_mongo.rows import PACKAGE_COLUMN
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.sql_types import NUMBERS, base_type
from migrations_sql_to_mongo.target import READ, Target

# With more keys, reading everything once is as fast, and servers limit the parameters of a statement.
MOST_KEYS = 5000
NARROWED = ("users", "packages", "downloads")
Keys = dict[str, list[int | str]]  # by table


def keys_of(target: Target, collections: dict[str, str]) -> Keys:
    """Return the keys, in the source, of the documents in some collections, except where there are too many."""
    return {
        table: list(_keys(target, collection))
        for table, collection in collections.items()
        if table in NARROWED and target.db[collection].count_documents({}) <= MOST_KEYS
    }


def _keys(target: Target, collection: str) -> Iterator[int | str]:
    for one in target.db[collection].find({}, {"legacy.sql_id": 1}, batch_size=READ):
        # A download has only a key that is text; a number is in its `_id`.
        yield one.get("legacy", {}).get("sql_id", None) or int(str(one["_id"]))


def narrowed(source: Source, keys: Keys) -> Source:
    """Return a source that reads the rows with these keys, and more where a comparison in SQL could miss one."""
    found = copy.copy(source)
    found.queries = Queries(source.layout, source.catalog, source.dialect, source.queries.reading)
    for table, wanted in keys.items():
        parts = {table: "id"}
        if table == "packages":
            parts |= dict.fromkeys(PACKAGE_COLUMN, "package_id")
        parts = {part: column for part, column in parts.items() if part in source.tables}
        if table not in parts or not all(_compares(found, part, column, wanted) for part, column in parts.items()):
            continue
        for part, column in parts.items():
            query = found.queries[part]
            query.only = [query.values[column].in_(wanted)]
        if found.count(table) < len(wanted):
            for part in parts:
                found.queries[part].only = []
    return found


def _compares(source: Source, table: str, column: str, keys: list[int | str]) -> bool:
    """Tell whether SQL finds what Python holds equal. It may find more: a collation without case, for instance."""
    if source.dialect == "sqlite":
        return True
    sql_type = base_type(source.queries[table].types.get(column))
    kinds = {type(key) for key in keys}
    return (kinds <= {str} and isinstance(sql_type, sa.String)) or (kinds <= {int} and isinstance(sql_type, NUMBERS))
