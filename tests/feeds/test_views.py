import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.changes.pypi_documents import document, file
from webapp.changes.pypi_json import parse
from webapp.documents import Package
from webapp.feeds import views

ATOM = "{http://www.w3.org/2005/Atom}"
SITE = "http://localhost"
FEEDS = ["/rss/updates.xml", "/rss/packages.xml", "/rss/project/example/releases.xml"]


def channel(client: FlaskClient, path: str) -> ET.Element:
    response = client.get(path)
    assert response.status_code == 200
    assert response.content_type == "application/rss+xml; charset=utf-8"
    root = ET.fromstring(response.data)
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    found = root.find("channel")
    assert found is not None
    return found


def items(client: FlaskClient, path: str) -> list[dict[str, str]]:
    return [{part.tag: part.text or "" for part in item} for item in channel(client, path).iter("item")]


@pytest.mark.parametrize(
    ("path", "title", "link"),
    [
        ("/rss/updates.xml", "Larder: Newest releases", f"{SITE}/"),
        ("/rss/packages.xml", "Larder: Newest projects", f"{SITE}/"),
        ("/rss/project/example/releases.xml", "Larder: Releases of Example", f"{SITE}/project/example/"),
    ],
)
def test_channel_says_what_it_is_and_where(client: FlaskClient, path: str, title: str, link: str) -> None:
    factories.package()

    found = channel(client, path)

    assert found.findtext("title") == title
    assert found.findtext("link") == link
    assert found.findtext("description")
    assert found.findtext("language") == "en"
    own = found.find(f"{ATOM}link")
    assert own is not None
    assert own.attrib == {"href": f"{SITE}{path}", "rel": "self", "type": "application/rss+xml"}


def test_updates_are_the_newest_release_of_each_project(client: FlaskClient) -> None:
    factories.package("One", releases=["2.0", "1.0.1"], summary="The first")
    factories.package("Two", releases=["1.0"])

    found = items(client, "/rss/updates.xml")

    assert [item["title"] for item in found] == ["One 1.0.1", "Two 1.0"]
    assert found[0]["link"] == found[0]["guid"] == f"{SITE}/project/one/1.0.1/"
    assert found[0]["description"] == ""  # nobody has said how this release sums the project up
    assert found[1]["description"] == "What Two does"
    assert parsedate_to_datetime(found[0]["pubDate"]) == factories.A_DAY + timedelta(days=1)


def test_packages_are_the_newest_projects(client: FlaskClient) -> None:
    factories.package("Old", releases=[factories.release(created_date=datetime(2020, 1, 1, tzinfo=UTC))])
    factories.package("New_One")

    found = items(client, "/rss/packages.xml")

    assert [item["title"] for item in found] == ["New_One added", "Old added"]
    assert found[0]["link"] == f"{SITE}/project/new-one/"
    assert found[1]["pubDate"] == "Wed, 01 Jan 2020 00:00:00 +0000"


def test_releases_of_a_project_come_newest_version_first(client: FlaskClient) -> None:
    undated = factories.release("0.1", created_date=None)
    factories.package(releases=[undated, factories.release("1.10", comment="Better"), "1.9"])

    found = items(client, "/rss/project/example/releases.xml")

    assert [item["title"] for item in found] == ["1.10", "1.9", "0.1"]
    assert found[0]["description"] == "Better"
    assert found[0]["link"] == f"{SITE}/project/example/1.10/"
    assert "pubDate" not in found[2]


def test_each_release_is_summed_up_in_its_own_words(client: FlaskClient) -> None:
    for serial, (version, day, summary) in enumerate(
        (("2.0", "2024-01-01", "Makes jam."), ("1.1", "2024-02-01", "Makes marmalade.")), 1
    ):
        files = {version: [file(f"example-{version}.tar.gz", upload_time_iso_8601=f"{day}T00:00:00Z")]}
        parse(json.dumps(document(releases=files, version=version, summary=summary) | {"last_serial": serial})).store()

    of_all, of_one = items(client, "/rss/updates.xml"), items(client, "/rss/project/example/releases.xml")

    assert [(each["title"], each["description"]) for each in of_all] == [("Example 1.1", "Makes marmalade.")]
    assert [each["description"] for each in of_one] == ["Makes jam.", "Makes marmalade."]


