"""Documents of a wrong shape are named just where the server refuses them."""

from typing import Any

import bson
import pytest
from bson.datetime_ms import DatetimeMS
from flask import Flask

from tests import factories
from tests.inspection.conftest import stored
from webapp.documents import Maintainer, Package
from webapp.documents.validators import schema_of, validator_of
from webapp.inspection.shape import mistakes

pytestmark = pytest.mark.real_server
ODD_VALUES: dict[str, Any] = {
    "null": None,
    "number": 5,
    "long": bson.Int64(5),
    "double": 5.5,
    "true": True,
    "text": "x",
    "date": DatetimeMS(5),
    "late": DatetimeMS(2**62),
    "id": bson.ObjectId(),
    "list": ["x"],
    "odd-list": [5, {}],
    "mapping": {"x": "y"},
    "odd-mapping": {"version": 5, "user_id": None, "x": []},
    "decimal": bson.Decimal128("1"),
    "binary": b"x",
    "regex": bson.Regex("x"),
    "code": bson.Code("x"),
    "scope": bson.Code("x", {}),
    "timestamp": bson.Timestamp(1, 1),
    "smallest": bson.MinKey(),
}


@pytest.mark.parametrize("name", ODD_VALUES)
def test_mistakes_are_named_just_where_the_server_refuses(app: Flask, name: str) -> None:
    factories.package(maintainers=[Maintainer(user_id=bson.ObjectId(), name="Ada")])
    right = stored()
    places = [*right, "releases.0", "maintainers.0", "keywords.0", "project_urls.x", "latest.size"]
    places += [f"releases.0.{each}" for each in right["releases"][0]] + ["releases.0.files.0.size"]
    places.remove("_id")
    # Without indexes, which refuse some odd values by themselves.
    shapes = Package._get_db()["shapes"]
    shapes.drop()
    shapes.insert_many([{**right, "_id": place} for place in places])

    for place in places:
        shapes.update_one({"_id": place}, {"$set": {place: ODD_VALUES[name]}})

    refused = {found["_id"] for found in shapes.find({"$nor": [validator_of(Package)]})}
    assert {found["_id"] for found in shapes.find() if any(mistakes(schema_of(Package), found))} == refused
    shapes.drop()
