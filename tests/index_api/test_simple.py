import json
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from packaging.utils import NormalizedName

from tests import factories
from webapp.changes.changing import Act, changes
from webapp.documents import Package
from webapp.index_api import simple
from webapp.serving.public_pages import PageCache

HTML = "text/html; charset=utf-8"
V1_HTML = "application/vnd.pypi.simple.v1+html"
V1_JSON = "application/vnd.pypi.simple.v1+json"
PIP = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
UV = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"

NEGOTIATION = [
    (None, HTML),
    ("", HTML),
    ("*/*", HTML),
    ("text/html", HTML),
    ("text/*", HTML),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTML),
    (PIP, V1_JSON),
    (UV, V1_JSON),
    (V1_JSON, V1_JSON),
    (V1_HTML, V1_HTML),
    ("application/vnd.pypi.simple.latest+json", V1_JSON),
    ("application/vnd.pypi.simple.latest+html", V1_HTML),
    (f"{V1_JSON};q=0.1, text/html;q=0.9", HTML),
    (f"{V1_HTML}, text/html;q=0.01", V1_HTML),
    (f"{V1_JSON};q=0, */*", HTML),
    ("application/vnd.pypi.simple.v2+json", HTML),
    ("application/json", HTML),
    ("image/png", HTML),
    ("nonsense", HTML),
    (";;;q=x,,/", HTML),
    ("a" * 5_000, HTML),
]


