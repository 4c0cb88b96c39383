"""What the comparisons of all tables share."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import bson
import mongomock
import pytest

from migrations_sql_to_mongo.layout import Layout
from migrations_sql_to_mongo.progress import Progress
from migrations_sql_to_mongo.target import Target
from migrations_sql_to_mongo.verify.context import Behind, Context
from migrations_sql_to_mongo.verify.encoding import Wanted

NAMES = {"users": "users", "packages": "packages"}


class Rows:
    """A source with some ids of users."""

    def __init__(self, ids: list[Any], layout: Layout) -> None:
        self.layout, self.tables, self._ids = layout, ["users"], ids
        self.columns = {"users": {"id": "key", "name": "text"}}

    def ids(self, table: str) -> Iterator[tuple[Any]]:
        assert table == "users"
        return iter([(one,) for one in self._ids])

    def count(self, table: str) -> int:
        assert table == "users"
        return len(self._ids)


def context(
    ids: tuple[Any, ...] = (), documents: tuple[Any, ...] = (), layout: Layout | None = None, **options: Any
) -> Context:
    """A comparison of users with these ids in the source and in the target."""
    client: Any = mongomock.MongoClient()
    for document in documents:
        client["site"]["users"].insert_one({"_id": document})
    target = Target(client, "site", "mongomock", None)
    source: Any = Rows(list(ids), layout or Layout())
    return Context(source, target, NAMES, "rejects", Progress(quiet=True), **options)


def moved(number: int) -> bson.ObjectId:
    """The `_id` of the user with this number."""
    return bson.ObjectId(f"{number:024}")


@pytest.mark.parametrize(
    ("value", "text"), [(None, None), ("Jäm", "Jäm"), (b"J\xc3\xa4m", "Jäm"), (b"J\xe4m", "Jäm"), (b"", "")]
)
def test_text_is_utf_8_or_in_the_encoding_of_the_map(value: Any, text: str | None) -> None:
    assert context(layout=Layout(encoding="latin-1")).text(value) == text


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="int is not text"):
        context().text(7)
    with pytest.raises(UnicodeDecodeError):
        context().text(b"J\xe4m")


@pytest.mark.parametrize(
    ("table", "key", "expected"),
    [
        ("packages", "Zope.Interface", "zope-interface"),
        ("users", 7, bson.ObjectId("0" * 23 + "7")),
        ("licenses", "MIT", "MIT"),
        ("licenses", None, None),
        ("licenses", "\udcff", None),  # MongoDB stores no half characters
        ("licenses", 7, None),
    ],
)
def test_id_belongs_to_a_key(table: str, key: Any, expected: Any) -> None:
    assert context().id_of(table, key) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("2020-06-01 12:00:00", datetime(2020, 6, 1, 10)),  # noqa: DTZ001 - as the encoder expects it
        ("2020-06-01T12:00:00+00:00", datetime(2020, 6, 1, 12)),  # noqa: DTZ001
    ],
)
def test_date_is_in_the_zone_of_its_column_unless_it_says_otherwise(value: Any, expected: datetime | None) -> None:
    layout = Layout(timezones={"users.created_date": "Europe/Berlin"})

    assert context(layout=layout).date("users", "created_date", value) == expected


def test_microseconds_are_counted_that_mongodb_does_not_keep() -> None:
    found = context()

    for value in ("2020-06-01 12:00:00.123456", "2020-06-01 12:00:00.123", "2020-06-01 12:00:00"):
        found.date("users", "created_date", value)

    assert found.found.lost_microseconds == 1


def test_what_is_no_date_is_kept_as_odd_or_rejects_its_row() -> None:
    odd: dict[str, Any] = {}

    assert context().date("users", "created_date", "soon", odd) is None
    with pytest.raises(ValueError, match="soon is not a date"):
        context(layout=Layout(date_rules={"users.created_date": "reject"})).date("users", "created_date", "soon")

    assert odd == {"created_date": "soon"}


def test_every_row_must_be_compared() -> None:
    found = context(ids=(1, 2))
    found.count("users", 2)

    found.finish()

    assert found.found.differences == ["users: rows in the source: 2, compared: 1"]


def test_document_that_comes_from_no_row_is_named() -> None:
    found = context(ids=(1,), documents=(moved(1), moved(2)))

    found.look_for_extra("users", 1)

    assert found.found.differences == [f"users {moved(2)}: in the target, but not in the source"]


def test_rows_that_lead_to_another_number_of_documents_are_noticed() -> None:
    found = context(ids=(1, 2), documents=(moved(1),))

    found.look_for_extra("users", 2)

    assert found.found.differences == ["users: 2 rows lead to 1 document"]


def test_as_many_documents_as_rows_are_all_there_are() -> None:
    found = context(ids=(1,), documents=(moved(1),))

    found.look_for_extra("users", 1)

    assert found.found.count == 0


def test_row_that_is_missing_must_have_been_rejected() -> None:
    found = context()

    found.must_be_rejected("users", (1, "Ada"), "it has no document")

    assert found.found.differences == ["users 1: it has no document, and was not rejected"]


def encoded(**fields: Any) -> bytes:
    return bson.encode({"_id": 1} | fields)


def test_fields_that_differ_are_named() -> None:
    found = context()

    found.compare("users", 1, Wanted(encoded(name="Ada"), needs_html=False), encoded(name="Ada"))
    found.compare("users", 1, Wanted(encoded(name="Ada"), needs_html=False), encoded(name="Bob"))
    found.compare("users", 2, ValueError("it has no name"), encoded())

    assert found.found.differences == [
        "users 1: name is Bob, Ada in the source",
        "users 2: is in the target, but should have been rejected: it has no name",
    ]


def test_description_must_have_been_rendered() -> None:
    found = context()

    rendered = encoded(description_html="<p>", description_renderer="1")
    found.compare("packages", 1, Wanted(encoded(), needs_html=True), rendered)
    found.compare("packages", 1, Wanted(encoded(), needs_html=True), encoded())

    assert found.found.differences == ["packages 1: description_html is missing"]


def test_only_chosen_rows_are_compared() -> None:
    rows = [(1, "Ada"), (2, "Grace")]

    assert list(context(only={"users": {moved(2)}}).chosen("users", iter(rows))) == [(2, "Grace")]
    assert list(context().chosen("users", iter(rows))) == rows


def test_document_that_somebody_edited_is_counted_and_not_compared() -> None:
    behind = Behind(NAMES, lambda _table, key: b"as it was" if key == 1 else None)
    found = context(behind=behind)

    edited = [found.is_edited("users", 1, encoded()), found.is_edited("users", 2, encoded())]

    assert (edited, found.found.edited) == ([True, False], 1)
    assert not context().is_edited("users", 1, encoded())
