"""The content pages that the footer links to."""

import time
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pymongo.errors import ServerSelectionTimeoutError

from tests.conftest import SLOW
from tests.factories import A_DAY
from tests.people import Browser, signed_in
from tests.reading import links, page_of, read
from webapp.documents import Page
from webapp.documents.base import ReadingQuerySet
from webapp.documents.page import PageQuerySet
from webapp.serving.footer import Footer, footer


def added(path: str, title: str, **more: bool) -> None:
    Page(path=path, title=title, content_html="<p>words</p>", created_date=A_DAY, updated_date=A_DAY, **more).save()


def in_footer(client: FlaskClient, path: str = "/about") -> list[tuple[str, str]]:
    return [(text, address) for text, address in links(read(client, path), "footer a") if "/company" in address]


def later(app: Flask) -> None:
    """As some seconds later, when the process asks again."""
    footer.set(app, Footer())


def test_pages_that_are_marked_are_linked_from_every_page_by_title(client: FlaskClient) -> None:
    added("company/privacy", "Privacy", in_footer=True)
    added("company/imprint", "Imprint", in_footer=True)
    added("company/draft", "A draft")
    added("company/old", "Once linked", in_footer=False)

    for path in ("/", "/about", "/account/login", "/company/imprint"):
        assert in_footer(client, path) == [("Imprint", "/company/imprint"), ("Privacy", "/company/privacy")]


def test_page_with_another_footer_has_another_etag(app: Flask, client: FlaskClient) -> None:
    before = client.get("/about").headers["ETag"]
    added("company/imprint", "Imprint", in_footer=True)
    later(app)

    changed = client.get("/about", headers={"If-None-Match": before})

    assert changed.status_code == 200
    assert "Imprint" in changed.text
    assert client.get("/about", headers={"If-None-Match": changed.headers["ETag"]}).status_code == 304


def test_link_is_shown_and_hidden_by_hand(app: Flask, client: FlaskClient) -> None:
    added("company/imprint", "Imprint")
    assert in_footer(client) == []

    Page.objects.raw().update_one({"_id": "company/imprint"}, {"$set": {"in_footer": True}, "$unset": {"title": 1}})
    later(app)

    assert in_footer(client) == [("company/imprint", "/company/imprint")]


def test_database_that_does_not_answer_costs_no_page_its_footer(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: ReadingQuerySet) -> None:
        raise ServerSelectionTimeoutError("no server")

    monkeypatch.setattr(ReadingQuerySet, "plain", away)

    assert in_footer(client) == []
    assert footer().pages() == []


@pytest.mark.real_server
def test_no_page_waits_for_a_footer_that_takes_the_database_long(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    added("company/imprint", "Imprint", in_footer=True)
    known = in_footer(client)
    footer()._asked_at = None
    takes_seconds = {"$expr": {"$and": [SLOW] * 8}}
    monkeypatch.setattr(PageQuerySet, "in_footer", lambda pages: pages.filter(__raw__=takes_seconds))
    started = time.monotonic()

    shown = in_footer(client)

    assert time.monotonic() - started < app.config["MONGODB_TIMEOUT_MS"] / 1000
    assert shown == known == [("Imprint", "/company/imprint")]


@pytest.mark.parametrize(
    "path",
    ["", " ", "/imprint", "imprint/..", "./imprint", "a\nb", "a\0b", "\u200b", "about", "search/", "static/x"],
)
def test_page_that_no_link_leads_to_is_left_out(client: FlaskClient, path: str) -> None:
    Page.objects.raw().insert_one({"_id": path, "title": "Odd", "in_footer": True})
    added("company/imprint", "Imprint", in_footer=True)

    shown = [text for text, _ in links(read(client, "/about"), "footer a")]

    assert "Imprint" in shown
    assert "Odd" not in shown


@pytest.mark.parametrize(
    "path", ["Imprint", "über uns", "a?b", "a#b", "100%25", "a&b", "a..b/...", "x/", "a//b", "a\\b"]
)
def test_link_to_an_unusual_path_shows_the_page(client: FlaskClient, path: str) -> None:
    Page.objects.raw().insert_one({"_id": path, "title": "Unusual", "in_footer": True, "content_html": "<p>Words</p>"})

    [address] = [address for text, address in links(read(client, "/about"), "footer a") if text == "Unusual"]

    assert unquote(address) == f"/{path}"
    assert "<p>Words</p>" in client.get(address).text


@pytest.mark.parametrize("title", ["", "   ", "\u200b\u00ad", "\n", None, 7])
def test_title_that_nobody_sees_gives_way_to_the_path(client: FlaskClient, title: object) -> None:
    Page.objects.raw().insert_one({"_id": "company/imprint", "title": title, "in_footer": True})

    assert in_footer(client) == [("company/imprint", "/company/imprint")]


def test_administrator_puts_a_page_into_the_footer_and_takes_it_out(app: Flask) -> None:
    added("company/imprint", "Imprint")
    admin: Browser = signed_in(app, "Ada Lovelace", is_admin=True)

    for wanted in (True, False):
        form = {"title": "Imprint", "content": "Words."} | ({"in_footer": "y"} if wanted else {})
        assert admin.send("/admin/pages/edit/company/imprint", **form).status_code == 302
        later(app)

        [box] = page_of(admin.get("/admin/pages/edit/company/imprint")).select("[name=in_footer]")
        assert box.has_attr("checked") is wanted
        assert bool(in_footer(app.test_client())) is wanted
