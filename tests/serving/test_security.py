import re

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from webapp.pages.defaults import add_default_pages

# An answer of each kind: address, method, status.
ANSWERS = [
    ("/", "GET", 200),
    ("/", "HEAD", 200),
    ("/", "OPTIONS", 200),
    ("/about", "POST", 405),
    ("/about", "GET", 200),
    ("/projects/", "GET", 200),
    ("/projects/?page=x", "GET", 400),
    ("/projects", "GET", 308),
    ("/project/example/", "GET", 200),
    ("/project/Example/", "GET", 301),
    ("/project/nothing/", "GET", 404),
    ("/search/?q=example", "GET", 200),
    ("/stats/", "GET", 200),
    ("/company/history", "GET", 200),
    ("/static/css/larder.css", "GET", 200),
    ("/bootstrap/static/css/bootstrap.min.css", "GET", 200),
    ("/static/nothing.css", "GET", 404),
    ("/favicon.ico", "GET", 302),
    ("/rss/updates.xml", "GET", 200),
    ("/sitemap.xml", "GET", 200),
    ("/robots.txt", "GET", 200),
    ("/opensearch.xml", "GET", 200),
    ("/simple/", "GET", 200),
    ("/simple/example/", "GET", 200),
    ("/pypi/example/json", "GET", 200),
    ("/pypi/nothing/json", "GET", 404),
    ("/ping", "GET", 200),
    ("/health", "GET", 200),
    ("/ready", "GET", 200),
]
PAGES = [
    address
    for address, method, status in ANSWERS
    if method == "GET"
    and status in (200, 400, 404)
    and not re.search(r"static|\.(xml|txt)|json|ping|health|ready|simple", address)
]


@pytest.fixture
def reader(client: FlaskClient) -> FlaskClient:
    factories.package("Example")
    add_default_pages()
    return client


def directives(policy: str) -> dict[str, list[str]]:
    return {words[0]: words[1:] for words in map(str.split, policy.split(";"))}


@pytest.mark.parametrize(("address", "method", "status"), ANSWERS)
def test_every_answer_carries_the_headers(reader: FlaskClient, address: str, method: str, status: int) -> None:
    response = reader.open(address, method=method, buffered=True)

    assert response.status_code == status
    policy = directives(response.headers["Content-Security-Policy"])
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == ["'self'"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in response.headers["Permissions-Policy"]


def test_policy_allows_neither_inline_nor_other_hosts(reader: FlaskClient) -> None:
    policy = reader.get("/").headers["Content-Security-Policy"]

    assert "unsafe" not in policy
    assert "*" not in policy
    assert "http" not in policy
    assert {word for words in directives(policy).values() for word in words} == {"'none'", "'self'", "data:"}
    assert [name for name, words in directives(policy).items() if "data:" in words] == ["img-src"]


@pytest.mark.parametrize("address", ["/", "/project/example/", "/static/css/larder.css", "/rss/updates.xml"])
def test_answer_without_a_body_carries_them_too(reader: FlaskClient, address: str) -> None:
    etag = reader.get(address, buffered=True).headers["ETag"]

    response = reader.get(address, headers={"If-None-Match": etag}, buffered=True)

    assert (response.status_code, response.get_data()) == (304, b"")
    assert "Content-Security-Policy" in response.headers
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_internal_error_carries_them_too(reader: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError

    monkeypatch.setitem(app.view_functions, "home.about", broken)

    response = reader.get("/about")

    assert response.status_code == 500
    assert "Content-Security-Policy" in response.headers
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("address", PAGES)
def test_no_page_has_anything_inline(reader: FlaskClient, address: str) -> None:
    page = BeautifulSoup(reader.get(address).get_data(as_text=True), "html.parser")

    elements = page.select("*")
    assert [script for script in page.select("script") if not script.get("src") or script.get_text(strip=True)] == []
    assert page.select("style, [style], iframe, object, embed, base, meta[http-equiv]") == []
    assert [name for element in elements for name in element.attrs if name.startswith("on")] == []
    assert [
        link for link in page.select("[href]") if str(link["href"]).lower().startswith(("javascript:", "data:"))
    ] == []


@pytest.mark.parametrize("address", PAGES)
def test_every_page_takes_scripts_styles_and_pictures_from_the_site_itself(reader: FlaskClient, address: str) -> None:
    page = BeautifulSoup(reader.get(address).get_data(as_text=True), "html.parser")

    sources = [str(found["src"]) for found in page.select("[src]")]
    sources += [str(found["href"]) for found in page.select("link[rel=stylesheet], link[rel=icon]")]
    assert len(sources) >= 6
    for source in sources:
        assert source.startswith("/")
        assert reader.get(source, buffered=True).status_code == 200