@pytest.mark.parametrize(
    ("constant", "path"),
    [("RELEASES", "/rss/updates.xml"), ("PROJECTS", "/rss/packages.xml"), ("PROJECT_RELEASES", FEEDS[2])],
)
def test_feed_has_an_end(client: FlaskClient, monkeypatch: pytest.MonkeyPatch, constant: str, path: str) -> None:
    monkeypatch.setattr(views, constant, 2)
    for name in ("one", "two", "three"):
        factories.package(name)
    factories.package(releases=["1.0", "2.0", "3.0"])

    assert len(items(client, path)) == 2


def test_feeds_are_as_long_as_pypis() -> None:
    assert (views.RELEASES, views.PROJECTS, views.PROJECT_RELEASES) == (100, 40, 40)


@pytest.mark.parametrize("path", FEEDS[:2])
def test_feed_of_an_empty_index_is_one(client: FlaskClient, path: str) -> None:
    assert items(client, path) == []


@pytest.mark.parametrize("path", FEEDS)
def test_hostile_text_is_inert_and_the_feed_well_formed(client: FlaskClient, path: str) -> None:
    evil = "]]></description><script>alert(1)</script>&amp;<![CDATA[ \x00\x08\x1b\x0c\ufffe\uffff \N{SNAKE} \u2028"
    factories.package(summary=evil, releases=[factories.release(comment=evil)])
    Package._get_collection().update_one({}, {"$set": {"name": evil}})

    found = channel(client, path)

    readable = "]]></description><script>alert(1)</script>&amp;<![CDATA[  \N{SNAKE} \u2028"
    [item] = found.iter("item")
    assert item.findtext("description") == readable
    assert found.find(".//script") is None
    assert readable in (found.findtext("title") or "") + (item.findtext("title") or "")


@pytest.mark.parametrize("path", FEEDS)
@pytest.mark.parametrize(
    "change",
    [
        {"$unset": {"name": "", "summary": ""}},
        {"$set": {"name": 5, "summary": ["x"], "note": "extra"}},
        {"$set": {"newest_release": "1.0", "latest": 5}},
        {"$set": {"newest_release": {"created_date": "yesterday"}, "created_date": "yesterday"}},
        {"$set": {"newest_release.version": 5, "releases.0.version": 5}},
        {"$set": {"releases": "none"}},
        {"$set": {"releases.0.created_date": "yesterday", "releases.0.comment": 5}},
    ],
    ids=str,
)
def test_document_that_was_edited_by_hand_does_not_break_the_feed(
    client: FlaskClient, path: str, change: dict[str, Any]
) -> None:
    factories.package()
    factories.package("Whole")
    Package._get_collection().update_one({"_id": "example"}, change)

    found = items(client, path)

    if "project" not in path:
        assert any(item["title"].startswith("Whole") for item in found)


@pytest.mark.parametrize("path", FEEDS[:2])
def test_document_without_an_address_is_left_out(client: FlaskClient, path: str) -> None:
    factories.package()
    [raw] = Package._get_collection().find()
    Package._get_collection().insert_many([raw | {"_id": 5}, raw | {"_id": None}])

    assert len(items(client, path)) == 1


@pytest.mark.parametrize("name", ["nothing", "-", "..%2f", "%00", "%FF", "a" * 10_000])
def test_feed_of_no_project_is_404(client: FlaskClient, name: str) -> None:
    assert client.get(f"/rss/project/{name}/releases.xml").status_code == 404


def test_any_spelling_of_a_name_leads_to_its_feed(client: FlaskClient) -> None:
    factories.package("Flask-Login")

    found = client.get("/rss/project/Flask_Login/releases.xml", follow_redirects=True)

    assert found.status_code == 200
    assert b"/project/flask-login/1.0/" in found.data


@pytest.mark.parametrize("path", FEEDS)
def test_feed_that_did_not_change_is_not_sent_again(client: FlaskClient, path: str) -> None:
    factories.package()
    first = client.get(path)

    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    factories.package(summary="new", releases=["2.0"])
    changed = client.get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert first.cache_control.public
    assert (again.status_code, again.data) == (304, b"")
    assert (changed.status_code == 200) == (path != "/rss/packages.xml" or b"new" in changed.data)


@pytest.mark.parametrize("path", FEEDS)
def test_links_stand_on_the_sites_own_url_where_that_is_set(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setitem(app.config, "SITE_URL", "https://packages.example.org")
    factories.package()

    [item] = items(client, path)

    assert item["link"].startswith("https://packages.example.org/project/example/")
