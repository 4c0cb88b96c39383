"""What signing in and administration ask uses an index, as what pages ask does."""

import inspect
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import bson
import pytest
from flask import Flask
from mongoengine import QuerySet

from tests import factories
from webapp.documents import AuditEvent, User
from webapp.documents.auditing import AuditQuerySet
from webapp.documents.user import AccountQuerySet

ADA = bson.ObjectId("0" * 23 + "7")

QUESTIONS: list[tuple[str, Callable[[], QuerySet]]] = [
    ("signing_in", lambda: User.objects.signing_in("USER7@example.org")),
    ("signing_in", lambda: User.objects.signing_in("user7")),
    ("account_of", lambda: User.objects.signing_in("USER7").limit(100)),
    ("with_identity", lambda: User.objects.with_identity("https://login.example.org", "user7")),
    ("in_any_case", lambda: User.objects.in_any_case("USER7")),
    ("with_session", lambda: User.objects.with_session(ADA, "x")),
    ("with_factor", lambda: User.objects.with_factor("x")),
    ("administrators", lambda: User.objects.administrators()),
    ("of_team", lambda: User.objects.of_team("staff")),
    ("told", lambda: User.objects.told([ADA], ["staff"])),
    ("youngest", lambda: User.objects.youngest().limit(20)),
    ("found", lambda: User.objects.found("user7")),
    ("found", lambda: User.objects.found("0" * 23 + "7")),
    ("newest", lambda: AuditEvent.objects.newest().limit(50)),
    ("between", lambda: AuditEvent.objects.between(date(2026, 1, 1), date(2026, 2, 1)).newest().limit(50)),
    ("about_people", lambda: AuditEvent.objects.about_people([ADA], "Ada").newest().limit(50)),
    ("about_package", lambda: AuditEvent.objects.about_package("flask").limit(50)),
    ("from_address", lambda: AuditEvent.objects.from_address("192.0.2.1").limit(50)),
    ("saying", lambda: AuditEvent.objects.saying("flask").newest().limit(50)),
    ("each", lambda: AuditEvent.objects.newest().limit(50)),
    ("of_kind", lambda: AuditEvent.objects.of_kind("sign-in").limit(50)),
    ("about_user", lambda: AuditEvent.objects.about_user(ADA).limit(10)),
]


def stages(plan: Any) -> Iterator[str]:
    """The names of all stages of a plan that explain() gives."""
    if isinstance(plan, dict):
        yield from (each for key, each in plan.items() if key == "stage")
        plan = [each for key, each in plan.items() if key != "rejectedPlans"]
    for each in plan if isinstance(plan, list) else []:
        yield from stages(each)


@pytest.fixture
def filled(app: Flask) -> None:
    """Enough users and events for the server to choose between its indexes."""
    User._get_collection().insert_many(
        {
            "_id": bson.ObjectId(f"{number:024d}"),
            "name": f"User {number}",
            "username": f"user{number}",
            "email_folded": f"user{number}@example.org",
            "is_admin": number == 7,
        }
        for number in range(300)
    )
    AuditEvent._get_collection().insert_many(
        {
            "_id": str(number),
            "created_date": factories.A_DAY + timedelta(minutes=number),
            "kind": "sign-in" if number % 2 else "password",
            "user_id": bson.ObjectId(f"{number % 20:024d}"),
        }
        for number in range(300)
    )


@pytest.mark.real_server
@pytest.mark.parametrize("question", [question for _, question in QUESTIONS], ids=[name for name, _ in QUESTIONS])
@pytest.mark.usefixtures("filled")
def test_each_question_uses_an_index_and_sorts_nothing_in_memory(question: Callable[[], QuerySet]) -> None:
    plan = question().explain()["queryPlanner"]["winningPlan"]

    found = set(stages(plan))
    assert found & {"IXSCAN", "IDHACK", "EXPRESS_IXSCAN", "EXPRESS_CLUSTERED_IXSCAN"}, plan
    assert not found & {"COLLSCAN", "SORT"}, plan


@pytest.mark.parametrize("queryset", [AccountQuerySet, AuditQuerySet])
def test_no_named_question_is_missing_from_the_table(queryset: type[QuerySet]) -> None:
    named = {name for name, _ in inspect.getmembers(queryset, inspect.isfunction) if name in vars(queryset)}

    assert named == {name for name, _ in QUESTIONS if hasattr(queryset, name) and name in vars(queryset)}


def test_session_is_asked_for_with_its_user(app: Flask) -> None:
    factories.user(
        "Ada", id=ADA, sessions=[{"session_id": "x", "created_date": factories.A_DAY, "expires_at": factories.A_DAY}]
    )
    factories.user("Grace")

    assert User.objects.with_session(ADA, "x").count() == 1
    assert User.objects.with_session(ADA, "y").count() == 0
    assert User.objects.with_session(bson.ObjectId(), "x").count() == 0
    User.objects(pk=ADA).update(is_disabled=True)
    assert User.objects.with_session(ADA, "x").count() == 0


@pytest.mark.real_server
def test_mongodb_removes_an_act_when_its_time_has_come(app: Flask) -> None:
    index = AuditEvent._get_collection().index_information()["end_of_keeping"]

    assert index["expireAfterSeconds"] == 0
    assert index["key"] == [("expires_at", 1)]
