"""`/stage/<token>/`: a session as a simple index on top of the real one."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.publishing import uploads
from tests.publishing.staging import add, opened, path_of, said, send
from tests.publishing.uploads import sha256, wheel, wheel_name
from webapp.documents import Membership, Package, PublishingSession, User
from webapp.documents.base import utc_now

JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}


@pytest.fixture
def secret(client: FlaskClient) -> str:
    """The token of a member, who has published larder-probe 0.9."""
    secret = uploads.publisher()[1]
    assert uploads.upload(client, secret, wheel(version="0.9"), wheel_name(version="0.9")).status_code == 200
    return secret


@pytest.fixture
def session(client: FlaskClient, secret: str) -> dict[str, Any]:
    """A session with a wheel of larder-probe 1.0."""
    session = opened(client, secret)
    assert add(client, secret, session).status_code == 200
    return session


def page(client: FlaskClient, session: dict[str, Any], name: str = "larder-probe") -> dict[str, Any]:
    return said(client.get(f"{path_of(session, 'stage')}{name}/", headers=JSON))


def test_stage_lists_what_is_published_and_what_will_be(client: FlaskClient, session: dict[str, Any]) -> None:
    staged = page(client, session)

    assert staged["versions"] == ["0.9", "1.0"]
    published, new = staged["files"]
    assert published["filename"] == wheel_name(version="0.9")
    assert (new["filename"], new["hashes"], new["yanked"]) == (wheel_name(), {"sha256": sha256(wheel())}, False)
    assert client.get(new["url"]).data == wheel()
    text = client.get(new["url"] + ".metadata").text
    assert text == uploads.metadata()
    assert new["core-metadata"] == {"sha256": sha256(text.encode())}
    html = client.get(path_of(session, "stage") + "larder-probe/")
    assert f">{wheel_name()}</a>" in html.text
    assert html.headers["Cache-Control"] == "no-store"
    assert [each["filename"] for each in said(client.get("/simple/larder-probe/", headers=JSON))["files"]] == [
        wheel_name(version="0.9")
    ]


@pytest.mark.parametrize("path", ["files.0.file", "files.0.file.filename", "files.0.file.sha256"])
def test_file_of_a_session_that_was_edited_by_hand_is_left_out(
    client: FlaskClient, session: dict[str, Any], path: str
) -> None:
    PublishingSession._get_collection().update_one({}, {"$set": {path: 7}})

    assert [each["filename"] for each in page(client, session)["files"]] == [wheel_name(version="0.9")]
    html = client.get(path_of(session, "stage") + "larder-probe/")
    assert (html.status_code, html.text.count("<a ")) == (200, 1)


def test_stage_of_a_new_project_lists_only_its_files(client: FlaskClient, secret: str) -> None:
    session = opened(client, secret, "new-probe")
    add(client, secret, session, wheel("new-probe"), wheel_name("new-probe"))

    assert [each["filename"] for each in page(client, session, "new-probe")["files"]] == [wheel_name("new-probe")]
    assert said(client.get(path_of(session, "stage"), headers=JSON))["projects"] == [{"name": "new-probe"}]
    assert '<a href="new-probe/">' in client.get(path_of(session, "stage")).text


def test_other_projects_are_in_the_real_index(client: FlaskClient, session: dict[str, Any]) -> None:
    response = client.get(path_of(session, "stage") + "Other_Probe/")

    assert (response.status_code, response.location) == (302, "/simple/other-probe/")


def test_other_spelling_leads_to_the_project(client: FlaskClient, session: dict[str, Any]) -> None:
    response = client.get(path_of(session, "stage") + "Larder_Probe/")

    assert (response.status_code, response.location) == (302, path_of(session, "stage") + "larder-probe/")


def test_nobody_finds_a_stage_without_its_address(client: FlaskClient, session: dict[str, Any]) -> None:
    url = page(client, session)["files"][1]["url"].removeprefix("http://localhost")

    for address in (
        "/stage/x/",
        "/stage/x/larder-probe/",
        url.replace(session["session-token"], "x"),
        url.replace(sha256(wheel()), "0" * 64),
        url.replace("larder_probe-1.0", "larder_probe-0.9"),
        f"/packages/{sha256(wheel())[:2]}/{sha256(wheel())[2:4]}/{sha256(wheel())[4:]}/{wheel_name()}",
    ):
        assert client.get(address).status_code == 404, address


def test_stage_of_a_published_session_leads_to_the_real_index(
    client: FlaskClient, secret: str, session: dict[str, Any]
) -> None:
    url = page(client, session)["files"][1]["url"]
    send(client, secret, path_of(session, "publish"))

    response = client.get(path_of(session, "stage") + "larder-probe/")

    assert (response.status_code, response.location) == (302, "/simple/larder-probe/")
    assert client.get(url, follow_redirects=True).data == wheel()


@pytest.mark.parametrize("how", ["canceled", "expired"])
def test_stage_ends_with_its_session(client: FlaskClient, secret: str, session: dict[str, Any], how: str) -> None:
    url = page(client, session)["files"][1]["url"]
    if how == "canceled":
        client.delete(path_of(session, "session"), auth=("__token__", secret))
    else:
        PublishingSession.objects.update(expires_at=utc_now() - timedelta(seconds=1))

    assert client.get(path_of(session, "stage") + "larder-probe/").status_code == 404
    assert client.get(url).status_code == 404


def test_stage_of_a_quarantined_project_offers_nothing(client: FlaskClient, session: dict[str, Any]) -> None:
    url = page(client, session)["files"][1]["url"]
    Package.objects.update(status={"marker": "quarantined", "reason": "It looks hostile"})

    staged = page(client, session)

    assert (staged["files"], staged["project-status"]["status"]) == ([], "quarantined")
    assert client.get(url).status_code == 403


def test_stage_of_a_site_for_members_is_for_members(
    app: Flask, client: FlaskClient, session: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = page(client, session)["files"][1]["url"]
    monkeypatch.setitem(app.config, "READ_ACCESS", "members")
    reader = uploads.token_of(factories.user("Grace"), permissions=("read",))
    of_another = uploads.token_of(factories.user("Eve"), permissions=("read",), project="other")

    for address in (path_of(session, "stage"), path_of(session, "stage") + "larder-probe/", url, f"{url}.metadata"):
        assert client.get(address).status_code == 401
        assert client.get(address, auth=("__token__", of_another)).status_code == 403
        assert client.get(address, auth=("__token__", reader)).status_code == 200


def test_stage_of_a_project_for_some_teams_is_for_these(
    app: Flask, client: FlaskClient, session: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = page(client, session)["files"][1]["url"]
    monkeypatch.setitem(app.config, "READ_ACCESS", "members")
    Package.objects.update(readers=["staff"])
    reader = uploads.token_of(factories.user("Grace"), permissions=("read",))
    staff = uploads.token_of(factories.user("Hedy", teams=[Membership(team="staff")]), permissions=("read",))
    own = uploads.token_of(User.objects.get(name="Ada Lovelace"), permissions=("read",))

    for address in (path_of(session, "stage"), path_of(session, "stage") + "larder-probe/", url, f"{url}.metadata"):
        assert client.get(address, auth=("__token__", reader)).status_code == 404
        for secret in (own, staff):
            assert client.get(address, auth=("__token__", secret)).status_code == 200
