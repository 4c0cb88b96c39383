"""The projects that somebody looks after: their list, their history, and their end."""

from flask import Flask
from flask.testing import FlaskClient

from tests.manage.conftest import NAME, WHEEL, Join, Publish, journal
from tests.people import PASSWORD, Browser, member, outbox
from tests.publishing import uploads
from tests.reading import links, one, page_of, read, texts, words
from webapp.documents import AuditEvent, JournalEntry, Package, StoredFile, User, contents


def test_member_without_a_project_is_told_how_to_publish_one(ada: Browser) -> None:
    page = page_of(ada.get("/manage/"))

    assert texts(page, ".command code") == [
        "uv publish --publish-url http://localhost/legacy/",
        "twine upload --repository-url http://localhost/legacy/ -u __token__ dist/*",
    ]
    assert ("Create an API token", "/account/tokens/new") in links(page, "main a")


def test_projects_and_releases_are_led_to(ada: Browser, publish: Publish) -> None:
    publish("1.0")
    publish("2.0rc1")

    projects, releases = page_of(ada.get("/manage/")), page_of(ada.get(f"/manage/{NAME}/"))

    assert links(projects, ".package-link") == [(f"{NAME} 1.0", f"/manage/{NAME}/")]
    assert texts(releases, ".history-version") == ["2.0rc1", "1.0"]
    assert texts(releases, ".mark") == ["pre-release", "latest"]
    assert texts(page_of(ada.get(f"/manage/{NAME}/release/1.0")), ".file-name") == [WHEEL]


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


def test_history_says_who_did_what(ada: Browser, publish: Publish) -> None:
    publish()
    ada.send(f"/manage/{NAME}/yank/1.0", reason="<b>broken</b>")

    rows = page_of(ada.get(f"/manage/{NAME}/history")).select("tbody tr")

    assert [texts(row, "td")[1:] for row in rows] == [
        ["Ada Lovelace", "Yanked 1.0. <b>broken</b>", "serial 3"],
        ["Ada Lovelace", f"Created the project with {WHEEL}.", "serial 2"],
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


RULE = f"/manage/{NAME}/release-rule"


def test_owner_demands_sessions_and_all_owners_are_told(app: Flask, ada: Browser, publish: Publish, join: Join) -> None:
    publish()
    join("Grace Hopper", "owner")

    answer = ada.send(RULE, rule="reviewed")

    assert answer.status_code == 302, answer.text
    assert Package.objects.get().release_rule == "reviewed"
    assert sorted(mail.to[0] for mail in outbox(app)) == ["ada@example.org", "grace@example.org"]
    assert "published by an owner other than the uploader" in outbox(app)[0].body
    assert "published by an owner other than the uploader" in words(read(ada, f"/manage/{NAME}/settings"))
    event = AuditEvent.objects(target=f"package {NAME}", kind="project").order_by("-created_date").first()
    assert event.description.startswith(f"New files of {NAME} come through publishing sessions only")
    assert "Required an owner other than the uploader" in words(read(ada, f"/manage/{NAME}/history"))
    ada.send(RULE, rule="direct")
    assert Package.objects.get().release_rule is None
    assert len(outbox(app)) == 4


def test_form_says_that_a_single_owner_cannot_review_themselves(ada: Browser, publish: Publish, join: Join) -> None:
    publish()
    alone = ada.send(RULE, rule="reviewed")

    join("Grace Hopper", "maintainer")

    assert alone.status_code == 400
    assert "Nobody else maintains this project" in alone.text
    assert "You are the only owner" in words(read(ada, RULE))
    assert ada.send(RULE, rule="reviewed").status_code == 302


def test_only_owners_choose_how_a_project_is_released(publish: Publish, join: Join) -> None:
    publish()
    grace = join("Grace Hopper", "maintainer")

    assert grace.get(RULE).status_code == 403
    assert grace.post(RULE, data={"csrf_token": grace.token("/account/profile"), "rule": "sessions"}).status_code == 403
    assert Package.objects.get().release_rule is None
