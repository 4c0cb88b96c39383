"""A deletion that is stopped between any two of its steps has happened for readers, or it has not."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from packaging.utils import NormalizedName

from tests import factories
from tests.changes.conftest import DELETIONS, STEPS, Publish, clean, delete_and_die
from tests.manage.conftest import NAME
from tests.publishing import uploads
from webapp.changes import changing, claims, removal, withdrawing
from webapp.documents import ApiToken, JournalEntry, Maintainer, Package, StoredFile, User
from webapp.documents.api_token import TokenOwner, TokenScope
from webapp.documents.base import utc_now


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


@pytest.mark.parametrize("step", STEPS)
def test_tokens_of_a_deleted_project_are_gone_before_somebody_else_creates_it(
    runner: FlaskCliRunner, publish: Publish, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    publish()
    owner, scope = TokenOwner(kind="project", name=NAME), TokenScope(kind="account")
    ApiToken(owner=owner, name="CI", digest="x", scope=scope).save()
    delete_and_die(monkeypatch, "project", step)

    clean(runner)

    is_gone = not Package.objects(pk=NAME)
    assert is_gone or Package.objects.get().releases  # deleted, or as it was
    assert ApiToken.objects(owner__name=NAME).count() == (0 if is_gone else 1)


def test_deletion_that_is_finished_late_leaves_the_tokens_of_the_next_project_alone(
    app: Flask, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish()
    with monkeypatch.context() as patched:
        patched.setattr(changing, "write_out", lambda name, entries: late.append((name, entries)))
        late: list[tuple[NormalizedName, list[dict[str, Any]]]] = []
        withdrawing.delete_project(NAME, User.objects.get())
    changing.write_out(*late[0])  # another process does it first
    publish("1.1")
    owner, scope = TokenOwner(kind="project", name=NAME), TokenScope(kind="account")
    ApiToken(owner=owner, name="CI", digest="x", scope=scope, created_at=utc_now()).save()

    changing.write_out(*late[0])

    assert Package.objects(pk=NAME).count() == 1
    assert ApiToken.objects(owner__name=NAME).count() == 1
