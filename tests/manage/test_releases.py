"""Releases, files and projects that are yanked, unyanked and deleted, as members and readers see it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.manage.conftest import NAME
from tests.people import ANOTHER, PASSWORD, Browser, errors, member, outbox, signed_in
from tests.publishing import uploads
from tests.reading import links, one, page_of, read, texts, words
from webapp.documents import AuditEvent, JournalEntry, Maintainer, Package, StoredFile, User, contents
from webapp.documents.base import utc_now
from webapp.serving.filters import filesize

Publish = Callable[..., str]
Join = Callable[..., Browser]

WHEEL = uploads.wheel_name()


def journal() -> list[str]:
    """What was done to the project, the last first."""
    return [entry["action"] for entry in JournalEntry.objects.about_package(NAME).plain()]


def files_for_installers(client: FlaskClient) -> dict[str, Any]:
    """The files that `/simple/` lists, each with whether it is yanked."""
    answer = client.get(f"/simple/{NAME}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}).json
    assert answer is not None
    return {file["filename"]: file["yanked"] for file in answer["files"]}


def grow_old(seconds: int = 1801) -> None:
    """Let the sign-in of everybody have been so long ago."""
    past = utc_now() - timedelta(seconds=seconds)
    User._get_collection().update_many({}, {"$set": {"sessions.0.created_date": past}})


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


def test_member_without_a_project_is_told_how_to_publish_one(ada: Browser) -> None:
    page = page_of(ada.get("/manage/"))

    assert "twine upload --repository-url http://localhost/legacy/ -u __token__ dist/*" in words(one(page, ".command"))
    assert ("Create an API token", "/account/tokens/") in links(page, "main a")


def test_projects_and_releases_are_led_to(ada: Browser, publish: Publish) -> None:
    publish("1.0")
    publish("2.0rc1")

    projects, releases = page_of(ada.get("/manage/")), page_of(ada.get(f"/manage/{NAME}/"))

    assert links(projects, ".package-link") == [(f"{NAME} 1.0", f"/manage/{NAME}/")]
    assert texts(releases, ".history-version") == ["2.0rc1", "1.0"]
    assert texts(releases, ".mark") == ["pre-release", "latest"]
    assert texts(page_of(ada.get(f"/manage/{NAME}/release/1.0")), ".file-name") == [WHEEL]


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


def test_deleted_project_is_gone_and_its_journal_stays(client: FlaskClient, ada: Browser, publish: Publish) -> None:
    address = publish("1.0")
    publish("2.0")

    response = ada.send(f"/manage/{NAME}/delete", typed=NAME)

    assert response.location == "/manage/"
    for gone in (f"/project/{NAME}/", f"/simple/{NAME}/", f"/pypi/{NAME}/json", address):
        assert client.get(gone).status_code == 404
    assert words(one(page_of(ada.get("/manage/")), ".banner-good")) == f"{NAME} was deleted."
    assert read(client, f"/search/?q={NAME}").select(".package-link") == []
    assert contents.Contents.objects.count() == contents.Chunk.objects.count() == 0
    assert [file.state for file in StoredFile.objects] == ["deleted", "deleted"]
    assert journal() == ["remove project", "new release", "new project"]


def test_name_of_a_deleted_project_is_free_but_the_names_of_its_files_are_not(
    app: Flask, client: FlaskClient, ada: Browser, publish: Publish
) -> None:
    publish("1.0")
    ada.send(f"/manage/{NAME}/delete", typed=NAME)
    grace = member("Grace Hopper")
    secret = uploads.token_of(grace)

    again = uploads.upload(client, secret, uploads.wheel(), WHEEL)
    another = uploads.upload(client, secret, uploads.wheel(version="1.1"), uploads.wheel_name(version="1.1"))

    assert (again.status_code, another.status_code) == (400, 200)
    package = Package.objects.get()
    assert [each.user_id for each in package.maintainers] == [grace.id]
    assert package.last_serial == JournalEntry.objects.last_serial()
    assert ada.get(f"/manage/{NAME}/").status_code == 403
    assert journal()[:2] == ["new project", "remove project"]


@pytest.mark.parametrize(
    ("address", "right"),
    [
        (f"/manage/{NAME}/delete-release/1.0", f"{NAME} 1.0"),
        (f"/manage/{NAME}/delete-file/{WHEEL}/of/1.0", WHEEL),
        (f"/manage/{NAME}/delete", NAME),
    ],
)
def test_nothing_is_deleted_before_its_name_is_typed_and_after_half_an_hour_the_password(
    ada: Browser, publish: Publish, address: str, right: str
) -> None:
    publish()
    before = Package._get_collection().find_one({})
    fresh_page = page_of(ada.get(address))

    wrong = ada.send(address, typed=right[:-1])
    grow_old()
    late = ada.send(address, typed=right)
    bad = ada.send(address, typed=right, password=ANOTHER)

    assert fresh_page.select("[name=password]") == []
    assert errors(wrong) == {"typed": f"Type “{right}” to confirm."}
    assert errors(late) == {"password": "You signed in more than 30 minutes ago. Enter your password as well."}
    assert one(page_of(late, 400), "[name=typed]")["value"] == right
    assert errors(bad) == {"password": "The password is incorrect."}
    assert Package._get_collection().find_one({}) == before
    assert ada.send(address, typed=right, password=PASSWORD).status_code == 302


def test_password_that_was_typed_for_one_deletion_is_good_for_the_next_half_hour(
    ada: Browser, publish: Publish
) -> None:
    publish("1.0")
    publish("2.0")
    grow_old()

    first = ada.send(f"/manage/{NAME}/delete-release/1.0", typed=f"{NAME} 1.0", password=PASSWORD)
    second = ada.send(f"/manage/{NAME}/delete-release/2.0", typed=f"{NAME} 2.0")

    assert (first.status_code, second.status_code) == (302, 302)


def test_maintainer_yanks_and_deletes_nothing(join: Join, publish: Publish) -> None:
    publish()
    grace = join("Grace Hopper")

    release = page_of(grace.get(f"/manage/{NAME}/release/1.0"))
    yanked = grace.send(f"/manage/{NAME}/yank/1.0", reason="It is broken")

    assert yanked.status_code == 302
    assert [address for _, address in links(release, "main a") if "delete" in address] == []
    for address in (
        f"/manage/{NAME}/delete-release/1.0",
        f"/manage/{NAME}/delete",
        f"/manage/{NAME}/delete-file/{WHEEL}/of/1.0",
    ):
        assert "Only an owner" in words(one(page_of(grace.get(address), 403), ".lead"))
        assert (
            grace.post(address, data={"csrf_token": grace.token("/account/profile"), "typed": NAME}).status_code == 403
        )
    assert journal()[0] == "yank release"


PAGES = ["", "release/1.0", "yank/1.0", "delete-release/1.0", f"delete-file/{WHEEL}/of/1.0", "delete"]
PAGES += ["maintainers", "settings", "history"]


def test_pages_are_for_who_looks_after_the_project(app: Flask, client: FlaskClient, publish: Publish) -> None:
    publish()
    stranger = signed_in(app, "Eve")

    for page in PAGES:
        address = f"/manage/{NAME}/{page}"
        assert client.get(address).location == f"/account/login?next={address}"
        assert words(one(page_of(stranger.get(address), 403), ".lead")) == "You do not maintain this project."
        assert stranger.get(f"/manage/nothing/{page}").status_code == 404
        assert stranger.get(f"/manage/$ne/{page}").status_code == 404


def test_what_is_not_there_is_not_found(ada: Browser, publish: Publish) -> None:
    publish()

    missing = ("release/9", "yank/9", "delete-release/9", f"delete-file/{WHEEL}/of/9", "delete-file/x.whl/of/1.0")
    for address in (*missing, "?page=2", "history?page=2"):
        assert ada.get(f"/manage/{NAME}/{address}").status_code == 404


def test_spelling_of_the_name_does_not_matter(ada: Browser, publish: Publish) -> None:
    publish()

    assert ada.send("/manage/Larder_Probe/yank/1.0", reason="It is broken").status_code == 302
    assert ada.send("/manage/Larder.Probe/delete", typed=NAME).status_code == 302
    assert Package.objects.count() == 0


def test_history_says_who_did_what(ada: Browser, publish: Publish) -> None:
    publish()
    ada.send(f"/manage/{NAME}/yank/1.0", reason="<b>broken</b>")

    rows = page_of(ada.get(f"/manage/{NAME}/history")).select("tbody tr")

    assert [texts(row, "td")[1:] for row in rows] == [
        ["Ada Lovelace", "Yank release 1.0 <b>broken</b>", "serial 3"],
        ["Ada Lovelace", f"New project {WHEEL}", "serial 2"],
    ]


def test_project_that_was_edited_by_hand_into_nonsense_is_no_error_of_ours(ada: Browser, publish: Publish) -> None:
    publish()
    change = {"$set": {"releases.0.files.0.filename": 7, "name": 3, "maintainers.1": {"user_id": "x", "role": "king"}}}
    Package._get_collection().update_one({}, change)

    for page in ("", "release/1.0", "yank/1.0", "maintainers", "settings", "history", "delete"):
        assert ada.get(f"/manage/{NAME}/{page}").status_code == 200
    answer = ada.send(f"/manage/{NAME}/yank/1.0", reason="It is broken")

    assert "an operator needs to fix it" in words(one(page_of(answer, 409), ".lead"))
    assert journal() == ["new project"]


def test_account_of_who_looks_after_a_broken_project_goes_all_the_same(join: Join, publish: Publish) -> None:
    publish()
    grace = join("Grace Hopper")
    Package._get_collection().update_one({}, {"$set": {"releases.0.files.0.filename": 7}})

    grace.send("/account/delete", password=PASSWORD)

    assert [each["name"] for each in Package._get_collection().find_one({})["maintainers"]] == ["Ada Lovelace"]
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("address", "typed", "deleted"),
    [
        (f"/manage/{NAME}/delete", NAME, f"the project {NAME}"),
        (f"/manage/{NAME}/delete-release/1.0", f"{NAME} 1.0", f"{NAME} 1.0"),
        (f"/manage/{NAME}/delete-file/{uploads.wheel_name()}/of/1.0", uploads.wheel_name(), uploads.wheel_name()),
    ],
)
def test_every_owner_gets_a_mail_about_what_was_deleted(
    app: Flask, ada: Browser, join: Join, publish: Publish, address: str, typed: str, deleted: str
) -> None:
    publish()
    join("Grace Hopper", "owner")
    join("Linus Pauling", "maintainer")
    join("Emmy Noether", "owner")
    User.objects(name="Emmy Noether").update(is_disabled=True)

    refused = ada.send(address, typed="something else")
    sent_before = len(outbox(app))
    done = ada.send(address, typed=typed)

    assert (refused.status_code, sent_before, done.status_code) == (400, 0, 302)
    assert sorted(mail.to for mail in outbox(app)) == [["ada@example.org"], ["grace@example.org"]]
    for mail in outbox(app):
        assert mail.subject.startswith(f"Deleted: {deleted} ")
        assert f"Ada Lovelace deleted {deleted} from" in mail.body
        assert f"Ada Lovelace deleted {deleted} from" in mail.alternatives[0][0]
