"""Publishers of projects: added, removed, demanded, with an entry in the journal."""

from datetime import timedelta

import pytest
from flask import Flask
from packaging.utils import NormalizedName

from tests import factories
from webapp.changes import publishers
from webapp.changes.maintaining import NotPermitted, NotThere
from webapp.changes.publishers import (
    MOST_COMPARED,
    AlreadyPrepared,
    NotTrusted,
    Pipeline,
    TooManyPublishers,
    add_pending,
    add_publisher,
    demand_publishers,
    new_publisher,
    pending_for,
    projects_of,
    remove_publisher,
)
from webapp.documents import JournalEntry, Maintainer, Package, PendingPublisher, ProjectStatus, Publisher, User
from webapp.documents.base import utc_now
from webapp.documents.publisher import MOST_PUBLISHERS

ISSUER = "https://gitlab.example.org"
NAME = NormalizedName("example")


@pytest.fixture
def ada(app: Flask) -> User:
    """The owner of a project."""
    user = factories.user()
    factories.package(maintainers=[Maintainer(user_id=user.id, name="Ada", role="owner")])
    return user


def pipeline(user: User, sub: str = "ci", **conditions: str) -> Publisher:
    return new_publisher(ISSUER, f"{ISSUER} sub={sub}", {"sub": sub, **conditions}, user)


def actions() -> list[str]:
    return [each.action for each in JournalEntry.objects.order_by("pk")]


def test_publisher_is_added_once_and_removed(ada: User) -> None:
    publisher = pipeline(ada)

    assert add_publisher(NAME, publisher, ada)
    assert not add_publisher(NAME, pipeline(ada), ada)
    assert projects_of(ISSUER, {"sub": "ci"}) == ["example"]
    remove_publisher(NAME, publisher.publisher_id, ada)

    assert Package.objects.get().publishers is None
    assert actions()[-2:] == ["add publisher", "remove publisher"]
    with pytest.raises(NotThere):
        remove_publisher(NAME, publisher.publisher_id, ada)


def test_only_owners_change_publishers(ada: User) -> None:
    eve = factories.user("Eve")

    with pytest.raises(NotPermitted):
        add_publisher(NAME, pipeline(eve), eve)
    with pytest.raises(NotPermitted):
        demand_publishers(NAME, eve, is_demanded=True)


def test_project_in_quarantine_gets_no_publisher(ada: User) -> None:
    Package.objects.update(status=ProjectStatus(marker="quarantined"))

    with pytest.raises(NotPermitted):
        add_publisher(NAME, pipeline(ada), ada)


def test_publishers_of_a_project_are_limited(ada: User) -> None:
    for number in range(MOST_PUBLISHERS):
        add_publisher(NAME, pipeline(ada, f"{number}"), ada)

    with pytest.raises(TooManyPublishers, match="A project can have 20 trusted publishers"):
        add_publisher(NAME, pipeline(ada), ada)


def test_demand_is_entered_once(ada: User) -> None:
    assert demand_publishers(NAME, ada, is_demanded=True)
    assert not demand_publishers(NAME, ada, is_demanded=True)
    assert demand_publishers(NAME, ada, is_demanded=False)

    assert actions()[-2:] == ["accept publishers only", "accept tokens too"]


def test_pending_publishers_of_a_member_are_limited(ada: User) -> None:
    for number in range(10):
        add_pending(NormalizedName(f"new-{number}"), pipeline(ada), ada)

    with pytest.raises(TooManyPublishers, match="You can have 10 pending publishers"):
        add_pending(NormalizedName("new"), pipeline(ada), ada)


def test_nobody_else_gets_the_project_that_a_pipeline_creates(ada: User) -> None:
    add_pending(NormalizedName("new"), pipeline(ada), ada)

    with pytest.raises(AlreadyPrepared, match="Somebody else has prepared new for this pipeline"):
        add_pending(NormalizedName("new"), pipeline(ada, ref="main"), factories.user("Eve"))
    add_pending(NormalizedName("new"), pipeline(ada, ref="main"), ada)
    pending, owner = pending_for(NormalizedName("new"), Pipeline(ISSUER, {"sub": "ci", "ref": "main"}))
    assert (owner.id, pending.publisher.conditions) == (ada.id, {"sub": "ci"})


@pytest.mark.real_server
def test_pending_publisher_expires(ada: User) -> None:  # mongomock removes it at once
    add_pending(NormalizedName("new"), pipeline(ada), ada)
    PendingPublisher.objects.update(expires_at=utc_now() - timedelta(seconds=1))

    with pytest.raises(NotTrusted, match="for new, the pending publisher has expired"):
        pending_for(NormalizedName("new"), Pipeline(ISSUER, {"sub": "ci"}))


def test_crowd_of_publishers_by_others_does_not_hide_the_right_one(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishers, "MOST_COMPARED", 3)
    for number in range(3):
        factories.package(f"aaa-{number}", publishers=[pipeline(ada, ref="other")])
    add_publisher(NAME, pipeline(ada), ada)

    assert projects_of(ISSUER, {"sub": "ci"}) == []
    publishers.check_admitted(NAME, Pipeline(ISSUER, {"sub": "ci"}))
    assert MOST_COMPARED == 200


@pytest.mark.parametrize("broken", [{"key": f"{ISSUER} sub=ci"}, {"key": f"{ISSUER} sub=ci", "issuer": ISSUER}])
def test_publisher_that_a_manual_edit_left_incomplete_fits_nobody(ada: User, broken: dict[str, str]) -> None:
    Package.objects.raw().update_one({"_id": "example"}, {"$set": {"publishers": [broken]}})

    with pytest.raises(NotTrusted):
        projects_of(ISSUER, {"sub": "ci"})
