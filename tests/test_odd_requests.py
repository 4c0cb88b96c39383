"""Requests that no browser makes get the right answer, and never a 500."""

import io
import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests import factories
from tests.reading import links, read
from tests.serving.test_pagination import NO_PAGE_NUMBERS
from webapp.documents import Maintainer
from webapp.pages.defaults import add_default_pages

VALUES = {
    "name": "example",
    "version": "1.0",
    "old": "1.0",
    "new": "1.0",
    "license_id": "MIT",
    "language_id": "c",
    "classifier": "Topic :: X",
    "id_or_username": "ada",
    "path": "company/history",
    "number": "0",
    "first": "aa",
    "second": "aa",
    "rest": "a" * 60,
    "filename": "example-1.0-py3-none-any.whl",
    "advisory_id": "PYSEC-2024-1",
}
TESTED_ELSEWHERE = (
    "/static/",
    "/bootstrap/",
    "/account",
    "/admin",
    "/signup",
    "/legacy/",
    "/upstream/",
    "/manage",
    "/teams",
    "/description-image/",
    "/rss/watching/",
    "/stage/",
    "/upload/",
    "/_/",
    "/.well-known/pytp",
)
LISTS = [
    "/projects/",
    "/projects/?order=newest",
    "/search/?q=e",
    "/license/MIT/",
    "/language/c/",
    "/user/ada/",
    "/project/example/",
]

REDIRECTING = ["/favicon.ico", "/pypi/example/", "/pypi/example/1.0/", "/p/example/"]


@pytest.fixture
def reader(client: FlaskClient) -> FlaskClient:
    """A reader of a site that has something at every kind of address."""
    ada = factories.user("Ada", username="ada")
    filed = {"license": "MIT", "classifiers": ["Topic :: X", "Programming Language :: C"]}
    factories.package("Example", maintainers=[Maintainer(user_id=ada.id)], **filed)
    factories.package("Another", requires_dist=["example"])
    add_default_pages()
    factories.advisory("PYSEC-2024-1", "example")
    factories.stored_file(VALUES["filename"], b"x" * 100, sha256="a" * 64, attestations=[{"version": 1}])
    return client


def addresses(app: Flask) -> dict[str, Rule]:
    """One address for each rule of what is public. The others have tests of their own."""
    rules = [rule for rule in app.url_map.iter_rules() if not rule.rule.startswith(TESTED_ELSEWHERE)]
    rules = [rule for rule in rules if "GET" in (rule.methods or ())]
    return {re.sub(r"<(?:\w+:)?(\w+)>", lambda part: VALUES[part[1]], rule.rule): rule for rule in rules}


def test_every_address_answers(reader: FlaskClient, app: Flask) -> None:
    for address in addresses(app):
        status = reader.get(address).status_code

        assert status == (
            302 if address == "/favicon.ico" else 301 if address.startswith("/p") and status == 301 else 200
        )


def test_head_has_the_headers_of_get_and_no_body(reader: FlaskClient, app: Flask) -> None:
    for address in addresses(app):
        get, head = reader.get(address, buffered=True), reader.head(address, buffered=True)

        assert head.get_data() == b""
        assert head.status_code == get.status_code
        for name in ("Content-Type", "ETag", "Location", "Cache-Control"):
            if (address, name) != ("/stats/", "ETag"):  # it says when it was counted
                assert head.headers.get(name) == get.headers.get(name), f"{address}: {name}"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "GE T"])
def test_wrong_method_is_refused_with_the_right_ones(reader: FlaskClient, app: Flask, method: str) -> None:
    for address, rule in addresses(app).items():
        # The first page is also an address for uploads.
        also = {"POST"} if address == "/" else set()
        if method in also:
            continue
        response = reader.open(address, environ_overrides={"REQUEST_METHOD": method})

        assert response.status_code == 405, address
        assert {each.strip() for each in response.headers["Allow"].split(",")} == set(rule.methods or ()) | also


def test_options_names_the_methods(reader: FlaskClient, app: Flask) -> None:
    for address in addresses(app):
        response = reader.options(address)

        assert response.status_code == 200
        assert {"GET", "HEAD"} <= {each.strip() for each in response.headers["Allow"].split(",")}


