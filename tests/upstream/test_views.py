"""Files of projects that are not here, and names that are never asked for there."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from tests import factories
from tests.live import Run, live
from tests.local_http import Answer
from tests.publishing import uploads
from tests.upstream.conftest import (
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
    made_old,
    page,
    parts_of,
)
from webapp.changes import site_stats
from webapp.documents import DownloadCount, JournalEntry, KnownName, Package, UpstreamFile, contents
from webapp.upstream.errors import UpstreamFailed


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
            "larder-probe was a project of this site, so it is looked for only here.",
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

        assert failure(client) == (404, "larder-probe is a reserved name: it is looked for only here.")
        assert client.get(f"/upstream/larder-probe/{uploads.sha256(WHEEL)}/{NAME}").status_code == 404
        assert other.asked == []

    def test_file_name_that_came_from_there_is_free_for_an_own_upload(self, client: FlaskClient, other: Other) -> None:
        client.get(file_address(client))
        _, secret = uploads.publisher()
        ours = uploads.wheel(text=METADATA + "Ours.")

        sent = uploads.upload(client, secret, ours, NAME)

        assert sent.status_code == 200
        assert client.get(file_address(client)).data == ours


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


def gone(other: Other) -> None:
    """Let the other index answer nothing any more."""
    other.answers.update(dict.fromkeys(other.answers, Answer(0)))
