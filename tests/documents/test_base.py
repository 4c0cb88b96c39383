"""Raw documents as pages read them: the fields that have the declared type, and nothing else."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import bson
import mongoengine as me
import pytest
from flask import Flask

from tests import factories
from tests.clocks import clock_ahead
from webapp.documents import Package, SearchState, User
from webapp.documents.base import ReadingQuerySet, as_declared, decoded, is_recent, recent, utc_now


class Inner(me.EmbeddedDocument):
    word = me.StringField(db_field="w")


class Outer(me.EmbeddedDocument):
    text = me.StringField()
    whole = me.LongField()
    flag = me.BooleanField()
    real = me.FloatField()
    moment = me.DateTimeField()
    inner = me.EmbeddedDocumentField(Inner)
    texts = me.ListField(me.StringField())
    inners = me.ListField(me.EmbeddedDocumentField(Inner))
    by_key = me.MapField(me.StringField())
    anything = me.DictField()
    key = me.ObjectIdField()


A_MOMENT = datetime(2024, 3, 1, tzinfo=UTC)
KEY = bson.ObjectId("5" * 24)
GOOD: list[tuple[str, Any, Any]] = [
    ("text", "a", "a"),
    ("text", "", ""),
    ("whole", 0, 0),
    ("whole", bson.Int64(5), 5),
    ("whole", 5.0, 5),
    ("whole", -5.0, -5),
    ("flag", False, False),
    ("flag", True, True),
    ("real", 1.5, 1.5),
    ("real", 2, 2),
    ("moment", A_MOMENT, A_MOMENT),
    ("inner", {"w": "a", "x": 5}, {"word": "a"}),
    ("inner", {"w": 5}, {}),
    ("texts", ["a", 5, None, "b", ["c"]], ["a", "b"]),
    ("texts", [], []),
    ("inners", [{"w": "a"}, {"w": 5}, 7, {}], [{"word": "a"}]),
    ("by_key", {"a": "b", "c": 5}, {"a": "b"}),
    ("anything", {"a": 5}, {"a": 5}),
    ("key", KEY, KEY),
]
WRONG: list[tuple[str, Any]] = [
    ("text", 5),
    ("text", bson.Code("x")),
    ("text", b"x"),
    ("whole", True),
    ("whole", 1.5),
    ("whole", 2.0**63),
    ("whole", -(2.0**63)),
    ("whole", float("nan")),
    ("whole", "5"),
    ("flag", 0),
    ("flag", 1),
    ("real", True),
    ("real", "1.5"),
    ("moment", "2024-03-01"),
    ("inner", [{"w": "a"}]),
    ("texts", "abc"),
    ("by_key", ["a"]),
    ("anything", ["a"]),
    ("key", "5" * 24),
    ("unheard_of", "x"),
]


@pytest.mark.parametrize(("field", "value", "expected"), GOOD, ids=str)
def test_value_of_the_declared_type_is_read(field: str, value: Any, expected: Any) -> None:
    found = as_declared(Outer, {field: value})

    assert found == {field: expected}
    assert type(found[field]) is type(expected) or isinstance(value, bson.Int64)


@pytest.mark.parametrize(("field", "value"), [*WRONG, *((field, None) for field, *_ in GOOD)], ids=str)
def test_value_of_another_type_is_as_if_it_were_not_there(field: str, value: Any) -> None:
    assert as_declared(Outer, {field: value}) == {}


@pytest.mark.parametrize("son", [None, 5, "text", [{"text": "a"}]])
def test_what_is_no_document_has_no_fields(son: Any) -> None:
    assert as_declared(Outer, son) == {}


def test_type_without_a_rule_is_a_mistake_of_ours() -> None:
    class Odd(me.EmbeddedDocument):
        number = me.DecimalField()

    with pytest.raises(TypeError, match="no rule for reading a DecimalField"):
        as_declared(Odd, {"number": 5})


def test_time_is_exact_to_the_millisecond_as_mongodb_keeps_it() -> None:
    now = utc_now()

    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    assert timedelta(0) <= datetime.now(UTC) - now < timedelta(seconds=5)


def test_bson_that_python_cannot_hold_is_decoded_as_far_as_it_goes() -> None:
    late = decoded(bson.encode({"at": bson.datetime_ms.DatetimeMS(2**62)}))["at"]
    text = decoded(bson.encode({"t": "ab"}).replace(b"ab", b"\xffb"))["t"]

    assert isinstance(late, bson.datetime_ms.DatetimeMS)
    assert text == "\ufffdb"
    assert decoded(bson.encode({"at": A_MOMENT}))["at"] == A_MOMENT


def test_document_without_a_key_of_its_type_has_no_address_and_is_left_out(app: Flask) -> None:
    Package._get_collection().insert_many([{"_id": 5, "name": "five"}, {"_id": "six", "name": "six"}])

    assert [each["name"] for each in Package.objects.plain()] == ["six"]
    assert [each["name"] for each in Package.objects.as_plain([{"_id": 5}, {"_id": "six", "name": "six"}])] == ["six"]


def test_first_document_is_read_in_each_form_and_none_where_there_is_none(app: Flask) -> None:
    assert User.objects.plain_first() is None
    assert User.objects.raw_first() is None
    assert User.objects.declared_first() is None
    assert User.objects.declared_with({"name": "Ada"}) is None
    assert Package.objects.raw_result([{"$match": {}}]) is None
    assert Package.objects.raw_parts("jam", ["name"]) is None
    assert Package.objects.plain_one("jam") is None
    ada = factories.user("Ada")
    factories.package("jam")

    assert (User.objects.plain_first() or {})["name"] == "Ada"
    assert decoded(User.objects.raw_first() or b"")["_id"] == ada.id
    assert User.objects.declared_first().name == "Ada"
    assert User.objects.declared_with({"_id": ada.id}).name == "Ada"
    assert decoded(Package.objects.raw_result([{"$project": {"name": 1}}]) or b"") == {"_id": "jam", "name": "jam"}
    assert decoded(Package.objects.raw_parts("jam", ["name"]) or b"") == {"_id": "jam", "name": "jam"}
    assert Package.objects.plain_one("jam", {"name": 1}) == {"normalized_name": "jam", "name": "jam"}


def test_documents_are_counted_up_to_a_number(app: Flask) -> None:
    for name in ("jam", "bread", "butter"):
        factories.package(name, license="MIT" if name == "jam" else "ISC")

    assert [Package.objects.count_up_to(most) for most in (1, 2, 3, 4)] == [1, 2, 3, 3]
    assert [Package.objects.under_license("ISC").count_up_to(most) for most in (1, 2, 3)] == [1, 2, 2]


def test_work_is_claimed_by_one_at_a_time_until_its_time_is_over(app: Flask) -> None:
    claims = SearchState.objects

    assert claims.claim("words", timedelta(minutes=1))
    assert not claims.claim("words", timedelta(minutes=1))
    assert claims.claim("others", timedelta(seconds=-1))
    assert claims.claim("others", timedelta(minutes=1))
    assert not claims.claim("others", timedelta(minutes=1))


def test_work_is_not_claimed_while_its_condition_does_not_hold(app: Flask) -> None:
    SearchState._get_collection().insert_one({"_id": "words", "is_due": False})

    assert not SearchState.objects.claim("words", timedelta(minutes=1), {"is_due": True})
    assert SearchState.objects.claim("words", timedelta(minutes=1), {"is_due": False})


@pytest.mark.real_server
def test_of_changes_that_create_a_document_at_once_none_is_lost(app: Flask) -> None:
    """Nobody else's `_id` is in the way: each change meets the condition, whoever was faster."""
    workers, rounds = 8, 50
    together = Barrier(workers)

    def store(worker: int) -> list[bool]:
        stored = []
        for each in range(rounds):
            together.wait()
            mine = {"_id": f"round {each}", "$or": [{"holder": None}, {"holder": "larder"}]}
            stored.append(SearchState.objects.upsert_if(mine, {"$set": {"holder": "larder", "last": worker}}))
        return stored

    with ThreadPoolExecutor(workers) as pool:
        assert all(all(stored) for stored in pool.map(store, range(workers)))