def too_large(client: FlaskClient, address: str, method: str) -> list[TestResponse]:
    """The answers to a body of a byte too many: one that says its length, and a chunked one."""
    size = client.application.config["MAX_CONTENT_LENGTH"] + 1
    answers = []
    for framing in ({"CONTENT_LENGTH": str(size)}, {"HTTP_TRANSFER_ENCODING": "chunked"}):
        body = {"wsgi.input": io.BytesIO(bytes(size)), "wsgi.input_terminated": True}
        answers.append(client.open(address, method=method, environ_overrides=body | framing))
    return answers


def test_body_that_is_too_large_is_refused_on_every_route_whether_it_says_so_or_not(client: FlaskClient) -> None:
    routes = {
        (re.sub(r"<[^>]+>", "x", rule.rule), method)
        for rule in client.application.url_map.iter_rules()
        for method in rule.methods or ()
        # Those of uploads have other limits; test_receiving.py has them.
        if method not in ("HEAD", "OPTIONS") and not rule.endpoint.startswith("publishing.")
    }

    for address, method in sorted(routes - {("/", "POST")}):
        told, chunked = too_large(client, address, method)

        assert (told.status_code, chunked.status_code) == (413, 413), (address, method)
        assert (told.content_type, told.data) == (chunked.content_type, chunked.data), (address, method)
    assert len([method for _, method in routes if method == "POST"]) > 50


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/RPC2", {"message"}),
        ("/pypi", {"message"}),
        ("/signup", {"message"}),
        ("/_/oidc/burn-token", {"message"}),
        ("/_/oidc/mint-token", {"message", "errors", "type", "title", "status", "detail"}),
    ],
)
def test_programs_are_told_in_json_that_a_body_is_too_large(
    client: FlaskClient, address: str, expected: set[str]
) -> None:
    for answer in too_large(client, address, "POST"):
        assert set(json.loads(answer.data)) == expected


@pytest.mark.parametrize("text", NO_PAGE_NUMBERS)
def test_page_that_is_no_number_is_refused_on_every_list(reader: FlaskClient, text: str) -> None:
    for address in LISTS:
        response = reader.get(f"{address}{'&' if '?' in address else '?'}page={text}")

        assert response.status_code == 400, address
        assert "A page number is a whole number from 1 on." in response.get_data(as_text=True)


@pytest.mark.parametrize("number", [2, 10**9, 10**12 - 1])
def test_page_past_the_end_is_not_found_on_every_list(reader: FlaskClient, number: int) -> None:
    for address in LISTS:
        assert reader.get(f"{address}{'&' if '?' in address else '?'}page={number}").status_code == 404, address


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("page=1&page=2", 200),
        ("page=x&page=1", 400),
        ("q=e&q=" + "x" * 2000, 200),
        ("page=1;page=x", 400),
        ("&&&=&==&", 200),
        ("page[]=x&page.x=y", 200),
        ("%ff=%ff&%00=%00", 200),
        ("utm_source=" + "x" * 50_000, 200),
        ("&".join(f"a{number}={number}" for number in range(5000)), 200),
        ("__proto__=1&constructor=2&_method=DELETE&endpoint=x&_external=1&_anchor=y&_scheme=javascript", 200),
    ],
    ids=range(10),
)
def test_odd_queries_do_no_harm(reader: FlaskClient, query: str, status: int) -> None:
    for address in ("/projects/", "/search/", "/license/MIT/", "/user/ada/"):
        assert reader.get(f"{address}?{query}").status_code == status, address
    for address in ("/", "/about", "/stats/", "/company/history"):
        assert reader.get(f"{address}?{query}").status_code == 200, address


@pytest.mark.parametrize(
    "bad", ["%ff", "%c3%28", "%ed%a0%80", "%f8%88%80%80%80", "%80", "%e2%82", "%", "%zz", "%u0041"]
)
def test_bytes_that_are_no_text_find_nothing(reader: FlaskClient, bad: str) -> None:
    places = [
        "/{}",
        "/project/{}/",
        "/project/example/{}/",
        "/license/{}/",
        "/language/{}/",
        "/classifier/{}/",
        "/user/{}/",
    ]

    for place in [*places, "/simple/{}/", "/pypi/{}/json", "/rss/project/{}/releases.xml"]:
        assert reader.get(place.format(bad)).status_code in (400, 404), place
    for address in (f"/search/?q={bad}", f"/projects/?starts={bad}", f"/?{bad}={bad}"):
        assert reader.get(address).status_code == 200, address