class Anchors(HTMLParser):
    """The links of a page: their attributes and texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[dict[str, str | None], str]] = []
        self.tags: list[str] = []
        self._within = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "a":
            self.found.append((dict(attrs), ""))
            self._within = True

    def handle_endtag(self, tag: str) -> None:
        self._within = self._within and tag != "a"

    def handle_data(self, data: str) -> None:
        if self._within:
            attributes, text = self.found[-1]
            self.found[-1] = (attributes, text + data)


def as_json(client: FlaskClient, path: str) -> dict[str, Any]:
    response = client.get(path, headers={"Accept": V1_JSON})
    assert response.status_code == 200
    assert response.content_type == V1_JSON
    return dict(json.loads(response.data))


class TestProject:
    @pytest.mark.parametrize(("accept", "content_type"), NEGOTIATION, ids=lambda value: str(value)[:60])
    def test_form_is_the_one_that_the_client_prefers(
        self, client: FlaskClient, accept: str | None, content_type: str
    ) -> None:
        factories.package()

        response = client.get("/simple/example/", headers={} if accept is None else {"Accept": accept})

        assert response.status_code == 200
        assert response.content_type == content_type
        assert response.vary.as_set() >= {"accept"}

    def test_json_describes_every_file(self, client: FlaskClient) -> None:
        factories.package(
            "Ex.ample",
            releases=[
                factories.release("1.0", files=[factories.release_file(blake2b_256="c" * 64, requires_python=">=3.9")])
            ],
        )

        assert as_json(client, "/simple/ex-ample/") == {
            "meta": {"api-version": "1.4", "_last-serial": Package.objects.get(pk="ex-ample").last_serial},
            "name": "ex-ample",
            "project-status": {"status": "active"},
            "versions": ["1.0"],
            "files": [
                {
                    "filename": "example-1.0-py3-none-any.whl",
                    "url": "https://files.example.org/example-1.0-py3-none-any.whl",
                    "hashes": {"sha256": "a" * 64},
                    "requires-python": ">=3.9",
                    "size": 1234,
                    "upload-time": "2024-03-01T12:00:00.000000Z",
                    "yanked": False,
                    "core-metadata": False,
                    "dist-info-metadata": False,
                }
            ],
        }

    def test_html_links_every_file_with_its_hash(self, client: FlaskClient) -> None:
        factories.package(
            releases=[
                factories.release("1.0", files=[factories.release_file(requires_python=">=3.9,<4")]),
                factories.release("2.0", files=[factories.release_file("2.0", sha256=None)]),
                factories.release("3.0", files=[factories.release_file("3.0", sha256=None, md5=None)]),
            ]
        )

        text = client.get("/simple/example/").text

        assert '<meta name="pypi:repository-version" content="1.4">' in text
        url = "https://files.example.org/example-{}-py3-none-any.whl"
        assert Anchors(text).found == [
            (
                {"href": f"{url.format('1.0')}#sha256={'a' * 64}", "data-requires-python": ">=3.9,<4"},
                "example-1.0-py3-none-any.whl",
            ),
            ({"href": f"{url.format('2.0')}#md5={'b' * 32}"}, "example-2.0-py3-none-any.whl"),
            ({"href": url.format("3.0")}, "example-3.0-py3-none-any.whl"),
        ]

    def test_versions_come_oldest_first_and_once_even_without_files(self, client: FlaskClient) -> None:
        factories.package(
            releases=["1.10", "1.9", factories.release("0.1", files=[]), "1.9", factories.release("final", files=[])]
        )

        found = as_json(client, "/simple/example/")

        assert found["versions"] == ["final", "0.1", "1.9", "1.10"]
        assert [each["filename"].split("-")[1] for each in found["files"]] == ["1.9", "1.9", "1.10"]

    @pytest.mark.parametrize(
        ("release", "file", "in_json", "in_html"),
        [
            ({}, {}, False, None),
            ({}, {"yanked": True}, True, ""),
            ({}, {"yanked": True, "yanked_reason": "broken"}, "broken", "broken"),
            ({"yanked": True}, {}, True, ""),
            ({"yanked": True, "yanked_reason": "all wrong"}, {}, "all wrong", "all wrong"),
            ({"yanked": True, "yanked_reason": "all"}, {"yanked": True, "yanked_reason": "one"}, "one", "one"),
            ({}, {"yanked": False, "yanked_reason": "not any more"}, False, None),
        ],
    )
    def test_yanked_files_say_so_with_their_reason(
        self, client: FlaskClient, release: dict[str, Any], file: dict[str, Any], in_json: Any, in_html: str | None
    ) -> None:
        factories.package(releases=[factories.release(files=[factories.release_file(**file)], **release)])

        [described] = as_json(client, "/simple/example/")["files"]
        [(attributes, _)] = Anchors(client.get("/simple/example/").text).found

        assert described["yanked"] == in_json
        assert attributes.get("data-yanked") == in_html

    @pytest.mark.parametrize(
        ("filename", "is_offered"),
        [("example-1.0-py3-none-any.whl", True), ("example-1.0.tar.gz", False), ("example-1.0.zip", False)],
    )
    def test_metadata_are_offered_beside_wheels_only(
        self,
        client: FlaskClient,
        filename: str,
        is_offered: bool,  # noqa: FBT001 - pytest calls it
    ) -> None:
        file = factories.release_file(filename=filename, metadata_sha256="d" * 64)
        factories.package(releases=[factories.release(files=[file])])

        [described] = as_json(client, "/simple/example/")["files"]
        [(attributes, _)] = Anchors(client.get("/simple/example/").text).found

        assert described["core-metadata"] == ({"sha256": "d" * 64} if is_offered else False)
        assert attributes.get("data-core-metadata") == (f"sha256={'d' * 64}" if is_offered else None)

    def test_file_says_what_its_release_requires(self, client: FlaskClient) -> None:
        factories.package(releases=[factories.release(requires_python=">=3.8")])

        [described] = as_json(client, "/simple/example/")["files"]

        assert described["requires-python"] == ">=3.8"

    def test_hostile_text_is_inert(self, client: FlaskClient) -> None:
        evil = '"><script>alert(1)</script>&'
        factories.package(
            releases=[
                factories.release(
                    "1.0",
                    yanked=True,
                    yanked_reason=evil,
                    files=[
                        factories.release_file(
                            filename=f"x{evil}.whl",
                            url=f"https://example.org/{evil}",
                            requires_python=evil,
                            sha256=evil,
                        )
                    ],
                )
            ]
        )

        response = client.get("/simple/example/")

        [(attributes, text)] = Anchors(response.text).found
        assert "<script" not in response.text
        assert "script" not in Anchors(response.text).tags
        assert text == f"x{evil}.whl"
        assert attributes["data-requires-python"] == attributes["data-yanked"] == evil
        assert attributes["href"] == f"https://example.org/{evil}#sha256={evil}"

    @pytest.mark.parametrize(
        "url",
        ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//example.org/x", "x\nhttps://a/", None],
    )
    def test_file_whose_address_is_none_of_the_web_is_not_offered(self, client: FlaskClient, url: str | None) -> None:
        factories.package(releases=[factories.release(files=[factories.release_file(url=url)])])

        assert as_json(client, "/simple/example/")["files"] == []
        assert Anchors(client.get("/simple/example/").text).found == []

    @pytest.mark.parametrize("name", ["Flask_Login", "flask.login", "FLASK--LOGIN", "Flask-Login"])
    def test_other_spellings_are_led_to_the_one_address(self, client: FlaskClient, name: str) -> None:
        factories.package("Flask-Login")

        response = client.get(f"/simple/{name}/")

        assert response.status_code == 301
        assert response.headers["Location"] == "/simple/flask-login/"

    def test_missing_slash_is_mended(self, client: FlaskClient) -> None:
        factories.package()

        response = client.get("/simple/example", follow_redirects=True)

        assert response.status_code == 200
        assert response.request.path == "/simple/example/"

    @pytest.mark.parametrize(
        "name", ["nothing", "-", "%00", "a%0d%0aX:y", "na%C3%AFve", "%FF", "%3Cscript%3E", "a" * 10_000]
    )
    @pytest.mark.parametrize("accept", [None, "text/html", PIP])
    def test_what_is_not_there_is_404_with_pypis_words(
        self, client: FlaskClient, name: str, accept: str | None
    ) -> None:
        response = client.get(f"/simple/{name}/", headers={"Accept": accept} if accept else {})

        assert response.status_code == 404
        assert response.get_json() == {"message": "Not Found"}

    @pytest.mark.parametrize("accept", ["text/html", V1_JSON])
    def test_page_that_did_not_change_is_not_sent_again(self, client: FlaskClient, accept: str) -> None:
        factories.package()
        first = client.get("/simple/example/", headers={"Accept": accept})

        again = client.get("/simple/example/", headers={"Accept": accept, "If-None-Match": first.headers["ETag"]})

        assert again.status_code == 304
        assert again.data == b""
        assert again.headers["ETag"] == first.headers["ETag"]
        assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
        assert again.vary.as_set() >= {"accept"}
        assert again.headers["Access-Control-Allow-Origin"] == "*"

    def test_forms_have_different_etags(self, client: FlaskClient) -> None:
        factories.package()

        etags = {
            client.get("/simple/example/", headers={"Accept": accept}).headers["ETag"] for accept in (HTML, V1_JSON)
        }

        assert len(etags) == 2

    def test_new_release_changes_the_etag(self, client: FlaskClient) -> None:
        factories.package()
        etag = client.get("/simple/example/").headers["ETag"]
        factories.package(releases=["2.0"])

        response = client.get("/simple/example/", headers={"If-None-Match": etag})

        assert response.status_code == 200
        assert "example-2.0" in response.text

    def test_page_may_be_kept_and_read_by_pages_of_other_sites(self, client: FlaskClient) -> None:
        factories.package()

        response = client.get("/simple/example/")

        assert response.cache_control.public
        assert response.cache_control.no_cache  # pip would not find for max-age seconds what was uploaded meanwhile
        assert response.headers["Access-Control-Allow-Origin"] == "*"

    @pytest.mark.parametrize("path", ["/simple/example/", "/simple/"])
    @pytest.mark.parametrize("accept", ["text/html", V1_JSON])
    def test_head_answers_as_get_without_a_body(self, client: FlaskClient, path: str, accept: str) -> None:
        factories.package()
        got = client.get(path, headers={"Accept": accept})

        response = client.head(path, headers={"Accept": accept})

        assert response.status_code == 200
        assert response.data == b""
        assert response.content_type == got.content_type
        assert response.headers.get("ETag") == got.headers.get("ETag")

    @pytest.mark.parametrize("path", ["/simple/example/", "/simple/"])
    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
    def test_other_methods_are_405_with_those_allowed(self, client: FlaskClient, path: str, method: str) -> None:
        factories.package()

        response = client.open(path, method=method)

        assert response.status_code == 405
        assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}

    @pytest.mark.parametrize(
        "change",
        [
            {"$set": {"releases": "none"}},
            # mongomock cannot project what is no document.
            pytest.param(
                {"$set": {"releases": [5, {"version": 5, "files": "x"}, {"version": "1", "files": [5, {"url": 5}]}]}},
                marks=pytest.mark.real_server,
            ),
            {"$set": {"releases.0.files.0.size": "big", "releases.0.files.0.uploaded_at": "now"}},
            {"$set": {"releases.0.files.0.yanked": "yes", "releases.0.files.0.yanked_reason": 5}},
            {"$unset": {"releases": ""}},
        ],
        ids=str,
    )
    def test_document_that_was_edited_by_hand_is_answered_as_far_as_it_goes(
        self, client: FlaskClient, change: dict[str, Any]
    ) -> None:
        factories.package()
        Package._get_collection().update_one({}, change)

        found = as_json(client, "/simple/example/")

        assert found["name"] == "example"
        assert client.get("/simple/example/").status_code == 200


class TestIndex:
    @pytest.mark.parametrize(("accept", "content_type"), NEGOTIATION, ids=lambda value: str(value)[:60])
    def test_form_is_the_one_that_the_client_prefers(
        self, client: FlaskClient, accept: str | None, content_type: str
    ) -> None:
        response = client.get("/simple/", headers={} if accept is None else {"Accept": accept})

        assert response.status_code == 200
        assert response.content_type == content_type
        assert response.vary.as_set() >= {"accept"}

    def test_json_lists_every_project(self, client: FlaskClient) -> None:
        factories.package("Zope")
        factories.package("Flask_Login")

        found = as_json(client, "/simple/")

        zope, login = (Package.objects.get(pk=name).last_serial for name in ("zope", "flask-login"))
        assert 0 < zope < login
        assert found == {
            "meta": {"api-version": "1.4", "_last-serial": login},
            "projects": [
                {"name": "Flask_Login", "_last-serial": login},
                {"name": "Zope", "_last-serial": zope},
            ],
        }
        assert client.get("/simple/").headers["X-PyPI-Last-Serial"] == str(login)

    def test_html_links_every_project(self, client: FlaskClient) -> None:
        factories.package("Zope")
        factories.package("Flask_Login")

        text = client.get("/simple/").text

        assert Anchors(text).found == [({"href": "flask-login/"}, "Flask_Login"), ({"href": "zope/"}, "Zope")]
        assert '<meta name="pypi:repository-version" content="1.4">' in text

    def test_empty_index_is_one(self, client: FlaskClient) -> None:
        assert as_json(client, "/simple/")["projects"] == []
        assert Anchors(client.get("/simple/").text).found == []

    def test_names_that_were_edited_by_hand_are_inert(self, client: FlaskClient) -> None:
        Package._get_collection().insert_many(
            [
                {"_id": '"><script>', "name": "<script>alert(1)</script>"},
                {"_id": 5, "name": "x"},
                {"_id": "y", "name": 5},
            ]
        )

        text = client.get("/simple/").text

        assert "<script" not in text
        assert [name for _, name in Anchors(text).found] == ["<script>alert(1)</script>", "y"]

    def test_page_is_sent_without_a_context_of_the_application(self, site: Flask) -> None:
        # As a server does it: the body is read after the request has ended.
        response = site.test_client().get("/simple/", buffered=False)

        assert b"Simple index" in response.data

    @pytest.mark.parametrize(("slow_s", "listed"), [(60.0, ["one", "two"]), (0.0, ["one"])])
    def test_list_follows_an_upload_at_once_unless_it_takes_long_to_make(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, slow_s: float, listed: list[str]
    ) -> None:
        monkeypatch.setitem(client.application.extensions, "kept_indexes", simple.KeptIndexes(60))
        monkeypatch.setattr(simple, "SLOW_S", slow_s)
        monkeypatch.setattr(simple, "REST_FACTOR", 10**6)
        factories.package("one")
        client.get("/simple/")
        factories.package("two")

        again = client.get("/simple/")

        assert [name for _, name in Anchors(again.text).found] == listed
        serial = Package.objects.get(pk=listed[-1]).last_serial
        assert again.headers["X-PyPI-Last-Serial"] == str(serial)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        # What pypi-simple sends.
        ("application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html, text/html;q=0.01", V1_JSON),
        ("application/vnd.pypi.simple.v1+json, */*", V1_JSON),
        ("text/html, application/vnd.pypi.simple.latest+json", V1_JSON),
        ("application/vnd.pypi.simple.v1+json;q=0.5, text/html", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        ("", "text/html; charset=utf-8"),
    ],
)
def test_client_that_takes_both_forms_alike_gets_json(client: FlaskClient, accept: str, form: str) -> None:
    assert client.get("/simple/", headers={"Accept": accept}).content_type == form


def test_upload_in_another_process_shows_at_once(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(client.application.extensions, "page_cache", PageCache(1_000_000, 60))
    factories.package("example", releases=[factories.release("1.0")])
    before = client.get("/simple/example/").text

    for change in changes(NormalizedName("example"), None):
        with change:
            change.package.releases = [*change.package.all_releases(), factories.release("2.0")]
            change.act = Act("new release")

    assert "example-2.0" not in before
    assert "example-2.0" in client.get("/simple/example/").text


@pytest.mark.parametrize("accept", [V1_JSON, "text/html"])
def test_page_is_made_of_releases_as_they_are_now(client: FlaskClient, accept: str) -> None:
    factories.package("example", releases=["1.0", "2.0", "3.0"])

    def page() -> str:
        return client.get("/simple/example/", headers={"Accept": accept}).text

    assert page().count("a" * 64) == 3
    edit = {"releases.1.files.0.sha256": "f" * 64, "releases.1.files.0.filename": "example-2.0.post1.tar.gz"}
    Package._get_collection().update_one({}, {"$set": edit})
    assert (page().count("a" * 64), page().count("f" * 64)) == (2, 1)
    assert "example-2.0.post1.tar.gz" in page()
    Package._get_collection().update_one({}, {"$set": {"releases.0.yanked": True}})
    assert ("data-yanked" in page()) or ('"yanked":true' in page())


def test_attested_file_is_linked_to_where_its_reader_is(client: FlaskClient) -> None:
    file = factories.release_file(url="/packages/a/b/c/example-1.0-py3-none-any.whl", is_attested=True)
    factories.package("example", releases=[factories.release("1.0", files=[file])])
    places = [("http://one.example", ""), ("http://two.example", ""), ("http://two.example", "/index")]

    for host, root in places * 2:
        page = client.get("/simple/example/", base_url=host + root, headers={"Accept": V1_JSON}).json or {}

        assert page["files"][0]["url"].startswith(f"{root}/packages/")
        assert page["files"][0]["provenance"].startswith(f"{host}{root}/")


@pytest.mark.parametrize("path", ["/pypi/example/json/", "/pypi/example/1.0/json/"])
def test_json_answers_with_a_slash_at_its_end(client: FlaskClient, path: str) -> None:
    factories.package("example", releases=[factories.release("1.0")])

    assert (client.get(path).json or {})["info"]["name"] == "example"


def test_redirect_names_no_host(client: FlaskClient) -> None:
    answers = [client.get(path, headers={"Host": "inside:8000"}) for path in ("/simple/example", "/simple/Ex_Ample/")]

    assert [answer.headers["Location"] for answer in answers] == ["/simple/example/", "/simple/ex-ample/"]
