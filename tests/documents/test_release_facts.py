"""What each uploaded file states of its release, and what became of files that an older Larder kept."""

from typing import Any

from flask.testing import FlaskClient
from packaging.utils import NormalizedName

from tests.publishing import uploads
from tests.publishing.uploads import metadata, sdist, sdist_name, upload, wheel, wheel_name
from tests.reading import one, read, texts, words
from webapp.changes import site_stats, withdrawing
from webapp.documents import ReleaseDescription, ReleaseFacts, SiteStats, User


def publish_two(client: FlaskClient) -> User:
    publisher, secret = uploads.publisher()
    for version, requirement in (("1.0", "olddep<2"), ("2.0", "newdep>=5")):
        text = metadata("larder-probe", version, f"Requires-Dist: {requirement}", description=f"*{version}*")
        answer = upload(client, secret, wheel(version=version, text=text), wheel_name(version=version))
        assert answer.status_code == 200, answer.text
    return publisher


def info_of(client: FlaskClient, version: str) -> dict[str, Any]:
    found = client.get(f"/pypi/larder-probe/{version}/json")
    assert found.json is not None
    return dict(found.json["info"])


def test_older_release_says_what_its_own_file_states(client: FlaskClient) -> None:
    publish_two(client)

    assert info_of(client, "1.0")["requires_dist"] == ["olddep<2"]
    assert info_of(client, "2.0")["requires_dist"] == ["newdep>=5"]
    assert info_of(client, "1.0")["description"].strip() == "*1.0*"


def test_files_that_an_older_larder_kept_state_their_facts_after_the_upgrade(client: FlaskClient) -> None:
    publish_two(client)
    for document_type in (ReleaseFacts, ReleaseDescription, SiteStats):
        document_type._get_collection().delete_many({})
    assert info_of(client, "1.0")["requires_dist"] is None

    site_stats.refresh()

    assert info_of(client, "1.0")["requires_dist"] == ["olddep<2"]
    assert info_of(client, "1.0")["description"].strip() == "*1.0*"


def test_facts_of_a_release_go_with_it(client: FlaskClient) -> None:
    publisher = publish_two(client)
    assert ReleaseDescription.objects.count() == 1

    withdrawing.delete_release(NormalizedName("larder-probe"), "1.0", publisher)

    assert [each.key for each in ReleaseFacts.objects] == ["larder-probe/2.0"]
    assert ReleaseDescription.objects.count() == 0


def test_facts_of_a_project_go_with_it(client: FlaskClient) -> None:
    publisher = publish_two(client)

    withdrawing.delete_project(NormalizedName("larder-probe"), publisher)

    assert ReleaseFacts.objects.count() == ReleaseDescription.objects.count() == 0


def test_project_shows_the_facts_of_the_release_that_is_latest_after_a_deletion(client: FlaskClient) -> None:
    publisher = publish_two(client)

    withdrawing.delete_release(NormalizedName("larder-probe"), "2.0", publisher)

    assert texts(read(client, "/project/larder-probe/"), ".requirements li") == ["olddep <2"]
    assert words(one(read(client, "/project/larder-probe/"), ".description")) == "1.0"


def test_page_says_in_which_fields_the_files_of_a_release_disagree(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    said = {
        license_name: metadata("larder-probe", "1.0", f"License: {license_name}") for license_name in ("MIT", "BSD")
    }
    assert upload(client, secret, wheel(text=said["MIT"]), wheel_name()).status_code == 200
    agreeing = read(client, "/project/larder-probe/").text

    answer = upload(client, secret, sdist(text=said["BSD"]), sdist_name())

    assert answer.status_code == 200, answer.text
    page = read(client, "/project/larder-probe/").text
    assert "differ in" not in agreeing
    assert "The files of this release differ in: license. This page shows the values of the wheel." in page
    assert info_of(client, "1.0")["license"] == "MIT"
