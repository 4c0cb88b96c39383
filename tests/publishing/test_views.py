"""`POST /legacy/`: what an upload makes, and who may."""

from datetime import timedelta

import bson
import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.publishing import uploads
from tests.publishing.uploads import line, nothing_stays, sdist, sdist_name, upload, wheel, wheel_name
from webapp.changes.administrators import disable
from webapp.documents import ApiToken, Package, StoredFile
from webapp.documents.base import utc_now


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


def test_only_maintainers_upload_more(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    _, other = uploads.publisher("Eve")
    upload(client, secret, wheel(), wheel_name())

    response = upload(client, other, sdist(), sdist_name())

    assert line(response, 403) == "Eve does not maintain the project larder-probe."
    assert Package.objects.get().releases[0].file_count == 1
    assert StoredFile.objects.count() == 1


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


def test_upload_address_works_without_its_last_slash(client: FlaskClient) -> None:
    _, secret = uploads.publisher()

    assert client.post("/legacy", data=b"x", auth=("__token__", secret)).status_code == 400


def test_upload_of_a_session_without_a_token_is_none(client: FlaskClient) -> None:
    client.set_cookie("session", str(bson.ObjectId()))

    assert client.post("/").status_code == 401
