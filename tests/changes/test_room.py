"""Uploads are refused where there is no room for them: in the project, in the account, on the database's disk."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from packaging.utils import NormalizedName

from tests.live import Run, live
from tests.publishing import uploads
from tests.publishing.test_rights import form, sent_slowly
from tests.publishing.uploads import line, nothing_stays, sdist, sdist_name, upload, wheel, wheel_name
from webapp.changes import room, withdrawing
from webapp.documents import Package, StoredFile, contents

MORE_THAN_ANY_DISK = 10**18


def test_file_that_is_too_much_for_its_project_is_refused(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = uploads.publisher()
    first, second = wheel(), sdist()
    monkeypatch.setitem(app.config, "PROJECT_BYTES", len(first) + len(second) - 1)
    upload(client, secret, first, wheel_name())

    said = line(upload(client, secret, second, sdist_name()), 413)

    most = len(first) + len(second) - 1
    assert said.startswith(f"The files of this project would take {most + 1:,} bytes; the limit is {most:,} bytes.")
    assert StoredFile.objects.count() == contents.Contents.objects.count() == 1
    other = upload(client, secret, wheel("another"), wheel_name("another"))
    assert other.status_code == 200


def test_file_that_is_too_much_for_its_account_is_refused(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = uploads.publisher()
    _, other = uploads.publisher("Eve")
    monkeypatch.setitem(app.config, "ACCOUNT_BYTES", len(wheel()) - 1)

    assert "The files that you uploaded would take" in line(upload(client, secret, wheel(), wheel_name()), 413)
    assert nothing_stays()
    monkeypatch.undo()
    assert upload(client, other, wheel(), wheel_name()).status_code == 200


def test_deletion_makes_room(client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    user, secret = uploads.publisher()
    monkeypatch.setitem(app.config, "PROJECT_BYTES", len(wheel()))
    upload(client, secret, wheel(), wheel_name())
    assert upload(client, secret, wheel(version="2.0"), wheel_name(version="2.0")).status_code == 413

    withdrawing.delete_release(NormalizedName("larder-probe"), "1.0", user)

    assert upload(client, secret, wheel(version="2.0"), wheel_name(version="2.0")).status_code == 200


def test_same_file_again_needs_no_room(client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    _, secret = uploads.publisher()
    upload(client, secret, wheel(), wheel_name())
    monkeypatch.setitem(app.config, "PROJECT_BYTES", 1)

    assert "nothing changed" in line(upload(client, secret, wheel(), wheel_name()), 200)


@pytest.mark.real_server
def test_many_uploads_at_once_do_not_pass_the_limit(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    _, secret = uploads.publisher()
    versions = [f"1.{number}" for number in range(10)]
    monkeypatch.setitem(app.config, "ACCOUNT_BYTES", 4 * len(wheel(version="1.0")))

    def send(version: str) -> int:
        return upload(app.test_client(), secret, wheel(version=version), wheel_name(version=version)).status_code

    with ThreadPoolExecutor(10) as pool:
        codes = list(pool.map(send, versions))

    assert set(codes) <= {200, 413}
    assert codes.count(200) <= 4
    assert StoredFile.objects.count() == contents.Contents.objects.count() == codes.count(200)


@pytest.mark.real_server
def test_nearly_full_disk_refuses_uploads_and_nothing_else(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = uploads.publisher()
    upload(client, secret, wheel(), wheel_name())
    monkeypatch.setitem(app.config, "DISK_RESERVE_BYTES", MORE_THAN_ANY_DISK)

    said = line(upload(client, secret, sdist(), sdist_name()), 507)

    assert said == "The disk of the database is nearly full, so uploads are refused. Please tell an operator."
    assert StoredFile.objects.count() == 1
    assert client.get("/project/larder-probe/").status_code == 200
    assert client.get(Package.objects.get().releases[0].files[0].url).status_code == 200


@pytest.mark.real_server
def test_disk_that_others_fill_while_a_file_arrives_refuses_it(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = uploads.publisher()

    def others_arrive() -> None:
        monkeypatch.setitem(app.config, "DISK_RESERVE_BYTES", MORE_THAN_ANY_DISK)

    answer = sent_slowly(client, secret, "/legacy/", *form(wheel(), wheel_name()), others_arrive)

    line(answer, 507)
    assert StoredFile.objects.count() == 0


@pytest.mark.real_server
def test_disk_that_would_be_full_by_the_file_refuses_it(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    free = room._free_bytes()
    assert free
    monkeypatch.setitem(app.config, "DISK_RESERVE_BYTES", free // 2)

    room.check_disk(1)
    with pytest.raises(room.DiskFull):
        room.check_disk(free)


@pytest.mark.parametrize(
    ("told", "free"),
    [
        ({"fsTotalSize": 100.0, "fsUsedSize": 30.0}, 70),
        ({"raw": {"a": {"fsTotalSize": 100, "fsUsedSize": 30}, "b": {"fsTotalSize": 100, "fsUsedSize": 90}}}, 10),
        ({"storageSize": 5}, None),
    ],
    ids=["a server", "a cluster", "a server that does not tell"],
)
def test_free_room_is_that_of_the_fullest_disk(
    told: dict[str, Any], free: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Database:
        def command(self, name: str) -> dict[str, Any]:
            assert name == "dbStats"
            return told

    monkeypatch.setattr(StoredFile, "_get_db", Database)

    assert room._free_bytes() == free


@pytest.mark.real_server
@pytest.mark.parametrize("tool", ["twine", "uv"])
def test_tools_show_that_the_disk_is_full(
    tool: str, app: Flask, run: Run, uv: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = uploads.publisher()
    (tmp_path / wheel_name()).write_bytes(wheel())
    monkeypatch.setitem(app.config, "DISK_RESERVE_BYTES", MORE_THAN_ANY_DISK)

    with live(app) as address:
        if tool == "uv":
            done = uv("publish", "--publish-url", f"{address}/legacy/", "--token", secret, wheel_name())
        else:
            options = ("--non-interactive", "--verbose", "--repository-url", f"{address}/legacy/")
            done = run("twine", "upload", *options, "-u", "__token__", "-p", secret, wheel_name())

    assert done.returncode != 0
    assert "disk of the database is nearly full" in " ".join((done.stdout + done.stderr).split())
