"""The status of a project (PEP 792), from the form of its owner to what readers, installers and uploaders get."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.manage.conftest import NAME
from tests.people import Browser, signed_in
from tests.publishing import uploads
from tests.reading import links, one, page_of, texts, words
from webapp.changes import search_index
from webapp.documents import AuditEvent, JournalEntry, Package, ProjectStatus, User

JSON = "application/vnd.pypi.simple.v1+json"
STATUS, SETTINGS = f"/manage/{NAME}/status", f"/manage/{NAME}/settings"
QUARANTINE, END = f"/admin/packages/{NAME}/quarantine", f"/admin/packages/{NAME}/end-quarantine"

Publish = Callable[..., str]


def simple(client: FlaskClient) -> Any:
    return client.get(f"/simple/{NAME}/", headers={"Accept": JSON}).get_json()


def mark(ada: Browser, status: str, reason: str = "", successor: str = "") -> None:
    answer = ada.send(STATUS, status=status, reason=reason, successor=successor)
    assert answer.status_code == 302, page_of(answer, answer.status_code)


def send(client: FlaskClient, version: str) -> Any:
    secret = uploads.token_of(User.objects.get(name="Ada Lovelace"))
    content = uploads.wheel(version=version, text=uploads.metadata(NAME, version))
    return uploads.upload(client, secret, content, uploads.wheel_name(version=version))


@pytest.fixture
def administrator(app: Flask) -> Browser:
    return signed_in(app, "Grace Hopper", is_admin=True)


class TestOwners:
    def test_project_is_active_until_somebody_says_otherwise(
        self, client: FlaskClient, ada: Browser, publish: Publish
    ) -> None:
        publish()

        assert simple(client)["project-status"] == {"status": "active"}
        assert "This project is active." in words(one(page_of(ada.get(SETTINGS)), "main"))

    @pytest.mark.parametrize("status", ["archived", "deprecated"])
    def test_installers_are_told_status_reason_and_successor(
        self, client: FlaskClient, ada: Browser, publish: Publish, status: str
    ) -> None:
        publish()

        mark(ada, status, "Nobody has time & energy.", "Flask")

        reason = "Nobody has time & energy. Use Flask instead."
        assert simple(client)["project-status"] == {"status": status, "reason": reason}
        head = one(page_of(client.get(f"/simple/{NAME}/")), "head")
        assert one(head, "meta[name='pypi:project-status']")["content"] == status
        assert one(head, "meta[name='pypi:project-status-reason']")["content"] == reason
        assert len(simple(client)["files"]) == 1

    def test_readers_are_told_and_led_to_the_successor(
        self, client: FlaskClient, ada: Browser, publish: Publish
    ) -> None:
        publish()
        factories.package("Flask", releases=["3.0"])

        mark(ada, "archived", "It is finished.", "flask")

        banner = one(page_of(client.get(f"/project/{NAME}/")), ".banner")
        assert words(banner).startswith("This project is archived.")
        assert "Reason given: It is finished. Use Flask instead." in words(banner)
        assert links(banner) == [("Flask", "/project/flask/")]

    def test_lists_searches_and_feeds_mark_it(self, client: FlaskClient, ada: Browser, publish: Publish) -> None:
        publish()

        mark(ada, "deprecated", "It is slow.")

        search_index.catch_up()
        for address in ("/projects/", f"/search/?q={NAME}", "/search/?q=probes&order=name"):
            assert texts(page_of(client.get(address)), ".package-row .mark") == ["deprecated"], address
        for address in ("/rss/updates.xml", "/rss/packages.xml"):
            assert ET.fromstring(client.get(address).data).findtext(".//item/category") == "deprecated"
        first = ET.fromstring(client.get(f"/rss/project/{NAME}/releases.xml").data).find(".//item")
        assert first is not None
        assert (first.findtext("title"), first.findtext("description")) == (f"{NAME} is deprecated", "It is slow.")

    def test_archived_project_takes_no_files_and_the_uploader_learns_why(
        self, client: FlaskClient, ada: Browser, publish: Publish
    ) -> None:
        publish()
        mark(ada, "archived", "Nobody has time")

        answer = send(client, "1.1")

        assert answer.status_code == 403
        assert answer.text.strip() == (
            f"The project {NAME} is archived and accepts no new files: Nobody has time. "
            "An owner can make it active again in its settings."
        )
        assert [each.version for each in Package.objects.get(pk=NAME).releases] == ["1.0"]

    def test_deprecated_project_takes_files(self, client: FlaskClient, ada: Browser, publish: Publish) -> None:
        publish()
        mark(ada, "deprecated")

        assert send(client, "1.1").status_code == 200
        assert simple(client)["project-status"] == {"status": "deprecated"}

    def test_active_again_it_takes_files_and_has_no_reason(
        self, client: FlaskClient, ada: Browser, publish: Publish
    ) -> None:
        publish()
        mark(ada, "archived", "For now")

        mark(ada, "active", "left over in the form")

        assert simple(client)["project-status"] == {"status": "active"}
        assert send(client, "1.1").status_code == 200

    def test_journal_and_audit_log_tell_who_did_it(self, ada: Browser, publish: Publish) -> None:
        publish()

        mark(ada, "archived", "It is finished.")
        mark(ada, "archived", "It is finished.")

        entry = JournalEntry.objects.about_package(NAME).first()
        assert (entry.action, entry.note, entry.actor_name) == ("mark archived", "It is finished.", "Ada Lovelace")
        assert JournalEntry.objects(action="mark archived").count() == 1
        assert AuditEvent.objects(description=f"Marked {NAME} as archived.").count() == 1

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"status": "quarantined"}, "status"),
            ({"status": "archived", "reason": "x" * 301}, "reason"),
            ({"status": "archived", "reason": "two\nlines"}, "reason"),
            ({"status": "archived", "successor": "no name!"}, "successor"),
            ({"status": "archived", "successor": "Larder.Probe"}, "successor"),
        ],
    )
    def test_what_cannot_be_is_refused_beside_its_field(
        self, client: FlaskClient, ada: Browser, publish: Publish, fields: dict[str, str], field: str
    ) -> None:
        publish()

        page = page_of(ada.send(STATUS, **fields), 400)

        assert texts(page, f"#{field}-errors li")
        assert simple(client)["project-status"] == {"status": "active"}

    def test_maintainer_may_not_change_it(self, publish: Publish, join: Callable[..., Browser]) -> None:
        publish()
        maintainer = join("Grace")

        assert maintainer.get(STATUS).status_code == 403
        assert "Change the status" not in words(one(page_of(maintainer.get(SETTINGS)), "main"))


class TestQuarantine:
    def test_nothing_of_it_is_offered(self, client: FlaskClient, administrator: Browser, publish: Publish) -> None:
        address = publish()
        assert client.get(address).status_code == 200

        administrator.send(QUARANTINE, reason="It steals tokens")

        page = simple(client)
        assert page["project-status"] == {"status": "quarantined", "reason": "It steals tokens"}
        assert (page["files"], page["versions"]) == ([], ["1.0"])
        assert links(page_of(client.get(f"/simple/{NAME}/"))) == []
        document = client.get(f"/pypi/{NAME}/json").get_json()
        assert (document["urls"], document["releases"]) == ([], {"1.0": []})
        assert client.get(f"/pypi/{NAME}/1.0/json").get_json()["urls"] == []
        for path in (f"/project/{NAME}/", f"/project/{NAME}/1.0/"):
            shown = page_of(client.get(path))
            assert words(one(shown, ".banner-bad")).startswith("This project is quarantined.")
            assert not shown.select(".file, .install")

    def test_files_are_refused_whatever_is_asked_of_them(
        self, client: FlaskClient, administrator: Browser, publish: Publish
    ) -> None:
        address = publish()
        etag = client.get(address).headers["ETag"]

        administrator.send(QUARANTINE, reason="It steals tokens")

        for path in (address, f"{address}.metadata", address.replace("/packages/", "/files/")):
            for headers in ({}, {"Range": "bytes=0-9"}, {"If-None-Match": etag}):
                answer = client.get(path, headers=headers)
                assert answer.status_code == 403, path
                assert "quarantined" in answer.text
                assert "immutable" not in answer.headers.get("Cache-Control", "")
        assert client.head(address).status_code == 403

    def test_maintainers_can_change_nothing(
        self, client: FlaskClient, ada: Browser, administrator: Browser, publish: Publish
    ) -> None:
        publish()
        administrator.send(QUARANTINE, reason="It steals tokens.")

        answer = send(client, "1.1")
        assert (answer.status_code, answer.text.strip()) == (
            403,
            f"The project {NAME} is quarantined: It steals tokens.",
        )
        assert ada.get(STATUS).status_code == 403
        assert ada.send(f"/manage/{NAME}/yank/1.0", reason="Broken").status_code == 403
        assert ada.send(f"/manage/{NAME}/delete", typed=NAME).status_code == 403
        assert ada.send(f"/manage/{NAME}/delete-release/1.0", typed=f"{NAME} 1.0").status_code == 403
        assert Package.objects.get(pk=NAME).release_count == 1

    def test_afterwards_it_is_as_its_owners_had_it(
        self, client: FlaskClient, ada: Browser, administrator: Browser, publish: Publish
    ) -> None:
        address = publish()
        mark(ada, "archived", "It is finished.")
        administrator.send(QUARANTINE, reason="It steals tokens")
        assert NAME in texts(page_of(administrator.get("/admin/packages/?status=quarantined")), ".admin-table a")

        administrator.send(END, reason="A false alarm")

        assert simple(client)["project-status"] == {"status": "archived", "reason": "It is finished."}
        assert client.get(address).status_code == 200
        assert [entry.action for entry in JournalEntry.objects.about_package(NAME)][:2] == [
            "end quarantine",
            "mark quarantined",
        ]
        assert AuditEvent.objects(kind="administration", target=f"package {NAME}").count() == 2

    def test_it_is_for_administrators(self, ada: Browser, publish: Publish) -> None:
        publish()

        assert ada.get(QUARANTINE).status_code == 403
        assert ada.post(END).status_code in (400, 403)


def test_status_that_nobody_knows_counts_as_active(client: FlaskClient) -> None:
    factories.package(NAME)
    Package._get_collection().update_one({"_id": NAME}, {"$set": {"status": {"marker": "Archived!", "reason": 7}}})

    assert simple(client)["project-status"] == {"status": "active"}
    assert client.get(f"/project/{NAME}/").status_code == 200


def test_later_upload_keeps_the_status(client: FlaskClient, ada: Browser, publish: Publish) -> None:
    publish()
    mark(ada, "deprecated", "It is slow.", "Flask")

    publish("1.1")

    status = Package.objects.get(pk=NAME).status
    assert isinstance(status, ProjectStatus)
    assert (status.marker, status.reason, status.successor) == ("deprecated", "It is slow.", "Flask")
