"""Which advisories are about a project, and which affect a version of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from mongoengine.errors import OperationError
from pymongo.errors import OperationFailure

from tests import factories
from webapp.documents import Advisory
from webapp.documents.advisory import COLLECTION_DROPPED, AdvisoryState
from webapp.rules.osv import sort_key

A_DAY = factories.A_DAY


def ids(found: Any) -> list[str]:
    return [each.id for each in found]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("0.9", ["UP-TO-2"]),
        ("1.0", ["FROM-1-TO-3", "UP-TO-2"]),
        ("2.0", ["FROM-1-TO-3"]),
        ("3.0", ["FROM-1-TO-3"]),
        ("3.0.1", []),
        ("7.0", ["ONLY-7"]),
    ],
)
def test_version_is_affected_from_the_start_of_a_range_until_before_its_end(
    app: Flask, version: str, expected: list[str]
) -> None:
    factories.advisory("UP-TO-2", "jam", fixed="2.0")
    factories.advisory("FROM-1-TO-3", "jam", introduced="1.0", last_affected="3.0")
    factories.advisory("ONLY-7", "jam", versions=["7.0"])
    factories.advisory("OTHER", "jelly", fixed="9.0")

    assert sorted(ids(Advisory.objects.affecting("jam", sort_key(version)))) == expected


def test_advisories_are_found_by_project_and_by_when_they_arrived(app: Flask) -> None:
    for number, name in enumerate(("jam", "jelly", "jam")):
        factories.advisory(f"PYSEC-{number}", name, imported_at=A_DAY + timedelta(days=number))
    factories.advisory("PYSEC-3", "rice", withdrawn="2026-11-02T00:00:00Z", imported_at=A_DAY)

    assert sorted(ids(Advisory.objects.about(["jam", "rice"]))) == ["PYSEC-0", "PYSEC-2", "PYSEC-3"]
    assert sorted(ids(Advisory.objects.about(["jam", "rice"]).standing())) == ["PYSEC-0", "PYSEC-2"]
    assert ids(Advisory.objects.since(A_DAY)) == ["PYSEC-2", "PYSEC-1"]
    assert ids(Advisory.objects.newest(3)) == ["PYSEC-2", "PYSEC-1", "PYSEC-0"]


QUESTIONS: dict[str, Callable[[], Any]] = {
    "find": lambda: [each["id"] for each in Advisory.objects.about(["jam"]).plain()],
    "count_documents": lambda: Advisory.objects.about(["jam"]).count_up_to(9),
    "aggregate": lambda: Advisory.objects.known(["jam", "rice"]),
}


@pytest.mark.parametrize("code", [COLLECTION_DROPPED, 2])
@pytest.mark.parametrize(("method", "answer"), [("find", ["PYSEC-1"]), ("count_documents", 1), ("aggregate", {"jam"})])
def test_question_is_asked_again_only_if_its_collection_was_replaced(
    app: Flask, monkeypatch: pytest.MonkeyPatch, method: str, answer: Any, code: int
) -> None:
    factories.advisory("PYSEC-1", "jam")
    failures = [OperationFailure("oh", code)]
    collection = type(Advisory.objects.raw())
    right = getattr(collection, method)

    def failing_once(self: Any, *args: Any, **kwargs: Any) -> Any:
        if failures:
            raise failures.pop()
        return right(self, *args, **kwargs)

    monkeypatch.setattr(collection, method, failing_once)

    if code == COLLECTION_DROPPED:
        assert QUESTIONS[method]() == answer
        assert not failures
    else:
        with pytest.raises((OperationFailure, OperationError)):
            QUESTIONS[method]()


def test_state_of_the_last_import_is_empty_before_the_first(app: Flask) -> None:
    before = AdvisoryState.current()

    AdvisoryState.note(records=3)
    AdvisoryState.note(filename="all.zip")

    assert before == {}
    assert AdvisoryState.current() == {"id": "state", "records": 3, "filename": "all.zip"}
