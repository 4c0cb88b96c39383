"""Releases, files and projects that are yanked, unyanked and deleted, as members and readers see it."""

from typing import Any

from flask.testing import FlaskClient

from tests import factories
from tests.manage.conftest import NAME, WHEEL, Publish, journal
from tests.people import Browser, errors
from tests.publishing import uploads
from tests.reading import one, page_of, read, texts, words
from webapp.documents import AuditEvent, JournalEntry, Maintainer, Package, StoredFile, User, contents
from webapp.serving.filters import filesize


def files_for_installers(client: FlaskClient) -> dict[str, Any]:
    """The files that `/simple/` lists, each with whether it is yanked."""
    answer = client.get(f"/simple/{NAME}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}).json
    assert answer is not None
    return {file["filename"]: file["yanked"] for file in answer["files"]}


def test_warnings_about_files_are_listed(ada: Browser, client: FlaskClient, publish: Publish) -> None:
    publish("1.0")
    secret = uploads.token_of(User.objects.get(name="Ada Lovelace"))
    text = uploads.metadata(NAME, "2.0").replace("Metadata-Version: 2.1", "Metadata-Version: 2.0")
    uploads.upload(client, secret, uploads.wheel(version="2.0.0", text=text), uploads.wheel_name(version="2.0.0"))

    releases, odd = page_of(ada.get(f"/manage/{NAME}/")), page_of(ada.get(f"/manage/{NAME}/release/2.0"))

    assert texts(releases, ".history-marks") == ["latest warnings", ""]
    assert texts(odd, ".file-warnings li") == ["Metadata: '2.0' is not a valid metadata version."]
    assert not texts(page_of(ada.get(f"/manage/{NAME}/release/1.0")), ".file-warnings")


def test_room_that_files_take_is_shown(ada: Browser, publish: Publish) -> None:
    publish("1.0")
    publish("2.0")
    size = filesize(sum(StoredFile.objects.scalar("size")))

    projects, releases = page_of(ada.get("/manage/")), page_of(ada.get(f"/manage/{NAME}/"))

    assert texts(projects, ".used-room") == [f"Your uploads use {size} of 50.0 GB."]
    assert texts(releases, ".used-room") == [f"This project uses {size} of 10.0 GB."]


def test_yanked_release_is_passed_over_and_says_why(client: FlaskClient, ada: Browser, publish: Publish) -> None:
    publish("1.0", summary="The old words")
    publish("2.0", summary="The new words")

    response = ada.send(f"/manage/{NAME}/yank/2.0", reason=" It loses data ")

    assert response.location == f"/manage/{NAME}/release/2.0"
    assert files_for_installers(client) == {WHEEL: False, uploads.wheel_name(version="2.0"): "It loses data"}
    assert "Reason given: It loses data" in words(one(read(client, f"/project/{NAME}/2.0/"), ".banner-bad"))
    page = read(client, f"/project/{NAME}/")
    assert words(one(page, "h1")) == f"{NAME} 1.0"
    assert words(one(page, ".project-summary")) == "The old words"
    entry = JournalEntry.objects.about_package(NAME).first()
    assert (entry.action, entry.version, entry.note, entry.actor_name) == (
        "yank release",
        "2.0",
        "It loses data",
        "Ada Lovelace",
    )
    assert client.get(f"/simple/{NAME}/").headers["X-PyPI-Last-Serial"] == str(entry.serial)
    assert AuditEvent.objects.of_kind("project").get().description == f"Yanked {NAME} 2.0."


def test_release_that_is_offered_again_is_as_before(client: FlaskClient, ada: Browser, publish: Publish) -> None:
    publish("1.0", summary="The old words")
    publish("2.0", summary="The new words")
    ada.send(f"/manage/{NAME}/yank/2.0", reason="It loses data")

    response = ada.press(f"/manage/{NAME}/release/2.0", f"/manage/{NAME}/unyank/2.0")

    assert response.status_code == 302
    assert set(files_for_installers(client).values()) == {False}
    page = read(client, f"/project/{NAME}/")
    assert words(one(page, "h1")) == f"{NAME} 2.0"
    assert words(one(page, ".project-summary")) == "The new words"
    assert journal()[:2] == ["unyank release", "yank release"]


def test_yank_needs_a_reason_that_can_be_shown(ada: Browser, publish: Publish) -> None:
    publish()

    for reason in ("", "  ", "x" * 301, "a\nb\x07"):
        response = ada.send(f"/manage/{NAME}/yank/1.0", reason=reason)

        assert response.status_code == 400
        assert list(errors(response)) == ["reason"]
    assert journal() == ["new project"]


def test_deleted_release_is_gone_and_its_file_names_stay_taken(
    client: FlaskClient, ada: Browser, publish: Publish
) -> None:
    publish("1.0", summary="The old words")
    address = publish("2.0")

    response = ada.send(f"/manage/{NAME}/delete-release/2.0", typed=f"{NAME} 2.0")

    assert response.location == f"/manage/{NAME}/"
    assert list(files_for_installers(client)) == [WHEEL]
    assert client.get(f"/project/{NAME}/2.0/").status_code == 404
    assert client.get(address).status_code == client.get(f"{address}.metadata").status_code == 404
    assert words(one(read(client, f"/project/{NAME}/"), ".project-summary")) == "The old words"
    assert contents.Contents.objects.count() == contents.Chunk.objects.count() == 1
    file = StoredFile.objects.get(pk=uploads.wheel_name(version="2.0"))
    assert (file.state, file.metadata, file.content_id, file.deleting_at) == ("deleted", None, None, None)
    secret = uploads.token_of(User.objects.get())
    again = uploads.upload(client, secret, uploads.wheel(version="2.0"), uploads.wheel_name(version="2.0"))
    assert (again.status_code, "cannot be reused" in again.text) == (400, True)
    assert journal()[0] == "remove release"


def test_deleted_file_is_gone_and_takes_its_release_along_when_it_is_the_last(
    client: FlaskClient, ada: Browser, publish: Publish
) -> None:
    publish()
    secret, name = uploads.token_of(User.objects.get()), uploads.sdist_name()
    uploads.upload(client, secret, uploads.sdist(), name)

    first = ada.send(f"/manage/{NAME}/delete-file/{name}/of/1.0", typed=name)
    page = page_of(ada.get(f"/manage/{NAME}/delete-file/{WHEEL}/of/1.0"))
    second = ada.send(f"/manage/{NAME}/delete-file/{WHEEL}/of/1.0", typed=WHEEL)

    assert first.location == f"/manage/{NAME}/release/1.0"
    assert "the release will be deleted too" in words(one(page, "main"))
    assert second.location == f"/manage/{NAME}/"
    package = Package.objects.get()
    assert (package.release_count, package.latest, list(package.releases)) == (0, None, [])
    assert {file.state for file in StoredFile.objects} == {"deleted"}
    assert contents.Chunk.objects.count() == 0
    assert "This project has no releases yet." in words(one(read(client, f"/project/{NAME}/"), ".banner"))
    assert journal()[:2] == ["remove file", "remove file"]


def test_release_that_becomes_the_latest_is_described_by_its_wheel(
    client: FlaskClient, ada: Browser, publish: Publish
) -> None:
    secret = uploads.token_of(User.objects.get())
    uploads.upload(client, secret, uploads.sdist(text=uploads.metadata(description="poor")), uploads.sdist_name())
    publish("1.0", summary="Of the wheel")
    publish("2.0")

    ada.send(f"/manage/{NAME}/delete-release/2.0", typed=f"{NAME} 2.0")

    assert Package.objects.get().summary == "Of the wheel"


def test_name_of_a_deleted_file_that_was_kept_elsewhere_is_taken_too(client: FlaskClient, ada: Browser) -> None:
    owner = [Maintainer(user_id=User.objects.get().id, role="owner")]
    record = factories.release_file(filename=WHEEL)
    factories.package(NAME, releases=[factories.release("1.0", files=[record])], maintainers=owner)

    ada.send(f"/manage/{NAME}/delete-file/{WHEEL}/of/1.0", typed=WHEEL)

    again = uploads.upload(client, uploads.token_of(User.objects.get()), uploads.wheel(), WHEEL)
    assert (again.status_code, "cannot be reused" in again.text) == (400, True)
