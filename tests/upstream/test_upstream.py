"""Projects that are not here, from an index beside this one, which is sometimes slow, down, hostile or wrong."""

import hashlib
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from werkzeug.test import TestResponse

from config import BadConfig, TestingConfig
from tests import factories
from tests.live import Run, live
from tests.local_http import Answer, served
from tests.people import browser
from tests.publishing import uploads
from tests.reading import one, read, words
from webapp.changes import site_stats
from webapp.documents import DownloadCount, JournalEntry, KnownName, Package, UpstreamFile, UpstreamProject, contents
from webapp.documents.base import utc_now
from webapp.upstream.errors import UpstreamFailed
from webapp.upstream.index import from_config

JSON = "application/vnd.pypi.simple.v1+json"
OLD = "2020-01-01T12:00:00.123456Z"
METADATA = uploads.metadata("larder-probe", "1.0", "Summary: Probes")
WHEEL = uploads.wheel(text=METADATA)
NAME = uploads.wheel_name()
LARGE = b"0123456789abcdef" * (contents.CHUNK_BYTES // 6)  # some chunks


class Other(NamedTuple):
    """The other index: what it answers, which a test may change, and what it was asked for."""

    answers: dict[str, Answer]
    asked: list[str]
    address: str

    def lists(self, *files: dict[str, Any], **page: Any) -> None:
        """Let its page of larder-probe list these files."""
        page = {"meta": {"api-version": "1.1"}, "name": "larder-probe", "versions": ["1.0"], "files": files} | page
        self.answers["/simple/larder-probe/"] = Answer(body=json.dumps(page).encode(), content_type=JSON)


def described(content: bytes = WHEEL, filename: str = NAME, **fields: Any) -> dict[str, Any]:
    """A file as JSON describes it; None takes a field away."""
    file = {
        "filename": filename,
        "url": f"../../files/{filename}",
        "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
        "size": len(content),
        "upload-time": OLD,
        "requires-python": ">=3.9",
        "core-metadata": {"sha256": hashlib.sha256(METADATA.encode()).hexdigest()},
    }
    return {key: value for key, value in (file | fields).items() if value is not None}


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A program whose requests share nothing."""
    return browser(app)


@pytest.fixture
def other(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Other]:
    """The other index, with one project of one wheel."""
    app.extensions["limiter"].storage.reset()
    answers = {f"/files/{NAME}": Answer(body=WHEEL), f"/files/{NAME}.metadata": Answer(body=METADATA.encode())}
    asked: list[str] = []
    with served(answers, asked) as address:
        index = Other(answers, asked, address)
        index.lists(described())
        configured(app, monkeypatch, UPSTREAM_INDEX=f"{address}/simple")
        yield index
    app.extensions["limiter"].storage.reset()


def configured(app: Flask, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    """Let the site be as if it had been started with these settings."""
    before = app.extensions["upstream"]
    address = settings.get("UPSTREAM_INDEX") or (before._address if before else "")
    values = {"UPSTREAM_TIMEOUT_S": 0.3, **settings, "UPSTREAM_INDEX": address}
    monkeypatch.setitem(app.extensions, "upstream", from_config({**app.config, **values}))


def page(client: FlaskClient, name: str = "larder-probe") -> dict[str, Any]:
    answer = client.get(f"/simple/{name}/", headers={"Accept": JSON})
    assert answer.status_code == 200, answer.text
    return dict(answer.json or json.loads(answer.text))


def file_address(client: FlaskClient) -> str:
    return str(page(client)["files"][0]["url"])


def failure(client: FlaskClient, address: str = "/simple/larder-probe/") -> tuple[int, str]:
    answer = client.get(address)
    return answer.status_code, (answer.json or {})["message"]


def kept_bytes() -> int:
    return int(contents.Chunk.objects.count())


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

    def test_status_and_provenance_are_passed_on(self, client: FlaskClient, other: Other) -> None:
        provenance = "https://pypi.org/integrity/larder-probe/1.0/x.whl/provenance"
        status = {"status": "deprecated", "reason": "It is slow."}
        other.lists(described(provenance=provenance), **{"project-status": status})

        found = page(client)

        assert found["project-status"] == status
        assert found["files"][0]["provenance"] == provenance
        text = client.get("/simple/larder-probe/").text
        assert one_link(text)["data-provenance"] == provenance
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
        assert "larder-probe" not in client.get("/simple/").get_data(as_text=True)

    def test_readers_are_not_told_so_of_a_reserved_name(
        self, app: Flask, client: FlaskClient, other: Other, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configured(app, monkeypatch, RESERVED_NAMES="larder-*")

        assert "Installers" not in words(one(read(client, "/project/larder-probe/", 404), ".lead"))


class TestFiles:
    def test_file_is_fetched_once_and_served_from_here_afterwards(self, client: FlaskClient, other: Other) -> None:
        address = file_address(client)

        first, second = client.get(address), client.get(address)
        part = client.get(address, headers={"Range": "bytes=10-19"})

        assert first.data == second.data == WHEEL
        assert (part.status_code, part.data) == (206, WHEEL[10:20])
        assert other.asked.count(f"/files/{NAME}") == 1
        assert first.headers["Content-Length"] == str(len(WHEEL))
        assert first.cache_control.immutable
        assert UpstreamFile.objects.get().size == len(WHEEL)
        assert DownloadCount.objects.count() == 0

    def test_install_repeats_when_the_other_index_is_gone(self, client: FlaskClient, other: Other) -> None:
        address = file_address(client)
        client.get(address)
        client.get(f"{address}.metadata")
        made_old()
        gone(other)

        assert file_address(client) == address
        assert client.get(address).data == WHEEL
        assert client.get(f"{address}.metadata").text == METADATA

    def test_metadata_are_fetched_once(self, client: FlaskClient, other: Other) -> None:
        address = file_address(client) + ".metadata"

        first, second = client.get(address), client.get(address)

        assert first.text == second.text == METADATA
        assert other.asked.count(f"/files/{NAME}.metadata") == 1
        assert f"/files/{NAME}" not in other.asked

    def test_file_of_many_chunks_is_whole(self, client: FlaskClient, other: Other) -> None:
        other.lists(described(LARGE, size=None))
        other.answers[f"/files/{NAME}"] = Answer(body=LARGE)
        address = file_address(client)

        assert client.get(address).data == LARGE
        assert client.get(address).data == LARGE
        assert other.asked.count(f"/files/{NAME}") == 1

    def test_cleaning_leaves_what_is_kept(
        self, client: FlaskClient, other: Other, runner: FlaskCliRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        address = file_address(client)
        client.get(address)
        monkeypatch.setattr("webapp.cli.files.GRACE", timedelta(hours=-1))

        cleaned = runner.invoke(args=["files", "clean"])

        assert "removed the bytes of 0 files" in cleaned.output
        assert client.get(address).data == WHEEL
        assert other.asked.count(f"/files/{NAME}") == 1

    def test_head_fetches_nothing(self, client: FlaskClient, other: Other) -> None:
        answer = client.head(file_address(client))

        assert (answer.status_code, answer.headers["Content-Length"]) == (200, str(len(WHEEL)))
        assert f"/files/{NAME}" not in other.asked

    @pytest.mark.parametrize("change", ["hash", "filename", "name"])
    def test_file_that_is_not_listed_is_not_fetched(self, client: FlaskClient, other: Other, change: str) -> None:
        address = file_address(client)
        wrong = {
            "hash": address.replace(uploads.sha256(WHEEL), "a" * 64),
            "filename": address.replace(NAME, "other-1.0.tar.gz"),
            "name": address.replace("/larder-probe/", "/other/"),
        }

        assert client.get(wrong[change]).status_code == 404
        assert f"/files/{NAME}" not in other.asked

    @pytest.mark.real_server
    def test_many_who_fetch_at_once_all_get_it_and_it_is_kept_once(self, app: Flask, other: Other) -> None:
        other.lists(described(LARGE))
        other.answers[f"/files/{NAME}"] = Answer(body=LARGE, delay_s=0.1)
        address = file_address(app.test_client())
        got: list[bytes] = []
        threads = [threading.Thread(target=lambda: got.append(app.test_client().get(address).data)) for _ in range(5)]

        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert got == [LARGE] * 5
        assert UpstreamFile.objects.count() == contents.Contents.objects.count() == 1
        assert kept_bytes() == -(-len(LARGE) // contents.CHUNK_BYTES)

    @pytest.mark.real_server
    def test_nothing_is_kept_on_a_disk_that_is_nearly_full(
        self, client: FlaskClient, other: Other, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(client.application.config, "DISK_RESERVE_BYTES", 2**60)
        other.lists(described(LARGE))
        other.answers[f"/files/{NAME}"] = Answer(body=LARGE)
        address = file_address(client)

        assert client.get(address).data == LARGE
        assert kept_bytes() == UpstreamFile.objects.count() == 0

        other.answers[f"/files/{NAME}"] = Answer(body=LARGE[:-1] + b"x")
        got: list[bytes] = []
        with pytest.raises(UpstreamFailed, match="sent other bytes than its digest"):
            got.extend(parts_of(client.get(address, buffered=False)))
        assert len(b"".join(got)) < len(LARGE)

    def test_reader_who_leaves_half_way_leaves_nothing_behind(self, client: FlaskClient, other: Other) -> None:
        other.lists(described(LARGE))
        other.answers[f"/files/{NAME}"] = Answer(body=LARGE)

        answer = client.get(file_address(client), buffered=False)
        first = next(parts_of(answer))
        answer.close()

        assert LARGE.startswith(first)
        assert kept_bytes() == UpstreamFile.objects.count() == 0


class TestWhatIsWrongThere:
    @pytest.mark.parametrize(
        ("answer", "status", "reason"),
        [
            (Answer(500, b"x"), 502, "127.0.0.1 answered 500 for larder-probe."),
            (Answer(0), 502, "127.0.0.1 cannot be reached."),
            (Answer(delay_s=0.6), 503, "127.0.0.1 did not answer within 0.3 seconds."),
            (Answer(302, headers={"Location": "/simple/larder-probe/"}), 502, "127.0.0.1 redirects more than 5 times."),
            (Answer(302, headers={"Location": "file:///etc/passwd"}), 502, None),
            (Answer(body=b"{", content_type=JSON), 502, "the other index sent a page that cannot be read."),
            (Answer(body=b"[" * 100_000, content_type=JSON), 502, "the other index sent a page that cannot be read."),
            (Answer(body=b'{"files": 5}', content_type=JSON), 502, None),
            (Answer(body=b'{"files": [], "name": "other"}', content_type=JSON), 502, None),
            (Answer(body=b'{"files": [], "meta": {"api-version": "2.0"}}', content_type=JSON), 502, None),
            (Answer(body=b"<h1>Sign in</h1><a href='/login'>here</a>", content_type="text/html"), 502, None),
            (Answer(body=b"\xff\xfe\x00" * 99, content_type="text/html"), 502, None),
            (Answer(body=b"x" * 1000, cut_at=10, content_type=JSON), 502, None),
            (Answer(body=b"gzip, it says", content_type=JSON, headers={"Content-Encoding": "gzip"}), 502, None),
        ],
        ids=lambda value: str(value)[:60],
    )
    def test_page_that_cannot_be_used_is_a_clear_answer_and_is_not_kept(
        self, client: FlaskClient, other: Other, answer: Answer, status: int, reason: str | None
    ) -> None:
        good = other.answers["/simple/larder-probe/"]
        other.answers["/simple/larder-probe/"] = answer

        code, message = failure(client)

        assert code == status
        assert reason is None or message == reason
        assert UpstreamProject.objects.count() == 0
        other.answers["/simple/larder-probe/"] = good
        client.application.extensions["upstream"]._fetcher._away.clear()
        assert len(page(client)["files"]) == 1

    def test_operator_finds_the_reason_in_the_log(
        self, client: FlaskClient, other: Other, caplog: pytest.LogCaptureFixture
    ) -> None:
        other.lists(described(hashes={"md5": "0" * 32}))

        _, message = failure(client)

        assert "of larder-probe with MD5 digests only; without SHA-256 nobody can tell" in message
        assert f"GET /simple/larder-probe/: {message.removesuffix('.')}" in caplog.text

    def test_page_of_any_length_is_not_read_to_its_end(
        self, client: FlaskClient, other: Other, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("webapp.upstream.index.MAX_PAGE_BYTES", 10_000)
        other.lists(*[described(filename=f"larder_probe-{n}.0.tar.gz") for n in range(100)])

        assert failure(client) == (502, "127.0.0.1 sent more than 10,000 bytes.")

    def test_index_that_is_away_is_left_alone_for_a_while(
        self, client: FlaskClient, other: Other, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other.answers["/simple/larder-probe/"] = Answer(delay_s=0.6)
        failure(client)

        assert failure(client) == (503, "127.0.0.1 did not answer a moment ago.")
        assert len(other.asked) == 1

    @pytest.mark.parametrize(
        ("content", "fields"),
        [
            (LARGE[:-1] + b"x", {}),
            (LARGE + b"x", {"size": None}),
        ],
    )
    def test_nobody_gets_a_whole_file_with_another_digest_and_it_is_not_kept(
        self, client: FlaskClient, other: Other, content: bytes, fields: dict[str, Any]
    ) -> None:
        other.lists(described(LARGE, **fields))
        other.answers[f"/files/{NAME}"] = Answer(body=content)
        answer = client.get(file_address(client), buffered=False)
        got: list[bytes] = []

        with pytest.raises(UpstreamFailed, match="sent other bytes than its digest"):
            got.extend(parts_of(answer))
        answer.close()

        assert len(b"".join(got)) < len(LARGE)
        assert kept_bytes() == UpstreamFile.objects.count() == 0

    @pytest.mark.parametrize("content", [WHEEL + b"x", WHEEL[:-1], b"", LARGE[:2000]])
    def test_nothing_is_passed_on_of_a_file_with_another_size(
        self, client: FlaskClient, other: Other, content: bytes
    ) -> None:
        other.answers[f"/files/{NAME}"] = Answer(body=content)

        assert failure(client, file_address(client)) == (
            502,
            f"127.0.0.1 has {len(content)} bytes of {NAME} instead of {len(WHEEL)}.",
        )
        assert kept_bytes() == 0

    @pytest.mark.parametrize("content", [WHEEL[:-1] + b"x"])
    def test_small_file_with_another_digest_is_an_error(
        self, client: FlaskClient, other: Other, content: bytes
    ) -> None:
        other.answers[f"/files/{NAME}"] = Answer(body=content)

        assert failure(client, file_address(client)) == (
            502,
            f"127.0.0.1 sent other bytes than its digest of {NAME} says.",
        )
        assert kept_bytes() == UpstreamFile.objects.count() == 0

    @pytest.mark.parametrize(
        ("answer", "status"),
        [
            (Answer(403), 403),
            (Answer(404), 404),
            (Answer(410), 410),
            (Answer(429), 503),
            (Answer(500), 502),
            (Answer(0), 502),
            (Answer(delay_s=0.6), 503),
        ],
    )
    def test_file_that_is_not_to_be_had_is_a_clear_answer(
        self, client: FlaskClient, other: Other, answer: Answer, status: int
    ) -> None:
        address = file_address(client)
        other.answers[f"/files/{NAME}"] = answer

        code, message = failure(client, address)

        assert code == status
        assert "127.0.0.1" in message
        assert "Traceback" not in message

    def test_file_that_breaks_off_is_not_kept(self, client: FlaskClient, other: Other) -> None:
        other.lists(described(LARGE))
        other.answers[f"/files/{NAME}"] = Answer(body=LARGE, cut_at=len(LARGE) - 9)
        answer = client.get(file_address(client), buffered=False)

        with pytest.raises(UpstreamFailed, match="broke off"):
            list(parts_of(answer))
        answer.close()

        assert kept_bytes() == UpstreamFile.objects.count() == 0

    def test_file_past_the_limit_is_refused(
        self, app: Flask, client: FlaskClient, other: Other, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configured(app, monkeypatch, UPSTREAM_MAX_FILE_BYTES=100)
        address = file_address(client)

        assert failure(client, address) == (
            502,
            f"{NAME} is larger than the 100 bytes that are taken from there.",
        )

    def test_past_the_limit_of_all_what_was_used_longest_ago_goes(
        self, app: Flask, client: FlaskClient, other: Other, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second, third = (uploads.wheel(version=version) for version in ("1.0", "1.1", "1.2"))
        addresses = []
        for version, content in (("1.0", first), ("1.1", second), ("1.2", third)):
            name = uploads.wheel_name(version=version)
            other.answers[f"/files/{name}"] = Answer(body=content)
            addresses.append(described(content, name))
        other.lists(*addresses)
        one, two, three = (file["url"] for file in page(client)["files"])
        configured(app, monkeypatch, UPSTREAM_MAX_BYTES=len(first) + len(second) + 10)
        client.get(one)
        client.get(two)
        # Two hours later the older one is used again.
        UpstreamFile.objects.update(used_at=utc_now() - timedelta(hours=2))
        client.get(one)
        other.asked.clear()

        assert client.get(three).data == third

        assert {file.id for file in UpstreamFile.objects} == {uploads.sha256(first), uploads.sha256(third)}
        assert contents.Contents.objects.count() == kept_bytes() == 2
        assert client.get(one).data == first
        assert len(other.asked) == 1
        assert client.get(two).data == second
        assert len(other.asked) == 2

    def test_file_past_the_limit_of_all_is_passed_through(
        self, app: Flask, client: FlaskClient, other: Other, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configured(app, monkeypatch, UPSTREAM_MAX_BYTES=len(WHEEL) - 1)
        address = file_address(client)

        assert client.get(address).data == client.get(address).data == WHEEL

        assert kept_bytes() == UpstreamFile.objects.count() == 0

    def test_metadata_count_for_the_limit_of_all(
        self, app: Flask, client: FlaskClient, other: Other, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        address = file_address(client)
        configured(app, monkeypatch, UPSTREAM_MAX_BYTES=len(WHEEL) + len(METADATA))
        client.get(f"{address}.metadata")
        client.get(address)
        assert UpstreamFile.objects.get().kept_bytes == len(WHEEL) + len(METADATA)
        configured(app, monkeypatch, UPSTREAM_MAX_BYTES=len(METADATA) - 1)
        UpstreamFile.objects.delete()

        assert client.get(f"{address}.metadata").text == METADATA

        assert UpstreamFile.objects.count() == 0

    def test_page_that_nobody_asks_for_is_forgotten(self, client: FlaskClient, other: Other) -> None:
        file_address(client)

        left = UpstreamProject.objects.get().expires_at - utc_now()

        assert timedelta(days=179) < left < timedelta(days=181)

    @pytest.mark.parametrize("content", [b"other", b"\xff"])
    def test_metadata_with_another_digest_are_not_kept(self, client: FlaskClient, other: Other, content: bytes) -> None:
        other.answers[f"/files/{NAME}.metadata"] = Answer(body=content)

        code, message = failure(client, f"{file_address(client)}.metadata")

        assert (code, "not those of its digest" in message) == (502, True)
        assert UpstreamFile.objects.count() == 0

    @pytest.mark.parametrize("status", [403, 404, 410])
    def test_metadata_that_are_promised_and_not_there_come_from_the_wheel(
        self, client: FlaskClient, other: Other, status: int
    ) -> None:
        other.answers[f"/files/{NAME}.metadata"] = Answer(status)
        address = file_address(client)

        first, second = client.get(f"{address}.metadata"), client.get(f"{address}.metadata")

        assert first.text == second.text == METADATA
        assert other.asked.count(f"/files/{NAME}") == other.asked.count(f"/files/{NAME}.metadata") == 1
        assert client.get(address).data == WHEEL
        assert other.asked.count(f"/files/{NAME}") == 1

    def test_metadata_come_from_a_wheel_that_is_kept_already(self, client: FlaskClient, other: Other) -> None:
        del other.answers[f"/files/{NAME}.metadata"]
        address = file_address(client)
        client.get(address)

        assert client.get(f"{address}.metadata").text == METADATA
        assert other.asked.count(f"/files/{NAME}") == 1

    def test_digest_of_metadata_that_is_wrong_is_not_promised_again(self, client: FlaskClient, other: Other) -> None:
        other.lists(described() | {"core-metadata": {"sha256": "0" * 64}})
        del other.answers[f"/files/{NAME}.metadata"]
        address = file_address(client)

        assert client.get(f"{address}.metadata").status_code == 502

        assert page(client)["files"][0]["core-metadata"] is False
        assert client.get(address).data == WHEEL

    @pytest.mark.parametrize("content", [b"no zip", uploads.zipped({"a.txt": "x"})])
    def test_wheel_without_metadata_is_a_clear_answer(self, client: FlaskClient, other: Other, content: bytes) -> None:
        other.lists(described(content))
        other.answers[f"/files/{NAME}"] = Answer(body=content)
        del other.answers[f"/files/{NAME}.metadata"]

        status, message = failure(client, f"{file_address(client)}.metadata")

        assert (status, f"{NAME} of 127.0.0.1 has no metadata: " in message) == (502, True)

    def test_metadata_of_a_signed_address_are_beside_its_path(self, client: FlaskClient, other: Other) -> None:
        other.lists(described(url=f"../../files/{NAME}?Signature=ab%2Fc"))
        other.answers[f"/files/{NAME}.metadata?Signature=ab%2Fc"] = Answer(body=METADATA.encode())

        assert client.get(f"{file_address(client)}.metadata").text == METADATA


class TestDependencyConfusion:
    def test_project_that_is_here_is_never_asked_for_there(self, client: FlaskClient, other: Other) -> None:
        factories.package("Larder_Probe", releases=[])

        assert page(client)["files"] == []
        assert other.asked == []

    def test_project_that_comes_later_is_from_then_on_only_ours(self, client: FlaskClient, other: Other) -> None:
        address = file_address(client)
        client.get(address)
        _, secret = uploads.publisher()
        ours = uploads.wheel(version="0.1")

        uploads.upload(client, secret, ours, uploads.wheel_name(version="0.1"))

        assert [file["hashes"]["sha256"] for file in page(client)["files"]] == [uploads.sha256(ours)]
        assert failure(client, address) == (404, "larder-probe is a project of this site.")
        assert failure(client, f"{address}.metadata")[0] == 404

    def test_project_that_was_deleted_here_does_not_fall_through(self, client: FlaskClient, other: Other) -> None:
        _, secret = uploads.publisher()
        uploads.upload(client, secret, WHEEL, NAME)
        Package.objects.delete()

        assert failure(client)[0] == 404
        assert "was a project of this site" in failure(client)[1]
        assert other.asked == []

    def test_project_that_came_and_went_without_the_journal_does_not_fall_through(
        self, client: FlaskClient, other: Other
    ) -> None:
        factories.package("Larder_Probe")
        JournalEntry.objects.delete()
        site_stats.refresh()
        Package.objects.delete()
        site_stats.refresh()

        assert failure(client) == (
            404,
            "larder-probe was a project of this site, so it is looked for here alone.",
        )
        assert other.asked == []

    def test_name_that_an_operator_forgets_falls_through_again(self, client: FlaskClient, other: Other) -> None:
        factories.package("larder-probe")
        site_stats.refresh()
        Package.objects.delete()
        # The two commands of docs/upstream.md.
        KnownName._get_collection().delete_one({"_id": "larder-probe"})
        JournalEntry._get_collection().delete_many({"package": "larder-probe"})

        assert page(client)["name"] == "larder-probe"

    @pytest.mark.parametrize("patterns", ["larder-probe", " a , Larder_Probe", "larder-*", "*probe*", "l?rder.pro*"])
    def test_reserved_name_is_never_asked_for_there(
        self, app: Flask, client: FlaskClient, other: Other, monkeypatch: pytest.MonkeyPatch, patterns: str
    ) -> None:
        configured(app, monkeypatch, RESERVED_NAMES=patterns)

        assert failure(client) == (404, "larder-probe is a reserved name: it is looked for here alone.")
        assert client.get(f"/upstream/larder-probe/{uploads.sha256(WHEEL)}/{NAME}").status_code == 404
        assert other.asked == []

    def test_file_name_that_came_from_there_is_free_for_an_own_upload(self, client: FlaskClient, other: Other) -> None:
        client.get(file_address(client))
        _, secret = uploads.publisher()
        ours = uploads.wheel(text=METADATA + "Ours.")

        sent = uploads.upload(client, secret, ours, NAME)

        assert sent.status_code == 200
        assert client.get(file_address(client)).data == ours


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

        def get(_: requests.Session, url: str, **settings: Any) -> None:
            given.append((url, settings["auth"]))
            raise requests.ConnectionError

        monkeypatch.setattr(requests.Session, "get", get)
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


@pytest.mark.real_server
def test_pip_and_uv_install_what_is_here_and_what_is_there_and_repeat_it_without_the_other_index(
    app: Flask, other: Other, run: Run, tmp_path: Path
) -> None:
    _, secret = uploads.publisher()
    ours = uploads.wheel("larder-ours", text=uploads.metadata("larder-ours", "1.0", "Requires-Dist: larder-probe"))
    uploads.upload(app.test_client(), secret, ours, uploads.wheel_name("larder-ours"))

    with live(app) as address:
        first = pip(run, f"{address}/simple/", "first")
        made_old()
        gone(other)
        second = pip(run, f"{address}/simple/", "second")
        by_uv = run(
            *("uv", "pip", "install", "--no-cache", "--target", "by-uv", "--index-url", f"{address}/simple/"),
            "larder-ours",
        )

    assert (first, second) == ("", "")
    assert by_uv.returncode == 0, by_uv.stderr
    for folder in ("first", "second", "by-uv"):
        assert (tmp_path / folder / "larder_probe.py").read_text() == 'VERSION = "1.0"\n'
        assert (tmp_path / folder / "larder_ours.py").exists()


def pip(run: Run, index: str, folder: str) -> str:
    """What pip complains of."""
    result = run(
        *("pip", "install", "--no-cache-dir", "--disable-pip-version-check", "--target", folder),
        *("--index-url", index, "larder-ours"),
    )
    return "" if result.returncode == 0 else result.stderr


def made_old() -> None:
    """Let everything that is known be of yesterday."""
    UpstreamProject._get_collection().update_many({}, {"$set": {"checked_at": utc_now() - timedelta(days=1)}})


def gone(other: Other) -> None:
    """Let the other index answer nothing any more."""
    other.answers.update(dict.fromkeys(other.answers, Answer(0)))


def parts_of(answer: TestResponse) -> Iterator[bytes]:
    """What is sent, as it is sent."""
    for part in answer.response:
        assert isinstance(part, bytes)
        yield part


def one_link(text: str) -> dict[str, str]:
    """The attributes of the only link of a page."""
    [link] = BeautifulSoup(text, "html.parser").select("a")
    return {key: str(value) for key, value in link.attrs.items()}
