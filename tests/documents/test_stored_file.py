"""Which files take storage, and which wait for something."""

from datetime import timedelta

import bson
import pytest
from mongoengine.errors import NotUniqueError

from webapp.documents import StoredFile
from webapp.documents.base import utc_now
from webapp.rules.naming import normalize_name

JAM = normalize_name("jam")
NOW = utc_now()


def file(filename: str, state: str = "stored", package: str = "jam", **fields: object) -> StoredFile:
    made = StoredFile(filename=filename, package=package, state=state, **fields)
    made.save()
    return made


def names(found: object) -> list[str]:
    return sorted(each.filename for each in found)  # type: ignore[attr-defined]


@pytest.mark.usefixtures("app")
def test_all_but_deleted_files_use_the_storage_of_their_project_and_account() -> None:
    ada = bson.ObjectId()
    for state in ("arriving", "staged", "stored", "deleting", "deleted"):
        file(state, state, uploaded_by=ada)
    file("other", package="jelly", uploaded_by=bson.ObjectId())

    kept = ["arriving", "deleting", "staged", "stored"]
    assert names(StoredFile.objects.of_project(JAM)) == kept
    assert names(StoredFile.objects.of_account(ada)) == kept
    assert names(StoredFile.objects.arriving()) == ["arriving"]


@pytest.mark.usefixtures("app")
def test_files_are_found_by_what_they_belong_to() -> None:
    session, content_id = bson.ObjectId(), bson.ObjectId()
    file("staged", "staged", session=session)
    file("published", "stored", session=session, content_id=content_id)

    assert names(StoredFile.objects.of_session(session)) == ["staged"]
    assert names(StoredFile.objects.with_contents([content_id, bson.ObjectId()])) == ["published"]
    assert names(StoredFile.objects.named("staged")) == ["staged"]


@pytest.mark.usefixtures("app")
def test_deletion_that_started_before_some_time_is_found() -> None:
    file("old", deleting_at=NOW - timedelta(hours=2))
    file("young", deleting_at=NOW)
    file("other")

    assert names(StoredFile.objects.deleting(NOW - timedelta(hours=1))) == ["old"]


@pytest.mark.usefixtures("app")
@pytest.mark.real_server  # mongomock ignores hints
def test_files_with_warnings_are_found_through_their_own_index() -> None:
    file("odd", warnings=["It is odd."])
    file("fine")
    file("other", package="jelly", warnings=["It is odd."])

    assert names(StoredFile.objects.with_warnings(JAM)) == ["odd"]


@pytest.mark.usefixtures("app")
def test_name_is_taken_in_every_spelling_and_older_files_have_none() -> None:
    file("Jam-1.0.zip", canonical_name="jam-1.0.zip")
    file("a")
    file("b")

    with pytest.raises(NotUniqueError):
        file("jam-1.0.zip", canonical_name="jam-1.0.zip")


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -(2**40), "7", None], ids=str)
def test_size_that_is_no_number_of_bytes_takes_no_storage(odd: object) -> None:
    file("odd")
    file("usual", size=5)
    StoredFile.objects.raw(may_be_lost=True).update_one({"_id": "odd"}, {"$set": {"size": odd}})

    assert StoredFile.objects.of_project(JAM).total_bytes() == 5