def test_document_that_does_not_meet_the_condition_stays_as_it_is(app: Flask) -> None:
    states = SearchState.objects
    older = {"_id": "a", "serial": {"$lt": 5}}

    assert states.upsert_if(older, {"serial": 7})
    assert not states.upsert_if(older, {"serial": 4})
    assert not states.upsert_if(older, {"$set": {"serial": 4}})

    assert states.raw().find_one({"_id": "a"}) == {"_id": "a", "serial": 7}


@pytest.mark.parametrize(
    ("seconds_ago", "is_so"), [(61, False), (59, True), (0, True), (-110, True), (-130, False), (-86_400, False)]
)
def test_date_is_recent_if_it_is_not_old_and_not_of_a_wrong_clock(app: Flask, seconds_ago: int, *, is_so: bool) -> None:
    when = utc_now() - timedelta(seconds=seconds_ago)
    SearchState._get_collection().insert_one({"_id": "state", "looked_at": when})

    assert is_recent(when, timedelta(minutes=1)) == is_so
    found = SearchState.objects.raw().find_one({"looked_at": recent(timedelta(minutes=1))})
    assert (found is not None) == is_so


def test_claim_of_a_process_whose_clock_was_ahead_is_free_when_it_is_right(app: Flask) -> None:
    with clock_ahead():
        assert SearchState.objects.claim("state", timedelta(minutes=5))
        assert not SearchState.objects.claim("state", timedelta(minutes=5))

    assert SearchState.objects.claim("state", timedelta(minutes=5))
    assert not SearchState.objects.claim("state", timedelta(minutes=5))


