"""Pending publishers, and tokens that were used."""

from datetime import timedelta

import bson
from flask import Flask

from webapp.documents import PendingPublisher
from webapp.documents.base import utc_now
from webapp.documents.publisher import Publisher, UsedToken

LATER = utc_now() + timedelta(hours=1)


def pending(key: str, project: str, user_id: bson.ObjectId) -> None:
    publisher = Publisher(key=key, issuer="https://example.org")
    PendingPublisher(project=project, user_id=user_id, publisher=publisher, expires_at=LATER).save()


def keys(found: object) -> list[str]:
    return [each.publisher.key for each in found]  # type: ignore[attr-defined]


def test_pending_publishers_are_found_by_member_project_and_key(app: Flask) -> None:
    ada, bob = bson.ObjectId(), bson.ObjectId()
    pending("one", "jam", ada)
    pending("two", "jelly", ada)
    pending("three", "jam", bob)

    assert keys(PendingPublisher.objects.of_user(ada)) == ["two", "one"]
    assert sorted(keys(PendingPublisher.objects.for_project("jam"))) == ["one", "three"]
    assert sorted(keys(PendingPublisher.objects.with_key(["two", "three", "four"]))) == ["three", "two"]


def test_each_publisher_has_an_id_of_its_own() -> None:
    assert Publisher().publisher_id != Publisher().publisher_id


def test_token_is_used_once_and_kept_until_it_expires(app: Flask) -> None:
    first = UsedToken.objects.use("a" * 64, LATER)
    again = UsedToken.objects.use("a" * 64, LATER + timedelta(hours=1))
    other = UsedToken.objects.use("b" * 64, LATER)

    assert (first, again, other) == (True, False, True)
    assert UsedToken.objects.get(digest="a" * 64).expires_at < LATER + timedelta(seconds=1)
