"""Publishing to a site for members (READ_ACCESS=members)."""

from collections.abc import Iterator

import pytest
from flask import Flask, request, request_started
from flask.testing import FlaskClient

from tests.publishing import staging, uploads
from tests.publishing.test_file_uploads import client_of
from tests.publishing.uploads import sdist, sdist_name, wheel, wheel_name
from webapp.documents import Package, PublishingSession, User
from webapp.members import read_access

PROJECT = "larder-probe"
KINDS = [(("upload",), None), (("upload", "read"), PROJECT)]


@pytest.fixture
def ada(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[User]:
    """A member with a project, on a site for members."""
    app.extensions["limiter"].storage.reset()
    user, secret = uploads.publisher()
    assert uploads.upload(client, secret, wheel(), wheel_name()).status_code == 200
    monkeypatch.setitem(app.config, "READ_ACCESS", "members")
    yield user
    app.extensions["limiter"].storage.reset()


def routes(app: Flask) -> dict[str, tuple[str, str]]:
    """A method and an address of each route of publishing, by its endpoint."""
    values = {"session_id": "8" * 24, "filename": "x", "name": PROJECT, "version": "1.0", "act": "yank"}
    adapter = app.url_map.bind("localhost")
    found = {}
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("publishing."):
            method = min((rule.methods or set()) - {"HEAD", "OPTIONS"})
            path = adapter.build(rule.endpoint, {each: values[each] for each in rule.arguments}, method=method)
            found[rule.endpoint] = (method, path)
    return found


@pytest.mark.parametrize(("permissions", "project"), KINDS)
def test_tokens_that_may_upload_publish_on_a_site_for_members(
    app: Flask, client: FlaskClient, ada: User, permissions: tuple[str, ...], project: str | None
) -> None:
    secret = uploads.token_of(ada, permissions=permissions, project=project)
    may_yank = uploads.token_of(ada, permissions=("yank",), project=project)
    reached = set()

    def note(*_: object, **__: object) -> None:
        reached.add(request.endpoint)

    with request_started.connected_to(note, app):
        pep694 = client_of(client, secret)
        pep694.open(PROJECT, "2.0")
        pep694.extend()
        pep694.delete(pep694.announce(wheel_name(version="2.0"), wheel(version="2.0")))
        upload = pep694.announce(wheel_name(version="2.0"), wheel(version="2.0"))
        pep694.send_bytes(upload, wheel(version="2.0"))
        pep694.send_attestations(upload, [])
        pep694.send_attestations(upload, [])
        assert pep694.state(upload) == "pending"
        pep694.delete(upload)
        pep694.upload(wheel_name(version="2.0"), wheel(version="2.0"))
        added = uploads.upload(
            client, secret, sdist(version="2.0"), sdist_name(version="2.0"), staging.path_of(pep694.session, "legacy")
        )
        assert added.status_code == 200, added.text
        pep694.publish()
        assert pep694.refresh()["status"] == "published"
        pep694.open(PROJECT, "3.0")
        pep694.cancel()
        assert uploads.upload(client, secret, sdist(), sdist_name()).status_code == 200
        yanked = client.post(f"/pypi/{PROJECT}/1.0/yank", auth=("__token__", may_yank))
        assert yanked.status_code == 200, yanked.text

    assert reached == set(routes(app))
    files = {each.filename for release in Package.objects.get().releases for each in release.files}
    assert files >= {wheel_name(version="2.0"), sdist_name(version="2.0")}


def test_every_route_of_publishing_checks_its_own_token(app: Flask, client: FlaskClient, ada: User) -> None:
    answers = {name: client.open(path, method=method).status_code for name, (method, path) in routes(app).items()}

    assert set(answers) <= read_access.OPEN
    assert answers == dict.fromkeys(answers, 401)


@pytest.mark.parametrize("permissions", [("upload",), ("upload", "read")])
def test_token_of_another_project_stays_refused(client: FlaskClient, ada: User, permissions: tuple[str, ...]) -> None:
    session = staging.opened(client, uploads.token_of(ada), version="2.0")
    [found] = PublishingSession.objects
    foreign = uploads.token_of(ada, permissions=permissions, project="other")
    addresses = [(method, path) for name, (method, path) in routes(client.application).items() if ".sessions." in name]

    answers = [
        client.open(path.replace("8" * 24, str(found.pk)), method=method, auth=("__token__", foreign))
        for method, path in addresses
        if "8" * 24 in path
    ]
    answers.append(staging.send(client, foreign, "/upload/", name=PROJECT, version="3.0"))
    answers.append(uploads.upload(client, foreign, sdist(), sdist_name()))
    answers.append(staging.add(client, foreign, session, wheel(version="2.0"), wheel_name(version="2.0")))

    assert len(answers) == len(addresses) + 2
    for each in answers:
        assert each.status_code == 403, each.text
        assert "other only" in each.text
