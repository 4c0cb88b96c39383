"""What an index beside this one can do wrong, and what its readers get then."""

from datetime import timedelta
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from tests.local_http import Answer
from tests.publishing import uploads
from tests.upstream.conftest import (
    JSON,
    LARGE,
    METADATA,
    NAME,
    WHEEL,
    Other,
    configured,
    described,
    failure,
    file_address,
    kept_bytes,
    page,
    parts_of,
)
from webapp.documents import UpstreamFile, UpstreamProject, contents
from webapp.documents.base import utc_now
from webapp.upstream.errors import UpstreamFailed
from webapp.upstream.index import length_of


class TestWhatIsWrongThere:
    @pytest.mark.usefixtures("impatient")
    @pytest.mark.parametrize(
        ("answer", "status", "reason"),
        [
            (Answer(500, b"x"), 502, "127.0.0.1 answered 500 for larder-probe."),
            (Answer(0), 502, "127.0.0.1 closed the connection, or sent something other than HTTP."),
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
            (
                Answer(body=b"gzip, it says", content_type=JSON, headers={"Content-Encoding": "gzip"}),
                502,
                "127.0.0.1 sent something that cannot be decompressed.",
            ),
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

    @pytest.mark.usefixtures("impatient")
    def test_index_that_is_away_is_left_alone_for_a_while(
        self, client: FlaskClient, other: Other, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other.answers["/simple/larder-probe/"] = Answer(delay_s=0.6)
        failure(client)

        assert failure(client) == (503, "127.0.0.1 did not answer a moment ago.")
        assert len(other.asked) == 1

    def test_index_that_answered_one_request_with_nonsense_is_asked_for_other_projects(
        self, client: FlaskClient, other: Other
    ) -> None:
        other.answers["/simple/nonsense/"] = Answer(0)

        assert failure(client, "/simple/nonsense/")[0] == 502
        assert len(page(client)["files"]) == 1

    def test_nothing_is_passed_on_of_a_file_that_is_too_large_by_its_content_length(
        self, app: Flask, client: FlaskClient, other: Other, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configured(app, monkeypatch, UPSTREAM_MAX_FILE_BYTES=len(LARGE) - 1)
        other.lists(described(LARGE, size=None))
        other.answers[f"/files/{NAME}"] = Answer(body=LARGE)

        most = f"{len(LARGE) - 1:,}"
        assert failure(client, file_address(client)) == (
            502,
            f"{NAME} is larger than the {most} bytes that are accepted.",
        )

    @pytest.mark.parametrize(
        ("text", "length"), [("5", 5), ("", None), ("-1", None), ("1e3", None), ("\u0663", None), ("9" * 5000, None)]
    )
    def test_content_length_that_no_file_has_is_ignored(self, text: str, length: int | None) -> None:
        answer = requests.Response()
        answer.headers["Content-Length"] = text

        assert length_of(answer) == length

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

    @pytest.mark.usefixtures("impatient")
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
            f"{NAME} is larger than the 100 bytes that are accepted.",
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

        assert (code, "does not match its digest" in message) == (502, True)
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
