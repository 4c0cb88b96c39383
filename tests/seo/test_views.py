from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.reading import one, read
from webapp.changes import site_stats
from webapp.changes.site_stats import refresh
from webapp.documents import License, Package, Page, ProgrammingLanguage
from webapp.documents.site_stats import SITEMAP_BUCKET
from webapp.seo import views

SITEMAPS = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
OPENSEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"
SITE = "http://localhost"


def entries(client: FlaskClient, path: str) -> dict[str, str | None]:
    """The addresses of a sitemap and their dates."""
    response = client.get(path)
    assert response.status_code == 200
    assert response.content_type == "application/xml; charset=utf-8"
    root = ET.fromstring(response.data)
    return {
        entry.findtext(f"{SITEMAPS}loc") or "": entry.findtext(f"{SITEMAPS}lastmod")
        for entry in root
        if entry.tag in (f"{SITEMAPS}url", f"{SITEMAPS}sitemap")
    }


@pytest.fixture
def five(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A site with five projects, two in a bucket."""
    monkeypatch.setattr(site_stats, "SITEMAP_BUCKET", 2)
    for name in ("a", "b", "c", "d", "e"):
        factories.package(name)
    Package._get_collection().update_many({}, {"$set": {"updated_date": datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)}})
    return client


class TestSitemap:
    def test_index_names_the_pages_and_each_bucket_of_projects(self, five: FlaskClient) -> None:
        found = entries(five, "/sitemap.xml")

        assert found == {
            f"{SITE}/sitemap/pages.xml": None,
            f"{SITE}/sitemap/0.xml": "2024-05-06T07:08:09Z",
            f"{SITE}/sitemap/1.xml": "2024-05-06T07:08:09Z",
            f"{SITE}/sitemap/2.xml": "2024-05-06T07:08:09Z",
        }

    def test_buckets_name_every_project_once_with_its_date(self, five: FlaskClient) -> None:
        buckets = [entries(five, f"/sitemap/{number}.xml") for number in range(3)]

        assert [sorted(bucket) for bucket in buckets] == [
            [f"{SITE}/project/a/", f"{SITE}/project/b/"],
            [f"{SITE}/project/c/", f"{SITE}/project/d/"],
            [f"{SITE}/project/e/"],
        ]
        assert set(buckets[0].values()) == {"2024-05-06T07:08:09Z"}

    def test_project_that_is_added_between_two_computations_is_in_a_bucket(
        self, app: Flask, five: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refresh()
        monkeypatch.setitem(app.config, "STATS_MAX_AGE_S", 3600)
        for name in ("0-first", "b2", "zzz"):
            factories.package(name)

        buckets = [entries(five, f"/sitemap/{number}.xml") for number in range(3)]

        assert [len(bucket) for bucket in buckets] == [3 + 1, 2, 2]

    @pytest.mark.parametrize("number", ["3", "99999999999999999999", "-1", "x", "1.0", ""])
    def test_bucket_that_is_not_there_is_404(self, five: FlaskClient, number: str) -> None:
        assert five.get(f"/sitemap/{number}.xml").status_code == 404

    def test_bucket_stays_below_what_a_sitemap_may_hold(self) -> None:
        assert SITEMAP_BUCKET <= views.MAX_URLS / 4
        assert views.MAX_URLS == 50_000

    def test_index_of_an_empty_site_has_one_bucket(self, client: FlaskClient) -> None:
        assert list(entries(client, "/sitemap.xml")) == [f"{SITE}/sitemap/pages.xml", f"{SITE}/sitemap/0.xml"]
        assert entries(client, "/sitemap/0.xml") == {}

    def test_pages_name_the_sites_own_the_written_ones_licences_and_languages(self, client: FlaskClient) -> None:
        Page(path="company/history", title="History", updated_date=factories.A_DAY).save()
        License.objects.add_missing([("MIT", "MIT"), ("GPL/2 & <more>", "odd")])
        ProgrammingLanguage.objects.add_missing([("c++", "Programming Language :: C++")])

        found = entries(client, "/sitemap/pages.xml")

        assert {f"{SITE}/", f"{SITE}/about", f"{SITE}/projects/", f"{SITE}/stats/"} <= set(found)
        assert found[f"{SITE}/company/history"] == "2024-03-01T12:00:00Z"
        assert f"{SITE}/license/MIT/" in found
        assert f"{SITE}/license/GPL/2%20&%20%3Cmore%3E/" in found
        assert any(address.startswith(f"{SITE}/language/c") for address in found)

    @pytest.mark.parametrize("path", ["/sitemap/0.xml", "/sitemap/pages.xml", "/sitemap.xml"])
    def test_documents_that_were_edited_by_hand_do_not_break_it(self, client: FlaskClient, path: str) -> None:
        odd: list[dict[str, Any]] = [{"_id": "a\0<b>\ud7ff\ufffe", "updated_date": "yesterday"}, {"_id": "plain"}]
        for document_type in (Package, Page, License, ProgrammingLanguage):
            document_type._get_collection().insert_many([dict(each) for each in odd])
            document_type._get_collection().insert_one({"_id": 5})

        found = entries(client, path)

        assert found
        assert all(date is None for date in found.values())

    @pytest.mark.parametrize("path", ["/sitemap.xml", "/sitemap/0.xml", "/sitemap/pages.xml"])
    def test_sitemap_that_did_not_change_is_not_sent_again(self, client: FlaskClient, path: str) -> None:
        factories.package()
        etag = client.get(path).headers["ETag"]

        response = client.get(path, headers={"If-None-Match": etag})

        assert (response.status_code, response.data) == (304, b"")

    def test_addresses_stand_on_the_sites_own_url_where_that_is_set(
        self, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "SITE_URL", "https://packages.example.org")
        factories.package()

        found = [*entries(client, "/sitemap.xml"), *entries(client, "/sitemap/0.xml")]

        assert all(address.startswith("https://packages.example.org/") for address in found)


def test_robots_are_told_what_to_leave_and_where_the_sitemap_is(client: FlaskClient) -> None:
    response = client.get("/robots.txt")

    assert response.content_type == "text/plain; charset=utf-8"
    assert response.text.splitlines() == [
        "User-agent: *",
        "Disallow: /search/?",
        "Disallow: /inside/",
        "Disallow: /dependencies/",
        f"Sitemap: {SITE}/sitemap.xml",
    ]
    assert response.cache_control.max_age == 3600


def test_browser_is_told_how_to_search(client: FlaskClient) -> None:
    response = client.get("/opensearch.xml")

    root = ET.fromstring(response.data)
    assert response.content_type == "application/opensearchdescription+xml; charset=utf-8"
    assert root.findtext(f"{OPENSEARCH}ShortName") == "Larder"
    [url] = root.iter(f"{OPENSEARCH}Url")
    assert url.get("template") == f"{SITE}/search/?q={{searchTerms}}"
    assert url.get("type") == "text/html"
    assert len(root.findtext(f"{OPENSEARCH}ShortName") or "") <= 16


def test_icon_is_found_where_browsers_ask_for_it(client: FlaskClient) -> None:
    with client.get("/favicon.ico", follow_redirects=True) as response:
        assert response.status_code == 200
        assert response.content_type == "image/png"


@pytest.mark.parametrize("path", ["/sitemap.xml", "/sitemap/0.xml", "/robots.txt", "/opensearch.xml", "/favicon.ico"])
def test_other_methods_are_405_with_those_allowed(client: FlaskClient, path: str) -> None:
    response = client.post(path)

    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize(
    "path", ["/", "/about", "/projects/", "/search/", "/stats/", "/license/MIT/", "/project/example/"]
)
def test_page_that_is_found_says_what_it_is_and_where(client: FlaskClient, path: str) -> None:
    factories.package(license="MIT", summary="Jam")

    page = read(client, path)

    assert one(page, "meta[name=description]")["content"]
    assert one(page, "link[rel=canonical]")["href"] == f"{SITE}{path}"
    assert page.select("meta[name=robots]") == []
    assert page.select("a:not([href])") == []
