"""Releases and projects that are withdrawn, file by file."""

import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from tests.changes.conftest import DELETIONS, Publish, clean, delete_and_die
from tests.manage.conftest import NAME
from tests.people import Browser
from tests.publishing import uploads
from webapp.changes import withdrawing
from webapp.changes.maintaining import NotThere
from webapp.documents import JournalEntry, KnownName, Package, StoredFile, User, contents
from webapp.inspection.both_ways import broken_names


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
    assert "unfinished deletion" in clean(runner)
    assert StoredFile.objects.get().state == "deleted"
    assert contents.Contents.objects.count() == contents.Chunk.objects.count() == 0
    assert [entry.action for entry in JournalEntry.objects] == ["new project", f"remove {what}"]
    assert Package.objects.count() == (what != "project")
    assert not Package.objects(unwritten__0__exists=True).count()


def test_name_of_a_project_that_is_soon_deleted_stays_known(publish: Publish) -> None:
    publish()

    withdrawing.delete_project(NAME, User.objects.get())

    assert [known.normalized_name for known in KnownName.objects] == [NAME]
    assert not list(broken_names())


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
