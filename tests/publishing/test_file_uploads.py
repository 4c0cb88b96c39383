"""Files that arrive in several requests, as PEP 694 describes it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.publishing import attested, uploads
from tests.publishing.attested import GITHUB
from tests.publishing.upload_client import Answer, Client, Refused
from tests.publishing.uploads import sdist, sdist_name, wheel, wheel_name
from webapp.changes import announced_files
from webapp.changes.staged_files import take_out
from webapp.documents import AuditEvent, Package, PublishingSession, StoredFile, User, contents
from webapp.documents.contents import Chunk, Contents
from webapp.publishing import file_uploads


def client_of(client: FlaskClient, secret: str, session: dict[str, Any] | None = None) -> Client:
    """A client of the draft, with a token, and perhaps with a session that is open already."""

    def send(method: str, address: str, headers: dict[str, str], body: bytes) -> Answer:
        assert address.startswith("http://localhost/"), address
        path = address.removeprefix("http://localhost")
        response = client.open(path, method=method, headers=headers, data=body, auth=("__token__", secret))
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, response.data)

    found = Client("http://localhost/upload/", send)
    found.session = session or {}
    return found


@pytest.fixture
def secret(client: FlaskClient) -> str:
    """The token of a member."""
    return uploads.publisher()[1]


@pytest.fixture
def pep694(client: FlaskClient, secret: str) -> Client:
    """A client with an open session."""
    opened = client_of(client, secret)
    opened.open("larder-probe", "1.0")
    return opened


def test_release_is_published_by_the_draft_alone(client: FlaskClient, pep694: Client) -> None:
    pep694.upload(wheel_name(), wheel())
    pep694.upload(sdist_name(), sdist())

    files = pep694.refresh()["files"]
    assert {name: each["status"] for name, each in files.items()} == dict.fromkeys(
        (wheel_name(), sdist_name()), "completed"
    )
    assert client.get("/simple/larder-probe/").status_code == 404
    stage = pep694.session["links"]["stage"].removeprefix("http://localhost")
    assert wheel_name() in client.get(f"{stage}larder-probe/").text
    pep694.publish()

    assert pep694.refresh()["status"] == "published"
    assert client.get(Package.objects.get().releases[0].files[0].url).data == wheel()
    assert Contents.objects.count() == 2  # nothing is left of what arrived first
    assert {each["files_id"] for each in Chunk.objects.raw().find()} == set(Contents.objects.scalar("pk"))
    told = AuditEvent.objects(kind="upload").scalar("description")
    assert sorted(told) == sorted(
        f"Added {name} to the publishing session of larder-probe 1.0 with the API token “tests”."
        for name in (wheel_name(), sdist_name())
    )


def test_links_lead_from_the_session_to_its_files_and_back(pep694: Client) -> None:
    upload = pep694.announce(wheel_name(), wheel())

    listed = pep694.refresh()["files"][wheel_name()]

    assert listed["status"] == "pending"
    assert listed["link"] == upload["links"]["file-upload-session"]
    assert upload["links"]["publishing-session"] == pep694.session["links"]["session"]
    assert upload["expires-at"] == pep694.session["expires-at"]


def test_session_without_files_is_not_published(pep694: Client) -> None:
    with pytest.raises(Refused, match="has no files") as refused:
        pep694.publish()

    assert refused.value.status == 409
    assert pep694.refresh()["status"] == "open"
    assert Package.objects.count() == 0


def test_session_with_a_pending_file_is_not_published_and_can_be_cancelled(pep694: Client) -> None:
    upload = pep694.announce(wheel_name(), wheel())
    pep694.send_bytes(upload, wheel())

    with pytest.raises(Refused, match="have not arrived completely") as refused:
        pep694.publish()

    assert refused.value.status == 409
    assert Contents.objects.count() == 1
    pep694.cancel()
    assert uploads.nothing_stays()
    assert pep694.refresh()["status"] == "canceled"


def test_bytes_can_be_sent_again_until_the_file_is_completed(pep694: Client) -> None:
    upload = pep694.announce(wheel_name(), wheel())
    with pytest.raises(Refused, match="have not arrived yet") as refused:
        pep694.complete(upload)
    pep694.send_bytes(upload, bytes(len(wheel())))
    pep694.send_bytes(upload, wheel())

    pep694.complete(upload)

    assert refused.value.status == 409
    assert Contents.objects.count() == 1
    with pytest.raises(Refused, match="has ended") as refused:
        pep694.send_bytes(upload, wheel())
    assert refused.value.status == 409


def test_file_that_fails_its_checks_can_only_be_deleted(pep694: Client) -> None:
    broken = bytes(len(wheel()))
    upload = pep694.announce(wheel_name(), broken)
    pep694.send_bytes(upload, broken)

    with pytest.raises(Refused) as refused:
        pep694.complete(upload)

    assert refused.value.status == 400
    assert pep694.state(upload) == "error"
    assert pep694.refresh()["files"][wheel_name()]["notices"] == [str(refused.value)]
    assert Contents.objects.count() == 0
    with pytest.raises(Refused, match="has ended"):
        pep694.complete(upload)
    with pytest.raises(Refused, match="have not arrived completely"):
        pep694.publish()
    with pytest.raises(Refused, match="Delete it first"):
        pep694.announce(wheel_name(), wheel())
    pep694.delete(upload)
    pep694.upload(wheel_name(), wheel())
    pep694.publish()
    assert Package.objects.get().release_count == 1


def test_file_with_another_digest_than_announced_is_refused(pep694: Client) -> None:
    upload = pep694.announce(wheel_name(), wheel(), hashes={"blake2b": "0" * 128, "md5": "0" * 32})
    pep694.send_bytes(upload, wheel())

    with pytest.raises(Refused, match="does not have the blake2b digest that was announced"):
        pep694.complete(upload)

    assert pep694.state(upload) == "error"
    assert StoredFile.objects.count() == 0


def test_completed_file_is_deleted_and_uploaded_again(pep694: Client) -> None:
    first = pep694.upload(wheel_name(), wheel())
    pep694.delete(first)

    assert pep694.refresh()["files"] == {}
    with pytest.raises(Refused) as refused:
        pep694.delete(first)
    assert refused.value.status == 404
    changed = wheel(text=uploads.metadata("larder-probe", "1.0", "Summary: Again"))
    pep694.upload(wheel_name(), changed)
    pep694.publish()
    assert Package.objects.get().summary == "Again"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"filename": "larder_probe-1.0.exe"}, 400),
        ({"filename": "larder_probe-2.0-py3-none-any.whl"}, 400),
        ({"filename": "other-1.0-py3-none-any.whl"}, 400),
        ({"filename": "../larder_probe-1.0-py3-none-any.whl"}, 400),
        ({"filename": 1}, 400),
        ({"filename": "\ud800-1.0-py3-none-any.whl"}, 400),
        ({"size": 0}, 400),
        ({"size": "9"}, 400),
        ({"size": True}, 400),
        ({"size": 10**12}, 413),
        ({"hashes": {}}, 400),
        ({"hashes": {"md5": "0" * 32}}, 400),
        ({"hashes": {"sha256": "0"}}, 400),
        ({"hashes": {"sha256": 1}}, 400),
        ({"hashes": {"sha256": "x" * 64}}, 400),
        ({"hashes": {"sha256": "٣" * 64}}, 400),
        ({"hashes": {"sha256": "0" * 64, "md5": " " * 32}}, 400),
        ({"hashes": {"sha256": "0" * 64, "shake_128": "0"}}, 400),
        ({"hashes": ["sha256"]}, 400),
        ({"hashes": {"sha256": "0" * 64, "\ud800": "0"}}, 400),
        ({"hashes": {"sha256": "\ud800" * 64}}, 400),
        ({"mechanism": "vnd-pypi-s3"}, 422),
    ],
)
def test_what_cannot_be_uploaded_is_refused_before_its_bytes_are_sent(
    pep694: Client, fields: dict[str, Any], status: int
) -> None:
    with pytest.raises(Refused) as refused:
        pep694.announce(fields.get("filename", wheel_name()), wheel(), **fields)

    assert refused.value.status == status
    assert pep694.refresh()["files"] == {}


def test_name_that_is_taken_is_a_conflict(client: FlaskClient, pep694: Client, secret: str) -> None:
    upload = pep694.announce(wheel_name(), wheel())
    with pytest.raises(Refused) as again:
        pep694.announce(wheel_name(), wheel())
    pep694.delete(upload)
    pep694.upload(sdist_name(), sdist())
    pep694.publish()
    other = client_of(client, secret)
    other.open("larder-probe", "1.0")

    with pytest.raises(Refused) as published:
        other.announce(sdist_name(), sdist())

    assert (again.value.status, published.value.status) == (409, 409)


def test_bytes_of_another_size_or_kind_are_refused(client: FlaskClient, pep694: Client, secret: str) -> None:
    upload = pep694.announce(wheel_name(), wheel())
    address = upload["mechanism"]["file_url"].removeprefix("http://localhost")

    for body, kind, status in (
        (wheel()[:-1], "application/octet-stream", 400),
        (wheel() + b"x", "application/octet-stream", 413),
        (wheel(), "text/plain", 415),
    ):
        answer = client.post(address, data=body, content_type=kind, auth=("__token__", secret))
        assert answer.status_code == status, answer.text
        assert answer.content_type == "application/problem+json"
    assert Contents.objects.count() == 0


def test_every_request_about_a_file_is_authorized_anew(client: FlaskClient, pep694: Client) -> None:
    upload = pep694.announce(wheel_name(), wheel())
    pep694.send_bytes(upload, wheel())
    _, eve = uploads.publisher("Eve")
    links = {**upload["links"], **upload["mechanism"]}
    requests = [("GET", links["file-upload-session"]), ("DELETE", links["file-upload-session"])]
    requests += [("POST", links[each]) for each in ("complete", "file_url", "attestations_url")]
    requests += [("POST", pep694.session["links"]["upload"])]

    for method, address in requests:
        path = address.removeprefix("http://localhost")
        answers = [client.open(path, method=method), client.open(path, method=method, auth=("__token__", eve))]
        assert [each.status_code for each in answers] == [401, 404], path
        assert {each.content_type for each in answers} == {"application/problem+json"}
    assert pep694.state(upload) == "pending"


def test_attestations_are_checked_and_kept_with_the_file(client: FlaskClient, secret: str) -> None:
    pep694 = client_of(client, secret)
    pep694.open("pypi-attestations", "0.0.19")
    upload = pep694.announce(GITHUB, attested.content(GITHUB))
    pep694.send_bytes(upload, attested.content(GITHUB))
    with pytest.raises(Refused, match="JSON array"):
        pep694.send_attestations(upload, {})  # type: ignore[arg-type]
    pep694.send_attestations(upload, attested.attestations(GITHUB))

    pep694.complete(upload)
    pep694.publish()

    assert StoredFile.objects.get().attestations == attested.attestations(GITHUB)
    assert Package.objects.get().releases[0].files[0].is_attested


def test_same_file_with_other_attestations_is_not_what_was_seen(client: FlaskClient, secret: str) -> None:
    pep694 = client_of(client, secret)
    pep694.open("pypi-attestations", "0.0.19")
    both = attested.attestations(GITHUB)
    one_of_them = both[:1]

    def tag_after_upload_with(attestations: list[dict[str, Any]]) -> str:
        upload = pep694.announce(GITHUB, attested.content(GITHUB))
        pep694.send_bytes(upload, attested.content(GITHUB))
        pep694.send_attestations(upload, attestations)
        pep694.complete(upload)
        return client.get(path("session"), auth=("__token__", secret)).headers["ETag"]

    def path(link: str) -> str:
        return str(pep694.session["links"][link]).removeprefix("http://localhost")

    seen = tag_after_upload_with(both)
    assert take_out(PublishingSession.objects.get(), GITHUB, User.objects.get())
    tag_after_upload_with(one_of_them)
    refused = client.post(
        path("publish"), json={"meta": {"api-version": "2.0"}}, headers={"If-Match": seen}, auth=("__token__", secret)
    )

    assert len(both) > len(one_of_them)
    assert StoredFile.objects.get().attestations == one_of_them
    assert refused.status_code == 412
    assert Package.objects.count() == 0


def test_attestations_about_another_file_fail_its_upload(pep694: Client) -> None:
    upload = pep694.announce(wheel_name(), wheel())
    pep694.send_bytes(upload, wheel())
    pep694.send_attestations(upload, [{"version": 1}])

    with pytest.raises(Refused) as refused:
        pep694.complete(upload)

    assert refused.value.status == 400
    assert pep694.state(upload) == "error"


def test_files_that_are_on_their_way_count_towards_the_quota(
    app: Flask, pep694: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PROJECT_BYTES", 2 * len(wheel()) - 1)
    pep694.announce(wheel_name(), wheel())

    with pytest.raises(Refused, match="of this project would take") as refused:
        pep694.announce(sdist_name(), wheel())

    assert refused.value.status == 413
    [session] = PublishingSession.objects
    assert [each.filename for each in session.files] == [wheel_name()]


@pytest.mark.parametrize(
    ("setting", "whose"),
    [("PROJECT_BYTES", "The files of this project"), ("ACCOUNT_BYTES", "The files that you uploaded")],
)
def test_staged_files_count_towards_the_quota_of_an_announced_one(
    app: Flask, pep694: Client, monkeypatch: pytest.MonkeyPatch, setting: str, whose: str
) -> None:
    needed = len(wheel()) + len(sdist())
    monkeypatch.setitem(app.config, setting, needed - 1)
    staged = pep694.upload(wheel_name(), wheel())

    with pytest.raises(Refused) as refused:
        pep694.announce(sdist_name(), sdist())

    assert refused.value.status == 413
    assert str(refused.value) == (
        f"{whose} would take {needed:,} bytes; the limit is {needed - 1:,} bytes. "
        "Delete files that nobody needs, or ask an operator for more storage."
    )
    pep694.delete(staged)
    pep694.upload(sdist_name(), sdist())


def test_limit_that_was_lowered_meanwhile_counts_when_bytes_are_sent(
    app: Flask, pep694: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = pep694.announce(wheel_name(), wheel())
    monkeypatch.setitem(app.config, "PROJECT_BYTES", len(wheel()) - 1)

    with pytest.raises(Refused, match="of this project would take") as refused:
        pep694.send_bytes(upload, wheel())

    assert refused.value.status == 413
    assert (Contents.objects.count(), pep694.state(upload)) == (0, "pending")


@pytest.mark.parametrize(
    ("marker", "answer"),
    [
        ("archived", " and accepts no new files: Done. An owner can make it active again in its settings."),
        ("quarantined", ": Done."),
    ],
)
def test_closed_project_takes_nothing_and_says_why(client: FlaskClient, secret: str, marker: str, answer: str) -> None:
    assert uploads.upload(client, secret, wheel(version="0.9"), wheel_name(version="0.9")).status_code == 200
    pep694 = client_of(client, secret)
    pep694.open("larder-probe", "1.0")
    pep694.upload(wheel_name(), wheel())
    waiting = pep694.announce(sdist_name(), sdist())
    pep694.send_bytes(waiting, sdist())
    Package.objects.update(status={"marker": marker, "reason": "Done"})

    for refused in (
        lambda: pep694.open("larder-probe", "2.0"),
        lambda: pep694.announce(wheel_name().replace("py3", "py36"), wheel()),
        lambda: pep694.send_bytes(waiting, sdist()),
        lambda: pep694.send_attestations(waiting, []),
        lambda: pep694.complete(waiting),
        lambda: pep694.extend(),
        lambda: pep694.publish(),
    ):
        with pytest.raises(Refused) as said:
            refused()
        assert (said.value.status, str(said.value)) == (403, f"The project larder-probe is {marker}{answer}")

    assert {name: each["status"] for name, each in pep694.refresh()["files"].items()} == {
        wheel_name(): "completed",
        sdist_name(): "pending",
    }
    assert Package.objects.get().release_count == 1
    Package.objects.update(unset__status=True)
    pep694.complete(waiting)
    pep694.publish()


def test_session_of_an_archived_project_is_cleared_and_one_in_quarantine_stays(
    client: FlaskClient, secret: str
) -> None:
    assert uploads.upload(client, secret, wheel(version="0.9"), wheel_name(version="0.9")).status_code == 200
    pep694 = client_of(client, secret)
    pep694.open("larder-probe", "1.0")
    complete, waiting = pep694.upload(wheel_name(), wheel()), pep694.announce(sdist_name(), sdist())

    Package.objects.update(status={"marker": "quarantined", "reason": "Done"})
    for upload in (complete, waiting):
        with pytest.raises(Refused, match="quarantined: Done") as refused:
            pep694.delete(upload)
        assert refused.value.status == 403
    Package.objects.update(status={"marker": "archived", "reason": "Done"})
    for upload in (complete, waiting):
        pep694.delete(upload)

    assert pep694.refresh()["files"] == {}


@pytest.mark.parametrize("is_refused", [False, True], ids=["announced", "refused"])
def test_form_with_an_announced_file_is_told_what_to_do(
    client: FlaskClient, pep694: Client, secret: str, *, is_refused: bool
) -> None:
    address = pep694.session["links"]["legacy"].removeprefix("http://localhost")
    upload = pep694.announce(wheel_name(), wheel())
    if is_refused:
        pep694.send_bytes(upload, bytes(len(wheel())))
        with pytest.raises(Refused, match="does not have the sha256 digest"):
            pep694.complete(upload)

    answer = uploads.upload(client, secret, wheel(), wheel_name(), address)

    said = uploads.line(answer, 409)
    assert "was announced in this session" in said
    assert "remove the file from the session" in said
    pep694.delete(upload)
    assert uploads.upload(client, secret, wheel(), wheel_name(), address).status_code == 200


def test_bytes_of_an_upload_that_ended_meanwhile_are_a_conflict(
    pep694: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = pep694.announce(wheel_name(), wheel())
    real_put = contents.put

    def put(*args: Any) -> int:
        PublishingSession.objects.raw().update_one({}, {"$set": {"files.0.attempt": "another"}})
        return real_put(*args)

    monkeypatch.setattr(contents, "put", put)

    with pytest.raises(Refused, match="cancelled, completed or sent again") as refused:
        pep694.send_bytes(upload, wheel())
    assert refused.value.status == 409
    assert Contents.objects.count() == 0


def test_form_and_draft_fill_the_same_session(client: FlaskClient, pep694: Client, secret: str) -> None:
    address = pep694.session["links"]["legacy"].removeprefix("http://localhost")
    assert uploads.upload(client, secret, wheel(), wheel_name(), address).status_code == 200
    upload = pep694.announce(sdist_name(), sdist())
    busy = uploads.upload(client, secret, sdist(), sdist_name(), address)
    pep694.send_bytes(upload, sdist())
    pep694.complete(upload)

    pep694.publish()

    assert busy.status_code == 409
    assert len(Package.objects.get().releases[0].files) == 2
    assert json.loads(client.get("/pypi/larder-probe/json").text)["info"]["version"] == "1.0"


def meanwhile(monkeypatch: pytest.MonkeyPatch, step: str, do: Callable[[], object]) -> None:
    """Let somebody do something once, right before a step of completing a file."""
    where: Any = file_uploads if step == "examined" else announced_files
    original = getattr(where, step)

    def after(*args: Any) -> Any:
        monkeypatch.setattr(where, step, original)
        do()
        return original(*args)

    monkeypatch.setattr(where, step, after)


STEPS = ("copy_bytes", "examined")


@pytest.mark.parametrize("step", STEPS)
def test_bytes_sent_again_while_the_file_is_completed_are_the_ones_that_count(
    pep694: Client, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    upload = pep694.announce(wheel_name(), wheel())
    pep694.send_bytes(upload, wheel())
    meanwhile(monkeypatch, step, lambda: pep694.send_bytes(upload, wheel()))

    with pytest.raises(Refused, match="sent") as refused:
        pep694.complete(upload)

    assert refused.value.status == 409
    assert pep694.state(upload) == "pending"
    assert (StoredFile.objects.count(), Contents.objects.count()) == (0, 1)
    pep694.complete(upload)
    pep694.publish()
    assert {each["files_id"] for each in Chunk.objects.raw().find()} == {StoredFile.objects.get().content_id}


@pytest.mark.parametrize("step", STEPS)
def test_file_removed_while_it_is_completed_leaves_no_trace(
    pep694: Client, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    upload = pep694.announce(wheel_name(), wheel())
    pep694.send_bytes(upload, wheel())
    meanwhile(monkeypatch, step, lambda: pep694.delete(upload))

    with pytest.raises(Refused, match=r"removed|cancelled") as refused:
        pep694.complete(upload)

    assert refused.value.status == 409
    assert uploads.nothing_stays()


@pytest.mark.parametrize("step", STEPS)
def test_of_two_who_complete_a_file_at_once_one_succeeds(
    pep694: Client, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    upload = pep694.announce(wheel_name(), wheel())
    pep694.send_bytes(upload, wheel())
    meanwhile(monkeypatch, step, lambda: pep694.complete(upload))

    if step == "copy_bytes":
        with pytest.raises(Refused, match="completed it") as refused:
            pep694.complete(upload)
        assert refused.value.status == 409
    else:
        pep694.complete(upload)

    pep694.publish()
    assert {each["files_id"] for each in Chunk.objects.raw().find()} == {StoredFile.objects.get().content_id}


def test_attestations_sent_while_the_file_is_completed_are_not_lost(
    client: FlaskClient, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pep694 = client_of(client, secret)
    pep694.open("pypi-attestations", "0.0.19")
    upload = pep694.announce(GITHUB, attested.content(GITHUB))
    pep694.send_bytes(upload, attested.content(GITHUB))
    sent = attested.attestations(GITHUB)
    meanwhile(monkeypatch, "examined", lambda: pep694.send_attestations(upload, sent))

    with pytest.raises(Refused, match="attestations were sent again") as refused:
        pep694.complete(upload)

    assert refused.value.status == 409
    pep694.complete(upload)
    assert StoredFile.objects.get().attestations == sent


def test_bytes_sent_again_before_a_file_is_removed_go_with_it(pep694: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = pep694.announce(wheel_name(), wheel())
    pep694.send_bytes(upload, wheel())

    def late(*args: Any) -> bool:
        pep694.send_bytes(upload, wheel())
        return take_out(*args)

    monkeypatch.setattr(file_uploads, "take_out", late)

    pep694.delete(upload)

    assert uploads.nothing_stays()


def test_attestations_of_all_announced_files_have_a_limit_together(
    pep694: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.changes.announced_files.MOST_ATTESTATIONS_BYTES", 1000)
    first, second = (pep694.announce(name, wheel()) for name in (wheel_name(), sdist_name()))
    pep694.send_attestations(first, ["x" * 497])
    pep694.send_attestations(first, ["x" * 497])

    with pytest.raises(Refused, match="may have 1,000 bytes together") as refused:
        pep694.send_attestations(second, ["x" * 497])

    assert refused.value.status == 413
    pep694.delete(first)
    pep694.send_attestations(second, ["x" * 497])
