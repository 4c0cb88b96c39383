"""The files of a publishing session: which it takes, and what stays when an upload to it is killed."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from tests.changes.sessions import BETTER, age, filled
from tests.publishing import uploads
from tests.publishing.staging import add, opened, path_of, said, send, stored
from tests.publishing.uploads import line, sdist, sdist_name, sha256, wheel, wheel_name
from webapp.changes import claims, staged_files
from webapp.documents import AuditEvent, Package, StoredFile, contents
from webapp.documents.contents import Contents


def test_upload_says_where_the_session_is(client: FlaskClient, secret: str) -> None:
    session = opened(client, secret)

    said = line(add(client, secret, session), 200)

    place = f"http://localhost/manage/larder-probe/sessions/{stored(session).pk}"
    assert said == f"{wheel_name()} was added to the publishing session of 1.0: {place}"
    assert line(add(client, secret, session), 200).startswith(f"{wheel_name()} was already in")
    [event] = AuditEvent.objects(kind="upload")
    assert event.description.startswith(f"Added {wheel_name()} to the publishing session of larder-probe 1.0 with")


def test_file_is_replaced_until_the_session_is_published(client: FlaskClient, secret: str) -> None:
    session, better = opened(client, secret), wheel(extra={"more.py": "x = 1"})
    add(client, secret, session)

    said = line(add(client, secret, session, better), 200)

    assert said.startswith(f"{wheel_name()} was replaced in")
    assert [each.file.sha256 for each in stored(session).files] == [sha256(better)]
    assert Contents.objects.count() == 1
    send(client, secret, path_of(session, "publish"))
    [file] = Package.objects.get().releases[0].files
    assert client.get(file.url).data == better
    assert add(client, secret, session, wheel()).status_code == 404


@pytest.mark.parametrize(
    ("content", "filename"),
    [
        (wheel("other"), wheel_name("other")),
        (wheel(version="2.0"), wheel_name(version="2.0")),
    ],
)
def test_file_of_another_release_is_refused(client: FlaskClient, secret: str, content: bytes, filename: str) -> None:
    session = opened(client, secret)

    said = line(add(client, secret, session, content, filename), 400)

    assert said.startswith("This session is for larder-probe 1.0, and the file is of")
    assert StoredFile.objects.count() == 0


@pytest.mark.parametrize("content", [b"", b"PK", wheel(text="Metadata-Version: 2.1\n"), wheel()[:-30]])
def test_staged_file_passes_the_same_checks_as_any_upload(client: FlaskClient, secret: str, content: bytes) -> None:
    session = opened(client, secret)

    staged = line(add(client, secret, session, content), 400)

    assert staged == line(uploads.upload(client, secret, content, wheel_name()), 400)
    assert StoredFile.objects.count() == 0


def test_names_of_staged_files_are_reserved_against_any_other_upload(client: FlaskClient, secret: str) -> None:
    uploads.upload(client, secret, wheel(version="0.9"), wheel_name(version="0.9"))
    session = opened(client, secret)
    add(client, secret, session)

    same = uploads.upload(client, secret, wheel(), wheel_name())
    others = uploads.upload(client, secret, sdist(), sdist_name())

    assert line(same, 400) == f"This file name is reserved by a publishing session: {wheel_name()}"
    assert others.status_code == 200
    assert send(client, secret, path_of(session, "publish")).status_code == 201
    assert {each.filename for each in Package.objects.get().releases[0].files} == {wheel_name(), sdist_name()}


def test_published_file_is_not_staged_again(client: FlaskClient, secret: str) -> None:
    uploads.upload(client, secret, wheel(), wheel_name())
    session = opened(client, secret)

    assert "already been published" in line(add(client, secret, session), 400)
    assert "different contents" in line(add(client, secret, session, wheel(extra={"a.py": ""})), 400)
    assert stored(session).files == []


def test_staged_files_count_for_the_quota(
    client: FlaskClient, secret: str, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = opened(client, secret)
    monkeypatch.setitem(app.config, "PROJECT_BYTES", 100)

    assert "the limit is 100 bytes" in line(add(client, secret, session), 413)

    assert StoredFile.objects.count() == 0
    assert Contents.objects.count() == 0
    monkeypatch.setitem(app.config, "PROJECT_BYTES", len(wheel()) + 100)
    assert add(client, secret, session).status_code == 200
    assert "the limit is" in line(add(client, secret, session, wheel(extra={"a.py": "#" * 200})), 413)
    assert [(each.state, each.file.sha256) for each in stored(session).files] == [("completed", sha256(wheel()))]


@pytest.mark.parametrize(
    ("where", "name"),
    [(contents, "put"), (contents, "describe"), (staged_files, "add"), (claims.Claim, "settle")],
    ids=lambda each: str(getattr(each, "__name__", each)),
)
def test_killed_while_a_file_arrives_it_has_the_file_or_not(
    client: FlaskClient, secret: str, runner: FlaskCliRunner, killed_at: Callable[..., None], where: Any, name: str
) -> None:
    session = opened(client, secret)

    killed_at(lambda: add(client, secret, session), where, name)

    age()
    runner.invoke(args=["files", "clean"])
    listed = [each.filename for each in stored(session).files]
    assert [(each.filename, each.state) for each in StoredFile.objects] == [(each, "staged") for each in listed]
    assert listed == ([wheel_name()] if name == "settle" else [])
    assert add(client, secret, session).status_code == 200
    assert send(client, secret, path_of(session, "publish")).status_code == 201


@pytest.mark.parametrize(
    ("where", "name", "kept"),
    [
        (staged_files, "_begin_replacing", wheel()),
        (contents, "put", wheel()),
        (contents, "describe", wheel()),
        (staged_files, "complete", BETTER),
        (claims.Claim, "settle", BETTER),
        (contents, "delete", BETTER),
    ],
    ids=lambda each: str(getattr(each, "__name__", "")) if not isinstance(each, str | bytes) else str(each)[:10],
)
def test_killed_while_a_file_is_replaced_it_has_the_old_one_or_the_new_one(
    client: FlaskClient, secret: str, killed_at: Callable[..., None], where: Any, name: str, kept: bytes
) -> None:
    session = filled(client, secret)

    killed_at(lambda: add(client, secret, session, BETTER), where, name)

    if any(each.state == "pending" for each in stored(session).files):
        refused = send(client, secret, path_of(session, "publish"))
        assert (refused.status_code, wheel_name() in said(refused)["details"]) == (409, True)
    age()
    assert send(client, secret, path_of(session, "publish")).status_code == 201
    [file] = [each for each in Package.objects.get().releases[0].files if each.filename == wheel_name()]
    assert file.sha256 == sha256(kept)
    assert client.get(file.url).data == kept
