"""What an upload makes of a project: its releases, its files, its journal."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.publishing import uploads
from tests.publishing.uploads import line, sdist, sdist_name, upload, wheel, wheel_name
from webapp.changes import withdrawing
from webapp.changes.rendering import render_into
from webapp.documents import JournalEntry, Maintainer, Package, StoredFile, contents
from webapp.rules import naming


def test_upload_is_in_the_journal_under_the_serial_that_the_project_shows(client: FlaskClient) -> None:
    user, secret = uploads.publisher()

    upload(client, secret, wheel(), wheel_name())
    upload(client, secret, sdist(), sdist_name())
    upload(client, secret, wheel(version="2.0"), wheel_name(version="2.0"))

    entries = JournalEntry.objects.about_package("larder-probe").plain()
    assert [(entry["action"], entry["version"]) for entry in entries] == [
        ("new release", "2.0"),
        ("new file", "1.0"),
        ("new project", "1.0"),
    ]
    assert {entry["actor_id"] for entry in entries} == {user.id}
    shown = client.get("/simple/larder-probe/").headers["X-PyPI-Last-Serial"]
    assert shown == str(entries[0]["serial"])
    assert client.get("/pypi/larder-probe/json").json["last_serial"] == entries[0]["serial"]  # type: ignore[index]
    assert not Package.objects.get(pk="larder-probe").unwritten


def test_older_release_does_not_describe_the_project(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    upload(
        client,
        secret,
        wheel(version="2.0", text=uploads.metadata(version="2.0", description="new")),
        wheel_name(version="2.0"),
    )

    upload(client, secret, wheel(text=uploads.metadata(description="old")), wheel_name())

    package = Package.objects.get(pk="larder-probe")
    assert [release.version for release in package.releases] == ["2.0", "1.0"]
    assert (package.latest.version, package.description) == ("2.0", "new")
    assert "new" in package.description_html


def test_same_file_again_changes_nothing(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    upload(client, secret, wheel(), wheel_name())
    before = Package._get_collection().find_one({})

    response = upload(client, secret, wheel(), wheel_name())

    assert "nothing changed" in line(response, 200)
    assert Package._get_collection().find_one({}) == before
    assert JournalEntry.objects.count() == contents.Contents.objects.count() == 1


def test_other_bytes_under_the_same_name_are_refused(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    upload(client, secret, wheel(), wheel_name())

    response = upload(client, secret, wheel(extra={"more.py": ""}), wheel_name())

    assert line(response, 400).startswith("File already exists")
    assert response.status.startswith("400 File already exists")
    assert contents.Contents.objects.count() == 1


def test_name_of_a_deleted_file_is_never_free_again(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    factories.stored_file(wheel_name(), wheel(), state="deleted", package="larder-probe")

    response = upload(client, secret, wheel(), wheel_name())

    assert "cannot be reused" in line(response, 400)
    assert Package.objects.count() == 0


SPELLINGS = [
    "Larder_Probe-1.0-py3-none-any.whl",
    "larder.probe-1.0-py3-none-any.whl",
    "larder_probe-1.0.0-py3-none-any.whl",
    "larder_probe-v1-py3-none-any.whl",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_file_name_that_was_used_is_not_free_in_another_spelling(client: FlaskClient, spelling: str) -> None:
    _, secret = uploads.publisher()
    upload(client, secret, wheel(), wheel_name())

    beside = upload(client, secret, wheel(), spelling)
    StoredFile._get_collection().update_one({}, {"$set": {"state": "deleted"}})
    afterwards = upload(client, secret, wheel(), spelling)

    for response in (beside, afterwards):
        said = "This file name is another spelling of one that was used before: larder_probe-1.0-py3-none-any.whl"
        assert line(response, 400) == said
    assert StoredFile.objects.count() == contents.Contents.objects.count() == 1


def test_file_of_before_canonical_names_is_the_same_when_it_is_sent_again(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    upload(client, secret, wheel(), wheel_name())
    upload(client, secret, sdist(), sdist_name())
    StoredFile._get_collection().update_many({}, {"$unset": {"canonical_name": ""}})

    assert "nothing changed" in line(upload(client, secret, wheel(), wheel_name()), 200)
    assert "with different contents" in line(upload(client, secret, wheel(extra={"more.py": ""}), wheel_name()), 400)


def test_refused_upload_gives_every_spelling_back(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    _, secret = uploads.publisher()
    monkeypatch.setattr("webapp.documents.package.MAX_PACKAGE_BYTES", 0)
    assert upload(client, secret, wheel(), wheel_name()).status_code != 200
    monkeypatch.undo()

    assert upload(client, secret, wheel(), SPELLINGS[0]).status_code == 200


def test_names_that_differ_in_spelling_are_one_project(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    upload(client, secret, wheel(), wheel_name())
    text = uploads.metadata("Larder_PROBE", "1.1")

    upload(client, secret, sdist(version="1.1", text=text), "Larder.Probe-1.1.tar.gz")

    assert Package.objects.get().release_count == 2


def test_project_that_demands_its_publishers_takes_no_file_of_a_member(client: FlaskClient) -> None:
    user, secret = uploads.publisher()
    mine = [Maintainer(user_id=user.id, role="owner")]
    factories.package("larder-probe", maintainers=mine, releases=[], only_publishers=True)

    response = upload(client, secret, wheel(), wheel_name())

    assert "accepts new files from its trusted publishers only" in line(response, 403)


def test_upload_brings_no_project_back_that_was_deleted_meanwhile(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, secret = uploads.publisher()
    upload(client, secret, wheel(), wheel_name())

    def delete_then_render(*args: Any) -> None:
        withdrawing.delete_project(naming.normalize_name("larder-probe"), user)
        render_into(*args)

    monkeypatch.setattr("webapp.changes.uploads.render_into", delete_then_render)

    response = upload(client, secret, wheel(version="2.0"), wheel_name(version="2.0"))

    assert (response.status_code, "was deleted during this upload" in response.text) == (403, True)
    assert Package.objects.count() == 0
    monkeypatch.undo()
    assert upload(client, secret, wheel(version="2.0"), wheel_name(version="2.0")).status_code == 200


def test_upload_that_began_before_the_deletion_brings_no_project_back(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, secret = uploads.publisher()
    upload(client, secret, wheel(), wheel_name())
    withdrawing.delete_project(naming.normalize_name("larder-probe"), user)
    monkeypatch.setattr("webapp.publishing.receiving.elapsed_s", lambda: 600.0)  # the body took as long

    response = upload(client, secret, wheel(version="2.0"), wheel_name(version="2.0"))

    assert (response.status_code, "was deleted during this upload" in response.text) == (403, True)
    assert Package.objects.count() == 0