def test_address_that_is_no_text_at_all_finds_nothing(reader: FlaskClient) -> None:
    response = reader.get("/", environ_overrides={"PATH_INFO": "/project/\xff\xfe/"})

    assert response.status_code == 404


@pytest.mark.parametrize("path", ["/", "/search/", "/project/example/", "/account/login", "/nothing"])
def test_query_that_is_no_text_at_all_is_refused(reader: FlaskClient, path: str) -> None:
    response = reader.get("/", environ_overrides={"PATH_INFO": path, "QUERY_STRING": "q=\xed\xa0\x80"})

    assert response.status_code == 400
    assert "What follows the question mark is not text in UTF-8." in response.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Accept": "nonsense"}, 200),
        ({"Accept": "text/html;q=abc, */*;q=-1"}, 200),
        ({"Accept": "," * 5000}, 200),
        ({"Accept-Language": "\xff, *;q=x", "Accept-Encoding": "nonsense"}, 200),
        ({"Cookie": "session=nonsense; a=\xff; ;=;"}, 200),
        ({"Cookie": "session=" + "x" * 8000}, 200),
        ({"If-None-Match": "nonsense"}, 200),
        ({"If-None-Match": '"a", W/"b", W/, ""'}, 200),
        ({"If-None-Match": '"' + "x" * 8000}, 200),
        ({"If-None-Match": "*"}, 304),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-Modified-Since": "Fri, 31 Feb 99999 25:61:61 GMT"}, 200),
        ({"If-Match": "nonsense", "If-Unmodified-Since": "nonsense"}, 200),
        ({"If-Range": "x", "Range": "bytes=5-1"}, 200),
        ({"Range": "bytes=0-10"}, 200),
        ({"Range": "pages=1-2"}, 200),
        ({"Content-Length": "0", "Content-Type": "application/json; charset=nonsense"}, 200),
        ({"Authorization": "Basic nonsense"}, 200),
        (
            {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "javascript", "Forwarded": "host=evil.example"},
            200,
        ),
        ({"X-HTTP-Method-Override": "DELETE"}, 200),
        ({"Referer": "javascript:alert(1)", "User-Agent": "() { :; }; echo"}, 200),
        ({"Host": "evil.example"}, 200),
    ],
    ids=range(22),
)
def test_odd_headers_do_no_harm(reader: FlaskClient, headers: dict[str, str], status: int) -> None:
    for address in ("/", "/projects/", "/project/example/", "/search/?q=e", "/stats/", "/company/history"):
        response = reader.get(address, headers=headers)

        assert response.status_code == status, address
        if "Host" not in headers:
            assert "evil.example" not in response.get_data(as_text=True)


def test_page_for_a_foreign_host_is_not_kept_for_others(reader: FlaskClient) -> None:
    foreign = reader.get("/", headers={"Host": "evil.example"})

    own = reader.get("/", headers={"If-None-Match": foreign.headers["ETag"]})

    assert own.status_code == 200
    assert "evil.example" not in own.get_data(as_text=True)


def test_missing_slash_redirects_with_the_query(reader: FlaskClient, app: Flask) -> None:
    for address in addresses(app):
        if address.endswith("/") and address != "/":
            response = reader.get(f"{address[:-1]}?a=b&c=%20")

            assert response.status_code == 308, address
            assert response.headers["Location"].startswith(f"{address.replace(' ', '%20')}?a=b&c=")


@pytest.mark.parametrize("path", ["x" * 100_000, "/" * 10_000, "a/" * 20_000, "../" * 5_000, ";" * 5_000])
def test_very_long_paths_find_nothing(reader: FlaskClient, path: str) -> None:
    for place in ("/{}", "/project/{}", "/project/example/{}", "/classifier/{}"):
        response = reader.get("/", environ_overrides={"PATH_INFO": place.format(path)})

        assert response.status_code in (200, 308, 404)
        assert response.status_code != 200 or set(path) <= set("/")


def test_links_within_the_site_name_no_host(reader: FlaskClient) -> None:
    page = read(reader, "/project/example/", base_url="https://packages.example.org/")

    assert [href for _, href in links(page, "header a, footer a, .tabs a, .history a") if href.startswith("http")] == []
