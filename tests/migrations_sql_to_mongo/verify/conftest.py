"""A copy that verify accepts."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from migrations_sql_to_mongo.batching import batches
from migrations_sql_to_mongo.copying import REJECTS, Copy
from migrations_sql_to_mongo.layout import Layout
from migrations_sql_to_mongo.progress import Progress
from migrations_sql_to_mongo.rendering import render_staged
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.tally import Tally
from migrations_sql_to_mongo.target import Target, open_target
from migrations_sql_to_mongo.verify import Verification, verify
from tests.conftest import database_uri
from tests.migrations_sql_to_mongo.old_site import make_sqlite, some_rows

COLLECTIONS = {name: name for name in ("licenses", "languages", "users", "downloads", "auditing", "packages")}


@pytest.fixture(scope="module")
def target(mongod_uri: str) -> Iterator[Target]:
    """A database for all examples, one after the other."""
    found = open_target(database_uri(mongod_uri, f"larder_move_{uuid.uuid4().hex[:12]}"))
    yield found
    found.client.drop_database(found.db.name)
    found.close()


def copied(url: str, target: Target, layout: Layout) -> Tally:
    """Copy a source without staging and swapping, which no row can change."""
    for name in (*COLLECTIONS, REJECTS):
        target.db[name].delete_many({})
    tally = Tally()
    with Source(url, layout) as source:
        for batch in batches(Copy(source, tally).documents(), 3):
            target.insert(batch.collection, batch.documents)
    render_staged(target, "packages", lambda _done, _total: None)
    return tally


def compared(url: str, target: Target, layout: Layout) -> Verification:
    """Compare it with the source."""
    with Source(url, layout) as source:
        return verify(source, target, COLLECTIONS, REJECTS, Progress(quiet=True), render="all")


@pytest.fixture(scope="module")
def good_copy(target: Target, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A source whose copy stands in the target."""
    url = make_sqlite(tmp_path_factory.mktemp("mutations") / "old.sqlite", some_rows())
    copied(url, target, Layout())
    assert compared(url, target, Layout()).differences == []
    return url


@contextmanager
def edited(target: Target, collection: str, which: dict[str, Any], change: dict[str, Any]) -> Iterator[None]:
    """Let the fields of a document be others for a while; None takes one away."""
    documents = target.db[collection]
    before = documents.find_one(which)
    assert before is not None
    to_set = {name: value for name, value in change.items() if value is not None}
    to_unset = {name: "" for name, value in change.items() if value is None}
    changes = {operator: fields for operator, fields in (("$set", to_set), ("$unset", to_unset)) if fields}
    documents.update_one({"_id": before["_id"]}, changes)
    try:
        yield
    finally:
        documents.replace_one({"_id": before["_id"]}, before)
