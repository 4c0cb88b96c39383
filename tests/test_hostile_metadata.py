"""What authors write is text: shown as it is, never run, and never a part of a header."""

from typing import Any
from urllib.parse import quote

import pytest
from bs4 import BeautifulSoup, Tag
from flask.testing import FlaskClient

from tests import factories
from tests.reading import links, one, page_of, read, texts, words
from webapp.documents import Maintainer, Package

SCRIPT = "<script>alert(1)</script>"
MARKUP = [
    SCRIPT,
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}",
    "--><iframe src=//evil.example>",
    "\u202e\u2066evil\u2069",
    "&lt;b&gt; &amp;amp;",
]
BAD_LINKS = [
    "javascript:alert(1)",
    "JAVASCRIPT:alert(1)",
    " javascript:alert(1)",
    "java\tscript:alert(1)",
    "vbscript:x",
]
BAD_LINKS += [
    "data:text/html,<script>alert(1)</script>",
    "file:///etc/passwd",
    "//evil.example",
    "\x01javascript:alert(1)",
]
PAGES = ["/", "/projects/", "/search/?q=example", "/stats/", "/project/example/", "/project/example/1.0/"]


def hostile(text: str, **fields: Any) -> Package:
    """A package in which every text that a page shows is this one."""
    ada = factories.user(text, username="ada")
    file = factories.release_file(
        filename=text, url=text, python_version=text, requires_python=text, sha256=text, yanked=True, yanked_reason=text
    )
    release = factories.release(
        "1.0", files=[file], requires_python=text, yanked=True, yanked_reason=text, comment=text
    )
    values: dict[str, Any] = {
        "summary": text,
        "home_page": text,
        "docs_url": text,
        "bugtrack_url": text,
        "download_url": text,
        "project_urls": {text.replace(".", "").replace("$", "") or "x": "https://example.org/a", "b": text},
        "author_name": text,
        "author_email": text,
        "maintainer_name": text,
        "maintainer_email": text,
        "license": text,
        "keywords": [text],
        "classifiers": [text, f"Topic :: {text}", f"Programming Language :: {text}"],
        "requires_dist": [text],
        "provides_extra": [text],
        "maintainers": [Maintainer(user_id=ada.id, name=text)],
    }
    return factories.package("Example", releases=[release], **values | fields)


def check_nothing_runs(page: Tag) -> None:
    """No element, attribute or link in a page could run anything, or load anything from elsewhere."""
    assert [str(script) for script in page.select("script") if not str(script.get("src", "")).startswith("/")] == []
    assert page.select("iframe, object, embed, base, style, [style], img[src='x']") == []
    assert [name for element in page.select("*") for name in element.attrs if name.startswith("on")] == []
    for element in page.select("[href], [src], [action]"):
        address = str(element.get("href") or element.get("src") or element.get("action")).strip().lower()
        assert address.startswith(("/", "#", "?", "http://", "https://", "mailto:")), address
        assert not address.startswith("//"), address


@pytest.mark.parametrize("text", MARKUP)
def test_markup_is_shown_as_text(client: FlaskClient, text: str) -> None:
    hostile(text)

    for address in (*PAGES, "/user/ada/"):
        page = read(client, address)

        check_nothing_runs(page)
    shown = words(one(read(client, "/project/example/"), "main"))
    assert shown.count(" ".join(text.split())) >= 12
    assert "49" not in shown


def test_name_is_shown_as_text_wherever_it_stands(client: FlaskClient) -> None:
    factories.package("Example", maintainers=[Maintainer(user_id=factories.user(username="ada").id)])
    Package._get_collection().update_one({}, {"$set": {"name": f'"{SCRIPT}'}})

    for address in (*PAGES, "/user/ada/", "/projects/?order=newest"):
        check_nothing_runs(read(client, address))
    page = read(client, "/project/example/")
    assert words(one(page, "h1")).startswith(f'"{SCRIPT}')
    assert words(one(page, "title")) == f'"{SCRIPT} · Larder'
    assert one(page, "meta[property='og:title']")["content"] == f'"{SCRIPT}'


@pytest.mark.parametrize("url", BAD_LINKS)
def test_link_that_leads_to_no_web_page_is_no_link(client: FlaskClient, url: str) -> None:
    hostile(url, project_urls={"Bad": url})

    page = read(client, "/project/example/")

    check_nothing_runs(page)
    assert [text for text, _ in links(page, ".project-side a") if text in ("Bad", "Homepage", "Documentation")] == []
    assert page.select(".file-name a") == []


@pytest.mark.parametrize("kind", ["text/markdown", "text/x-rst", "text/plain", "text/html", None, SCRIPT])
@pytest.mark.parametrize(
    "description",
    [
        "<script>alert(1)</script><b onclick='alert(1)' style='color:red'>words</b>",
        "[words](javascript:alert(1)) ![words](x onerror=alert(1)) <img src=x onerror=alert(1)>words",
        "`words <javascript:alert(1)>`_\n\n.. raw:: html\n\n   <script>alert(1)</script>",
        "<a href='data:text/html,<script>alert(1)</script>'>words</a><iframe src='//evil.example'></iframe>",
        "<form action='//evil.example'><input name=password></form>words",
        "<h1>words</h1><base href='//evil.example'><meta http-equiv=refresh content='0;url=//evil.example'>",
    ],
)
def test_description_is_harmless_in_every_form(client: FlaskClient, description: str, kind: str | None) -> None:
    factories.package("Example", description=description, description_content_type=kind)

    page = read(client, "/project/example/")

    check_nothing_runs(page)
    assert "words" in words(one(page, "#description"))
    assert page.select("#description form, #description input, main meta") == []


