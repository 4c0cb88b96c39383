"""What each uploaded file states of its release, and what became of files that an older Larder kept."""

from typing import Any

from flask.testing import FlaskClient

from tests.publishing import uploads
from tests.publishing.uploads import metadata, upload, wheel, wheel_name
from webapp.changes import site_stats
from webapp.documents import ReleaseDescription, ReleaseFacts, SiteStats


def publish_two(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    for version, requirement in (("1.0", "olddep<2"), ("2.0", "newdep>=5")):
        text = metadata("larder-probe", version, f"Requires-Dist: {requirement}", description=f"*{version}*")
        answer = upload(client, secret, wheel(version=version, text=text), wheel_name(version=version))
        assert answer.status_code == 200, answer.text


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
