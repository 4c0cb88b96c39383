"""Rights that are taken away while the body of an upload arrives."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder, TestResponse

from tests import factories
from tests.publishing import staging, uploads
from tests.publishing.test_file_uploads import client_of
from tests.publishing.uploads import nothing_stays, wheel, wheel_name
from webapp.documents import ApiToken, Package, PublishingSession, User
from webapp.documents.base import utc_now
from webapp.documents.contents import Contents
from webapp.documents.package import TeamRole
from webapp.documents.user import Membership
from webapp.members import api_tokens
from webapp.members.api_tokens import Permit, make_pipelines_token

PROJECT = "larder-probe"


@pytest.fixture(autouse=True)
def bodies_that_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a request authenticate anew each time, as if its body took long."""
    monkeypatch.setattr(api_tokens, "VALID_S", 0)


class Revoking(io.BytesIO):
    """A body during whose arrival something happens."""

    def __init__(self, content: bytes, happens: Callable[[], object]) -> None:
        super().__init__(content)
        self._happens: Callable[[], object] | None = happens

    def read(self, size: int | None = -1, /) -> bytes:
        part = super().read(size)
        if self._happens:
            self._happens()
            self._happens = None
        return part


def sent_slowly(
    client: FlaskClient, secret: str, path: str, body: bytes, kind: str, happens: Callable[[], object]
) -> TestResponse:
    """Send a body, while something happens."""
    return client.post(
        path,
        input_stream=Revoking(body, happens),
        content_length=len(body),
        content_type=kind,
        auth=("__token__", secret),
    )


def form(content: bytes, filename: str) -> tuple[bytes, str]:
    """The body of an upload form, and its content type."""
    fields: dict[str, Any] = {":action": "file_upload", "protocol_version": "1"}
    fields["content"] = (io.BytesIO(content), filename)
    builder = EnvironBuilder(method="POST", data=fields, content_type="multipart/form-data")
    environ = builder.get_environ()
    return environ["wsgi.input"].read(), environ["CONTENT_TYPE"]


def revoke() -> None:
    ApiToken.objects.delete()


def disable() -> None:
    User.objects.update(is_disabled=True)


def leave() -> None:
    User.objects.update(unset__teams=True)


@pytest.fixture
def secret(client: FlaskClient) -> str:
    """The token of a member who maintains the project only through a team."""
    user = factories.user("Grace", teams=[Membership(team="staff")])
    factories.package(PROJECT, teams=[TeamRole(team="staff", role="owner")])
    return uploads.token_of(user)


LOSSES = [(revoke, "not valid"), (disable, "not valid"), (leave, "does not maintain")]


@pytest.mark.parametrize(("loss", "reason"), LOSSES)
def test_rights_lost_while_a_file_arrives_no_longer_count(
    client: FlaskClient, secret: str, loss: Callable[[], None], reason: str
) -> None:
    response = sent_slowly(client, secret, "/legacy/", *form(wheel(version="2.0"), wheel_name(version="2.0")), loss)

    assert response.status_code == 403, response.text
    assert reason in response.text
    assert Contents.objects.count() == 0


@pytest.mark.parametrize(("loss", "reason"), LOSSES)
@pytest.mark.parametrize("step", ["legacy", "bytes", "attestations"])
def test_rights_lost_while_a_file_of_a_session_arrives_no_longer_count(
    client: FlaskClient, secret: str, step: str, loss: Callable[[], None], reason: str
) -> None:
    pep694 = client_of(client, secret)
    pep694.open(PROJECT, "2.0")
    content, filename = wheel(version="2.0"), wheel_name(version="2.0")
    if step == "legacy":
        path, body, kind = staging.path_of(pep694.session, "legacy"), *form(content, filename)
    else:
        mechanism = pep694.announce(filename, content)["mechanism"]
        path = mechanism["file_url" if step == "bytes" else "attestations_url"].removeprefix("http://localhost")
        body = content if step == "bytes" else json.dumps([{}]).encode()
        kind = "application/octet-stream" if step == "bytes" else "application/json"
    before = PublishingSession.objects.get().to_mongo()

    response = sent_slowly(client, secret, path, body, kind, loss)

    assert response.status_code == 403, response.text
    assert reason in response.text
    assert Contents.objects.count() == 0
    assert PublishingSession.objects.get().to_mongo() == before


def test_token_of_a_pipeline_that_is_burned_while_a_file_arrives_publishes_nothing(client: FlaskClient) -> None:
    later = utc_now() + timedelta(minutes=15)
    pipelines, _ = make_pipelines_token("https://ci.example.org", {"sub": "x"}, PROJECT, later)

    response = sent_slowly(client, pipelines, "/legacy/", *form(wheel(), wheel_name()), revoke)

    assert response.status_code == 403
    assert "This API token is not valid" in response.text
    assert nothing_stays()


@pytest.mark.parametrize(("loss", "reason"), LOSSES)
@pytest.mark.parametrize("step", ["open", "extend", "announce"])
def test_rights_lost_while_a_request_about_a_session_arrives_no_longer_count(
    client: FlaskClient, secret: str, step: str, loss: Callable[[], None], reason: str
) -> None:
    pep694 = client_of(client, secret)
    pep694.open(PROJECT, "2.0")
    content, name = wheel(version="2.0"), wheel_name(version="2.0")
    hashes = {"sha256": uploads.sha256(content)}
    requests: dict[str, tuple[str, dict[str, Any]]] = {
        "open": ("/upload/", {"name": PROJECT, "version": "3.0"}),
        "extend": (staging.path_of(pep694.session, "extend"), {"extend-for": 2_000_000}),
        "announce": (
            staging.path_of(pep694.session, "upload"),
            {"filename": name, "size": len(content), "hashes": hashes, "mechanism": "http-post-bytes"},
        ),
    }
    path, fields = requests[step]
    body = json.dumps({"meta": {"api-version": "2.0"}, **fields}).encode()
    before = PublishingSession.objects.get().to_mongo()

    response = sent_slowly(client, secret, path, body, staging.MEDIA_TYPE, loss)

    assert response.status_code == 403, response.text
    assert reason in response.text
    assert PublishingSession.objects.get().to_mongo() == before


@pytest.mark.parametrize("loss", [revoke, disable, leave])
def test_rights_lost_while_the_reason_for_yanking_arrives_no_longer_count(
    client: FlaskClient, loss: Callable[[], None]
) -> None:
    user = factories.user("Grace", teams=[Membership(team="staff")])
    factories.package(PROJECT, teams=[TeamRole(team="staff", role="owner")])
    may_yank = uploads.token_of(user, permissions=("yank",))
    version = Package.objects.get().releases[0].version

    response = sent_slowly(
        client,
        may_yank,
        f"/pypi/{PROJECT}/{version}/yank",
        b"reason=broken",
        "application/x-www-form-urlencoded",
        loss,
    )

    assert response.status_code == 403, response.text
    assert not Package.objects.get().releases[0].yanked


def test_request_authenticates_again_only_if_its_body_took_long(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = uploads.publisher()
    asked: list[str] = []
    ask = api_tokens._authenticated

    def noted(permission: str) -> Permit:
        asked.append(permission)
        return ask(permission)

    monkeypatch.setattr(api_tokens, "_authenticated", noted)

    for valid_s, version in ((0, "1.0"), (60, "2.0")):
        monkeypatch.setattr(api_tokens, "VALID_S", valid_s)
        asked.clear()
        answer = uploads.upload(client, secret, wheel(version=version), wheel_name(version=version))
        assert answer.status_code == 200, answer.text
        assert len(asked) == (1 if valid_s else 2)