@pytest.mark.parametrize(
    "version", ['1.0"><script>', "1.0'", "..", "a b", "1.0\r\nX-Evil: 1", "<b>", "%2e%2e", "ü", "1.0;2", "x" * 10_000]
)
def test_text_like_a_version_is_inert(client: FlaskClient, version: str) -> None:
    factories.package("Example", releases=["1.0"])
    release = Package._get_collection().find_one({})["releases"][0]
    Package._get_collection().update_one(
        {}, {"$push": {"releases": release | {"version": version, "sort_key": "!odd"}}}
    )

    page = read(client, "/project/example/")
    own = client.get(f"/project/example/{quote(version, safe='')}/")

    check_nothing_runs(page)
    assert " ".join(version.split()) in texts(page, ".history-version")
    check_nothing_runs(page_of(own, own.status_code))
    assert own.status_code in (200, 404)
    assert "X-Evil" not in own.headers


# As they would stand in an address.
TRICKS = [
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e",
    "%2e%2e%2f",
    "..",
    ".",
    "...",
    "%00",
    "a%00b",
    "%0d%0aX-Evil:%201",
    "%0aX-Evil:1",
]
TRICKS += [
    "'",
    '"',
    "%22%3E%3Cscript%3E",
    "a'b",
    "a%20b",
    "%ff",
    "%c3%28",
    "%e2%80%ae",
    "%F0%9F%98%80",
    "%C4%B1",
    "%EF%AC%82ask",
]
TRICKS += [
    "\\..\\..",
    "%5c..%5c",
    "a;b",
    "a:b",
    "a@b",
    "~",
    "*",
    "$ne",
    "[$gt]",
    "{{7*7}}",
    "${7*7}",
    "%25",
    "%2525",
    "-",
    "_",
    "a-",
]
TRICKS += ["x" * 201, "x" * 10_000, "%C3%BC" * 3_000, "CON", "nul", ".git", "__proto__", "constructor", "%F3%A0%80%81"]
# CON, nul and the last words are names like others, which nobody has.


BREAKING = ["/project/Example/1.0{}/", "/project/Example/?page={}", "/p/Example/?page={}", "/p/Example/1{}/"]
BREAKING += ["/pypi/Example/1{}/", "/projects?order={}", "/search?q={}", "/simple/Example/?x={}", "/user/{}"]
BREAKING += ["/license/{}", "/stats?{}"]
PLACES = ["/project/{}/", "/project/{}/1.0/", "/project/example/{}/", "/user/{}/", "/license/{}/", "/language/{}/"]
PLACES += ["/classifier/{}/", "/{}", "/company/{}", "/static/{}"]


@pytest.mark.parametrize("name", TRICKS, ids=range(len(TRICKS)))
def test_tricks_in_an_address_find_nothing(client: FlaskClient, name: str) -> None:
    factories.package("Example")

    for place in PLACES:
        response = client.get(place.format(name), follow_redirects=True)

        assert response.status_code == 404, place
        assert "X-Evil" not in response.headers
        assert "root:" not in response.get_data(as_text=True)
    check_nothing_runs(read(client, f"/project/{name}/", 404))


@pytest.mark.parametrize(
    "break_", ["%0d%0aX-Evil:%201", "%0aSet-Cookie:%20a=b", "%0d%0a%0d%0a<script>", "%E5%98%8D%E5%98%8AX-Evil:1"]
)
@pytest.mark.parametrize(
    "address",
    BREAKING,
)
def test_line_breaks_get_into_no_header(client: FlaskClient, address: str, break_: str) -> None:
    factories.package("Example")

    response = client.get(address.format(break_))

    assert response.status_code < 500
    assert {"X-Evil", "Set-Cookie"}.isdisjoint(response.headers.keys())
    for _, value in response.headers:
        assert "\n" not in value
        assert "\r" not in value
    location = response.headers.get("Location", "/")
    assert location.startswith(("/", "http://localhost/"))
    assert not location.startswith("//")


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "/%5cevil.example", "///evil.example", "/%2fevil.example"]
)
@pytest.mark.parametrize("rest", ["", "/", "/..", "/%2e%2e"])
def test_no_address_redirects_to_another_site(client: FlaskClient, target: str, rest: str) -> None:
    response = client.get("/", environ_overrides={"PATH_INFO": target + rest, "REQUEST_URI": target + rest})

    assert response.status_code in (308, 404)
    assert response.headers.get("Location", "http://localhost/").startswith("http://localhost/")


def test_ten_thousand_characters_are_shown_everywhere(client: FlaskClient) -> None:
    hostile("x" * 10_000, classifiers=["Topic :: " + "x" * 10_000])

    for address in PAGES:
        check_nothing_runs(read(client, address))
    page = read(client, "/project/example/")
    assert len(str(one(page, "meta[name=description]")["content"])) == 300
    for _, address in links(page, ".chips a"):
        assert client.get(address).status_code == 200


def test_user_is_shown_as_text(client: FlaskClient) -> None:
    factories.user(SCRIPT, username='"><b>', profile_image_url="javascript:alert(1)")

    page = page_of(client.get("/user/%22%3E%3Cb%3E/"))

    check_nothing_runs(page)
    assert words(one(page, "h1")) == SCRIPT
    assert "javascript:" not in str(page)


@pytest.mark.parametrize("query", MARKUP)
def test_query_is_shown_as_text(client: FlaskClient, query: str) -> None:
    factories.package("Example")

    for address in ("/search/?q=", "/projects/?starts=", "/projects/?order=", "/projects/?page=", "/project/"):
        response = client.get(address + quote(query, safe=""), follow_redirects=True)

        page = BeautifulSoup(response.get_data(as_text=True), "html.parser")
        check_nothing_runs(page)
        assert response.status_code < 500
    assert str(one(read(client, "/search/", query_string={"q": query}), "#header-q")["value"]) == query
