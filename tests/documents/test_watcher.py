"""Who watches which projects."""

import bson
import pytest
from mongoengine.errors import NotUniqueError, ValidationError

from webapp.documents import Watcher
from webapp.documents.watcher import AT_ONCE, forget


def watcher(*projects: str, **fields: object) -> bson.ObjectId:
    """The id of a user who watches these projects."""
    made = Watcher(user_id=bson.ObjectId(), projects=list(projects), **fields)
    made.save()
    user_id: bson.ObjectId = made.user_id
    return user_id


@pytest.mark.usefixtures("app")
def test_those_who_watch_any_of_some_projects_are_found() -> None:
    ada, bob, _ = watcher("jam", "butter"), watcher("bread", "jam"), watcher("rice")

    assert {each.user_id for each in Watcher.objects.of({"jam", "jelly"})} == {ada, bob}
    assert {each.user_id for each in Watcher.objects.of(["butter"])} == {ada}


@pytest.mark.usefixtures("app")
def test_feed_belongs_to_one_user_and_any_number_may_have_none() -> None:
    ada = watcher("jam", feed_digest="a" * 64)
    watcher("jam")
    watcher("jam")

    assert [each.user_id for each in Watcher.objects.with_feed("a" * 64)] == [ada]
    with pytest.raises(NotUniqueError):
        watcher("jam", feed_digest="a" * 64)


@pytest.mark.usefixtures("app")
def test_one_user_is_forgotten_and_no_other() -> None:
    ada, bob = watcher("jam"), watcher("jam")

    forget(ada)

    assert [each.user_id for each in Watcher.objects] == [bob]


def test_mail_comes_never_at_once_or_daily() -> None:
    Watcher(user_id=bson.ObjectId(), mail=AT_ONCE).validate()

    with pytest.raises(ValidationError, match="mail"):
        Watcher(user_id=bson.ObjectId(), mail="weekly").validate()
