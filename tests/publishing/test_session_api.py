"""`/upload/`: publishing sessions as PEP 694 describes them."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests import factories
from tests.publishing import staging, uploads
from tests.publishing.staging import add, opened, path_of, said, send, stored
from tests.publishing.uploads import nothing_stays, sdist, sdist_name, wheel, wheel_name
from webapp.documents import AuditEvent, JournalEntry, Package, PublishingSession, StoredFile
from webapp.documents.base import utc_now
from webapp.documents.contents import Contents
from webapp.members.api_tokens import make_pipelines_token


@pytest.fixture
def secret(client: FlaskClient) -> str:
    """The token of a member."""
    return uploads.publisher()[1]


def simple(client: FlaskClient) -> list[str]:
    """The files that everybody sees."""
    page = client.get("/simple/larder-probe/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    return [each["filename"] for each in said(page)["files"]] if page.status_code == 200 else []


def test_new_session_says_where_everything_is(client: FlaskClient, secret: str) -> None:
    before = utc_now()

    response = send(client, secret, "/upload/", name="Larder.Probe", version="1.0.0")

    session = said(response)
    assert response.status_code == 201
    assert response.content_type == staging.MEDIA_TYPE
    assert response.headers["Location"] == session["links"]["session"]
    assert session["meta"] == {"api-version": "2.0"}
    assert (session["status"], session["files"], session["notices"]) == ("open", {}, [])
    assert session["mechanisms"] == ["http-post-bytes"]
    assert session["links"]["stage"] == f"http://localhost/stage/{session['session-token']}/"
    assert len(session["session-token"]) >= 32
    assert session["expires-at"].endswith("Z")
    assert timedelta(days=6.9) < stored(session).expires_at - before < timedelta(days=7.1)
    assert said(client.get(path_of(session, "session"), auth=("__token__", secret))) == session


def test_session_is_invisible_until_it_is_published_at_once(client: FlaskClient, secret: str) -> None:
    session = opened(client, secret)
    for content, name in ((wheel(), wheel_name()), (sdist(), sdist_name())):
        assert add(client, secret, session, content, name).status_code == 200

    for address in ("/project/larder-probe/", "/simple/larder-probe/", "/pypi/larder-probe/json"):
        assert client.get(address).status_code == 404
    assert JournalEntry.objects.count() == 0
    response = send(client, secret, path_of(session, "publish"))

    assert response.status_code == 201, response.text
    assert said(response)["status"] == "published"
    assert response.headers["Location"] == session["links"]["session"]
    assert sorted(simple(client)) == [wheel_name(), sdist_name()]
    actions = [(each.action, each.filename) for each in JournalEntry.objects.order_by("pk")]
    assert actions == [("new project", wheel_name()), ("new file", sdist_name())]
    assert {each.state for each in StoredFile.objects} == {"stored"}
    assert client.get(Package.objects.get().releases[0].files[0].url).data == wheel()
    told = [each.description for each in AuditEvent.objects(kind="project").order_by("created_date")]
    assert told == [f"{each} the publishing session of larder-probe 1.0." for each in ("Opened", "Published")]


def test_published_release_is_what_direct_uploads_make(client: FlaskClient, secret: str) -> None:
    text = uploads.metadata("larder-probe", "1.0", "Summary: Probes", "Requires-Dist: idna", description="# Probe")
    session = opened(client, secret)
    add(client, secret, session, wheel(text=text))
    send(client, secret, path_of(session, "publish"))

    package = Package.objects.get()

    assert (package.name, package.summary, package.description) == ("larder-probe", "Probes", "# Probe")
    assert package.requires == ["idna"]
    assert (package.latest.version, package.release_count) == ("1.0", 1)
    [file] = package.releases[0].files
    assert (file.filename, file.python_version, file.uploaded_by) == (wheel_name(), "py3", "Ada Lovelace")
    assert client.get("/project/larder-probe/").status_code == 200


def test_cancelling_leaves_no_trace(client: FlaskClient, secret: str) -> None:
    session = opened(client, secret)
    add(client, secret, session)

    response = client.delete(path_of(session, "session"), auth=("__token__", secret))

    assert response.status_code == 204
    assert nothing_stays()
    _, other = uploads.publisher("Grace")
    assert uploads.upload(client, other, wheel(), wheel_name()).status_code == 200
    again = client.get(path_of(session, "session"), auth=("__token__", secret))
    assert again.status_code == 404  # the project is Grace's now


def test_ended_session_tells_how_it_ended(client: FlaskClient, secret: str) -> None:
    session = opened(client, secret)
    client.delete(path_of(session, "session"), auth=("__token__", secret))

    described = client.get(path_of(session, "session"), auth=("__token__", secret))

    assert (described.status_code, said(described)["status"]) == (200, "canceled")
    for link in ("publish", "extend"):
        refused = send(client, secret, path_of(session, link))
        assert refused.status_code == 404
    assert add(client, secret, session).status_code == 404


def test_second_session_of_a_version_is_a_conflict_with_the_first(client: FlaskClient, secret: str) -> None:
    session = opened(client, secret)

    response = send(client, secret, "/upload/", name="larder_probe", version="1.0.0")

    assert response.status_code == 409
    assert response.headers["Location"] == session["links"]["session"]
    assert response.content_type == "application/problem+json"
    add(client, secret, session)
    send(client, secret, path_of(session, "publish"))
    assert send(client, secret, "/upload/", name="larder-probe", version="1.0").status_code == 201


def test_errors_are_problems_in_detail(client: FlaskClient, secret: str) -> None:
    response = send(client, secret, "/upload/", name="larder-probe", version="one")

    assert response.status_code == 400
    assert response.content_type == "application/problem+json"
    assert said(response) == {
        "meta": {"api-version": "2.0"},
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "details": "This is not a valid version.",
        "errors": [{"source": "/upload/", "message": "This is not a valid version."}],
    }


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"{}", staging.MEDIA_TYPE, 400),
        (b"[]", staging.MEDIA_TYPE, 400),
        (b"{", staging.MEDIA_TYPE, 400),
        (b"[" * 50_000, staging.MEDIA_TYPE, 400),
        (b'{"meta": {"api-version": "1.0"}}', staging.MEDIA_TYPE, 400),
        (b'{"meta": {"api-version": "2.0"}, "name": "a"}', staging.MEDIA_TYPE, 400),
        (b'{"meta": {"api-version": "2.0"}, "name": "a", "version": 1}', staging.MEDIA_TYPE, 400),
        (b'{"meta": {"api-version": "2.0"}, "name": "\\ud800", "version": "1"}', staging.MEDIA_TYPE, 400),
        (b'{"meta": {"api-version": "2.0"}, "name": "a", "version": "\\ud800"}', staging.MEDIA_TYPE, 400),
        (b'{"meta": {"api-version": "2.0"}, "name": "_", "version": "1"}', staging.MEDIA_TYPE, 400),
        (b'{"meta": {"api-version": "2.0"}, "name": "json", "version": "1"}', staging.MEDIA_TYPE, 400),
        (b"{}", "text/plain", 415),
        (b" " * 200_000, staging.MEDIA_TYPE, 413),
    ],
)
def test_what_is_no_request_is_refused(
    client: FlaskClient, secret: str, body: bytes, content_type: str, code: int
) -> None:
    response = client.post("/upload/", data=body, content_type=content_type, auth=("__token__", secret))

    assert response.status_code == code, response.text
    assert response.content_type == "application/problem+json"
    assert PublishingSession.objects.count() == 0


def test_every_request_needs_the_right_to_upload(client: FlaskClient, secret: str) -> None:
    session = opened(client, secret)
    _, other = uploads.publisher("Eve")
    user = factories.user("Grace")
    of_another_project = uploads.token_of(user, project="other")
    reading = uploads.token_of(user, permissions=("read",))

    assert client.get(path_of(session, "session")).status_code == 401
    assert client.get(path_of(session, "session"), auth=("__token__", other)).status_code == 404
    for link in ("publish", "extend"):
        assert send(client, other, path_of(session, link)).status_code == 404
        assert send(client, reading, path_of(session, link)).status_code == 403
    assert add(client, other, session).status_code == 404
    assert send(client, of_another_project, "/upload/", name="larder-probe", version="2.0").status_code == 403
    assert stored(session).state == "open"


def test_any_maintainer_goes_on_with_a_session(client: FlaskClient, secret: str) -> None:
    uploads.upload(client, secret, wheel(), wheel_name())
    grace, other = uploads.publisher("Grace")
    session = opened(client, secret, version="2.0")
    assert send(client, other, path_of(session, "publish")).status_code == 404
    people = [*Package.objects.get().maintainers, {"user_id": grace.id, "name": "Grace", "role": "maintainer"}]
    Package.objects.update(
        maintainers=[dict(each.to_mongo()) if not isinstance(each, dict) else each for each in people]
    )

    added = add(client, other, session, wheel(version="2.0"), wheel_name(version="2.0"))

    assert added.status_code == 200, added.text
    assert send(client, other, path_of(session, "publish")).status_code == 201
    Package.objects.update(maintainers=[])
    assert client.get(path_of(session, "session"), auth=("__token__", other)).status_code == 404


def test_name_of_a_new_project_is_reserved_while_its_session_lives(client: FlaskClient, secret: str) -> None:
    session = opened(client, secret)
    _, other = uploads.publisher("Grace")

    direct = uploads.upload(client, other, wheel(), wheel_name())
    alike = uploads.upload(client, other, wheel("larderprobe"), wheel_name("larderprobe"))

    assert "is reserved by a publishing session" in uploads.line(direct, 400)
    assert "too similar to a project" in uploads.line(alike, 400)
    add(client, secret, session)
    assert send(client, other, "/upload/", name="larder-probe", version="3").status_code == 409
    assert send(client, secret, path_of(session, "publish")).status_code == 201


def test_empty_session_registers_no_name(client: FlaskClient, secret: str) -> None:
    session = opened(client, secret, "Larder.Probe")

    refused = send(client, secret, path_of(session, "publish"))

    assert refused.status_code == 409
    assert "has no files yet" in said(refused)["details"]
    assert client.delete(path_of(session, "session"), auth=("__token__", secret)).status_code == 204
    assert nothing_stays()


def test_session_expires_and_leaves_no_trace(client: FlaskClient, secret: str) -> None:
    session = opened(client, secret)
    add(client, secret, session)
    PublishingSession.objects.update(expires_at=utc_now() - timedelta(seconds=1))

    assert send(client, secret, path_of(session, "publish")).status_code == 404
    assert send(client, secret, path_of(session, "extend")).status_code == 404

    assert nothing_stays()
    assert said(client.get(path_of(session, "session"), auth=("__token__", secret)))["status"] == "canceled"


def test_session_is_extended_up_to_thirty_days(client: FlaskClient, secret: str) -> None:
    session = opened(client, secret)
    address = path_of(session, "extend")

    shorter = said(send(client, secret, address, **{"extend-for": 60}))
    month = said(send(client, secret, address, **{"extend-for": 10**12}))

    assert shorter["expires-at"] == session["expires-at"]
    assert timedelta(days=29) < stored(month).expires_at - utc_now() <= timedelta(days=30)
    assert month["expires-at"] == f"{stored(month).expires_at:%Y-%m-%dT%H:%M:%SZ}"
    assert send(client, secret, address, **{"extend-for": "long"}).status_code == 400


def test_archived_project_opens_and_publishes_nothing(client: FlaskClient, secret: str) -> None:
    uploads.upload(client, secret, wheel(), wheel_name())
    session = opened(client, secret, version="2.0")
    Package.objects.update(status={"marker": "archived"})

    published = send(client, secret, path_of(session, "publish"))
    added = add(client, secret, session, wheel(version="2.0"), wheel_name(version="2.0"))
    another = send(client, secret, "/upload/", name="larder-probe", version="3.0")

    assert [each.status_code for each in (published, added, another)] == [403] * 3
    assert "archived" in said(published)["details"]
    assert client.delete(path_of(session, "session"), auth=("__token__", secret)).status_code == 204


def test_session_is_no_way_around_trusted_publishers(client: FlaskClient, secret: str) -> None:
    uploads.upload(client, secret, wheel(), wheel_name())
    session = opened(client, secret, version="2.0")
    add(client, secret, session, wheel(version="2.0"), wheel_name(version="2.0"))
    Package.objects.update(only_publishers=True)

    published = send(client, secret, path_of(session, "publish"))
    added = add(client, secret, session, sdist(version="2.0"), sdist_name(version="2.0"))
    another = send(client, secret, "/upload/", name="larder-probe", version="3.0")
    extended = send(client, secret, path_of(session, "extend"))

    assert [each.status_code for each in (published, added, another, extended)] == [403] * 4
    assert "from its trusted publishers only" in said(published)["details"]
    assert Package.objects.get().release_count == 1


def test_token_of_a_pipeline_opens_no_session(client: FlaskClient) -> None:
    later = utc_now() + timedelta(minutes=15)
    pipelines, _ = make_pipelines_token("https://ci.example.org", {"sub": "x"}, "larder-probe", later)

    response = send(client, pipelines, "/upload/", name="larder-probe", version="1.0")

    assert response.status_code == 403
    assert said(response)["details"].startswith("Publishing sessions need the API token of a member")


def test_project_has_a_limited_number_of_sessions(client: FlaskClient, secret: str) -> None:
    for number in range(20):
        opened(client, secret, version=f"1.{number}")

    response = send(client, secret, "/upload/", name="larder-probe", version="2.0")

    assert response.status_code == 400
    assert "Publish or cancel one of them first" in said(response)["details"]
    assert Contents.objects.count() == 0


def test_publication_can_be_bound_to_the_files_that_were_seen(client: FlaskClient, secret: str) -> None:
    session = opened(client, secret)
    add(client, secret, session)
    seen = client.get(path_of(session, "session"), auth=("__token__", secret)).headers["ETag"]
    add(client, secret, session, wheel(extra={"more.py": ""}))

    def publish(tag: str) -> TestResponse:
        body, headers = {"meta": {"api-version": "2.0"}}, {"If-Match": tag}
        return client.post(path_of(session, "publish"), json=body, headers=headers, auth=("__token__", secret))

    for tag in (seen, '"other"', "nothing"):
        refused = publish(tag)
        assert refused.status_code == 412
        assert said(refused)["details"] == (
            "The files of this session changed since you saw them. Nothing was published."
        )
    assert (stored(session).state, Package.objects.count()) == ("open", 0)
    now = client.get(path_of(session, "session"), auth=("__token__", secret)).headers["ETag"]
    assert publish(f"W/{now}").status_code == 201
