"""A deletion that is stopped between any two of its steps has happened for readers, or it has not."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from tests import factories
from tests.manage.conftest import NAME
from tests.people import Browser
from tests.publishing import uploads
from webapp.changes import changing, claims, removal, withdrawing
from webapp.changes.maintaining import NotThere
from webapp.documents import JournalEntry, Maintainer, Package, StoredFile, User, contents
from webapp.documents.base import utc_now

Publish = Callable[..., str]

DELETIONS: dict[str, Callable[[User], Any]] = {
    "file": lambda ada: withdrawing.delete_file(NAME, "1.0", uploads.wheel_name(), ada),
    "release": lambda ada: withdrawing.delete_release(NAME, "1.0", ada),
    "project": lambda ada: withdrawing.delete_project(NAME, ada),
}
# What comes right after each step; a process that dies does not settle anything either.
STEPS = {
    "marking": (Package, "store"),
    "storing": (changing, "write_out"),
    "journal": (removal, "settle"),
}


class Killed(BaseException):
    """The process ends here: nothing that comes after it runs, as after `kill -9`."""


def killed(*_: Any, **__: Any) -> None:
    raise Killed


def die_after_the_bytes(document: dict[str, Any]) -> None:
    contents.delete(document["content_id"])
    raise Killed


def delete_and_die(monkeypatch: pytest.MonkeyPatch, what: str, after: str) -> None:
    """Delete something, and die right after this step."""
    ada = User.objects.get()
    with monkeypatch.context() as patched:
        if after == "bytes":
            patched.setattr(removal, "_remove", die_after_the_bytes)
        else:
            patched.setattr(*STEPS[after], killed)
            patched.setattr(removal, "settle", killed)
        with pytest.raises(Killed):
            DELETIONS[what](ada)


def clean(runner: FlaskCliRunner) -> str:
    """Let a minute pass, and clean up; return what that said."""
    past = utc_now() - timedelta(seconds=61)
    StoredFile._get_collection().update_many({"deleting_at": {"$exists": True}}, {"$set": {"deleting_at": past}})
    result = runner.invoke(args=["files", "clean"])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("what", DELETIONS)
def test_deletion_that_died_before_the_project_was_written_has_not_happened(
    client: FlaskClient, runner: FlaskCliRunner, publish: Publish, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    address = publish()

    delete_and_die(monkeypatch, what, "marking")

    for _ in range(2):
        assert client.get(address).data == client.get(address).data != b""
        assert client.get(address).status_code == client.get(f"/project/{NAME}/1.0/").status_code == 200
        clean(runner)
    assert StoredFile.objects.get().state == "stored"
    assert [entry.action for entry in JournalEntry.objects] == ["new project"]


@pytest.mark.parametrize("after", ["storing", "journal", "bytes"])
@pytest.mark.parametrize("what", DELETIONS)
def test_deletion_that_died_after_the_project_was_written_has_happened(
    client: FlaskClient,
    runner: FlaskCliRunner,
    publish: Publish,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    after: str,
) -> None:
    address = publish()

    delete_and_die(monkeypatch, what, after)

    assert client.get(address).status_code == client.get(f"/project/{NAME}/1.0/").status_code == 404
    assert "unfinished deletions" in clean(runner)
    assert StoredFile.objects.get().state == "deleted"
    assert contents.Contents.objects.count() == contents.Chunk.objects.count() == 0
    assert [entry.action for entry in JournalEntry.objects] == ["new project", f"remove {what}"]
    assert Package.objects.count() == (what != "project")
    assert not Package.objects(unwritten__0__exists=True).count()


def test_upload_finishes_the_end_of_a_project_that_died_on_its_way(
    client: FlaskClient, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish()
    delete_and_die(monkeypatch, "project", "storing")

    publish("1.1")

    assert [entry.action for entry in JournalEntry.objects.order_by("pk")] == [
        "new project",
        "remove project",
        "new project",
    ]
    assert [each.version for each in Package.objects.get().releases] == ["1.1"]


def test_bytes_of_a_deletion_that_is_under_way_are_left_to_it(runner: FlaskCliRunner, publish: Publish) -> None:
    publish()
    package = Package.objects.get()
    removal.mark(NAME, [("1.0", package.releases[0].files[0])])

    runner.invoke(args=["files", "clean"])

    assert StoredFile.objects.get().state == "deleting"


def test_upload_that_arrives_under_the_name_of_a_deleted_record_is_left_alone(app: Flask) -> None:
    ada = factories.user()
    owner = [Maintainer(user_id=ada.id, role="owner")]
    record = factories.release_file(filename=uploads.wheel_name())
    factories.package(NAME, releases=[factories.release("1.0", files=[record])], maintainers=owner)
    claims.claim(uploads.wheel_name(), "b" * 64, {"package": NAME})

    withdrawing.delete_release(NAME, "1.0", ada)

    assert StoredFile.objects.get().state == "arriving"


@pytest.mark.real_server
def test_files_that_arrive_while_their_release_is_deleted_are_whole_or_gone(
    app: Flask, client: FlaskClient, ada: Browser, publish: Publish
) -> None:
    publish("1.0")
    user = User.objects.get()
    secret = uploads.token_of(user)
    tags = [f"py3-none-linux_{number}" for number in range(12)]
    begun = threading.Barrier(len(tags) + 1)

    def upload(tag: str) -> None:
        begun.wait()
        name = uploads.wheel_name().replace("py3-none-any", tag)
        uploads.upload(app.test_client(), secret, uploads.wheel(), name)

    def delete() -> None:
        begun.wait()
        for _ in range(3):
            try:
                withdrawing.delete_release(NAME, "1.0", user)
            except NotThere:
                continue

    threads = [threading.Thread(target=upload, args=(tag,)) for tag in tags] + [threading.Thread(target=delete)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    listed = {file.filename: file.url for each in Package.objects.get().releases for file in each.files}
    states = {file.filename: file.state for file in StoredFile.objects}
    assert {name for name, state in states.items() if state == "stored"} == set(listed)
    assert set(states.values()) <= {"stored", "deleted"}
    assert {client.get(address).status_code for address in listed.values()} <= {200}
    assert contents.Contents.objects.count() == len(listed)
