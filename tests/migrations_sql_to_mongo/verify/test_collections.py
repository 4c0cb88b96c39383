"""Documents that are missing, or that nobody moved."""

import bson
import pytest

from migrations_sql_to_mongo.layout import Layout
from migrations_sql_to_mongo.target import Target
from tests.migrations_sql_to_mongo.verify.conftest import COLLECTIONS, compared


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_missing_and_extra_documents_are_found(target: Target, good_copy: str, collection: str) -> None:
    one = target.db[collection].find_one() or {}
    target.db[collection].delete_one({"_id": one["_id"]})
    missing = compared(good_copy, target, Layout())
    other = bson.ObjectId() if isinstance(one["_id"], bson.ObjectId) else "extra"
    target.db[collection].insert_many([one, {**one, "_id": other}])
    extra = compared(good_copy, target, Layout())
    target.db[collection].delete_one({"_id": other})

    assert any(line.startswith(collection) and "missing" in line for line in missing.differences)
    assert any(line.startswith(f"{collection} {other}") for line in extra.differences)
    assert compared(good_copy, target, Layout()).differences == []