def test_plain_documents_of_an_empty_queryset_are_none(app: Flask) -> None:
    factories.package("flask")

    assert len(Package.objects.plain()) == 1
    assert Package.objects.none().plain() == []
    assert Package.objects[0:0].plain() == []


class Listed(me.Document):
    teams = me.ListField(me.StringField())
    files = me.ListField(me.DictField())

    meta = {"queryset_class": ReadingQuerySet}


@pytest.fixture
def listed(app: Flask) -> Iterator[Any]:
    """A collection of documents with lists."""
    yield Listed.objects
    Listed.drop_collection()


@pytest.mark.real_server
@pytest.mark.parametrize("operator", ["$push", "$addToSet"])
def test_null_becomes_a_list_when_something_is_added(listed: Any, operator: str) -> None:
    key = listed.raw().insert_one({"teams": None, "files": [{"name": "a"}, {"name": "b", "senders": None}]}).inserted_id
    this = {"_id": key, "files": {"$elemMatch": {"name": "b"}}}

    assert listed.change_lists({"_id": key, "teams": {"$ne": "x"}}, {operator: {"teams": "x"}})
    assert listed.change_lists(this, {operator: {"files.$.senders": 1}})
    assert not listed.change_lists({"_id": "other"}, {operator: {"teams": "x"}})

    found = listed.raw().find_one()
    assert (found["teams"], found["files"]) == (["x"], [{"name": "a"}, {"name": "b", "senders": [1]}])


@pytest.mark.real_server
def test_nothing_is_taken_from_null(listed: Any) -> None:
    listed.raw().insert_one({"_id": KEY, "teams": None})

    assert listed.change_lists({"_id": KEY}, {"$pull": {"teams": "x"}})

    assert listed.raw().find_one() == {"_id": KEY}


@pytest.mark.real_server
@pytest.mark.parametrize("odd", ["written by hand", 5, {"x": 1}])
def test_anything_else_becomes_a_list_and_other_documents_stay(listed: Any, odd: Any) -> None:
    other = {"_id": "other", "teams": odd}
    listed.raw().insert_many([{"_id": KEY, "teams": odd}, other])

    assert listed.change_lists({"_id": KEY}, {"$push": {"teams": "x"}})

    assert list(listed.raw().find()) == [{"_id": KEY, "teams": ["x"]}, other]


@pytest.mark.real_server
def test_list_stays_even_if_null_is_in_it(listed: Any) -> None:
    listed.raw().insert_one({"_id": KEY, "teams": [None, "x"]})

    listed.mend_lists({"_id": KEY}, {"$push": {"teams": "y"}})

    assert listed.raw().find_one() == {"_id": KEY, "teams": [None, "x"]}
