"""A database to dump, and one to load."""

from collections.abc import Iterator
from typing import Any

import bson
import gridfs
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pymongo.database import Database

from tests import factories
from tests.beginnings import begin
from tests.inspection.damage import CHUNK_BYTES, FIRST, LONG_AGO, PACKAGES, SECOND
from tests.inspection.odd_documents import odd_documents
from tests.publishing import uploads
from tests.publishing.uploads import upload, wheel, wheel_name
from webapp.changes import catching_up, search_index
from webapp.documents import (
    DOCUMENTS,
    Maintainer,
    Package,
    Page,
    SearchEntry,
    User,
    contents,
    ensure_indexes,
)
from webapp.inspection.check import check
from webapp.inspection.extended_json import RAW


def found() -> list[tuple[str, Any, str, str]]:
    """What a check says now."""
    return [finding[:4] for finding in check()]


def stored() -> dict[str, Any]:
    return Package._get_collection().find_one({"_id": "example"}) or {}


@pytest.fixture
def site_in_order(app: Flask) -> User:
    """A site with nothing to find, and the user who looks after its package."""
    ensure_indexes(DOCUMENTS)  # a test before may have replaced a collection
    ada = factories.user("Ada", email="Ada@Example.org", username="ada")
    factories.package(
        releases=["1.0", "1.10rc1", "1.9", "odd-version"],
        license="MIT License",
        classifiers=["Programming Language :: Python :: 3"],
        maintainers=[Maintainer(user_id=ada.id, name="Ada")],
        project_urls={"Source": "https://example.org"},
    )
    Page(path="company/history", title="History", content="").save()
    return ada


@pytest.fixture
def files_in_order(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Two projects with uploaded files of several chunks, and nothing to find."""
    ensure_indexes(DOCUMENTS)
    monkeypatch.setattr(contents, "CHUNK_BYTES", CHUNK_BYTES)

    def publish() -> None:
        _, secret = uploads.publisher()
        for name, version in ((FIRST, "1.0"), (FIRST, "2.0"), (SECOND, "1.0")):
            assert upload(client, secret, wheel(name, version), wheel_name(name, version)).status_code == 200
        # Nothing happened lately, so that nothing is left out because it may still go on.
        PACKAGES().update_many({}, {"$set": {"updated_date": LONG_AGO}})
        SearchEntry._get_collection().update_many({}, {"$set": {"made_from": LONG_AGO}})
        search_index.rebuild()
        catching_up.remember_names()
        assert [finding[:4] for finding in check(deep=True)] == []

    begin(client.application, "files in order", publish)
    return client


def quiet(_line: str) -> None:
    """Report nothing."""


def everything(database: Database[Any]) -> dict[str, Any]:
    """What makes a database: the bytes of all documents in their order, the options and the indexes."""
    return {
        info["name"]: (
            info["options"],
            [] if info["type"] == "view" else [dict(index) for index in database[info["name"]].list_indexes()],
            [document.raw for document in database.get_collection(info["name"], RAW).find()],
        )
        for info in database.list_collections()
        if not info["name"].startswith("system.")
    }


@pytest.fixture
def source(app: Flask) -> Iterator[Database[Any]]:
    """The site's database with all that a database can have."""
    database = Package._get_db()
    factories.package("Flask", releases=["1.0", "2.0rc1"])
    factories.user("Ada", email="Ada@example.org", hashed_password="$6$rounds=5$odd\0")
    database["odd"].insert_many(odd_documents())
    gridfs.GridFS(database).put(bytes(range(256)) * 3000, filename="wheel.whl")
    database["by hand / ünusual"].insert_one({"_id": {"a": 1, "b": bson.Int64(2)}})
    database.create_collection("last", capped=True, size=4096, max=2)
    database["last"].insert_many([{"_id": number} for number in (3, 1, 2)])
    database.create_collection("french", collation={"locale": "fr"}, validator={"price": {"$type": "number"}})
    database["french"].insert_one({"_id": 1, "price": bson.Decimal128("1.50")})
    database["french"].create_index(
        [("price", 1)], name="dear", unique=True, partialFilterExpression={"price": {"$gt": 0}}
    )
    database["french"].create_index([("name", "text")], weights={"name": 3}, collation={"locale": "simple"})
    database.command({"create": "in_order", "clusteredIndex": {"key": {"_id": 1}, "unique": True}})
    database["in_order"].insert_many([{"_id": 2}, {"_id": 1}])
    database.create_collection("dear", viewOn="french", pipeline=[{"$match": {"price": {"$gt": 1}}}])
    yield database
    for name in ("odd", "fs.files", "fs.chunks", "by hand / ünusual", "last", "french", "in_order", "dear"):
        database.drop_collection(name)


@pytest.fixture
def target(app: Flask) -> Iterator[Database[Any]]:
    """Another database of the same server, without documents."""
    database = Package._get_db().client[f"{Package._get_db().name}_target"]
    database.client.drop_database(database)
    yield database
    database.client.drop_database(database)


def interrupt(_line: str) -> None:
    """Ctrl-C when the first line is reported."""
    raise KeyboardInterrupt
