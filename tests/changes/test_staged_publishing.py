"""A publication that is killed between any two steps has published everything or nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient, FlaskCliRunner

from tests import factories
from tests.changes.sessions import BETTER, FILES, age, filled, seen
from tests.publishing import uploads
from tests.publishing.staging import add, opened, path_of, said, send, stored
from tests.publishing.uploads import sha256, wheel_name
from webapp.changes import changing, claims, listing, staged_publishing, staging, withdrawing
from webapp.documents import JournalEntry, Package, PublishingSession, StoredFile, User
from webapp.documents.base import utc_now
from webapp.documents.release import own_url
from webapp.rules import naming


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (staged_publishing, "statement_of"),
        (staged_publishing, "list_files"),
        (listing, "changes"),
        (listing, "show_latest"),
        (Package, "store"),
    ],
    ids=lambda each: str(getattr(each, "__name__", each)),
)
def test_killed_before_its_package_lists_the_files_it_has_published_nothing(
    client: FlaskClient, secret: str, killed_at: Callable[..., None], where: Any, name: str
) -> None:
    session = filled(client, secret)

    killed_at(lambda: send(client, secret, path_of(session, "publish")), where, name)

    assert seen(client) == set()
    for filename, content in FILES.items():
        assert client.get(own_url(sha256(content), filename)).status_code == 404
    assert send(client, secret, path_of(session, "publish")).status_code == 409
    age()
    again = send(client, secret, path_of(session, "publish"))
    assert again.status_code == 201, again.text
    assert seen(client) == set(FILES)
    assert JournalEntry.objects.count() == 2


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (changing, "write_out_of"),
        (staged_publishing, "finish_publishing"),
        (staging, "_files"),
        (claims, "settle_staged"),
    ],
    ids=lambda each: str(getattr(each, "__name__", each)),
)
@pytest.mark.parametrize("how", ["asked again", "cleaned"])
def test_killed_after_its_package_lists_the_files_everything_is_published(
    client: FlaskClient,
    secret: str,
    runner: FlaskCliRunner,
    killed_at: Callable[..., None],
    where: Any,
    name: str,
    how: str,
) -> None:
    session = filled(client, secret)

    killed_at(lambda: send(client, secret, path_of(session, "publish")), where, name)

    assert seen(client) == set(FILES)
    age()
    if how == "cleaned":
        assert runner.invoke(args=["files", "clean"]).exit_code == 0
    else:
        described = said(client.get(path_of(session, "session"), auth=("__token__", secret)))
        assert described["status"] == "published"
        runner.invoke(args=["files", "clean"])
    assert stored(session).state == "published"
    assert {each.state for each in StoredFile.objects} == {"stored"}
    assert StoredFile.objects(session__exists=True).count() == 0
    assert seen(client) == set(FILES)
    assert JournalEntry.objects.count() == 2


def test_of_two_who_publish_at_once_one_is_told_to_wait(client: FlaskClient, secret: str) -> None:
    session = filled(client, secret)
    PublishingSession.objects.update(state="publishing", attempt="x", alive_at=utc_now())

    response = send(client, secret, path_of(session, "publish"))

    assert (response.status_code, said(response)["details"]) == (409, "This session is already being published.")
    assert client.delete(path_of(session, "session"), auth=("__token__", secret)).status_code == 409
    assert add(client, secret, session, BETTER).status_code == 409


def test_refused_publication_leaves_the_session_open(client: FlaskClient, secret: str) -> None:
    session = filled(client, secret)
    release = factories.release("1.0", files=[factories.release_file("1.0", filename=wheel_name(), sha256="0" * 64)])
    user = Package._get_db().users.find_one({})
    factories.package("larder-probe", releases=[release], maintainers=[{"user_id": user["_id"], "role": "owner"}])

    response = send(client, secret, path_of(session, "publish"))

    assert (response.status_code, said(response)["details"]) == (
        400,
        f"File already exists with different contents: {wheel_name()}",
    )
    assert stored(session).state == "open"
    assert {each.state for each in StoredFile.objects} == {"staged"}


@pytest.mark.parametrize("moment", ["before its check", "after its check", "while it reads", "killed while it reads"])
def test_session_brings_no_project_back_that_was_deleted_meanwhile(
    client: FlaskClient, secret: str, monkeypatch: pytest.MonkeyPatch, killed_at: Callable[..., None], moment: str
) -> None:
    uploads.upload(client, secret, uploads.wheel(version="0.9"), wheel_name(version="0.9"))
    session = filled(client, secret)
    owner = User.objects.get()

    def deleting(module: Any, name: str) -> None:
        """Delete the project when this is called for the first time, and then call it."""
        wanted = getattr(module, name)

        def then(*args: Any) -> Any:
            monkeypatch.setattr(module, name, wanted)
            withdrawing.delete_project(naming.normalize_name(session["name"]), owner)
            return wanted(*args)

        monkeypatch.setattr(module, name, then)

    if moment == "before its check":
        monkeypatch.setattr(withdrawing, "cancel_all", lambda *_: None)  # this comes a moment later
        withdrawing.delete_project(naming.normalize_name(session["name"]), owner)
    elif moment == "after its check":
        deleting(staged_publishing, "_close")
    else:
        deleting(staged_publishing, "_new_release")
    if moment.startswith("killed"):
        killed_at(lambda: send(client, secret, path_of(session, "publish")), staged_publishing, "_list")
        age()

    response = send(client, secret, path_of(session, "publish"))

    assert response.status_code == 404
    assert Package.objects.count() == 0
    assert stored(session).state == "canceled"
    assert set(StoredFile.objects.scalar("state")) <= {"deleted"}
    # Who means to create it again can do so.
    again = opened(client, secret, version="2.0")
    content = uploads.wheel(version="2.0")
    assert add(client, secret, again, content, wheel_name(version="2.0")).status_code == 200
    assert send(client, secret, path_of(again, "publish")).status_code == 201


@pytest.mark.parametrize("how", ["meanwhile", "after a kill"])
@pytest.mark.parametrize("what", ["project", "release", "file"])
def test_what_is_deleted_before_the_session_has_ended_keeps_its_names_and_stays_deleted(
    client: FlaskClient,
    secret: str,
    monkeypatch: pytest.MonkeyPatch,
    killed_at: Callable[..., None],
    what: str,
    how: str,
) -> None:
    session, owner = filled(client, secret), User.objects.get()
    finish = staging.finish_publishing

    def delete() -> None:
        name = naming.normalize_name(session["name"])
        if what == "project":
            withdrawing.delete_project(name, owner)
        elif what == "release":
            withdrawing.delete_release(name, "1.0", owner)
        else:
            withdrawing.delete_file(name, "1.0", wheel_name(), owner)

    def delete_then_finish(*args: Any) -> None:
        delete()
        finish(*args)

    if how == "meanwhile":
        monkeypatch.setattr(staged_publishing, "finish_publishing", delete_then_finish)
        send(client, secret, path_of(session, "publish"))
    else:
        killed_at(lambda: send(client, secret, path_of(session, "publish")), staged_publishing, "finish_publishing")
        delete()
        age()

    assert said(send(client, secret, path_of(session, "session"), "GET"))["status"] == "published"
    assert send(client, secret, path_of(session, "publish")).status_code == 404
    deleted = {wheel_name()} if what == "file" else set(FILES)
    assert seen(client) == set(FILES) - deleted
    assert {each.filename: each.state for each in StoredFile.objects} == {
        name: "deleted" if name in deleted else "stored" for name in FILES
    }
    again = uploads.upload(client, secret, BETTER, wheel_name())
    assert (again.status_code, "cannot be reused" in again.text) == (400, True)


def test_session_of_a_deleted_project_keeps_its_name_from_nobody(
    client: FlaskClient, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads.upload(client, secret, uploads.wheel(version="0.9"), wheel_name(version="0.9"))
    session = filled(client, secret)
    # The process that deletes the project is killed before it cancels the sessions.
    monkeypatch.setattr(withdrawing, "cancel_all", lambda *_: None)
    withdrawing.delete_project(naming.normalize_name(session["name"]), User.objects.get())
    _, other = uploads.publisher("Eve")

    response = uploads.upload(client, other, uploads.wheel(version="2.0"), wheel_name(version="2.0"))

    assert response.status_code == 200, response.text
    assert stored(session).state == "canceled"
    assert send(client, secret, path_of(session, "extend"), **{"extend-for": 3600}).status_code == 404


def test_session_publishes_no_new_project_while_the_account_is_being_deleted(client: FlaskClient, secret: str) -> None:
    session = filled(client, secret)
    User.objects.update(being_deleted="a mark")

    answer = send(client, secret, path_of(session, "publish"))

    assert answer.status_code == 403
    assert Package.objects.count() == 0
    assert seen(client) == set()
    assert PublishingSession.objects.get().state == "canceled"


def test_entry_without_its_file_is_refused_and_stops_no_other_session(
    client: FlaskClient, secret: str, runner: FlaskCliRunner
) -> None:
    session = filled(client, secret)
    PublishingSession.objects.raw().update_one({}, {"$set": {"files.0.file": None}})

    refused = send(client, secret, path_of(session, "publish"))
    PublishingSession.objects.raw().update_one({}, {"$set": {"state": "publishing"}})
    age()
    cleaned = runner.invoke(args=["files", "clean"])

    assert refused.status_code == 409
    assert "is not there as the session lists it" in refused.text
    assert cleaned.exit_code == 0, cleaned.output
    assert PublishingSession.objects.get().state == "open"
