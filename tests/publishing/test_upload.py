"""`POST /legacy/`: what an upload makes, and who may."""

from datetime import timedelta

import bson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests import factories
from tests.publishing import uploads
from tests.publishing.uploads import sdist, sdist_name, upload, wheel, wheel_name
from webapp.changes.administrators import disable
from webapp.documents import ApiToken, JournalEntry, Maintainer, Package, StoredFile, contents
from webapp.documents.base import utc_now
from webapp.rules import distributions


def line(response: TestResponse, status: int) -> str:
    """The one line that the tools print."""
    assert response.status_code == status, response.text
    assert response.content_type == "text/plain; charset=utf-8"
    assert response.text.endswith("\n")
    assert response.text.count("\n") == 1
    return response.text.strip()


def nothing_stays() -> bool:
    """Whether there is no trace of an upload."""
    collections = (Package, StoredFile, contents.Contents, contents.Chunk, JournalEntry)
    return not any(each._get_collection().count_documents({}) for each in collections)


@pytest.mark.parametrize("address", ["/legacy/", "/"])
def test_first_upload_makes_the_project_and_its_owner(client: FlaskClient, address: str) -> None:
    user, secret = uploads.publisher()
    text = uploads.metadata(
        *("Larder.Probe", "1.0", "Summary: Probes", "Requires-Python: >=3.9", "Classifier: Topic :: Internet"),
        description="# Probe",
    )
    content = wheel(text=text)

    response = upload(client, secret, content, wheel_name(), address)

    assert "was published: http://localhost/project/larder-probe/1.0/" in line(response, 200)
    package = Package.objects.get(pk="larder-probe")
    assert (package.name, package.summary, package.description) == ("Larder.Probe", "Probes", "# Probe")
    assert package.classifiers == ["Topic :: Internet"]
    assert [(each.user_id, each.role) for each in package.maintainers] == [(user.id, "owner")]
    assert (package.latest.version, package.release_count) == ("1.0", 1)
    [file] = package.releases[0].files
    assert (file.size, file.python_version, file.requires_python) == (len(content), "py3", ">=3.9")
    assert file.uploaded_by == "Ada Lovelace"
    assert client.get(file.url).data == content
    assert client.get(f"{file.url}.metadata").text == text


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


def test_uploader_is_warned_of_what_is_odd(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    text = uploads.metadata("larder-probe", "1.0", "Description-Content-Type: UNKNOWN").replace("2.1", "2.0")

    said = upload(client, secret, wheel(text=text), wheel_name())

    first, *warnings = said.text.splitlines()
    assert said.status_code == 200
    assert "was published" in first
    assert warnings[0] == "Warning: Metadata: '2.0' is not a valid metadata version."
    assert "'UNKNOWN' is not a valid content type" in warnings[1]
    assert [f"Warning: {each}" for each in StoredFile.objects.get().warnings] == warnings
    assert client.get(Package.objects.get().releases[0].files[0].url + ".metadata").text == text


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


def canonical(filename: str) -> str:
    name = distributions._parse_filename(filename)
    return name.canonical(*name.meanings[0])


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


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("a-1.0-py2.py3-none-any.whl", "a-1-py3.py2-none-any.whl"),
        ("a-1.0-1-py3-none-any.whl", "a-1.0-01-py3-none-any.whl"),
        ("a-1.0-cp311-cp311-linux_x86_64.whl", "a-1.0-CP311-cp311-Linux_x86_64.whl"),
        ("a_b-1.0rc1.tar.gz", "A.b-1.0.0RC.1.tar.gz"),
    ],
)
def test_spellings_of_one_file_name_have_one_canonical_name(one: str, same: str) -> None:
    assert canonical(one) == canonical(same)


def test_names_of_different_files_have_different_canonical_names() -> None:
    names = [
        *("a-1.0-py3-none-any.whl", "a-1.0-py2-none-any.whl", "a-1.0-py2.py3-none-any.whl", "a-1.1-py3-none-any.whl"),
        *(
            "a-1.0-1-py3-none-any.whl",
            "a-1.0-1a-py3-none-any.whl",
            "a-1.0-cp311-abi3-any.whl",
            "b-1.0-py3-none-any.whl",
        ),
        *("a-1.0.tar.gz", "a-1.0.zip", "a-1.0.post1.tar.gz", "a-1!1.0.tar.gz", "a-1.0+local.tar.gz"),
    ]

    assert len({canonical(name) for name in names}) == len(names)


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


