import gzip
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, template_rendered
from flask.testing import FlaskClient

import config
from tests import factories
from tests.beginnings import begin
from webapp.documents import Package, Page
from webapp.serving import public_pages
from webapp.serving.public_pages import PageCache

PAGES = [
    "/",
    "/about",
    "/project/example/",
    "/project/example/1.0/",
    "/project/example/compare/1.0...2.0",
    "/projects/",
    "/license/MIT/",
    "/language/python/",
    "/classifier/Topic%20::%20A/",
    "/user/ada/",
    "/search/?q=example",
    "/stats/",
    "/company/history",
    "/rss/updates.xml",
    "/rss/packages.xml",
    "/rss/project/example/releases.xml",
    "/simple/example/",
    "/sitemap.xml",
    "/sitemap/pages.xml",
    "/sitemap/0.xml",
]
# Made without a template that asks for the ETag first, and small.
OTHER_PAGES = ["/pypi/example/json", "/robots.txt", "/opensearch.xml"]


@pytest.fixture
def filled(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A site that has something at every address of PAGES, and statistics that stay for a while, as in production."""
    monkeypatch.setitem(app.config, "STATS_MAX_AGE_S", 3600)
    begin(app, "public pages", fill)
    return client


def fill() -> None:
    """Store what the pages of PAGES show."""
    factories.package(
        license="MIT", classifiers=["Topic :: A", "Programming Language :: Python"], releases=["1.0", "2.0"]
    )
    factories.user("Ada", username="ada")
    Page(path="company/history", title="History", content_html="<p>Long ago</p>").save()


@pytest.fixture
def rendered(app: Flask) -> Iterator[list[str]]:
    """The names of the templates that are rendered."""
    names: list[str] = []

    def note(sender: Flask, template: Any, **_: Any) -> None:
        names.append(template.name)

    with template_rendered.connected_to(note, app):
        yield names


@pytest.fixture
def cache(app: Flask, monkeypatch: pytest.MonkeyPatch) -> PageCache:
    """The site's page cache, which the tests' configuration leaves out."""
    cache = PageCache(1_000_000, 60)
    monkeypatch.setitem(app.extensions, "page_cache", cache)
    return cache


class TestRevalidation:
    @pytest.mark.parametrize("path", PAGES + OTHER_PAGES)
    def test_public_page_may_be_kept_and_has_an_etag(self, filled: FlaskClient, path: str) -> None:
        response = filled.get(path)

        assert response.status_code == 200
        assert response.cache_control.public
        # A project's page for installers is asked for each time; it must show an upload at once.
        assert response.cache_control.no_cache or 0 < (response.cache_control.max_age or 0) <= 3600
        assert response.get_etag()[0]
        assert "Set-Cookie" not in response.headers
        assert "Cookie" not in response.headers.get("Vary", "")

    @pytest.mark.parametrize("path", PAGES)
    def test_page_that_did_not_change_is_not_even_rendered(
        self, filled: FlaskClient, rendered: list[str], path: str
    ) -> None:
        first = filled.get(path)
        assert rendered
        rendered.clear()

        again = filled.get(path, headers={"If-None-Match": first.headers["ETag"]})

        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
        assert again.headers["Vary"] == first.headers["Vary"]
        assert "Accept-Encoding" in first.vary
        assert rendered == []

    @pytest.mark.parametrize("path", PAGES + OTHER_PAGES)
    def test_page_has_the_same_etag_and_bytes_each_time(self, filled: FlaskClient, path: str) -> None:
        first, second = filled.get(path), filled.get(path)

        assert first.headers["ETag"] == second.headers["ETag"]
        assert first.data == second.data

    @pytest.mark.parametrize("form", ['"{}"', 'W/"{}"', '"other", W/"{}"', "*"])
    def test_every_way_to_ask_is_understood(self, filled: FlaskClient, form: str) -> None:
        etag, _ = filled.get("/project/example/").get_etag()

        response = filled.get("/project/example/", headers={"If-None-Match": form.format(etag)})

        assert response.status_code == 304

    @pytest.mark.parametrize("etag", ['"other"', "", '"', ",,,", "W/", "\x7f", "x" * 10_000])
    def test_other_etag_gets_the_page(self, filled: FlaskClient, etag: str) -> None:
        response = filled.get("/project/example/", headers={"If-None-Match": etag})

        assert response.status_code == 200
        assert b"Example" in response.data

    @pytest.mark.parametrize(
        ("path", "collection", "change"),
        [
            ("/project/example/", "packages", {"$set": {"summary": "changed"}}),
            ("/project/example/", "packages", {"$set": {"releases.0.yanked": True}}),
            ("/simple/example/", "packages", {"$set": {"releases.0.files.0.sha256": "c" * 64}}),
            ("/rss/updates.xml", "packages", {"$set": {"summary": "changed"}}),
            ("/projects/", "packages", {"$set": {"summary": "changed"}}),
            ("/pypi/example/json", "packages", {"$set": {"author_name": "Grace"}}),
            ("/user/ada/", "users", {"$set": {"name": "Augusta"}}),
            ("/company/history", "pages", {"$set": {"content_html": "<p>changed</p>"}}),
        ],
        ids=str,
    )
    def test_edit_by_hand_changes_the_etag(
        self, filled: FlaskClient, path: str, collection: str, change: dict[str, Any]
    ) -> None:
        first = filled.get(path)
        Package._get_db()[collection].update_one({}, change)

        response = filled.get(path, headers={"If-None-Match": first.headers["ETag"]})

        assert response.status_code == 200
        assert response.data != first.data

    def test_other_address_has_another_etag(self, filled: FlaskClient) -> None:
        addresses = ["/search/?q=example", "/search/?q=Example", "/projects/", "/projects/?order=newest", "/"]

        etags = {filled.get(path).headers["ETag"] for path in addresses}
        etags.add(filled.get("/", base_url="https://packages.example.org").headers["ETag"])

        assert len(etags) == len(addresses) + 1

    def test_change_of_the_code_changes_every_etag(
        self, app: Flask, filled: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = filled.get("/about").headers["ETag"]
        monkeypatch.setitem(app.extensions, "build", b"another")

        assert filled.get("/about").headers["ETag"] != before

    @pytest.mark.real_server
    def test_processes_agree_on_the_etags(
        self, app: Flask, filled: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Somebody may have changed a template since this process began.
        monkeypatch.setitem(app.extensions, "build", public_pages._digest_of_files(Path(app.root_path)))
        paths = ["/project/example/", "/simple/example/", "/pypi/example/json", "/rss/packages.xml"]
        program = (
            "import sys, warnings; warnings.simplefilter('ignore'); from app import app; client = app.test_client();"
            "print(*(client.get(path).headers['ETag'] for path in sys.argv[1:]))"
        )
        own = {"LARDER_ENV": "testing", "MONGODB_URI": app.config["MONGODB_URI"], "LOG_LEVEL": "WARNING"}

        other_process = subprocess.run(
            [sys.executable, "-c", program, *paths],
            env=dict(os.environ) | own | {"PYTHONHASHSEED": "1"},
            cwd=Path(config.__file__).parent,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )

        assert other_process.stdout.split() == [filled.get(path).headers["ETag"] for path in paths]

    @pytest.mark.parametrize(
        ("path", "code"), [("/project/nothing/", 404), ("/projects/?page=x", 400), ("/project/example/?page=9", 404)]
    )
    def test_error_is_never_kept(self, filled: FlaskClient, path: str, code: int) -> None:
        response = filled.get(path, headers={"If-None-Match": "*"})

        assert response.status_code == code
        assert response.headers["Cache-Control"] == "no-store"
        assert "ETag" not in response.headers


@pytest.fixture
def made(app: Flask, monkeypatch: pytest.MonkeyPatch) -> PageCache:
    """The pages that the site has made, by what they were made from; the tests' configuration leaves it out, too."""
    made = PageCache(1_000_000)
    monkeypatch.setitem(app.extensions, "made_pages", made)
    return made


class TestMadePages:
    @pytest.mark.usefixtures("made")
    @pytest.mark.parametrize("path", PAGES)
    def test_page_is_not_rendered_again_for_another_reader(
        self, filled: FlaskClient, rendered: list[str], path: str
    ) -> None:
        first = filled.get(path)
        assert rendered
        rendered.clear()

        again = filled.get(path + ("&" if "?" in path else "?") + "nothing=reads-this")

        assert rendered == []
        assert (again.status_code, again.data) == (200, first.data)
        assert again.headers.pop("X-Request-ID") != first.headers.pop("X-Request-ID")
        assert dict(again.headers) == dict(first.headers)

    @pytest.mark.usefixtures("made")
    @pytest.mark.parametrize(
        "path", ["/project/example/", "/simple/example/", "/pypi/example/json", "/pypi/example/1.0/json"]
    )
    def test_page_follows_its_document_at_once(self, filled: FlaskClient, path: str) -> None:
        before = filled.get(path)
        changes = {"summary": "changed", "releases.0.yanked": True, "releases.1.yanked": True}
        Package._get_collection().update_one({}, {"$set": changes})

        after = filled.get(path)

        assert after.data != before.data
        assert after.headers["ETag"] != before.headers["ETag"]

    @pytest.mark.parametrize(
        "path",
        [
            "/search/?q=example", "/search/?q=example&license=MIT", "/search/?q=example&order=name",
            "/search/?q=exampel", "/search/?order=name", "/search/?license=MIT", "/search/", "/projects/?page=2",
            "/projects/", "/projects/?starts=e", "/projects/?order=newest", "/project/example/?page=2",
            "/project/example/", "/license/MIT/?page=2", "/license/MIT/", "/user/ada/?page=2", "/user/ada/",
        ],
    )  # fmt: skip
    def test_question_gets_its_own_page_whatever_was_asked_before(
        self, app: Flask, filled: FlaskClient, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        for number in range(60):
            factories.package(f"example-{number}", license="MIT", releases=["1.0"])
        expected = filled.get(path)
        monkeypatch.setitem(app.extensions, "made_pages", PageCache(1_000_000))
        for other in ("/search/?q=other", "/search/?q=example&page=2", "/projects/?page=3", "/license/MIT/?page=3"):
            filled.get(other)

        first, again = filled.get(path), filled.get(path)

        assert first.status_code == again.status_code == expected.status_code
        if expected.status_code == 200:
            assert first.data == again.data == expected.data

    def test_forms_of_an_answer_are_kept_apart(self, filled: FlaskClient, made: PageCache) -> None:
        accepts = ["text/html", "application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.v1+json"]

        answers = [filled.get("/simple/example/", headers={"Accept": accept}) for accept in accepts * 2]

        assert [answer.mimetype for answer in answers] == accepts * 2
        assert [answer.is_json for answer in answers] == [False, False, True] * 2
        assert len(made._kept) == 3


@pytest.mark.usefixtures("cache")
class TestPageCache:
    @pytest.mark.parametrize("path", PAGES + OTHER_PAGES)
    def test_kept_page_has_equal_bytes_and_headers(self, filled: FlaskClient, rendered: list[str], path: str) -> None:
        first = filled.get(path)
        rendered.clear()

        again = filled.get(path)

        assert rendered == []
        assert again.status_code == 200
        assert again.data == first.data
        assert again.headers.pop("X-Request-ID") != first.headers.pop("X-Request-ID")
        assert dict(again.headers) == dict(first.headers)

    def test_page_is_kept_although_the_document_changed(self, filled: FlaskClient) -> None:
        first = filled.get("/project/example/")
        Package.objects.update(summary="changed")

        assert filled.get("/project/example/").data == first.data

    def test_page_is_made_anew_after_a_while(
        self, app: Flask, filled: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.extensions, "page_cache", PageCache(1_000_000, 0.05))  # type: ignore[arg-type]
        filled.get("/project/example/")
        Package.objects.update(summary="changed words")
        time.sleep(0.06)

        assert "changed words" in filled.get("/project/example/").text

    def test_kept_page_revalidates(self, filled: FlaskClient, rendered: list[str]) -> None:
        etag = filled.get("/project/example/").headers["ETag"]
        rendered.clear()

        again = filled.get("/project/example/", headers={"If-None-Match": etag})
        other = filled.get("/project/example/", headers={"If-None-Match": '"other"'})

        assert (again.status_code, again.data) == (304, b"")
        assert other.status_code == 200
        assert rendered == []

    def test_reader_without_a_copy_gets_the_page_after_one_with_it(
        self, app: Flask, filled: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = filled.get("/project/example/")
        monkeypatch.setitem(app.extensions, "page_cache", PageCache(1_000_000, 60))

        answers = [
            filled.get("/project/example/", headers={"If-None-Match": etag} if etag else {})
            for etag in (first.headers["ETag"], first.headers["ETag"], None, '"other"', "*", first.headers["ETag"])
        ]

        assert [answer.status_code for answer in answers] == [304, 304, 200, 200, 304, 304]
        assert answers[2].data == answers[3].data == first.data

    def test_other_host_gets_a_page_of_its_own(self, filled: FlaskClient) -> None:
        here = filled.get("/project/example/", base_url="http://one.example.org")
        there = filled.get("/project/example/", base_url="http://two.example.org")

        assert "http://one.example.org/project/example/" in here.text
        assert "http://two.example.org/project/example/" in there.text
        assert "one.example.org" not in there.text

    def test_other_accept_gets_a_page_of_its_own(self, filled: FlaskClient) -> None:
        json = "application/vnd.pypi.simple.v1+json"
        answers = [filled.get("/simple/example/", headers={"Accept": accept}) for accept in ("text/html", json) * 2]

        assert [answer.content_type for answer in answers] == ["text/html; charset=utf-8", json] * 2

    def test_other_query_gets_a_page_of_its_own(self, filled: FlaskClient) -> None:
        factories.package("Other")

        assert "Other" in filled.get("/search/?q=other").text
        assert filled.get("/search/?q=example").text != filled.get("/search/?q=other").text

    def test_head_does_not_leave_an_empty_page_behind(self, filled: FlaskClient) -> None:
        head = filled.head("/project/example/")

        got = filled.get("/project/example/")

        assert head.data == b""
        assert b"Example" in got.data
        assert filled.head("/project/example/").data == b""

    @pytest.mark.parametrize(
        ("path", "code"),
        [
            ("/project/nothing/", 404),
            ("/project/EXAMPLE/", 301),
            ("/projects/?page=x", 400),
            ("/search/?q=" + "x" * 1_001, 413),
            ("/nothing", 404),
            ("/simple/nothing/", 404),
        ],
    )
    def test_errors_and_redirects_are_not_kept(
        self, filled: FlaskClient, cache: PageCache, path: str, code: int
    ) -> None:
        response = filled.get(path)

        assert response.status_code == code
        assert len(cache._kept) == 0

    def test_page_that_appears_after_a_404_is_shown(self, filled: FlaskClient) -> None:
        assert filled.get("/project/new/").status_code == 404

        factories.package("new")

        assert filled.get("/project/new/").status_code == 200

    def test_cache_keeps_no_more_bytes_than_it_may(
        self, app: Flask, filled: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cache = PageCache(100_000, 60)
        monkeypatch.setitem(app.extensions, "page_cache", cache)

        for number in range(100):
            filled.get(f"/search/?q=example+{number}")

        kept = sum(len(page.get_data()) for page in cache._kept.values())
        assert 0 < kept <= cache._kept.currsize <= 100_000

    def test_page_that_alone_would_fill_the_cache_is_not_kept(
        self, app: Flask, filled: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cache = PageCache(4_000, 60)
        monkeypatch.setitem(app.extensions, "page_cache", cache)

        response = filled.get("/project/example/")

        assert response.status_code == 200
        assert len(cache._kept) == 0

    def test_address_of_any_length_does_not_fill_the_cache(self, filled: FlaskClient, cache: PageCache) -> None:
        assert filled.get("/search/?q=example&x=" + "y" * 10_000).status_code == 200

        assert len(cache._kept) == 0

    @pytest.mark.usefixtures("filled")
    def test_threads_share_the_cache(self, app: Flask) -> None:
        found: list[bytes] = []

        def read() -> None:
            client = app.test_client()
            found.extend(client.get("/project/example/").data for _ in range(10))

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(found) == 40
        assert len(set(found)) == 1

    def test_cache_is_there_where_the_configuration_asks_for_it(self) -> None:
        app = Flask(__name__)
        app.config |= {"PAGE_CACHE_S": 3, "PAGE_CACHE_BYTES": 1000}

        public_pages.init_app(app)

        assert isinstance(app.extensions["page_cache"], PageCache)


class TestLargePages:
    """What is kept compressed, and reaches every reader whole."""

    @pytest.fixture(autouse=True)
    def small_is_large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(public_pages, "COMPRESSED_FROM", 100)

    PATHS = ("/simple/", "/simple/example/", "/pypi/example/json", "/project/example/")

    @pytest.mark.parametrize("order", [("gzip", "identity", "gzip", ""), ("identity", "gzip", "", "gzip")])
    @pytest.mark.parametrize("path", PATHS)
    @pytest.mark.parametrize("whole_bytes", [0, 1_000_000], ids=["in parts", "whole"])
    @pytest.mark.usefixtures("cache", "made")
    def test_each_reader_gets_a_form_that_it_reads_whoever_asked_before(
        self,
        filled: FlaskClient,
        monkeypatch: pytest.MonkeyPatch,
        path: str,
        order: tuple[str, ...],
        whole_bytes: int,
    ) -> None:
        monkeypatch.setattr(public_pages, "WHOLE_BYTES", whole_bytes)
        answers = [(encoding, filled.get(path, headers={"Accept-Encoding": encoding})) for encoding in order]

        for encoding, answer in answers:
            assert answer.content_encoding == ("gzip" if encoding == "gzip" else None)
            assert "Accept-Encoding" in answer.vary
            assert answer.content_length == len(answer.data)
        pages = {gzip.decompress(answer.data) if encoding == "gzip" else answer.data for encoding, answer in answers}
        assert len(pages) == 1
        assert b"xample" in pages.pop()

    @pytest.mark.parametrize("path", PATHS)
    @pytest.mark.usefixtures("made")
    def test_each_form_has_an_etag_of_its_own(self, filled: FlaskClient, path: str) -> None:
        def asked(encoding: str, etag: str = "") -> Any:
            return filled.get(path, headers={"Accept-Encoding": encoding, "If-None-Match": etag})

        etags = {encoding: asked(encoding).headers["ETag"] for encoding in ("gzip", "identity")}

        # Strong ones: the bytes differ (RFC 9110, section 8.8.3), and uv asks for no 304 by a weak one.
        assert len(set(etags.values())) == 2
        assert not any(etag.startswith("W/") for etag in etags.values())
        for encoding, etag in etags.items():
            again = asked(encoding, etag)
            assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
        assert asked("identity", etags["gzip"]).status_code == 200

    @pytest.mark.usefixtures("made")
    def test_two_who_ask_for_a_large_page_at_once_get_the_same(
        self, app: Flask, filled: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(public_pages, "LARGE", 0)
        with ThreadPoolExecutor(4) as pool:
            pages = list(pool.map(lambda _: app.test_client().get("/pypi/example/json").get_json(), range(8)))

        assert pages == [filled.get("/pypi/example/json").get_json()] * 8
