"""Projects that are not here, from an index beside this one, which is sometimes slow, down, hostile or wrong."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from config import BadConfig, TestingConfig
from tests.clocks import clock_ahead
from tests.local_http import Answer
from tests.publishing import uploads
from tests.reading import links, one, read, words
from tests.upstream.conftest import (
    METADATA,
    NAME,
    OLD,
    WHEEL,
    Other,
    configured,
    described,
    failure,
    file_address,
    made_old,
    page,
)
from webapp.documents import UpstreamProject
from webapp.documents.base import utc_now
from webapp.upstream.errors import UpstreamFailed
from webapp.upstream.index import from_config


class TestPages:
    def test_project_that_is_not_here_is_served_from_there(self, client: FlaskClient, other: Other) -> None:
        found = page(client)

        assert (found["name"], found["versions"]) == ("larder-probe", ["1.0"])
        assert found["files"] == [
            {
                "filename": NAME,
                "url": f"/upstream/larder-probe/{uploads.sha256(WHEEL)}/{NAME}",
                "hashes": {"sha256": uploads.sha256(WHEEL)},
                "requires-python": ">=3.9",
                "size": len(WHEEL),
                "upload-time": "2020-01-01T12:00:00.123000Z",
                "yanked": False,
                "core-metadata": {"sha256": hashlib.sha256(METADATA.encode()).hexdigest()},
                "dist-info-metadata": {"sha256": hashlib.sha256(METADATA.encode()).hexdigest()},
            }
        ]

    @pytest.mark.parametrize("status", [401, 403, 410, 451])
    def test_refusal_of_the_other_index_reaches_the_installer_as_it_is(
        self, client: FlaskClient, other: Other, status: int
    ) -> None:
        other.answers["/simple/larder-probe/"] = Answer(status)

        assert failure(client) == (status, f"127.0.0.1 answered {status} for larder-probe.")

    @pytest.mark.parametrize("status", [403, 404, 410, 451])
    def test_what_is_forbidden_or_gone_there_is_not_served_from_memory(
        self, client: FlaskClient, other: Other, status: int
    ) -> None:
        address = file_address(client)
        client.get(address)
        made_old()
        other.answers["/simple/larder-probe/"] = Answer(status)

        assert failure(client)[0] == status
        assert failure(client, address)[0] == status

    def test_what_was_known_serves_while_our_credentials_are_refused(self, client: FlaskClient, other: Other) -> None:
        page(client)
        made_old()
        other.answers["/simple/larder-probe/"] = Answer(401)

        assert len(page(client)["files"]) == 1

    @pytest.mark.usefixtures("impatient")
    @pytest.mark.parametrize(
        ("answer", "seconds"),
        [
            (Answer(429, headers={"Retry-After": "7"}), "7"),
            (Answer(503, headers={"Retry-After": "86400"}), "60"),
            (Answer(503, headers={"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}), "5"),
            (Answer(503), "5"),
            (Answer(504), "5"),
            (Answer(delay_s=0.6), "10"),
        ],
    )
    def test_what_may_work_soon_is_503_and_says_when_to_try_again(
        self, client: FlaskClient, other: Other, answer: Answer, seconds: str
    ) -> None:
        other.answers["/simple/larder-probe/"] = answer

        response = client.get("/simple/larder-probe/")

        assert (response.status_code, response.headers["Retry-After"]) == (503, seconds)

    def test_status_is_passed_on(self, client: FlaskClient, other: Other) -> None:
        status = {"status": "deprecated", "reason": "It is slow."}
        other.lists(described(), **{"project-status": status})

        found = page(client)

        assert found["project-status"] == status
        text = client.get("/simple/larder-probe/").text
        assert '<meta name="pypi:project-status" content="deprecated">' in text

    def test_nothing_is_served_of_a_project_that_is_quarantined_there(self, client: FlaskClient, other: Other) -> None:
        address = file_address(client)
        assert client.get(address).status_code == 200
        made_old()
        other.lists(described(), **{"project-status": {"status": "quarantined"}})

        assert page(client)["files"] == []
        assert page(client)["project-status"] == {"status": "quarantined"}
        assert client.get(address).status_code == 404

    def test_page_in_html_is_served_too(self, client: FlaskClient, other: Other) -> None:
        links = one_link(client.get("/simple/larder-probe/").text)

        assert links["href"] == f"/upstream/larder-probe/{uploads.sha256(WHEEL)}/{NAME}#sha256={uploads.sha256(WHEEL)}"
        assert links["data-requires-python"] == ">=3.9"

    def test_other_index_that_speaks_html_alone_is_understood(self, client: FlaskClient, other: Other) -> None:
        digest = uploads.sha256(WHEEL)
        other.answers["/simple/larder-probe/"] = Answer(
            content_type="text/html; charset=utf-8",
            body=f"""<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.0"></head><body>
            <a href="../../files/{NAME}#sha256={digest}" data-requires-python="&gt;=3.8" data-yanked="bad"
               data-dist-info-metadata="sha256={digest}">{NAME}</a><a href="http://[">x</a>
            <a href="../../files/nohash-1.0.tar.gz">nohash-1.0.tar.gz</a></body></html>""".encode(),
        )

        [file] = page(client)["files"]

        assert (file["filename"], file["hashes"], file["yanked"]) == (NAME, {"sha256": digest}, "bad")
        assert (file["requires-python"], file["core-metadata"]) == (">=3.8", {"sha256": digest})

    def test_metadata_of_an_sdist_that_were_noted_before_are_not_offered(
        self, client: FlaskClient, other: Other
    ) -> None:
        other.lists(described(b"sdist", "larder_probe-1.0.tar.gz"))
        page(client)
        UpstreamProject._get_collection().update_one({}, {"$set": {"files.0.metadata_sha256": "a" * 64}})

        [file] = page(client)["files"]

        assert file["core-metadata"] is False
        assert "data-core-metadata" not in one_link(client.get("/simple/larder-probe/").text)

    def test_it_is_asked_again_only_after_a_while(
        self, app: Flask, client: FlaskClient, other: Other, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page(client)
        page(client)
        before = list(other.asked)
        made_old()
        other.lists(described(), described(b"2", "larder_probe-2.0.tar.gz"))

        assert before == ["/simple/larder-probe/"]
        assert len(page(client)["files"]) == 2
        assert len(other.asked) == 2

    def test_page_that_did_not_change_is_not_sent_again(self, client: FlaskClient, other: Other) -> None:
        same = other.answers["/simple/larder-probe/"]._replace(headers={"ETag": '"one"'})
        other.answers["/simple/larder-probe/"] = same
        page(client)
        made_old()
        other.answers["/simple/larder-probe/"] = same._replace(body=b"no page any more, were it sent")

        assert len(page(client)["files"]) == 1
        page(client)
        assert len(other.asked) == 2

    def test_what_was_known_serves_while_the_other_index_is_down(self, client: FlaskClient, other: Other) -> None:
        page(client)
        made_old()
        other.answers["/simple/larder-probe/"] = Answer(503, b"down")

        assert len(page(client)["files"]) == 1

    def test_name_that_nobody_has_is_not_found_and_not_asked_for_again_at_once(
        self, client: FlaskClient, other: Other
    ) -> None:
        assert failure(client, "/simple/larder-nothing/") == (404, "127.0.0.1 has no larder-nothing either.")
        assert failure(client, "/simple/larder-nothing/")[0] == 404

        assert other.asked == ["/simple/larder-nothing/"]
        kept = UpstreamProject.objects.get(pk="larder-nothing")
        assert kept.expires_at <= utc_now() + timedelta(minutes=1)

    @pytest.mark.usefixtures("impatient")
    @pytest.mark.parametrize(
        "answer", [Answer(delay_s=0.6), Answer(0), Answer(body=b"<p>Under repair", content_type="text/html")]
    )
    def test_what_was_known_serves_whatever_goes_wrong_there(
        self, client: FlaskClient, other: Other, answer: Answer
    ) -> None:
        address = file_address(client)
        client.get(address)
        made_old()
        other.answers["/simple/larder-probe/"] = answer

        assert file_address(client) == address
        assert client.get(address).data == WHEEL

    def test_file_that_is_not_listed_any_more_is_not_served_any_more(self, client: FlaskClient, other: Other) -> None:
        address = file_address(client)
        client.get(address)
        made_old()
        other.lists()

        assert page(client)["files"] == []
        assert client.get(address).status_code == 404

    def test_without_an_other_index_there_is_nothing(self, app: Flask, client: FlaskClient) -> None:
        assert app.extensions["upstream"] is None
        assert failure(client)[0] == 404
        assert client.get(f"/upstream/larder-probe/{'a' * 64}/{NAME}").status_code == 404

    def test_readers_are_told_whence_installers_get_it(self, client: FlaskClient, other: Other) -> None:
        found = read(client, "/project/larder-probe/", 404)

        assert "Installers look for it on 127.0.0.1." in words(one(found, ".lead"))
        [(text, address)] = links(found, "main a[rel~=nofollow]")
        assert text == "Look for it on 127.0.0.1"
        assert address.endswith("/simple/larder-probe/")
        assert address.startswith("http://127.0.0.1:")
        assert "larder-probe" not in client.get("/simple/").get_data(as_text=True)

    def test_readers_are_not_told_so_of_a_reserved_name(
        self, app: Flask, client: FlaskClient, other: Other, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configured(app, monkeypatch, RESERVED_NAMES="larder-*")

        assert "Installers" not in words(one(read(client, "/project/larder-probe/", 404), ".lead"))


class TestCooldown:
    @pytest.mark.parametrize(("days", "listed"), [(0, ["old", "new", "undated"]), (2, ["old"]), (4000, [])])
    def test_files_that_are_too_new_are_hidden(
        self,
        app: Flask,
        client: FlaskClient,
        other: Other,
        monkeypatch: pytest.MonkeyPatch,
        days: int,
        listed: list[str],
    ) -> None:
        configured(app, monkeypatch, UPSTREAM_COOLDOWN_DAYS=days)
        new = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        ages = {"old": OLD, "new": new, "undated": None}
        other.lists(*[described(filename=f"{name}-1.0.tar.gz") | {"upload-time": age} for name, age in ages.items()])

        assert [file["filename"].partition("-")[0] for file in page(client)["files"]] == listed

    def test_hidden_file_cannot_be_fetched_by_its_address(
        self, app: Flask, client: FlaskClient, other: Other, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        address = file_address(client)
        configured(app, monkeypatch, UPSTREAM_COOLDOWN_DAYS=4000)

        assert client.get(address).status_code == 404


class TestSettings:
    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"UPSTREAM_INDEX": "pypi.org"}, "UPSTREAM_INDEX must be"),
            ({"UPSTREAM_INDEX": "ftp://pypi.org/simple"}, "UPSTREAM_INDEX must be"),
            ({"UPSTREAM_INDEX": "https://["}, "UPSTREAM_INDEX must be"),
            ({"RESERVED_NAMES": "acme, ac/me"}, "RESERVED_NAMES has 'ac/me'"),
        ],
    )
    def test_wrong_settings_are_refused_at_the_start(self, settings: dict[str, Any], message: str) -> None:
        config = {key: getattr(TestingConfig, key) for key in dir(TestingConfig) if key.isupper()}

        with pytest.raises(BadConfig, match=message):
            from_config(config | settings)

    def test_password_in_the_address_goes_to_its_host_and_stands_nowhere(
        self, app: Flask, client: FlaskClient, other: Other, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given: list[Any] = []

        def request(_: requests.Session, method: str, url: str, **settings: Any) -> None:
            given.append((url, settings["auth"]))
            raise requests.ConnectionError

        monkeypatch.setattr(requests.Session, "request", request)
        address = other.address.replace("://", "://ada:s%40fe@")
        configured(app, monkeypatch, UPSTREAM_INDEX=f"{address}/simple/")

        failure(client)
        for url in (f"{other.address}1/files/x", "https://127.0.0.1/files/x", "http://127.0.0.1.example.org/x"):
            app.extensions["upstream"]._fetcher._away.clear()
            with pytest.raises(UpstreamFailed):
                app.extensions["upstream"]._fetcher.open(url, {})

        assert given[0] == (f"{other.address}/simple/larder-probe/", ("ada", "s@fe"))
        # The third host is not in UPSTREAM_FILE_HOSTS, so it is not asked at all.
        assert [auth for _, auth in given[1:]] == [None] * 2


def one_link(text: str) -> dict[str, str]:
    """The attributes of the only link of a page."""
    [link] = BeautifulSoup(text, "html.parser").select("a")
    return {key: str(value) for key, value in link.attrs.items()}


def test_what_was_absent_while_the_clock_was_ahead_is_asked_for_again(client: FlaskClient, other: Other) -> None:
    there = other.answers.pop("/simple/larder-probe/")
    with clock_ahead():
        assert client.get("/simple/larder-probe/").status_code == 404
    other.answers["/simple/larder-probe/"] = there

    assert len(page(client)["files"]) == 1