def test_file_of_an_equal_version_joins_its_release(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    upload(client, secret, wheel(), wheel_name())

    upload(client, secret, sdist(version="1.0.0"), sdist_name(version="1.0.0"))

    [release] = Package.objects.get().releases
    assert (release.version, len(release.files)) == ("1.0", 2)


def test_only_maintainers_upload_more(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    _, other = uploads.publisher("Eve")
    upload(client, secret, wheel(), wheel_name())

    response = upload(client, other, sdist(), sdist_name())

    assert line(response, 403) == "Eve does not maintain the project larder-probe."
    assert Package.objects.get().releases[0].file_count == 1
    assert StoredFile.objects.count() == 1


def test_record_of_the_same_file_elsewhere_gives_way_to_the_file(client: FlaskClient) -> None:
    user, secret = uploads.publisher()
    record = factories.release_file(filename=wheel_name(), sha256=uploads.sha256(wheel()))
    mine = [Maintainer(user_id=user.id, role="owner")]
    factories.package("larder-probe", releases=[factories.release("1.0", files=[record])], maintainers=mine)

    upload(client, secret, wheel(), wheel_name())

    [file] = Package.objects.get().releases[0].files
    assert file.url.startswith("/packages/")


def test_file_that_is_added_to_a_yanked_release_is_yanked(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    upload(client, secret, wheel(), wheel_name())
    package = Package.objects.get()
    release = package.releases[0]
    release.yanked = release.files[0].yanked = True
    release.yanked_reason = release.files[0].yanked_reason = "broken"
    package.save()

    upload(client, secret, sdist(), sdist_name())

    [release] = Package.objects.get().releases
    assert release.yanked
    assert {file.yanked_reason for file in release.files} == {"broken"}


def test_without_a_token_the_tools_are_told_how_to_sign_in(client: FlaskClient) -> None:
    response = client.post("/legacy/", data={})

    assert "__token__" in line(response, 401)
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


def test_password_is_refused_with_the_reason(client: FlaskClient) -> None:
    response = client.post("/legacy/", data={}, auth=("ada", "the analytical engine weaves"))

    assert line(response, 403).startswith("Passwords are not accepted here.")


def test_tokens_that_count_no_more(client: FlaskClient) -> None:
    user, secret = uploads.publisher()
    expired = uploads.token_of(user, expires_at=utc_now() - timedelta(seconds=1))
    reading = uploads.token_of(user, permissions=("read",))

    assert "expired on" in line(upload(client, expired, wheel(), wheel_name()), 403)
    assert "does not have the upload permission" in line(upload(client, reading, wheel(), wheel_name()), 403)
    assert "not valid" in line(upload(client, secret + "x", wheel(), wheel_name()), 403)
    disable(user.id)
    assert "not valid" in line(upload(client, secret, wheel(), wheel_name()), 403)
    assert nothing_stays()


def test_token_of_one_project_is_for_no_other(client: FlaskClient) -> None:
    user = factories.user()
    secret = uploads.token_of(user, project="larder-probe")

    assert upload(client, secret, wheel(), wheel_name()).status_code == 200
    response = upload(client, secret, wheel("other"), wheel_name("other"))

    assert "for the project larder-probe only" in line(response, 403)
    assert Package.objects.count() == 1


def test_who_tries_many_tokens_is_slowed_down_and_a_good_one_still_counts(client: FlaskClient) -> None:
    _, secret = uploads.publisher()

    answers = [upload(client, f"larder-{number}", b"", "x").status_code for number in range(12)]

    assert answers == [403] * 10 + [429] * 2
    assert upload(client, secret, wheel(), wheel_name()).status_code == 200


def test_use_of_a_token_is_noted_to_the_minute(client: FlaskClient) -> None:
    user, secret = uploads.publisher()
    upload(client, secret, wheel(), wheel_name())
    first = ApiToken.objects.get(user_id=user.id).last_used_at

    upload(client, secret, sdist(), sdist_name())

    assert first is not None
    assert ApiToken.objects.get(user_id=user.id).last_used_at == first


@pytest.mark.parametrize("field", ["sha256_digest", "blake2_256_digest", "md5_digest"])
def test_wrong_digest_is_refused(client: FlaskClient, field: str) -> None:
    _, secret = uploads.publisher()

    response = upload(client, secret, wheel(), wheel_name(), **{field: "0" * 32})

    assert "damaged on the way" in line(response, 400)
    assert nothing_stays()


@pytest.mark.parametrize(
    "fields", [{":action": "list"}, {"protocol_version": "2"}, {":action": ""}], ids=lambda fields: str(fields)
)
def test_form_of_another_kind_is_refused(client: FlaskClient, fields: dict[str, str]) -> None:
    _, secret = uploads.publisher()

    assert "not an upload form" in line(upload(client, secret, wheel(), wheel_name(), **fields), 400)


@pytest.mark.parametrize(
    ("action", "way_on"), [("submit", "upload a file"), ("doc_upload", "does not host documentation")]
)
def test_what_pypi_retired_is_gone_here_with_the_way_on(client: FlaskClient, action: str, way_on: str) -> None:
    _, secret = uploads.publisher()

    assert way_on in line(upload(client, secret, wheel(), wheel_name(), **{":action": action}), 410)


def test_upload_address_works_without_its_last_slash(client: FlaskClient) -> None:
    _, secret = uploads.publisher()

    assert client.post("/legacy", data=b"x", auth=("__token__", secret)).status_code == 400


@pytest.mark.parametrize("content_type", ["multipart/form-data", "application/json", "multipart/form-data; boundary=x"])
def test_body_that_is_no_form_is_refused(client: FlaskClient, content_type: str) -> None:
    _, secret = uploads.publisher()

    response = client.post("/legacy/", data=b"\xff" * 1000, content_type=content_type, auth=("__token__", secret))

    line(response, 400)


def test_file_past_the_limit_is_refused(client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    _, secret = uploads.publisher()
    monkeypatch.setitem(app.config, "MAX_FILE_BYTES", 100)

    response = upload(client, secret, wheel(), wheel_name())

    assert "may have 100 bytes" in line(response, 413)


def test_form_of_endless_parts_is_refused(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    many = {f"classifiers{number}": "x" for number in range(3100)}

    response = upload(client, secret, wheel(), wheel_name(), **many)

    line(response, 413)


def test_upload_of_a_session_without_a_token_is_none(client: FlaskClient) -> None:
    client.set_cookie("session", str(bson.ObjectId()))

    assert client.post("/").status_code == 401
