"""Files that somebody made to do harm, or that are damaged, are refused with the reason, and leave nothing."""

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.publishing import uploads
from tests.publishing.uploads import line, nothing_stays, sdist_name, tar_member, tar_of, upload, wheel, wheel_name
from webapp.documents import JournalEntry, Package, StoredFile, contents
from webapp.publishing import receiving
from webapp.rules import sdists, zips
from webapp.rules.archives import BadDistribution
from webapp.rules.distributions import examine


@pytest.mark.parametrize("version", ["1.0", "1.0.0", "1!2.0", "1.0rc1", "1.0.post2.dev3", "1.0+local.1"])
def test_versions_of_every_kind_are_published(client: FlaskClient, version: str) -> None:
    _, secret = uploads.publisher()

    response = upload(client, secret, wheel(version=version), wheel_name(version=version))

    assert response.status_code == 200, response.text
    [file] = Package.objects.get().releases[0].files
    assert client.get(client.get("/pypi/larder-probe/json").json["urls"][0]["url"]).status_code == 200  # type: ignore[index]
    assert file.filename == wheel_name(version=version)


def test_file_that_is_not_sound_leaves_nothing(client: FlaskClient) -> None:
    _, secret = uploads.publisher()

    assert "cannot be opened" in line(upload(client, secret, wheel()[:-30], wheel_name()), 400)
    assert "file is missing" not in line(upload(client, secret, b"", wheel_name()), 400)
    assert nothing_stays()


def test_archive_of_very_many_entries_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "MAX_ENTRIES", 5)
    monkeypatch.setattr(sdists, "MAX_ENTRIES", 5)
    many = wheel(extra={f"file{number}": "" for number in range(6)})
    packed = tar_of(*[tar_member(f"larder_probe-1.0/{number}") for number in range(6)])

    for filename, content in ((wheel_name(), many), (sdist_name(), packed)):
        with pytest.raises(BadDistribution, match="more than 5 entries"):
            examine(filename, io.BytesIO(content), len(content))


@pytest.mark.real_server
def test_two_uploads_of_one_file_at_once_are_one(app: Flask) -> None:
    _, secret = uploads.publisher()

    def send(_: int) -> int:
        return upload(app.test_client(), secret, wheel(), wheel_name()).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(send, range(8)))

    assert codes == [200] * 8
    assert Package.objects.get().releases[0].file_count == 1
    assert JournalEntry.objects.count() == contents.Contents.objects.count() == 1


@pytest.mark.real_server
def test_of_two_files_of_one_name_at_once_one_is_published(app: Flask) -> None:
    _, secret = uploads.publisher()
    files = [wheel(extra={"more.py": str(number)}) for number in range(8)]

    def send(content: bytes) -> int:
        return upload(app.test_client(), secret, content, wheel_name()).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(send, files))

    assert sorted(codes) == [200] + [400] * 7
    [file] = Package.objects.get().releases[0].files
    assert app.test_client().get(file.url).data == files[codes.index(200)]
    assert contents.Contents.objects.count() == StoredFile.objects.count() == 1


@pytest.mark.real_server
def test_of_two_spellings_of_one_name_at_once_one_is_published(app: Flask) -> None:
    _, secret = uploads.publisher()
    names = [f"larder_probe-1{'.0' * number}-py3-none-any.whl" for number in range(8)]

    def send(filename: str) -> int:
        return upload(app.test_client(), secret, wheel(), filename).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(send, names))

    assert sorted(codes) == [200] + [400] * 7
    assert Package.objects.get().releases[0].file_count == 1
    assert contents.Contents.objects.count() == StoredFile.objects.count() == 1


@pytest.mark.real_server
def test_hundred_uploads_of_one_project_at_once_are_all_there(app: Flask) -> None:
    _, secret = uploads.publisher()
    versions = [f"1.{number}" for number in range(100)]

    def send(version: str) -> int:
        return upload(app.test_client(), secret, wheel(version=version), wheel_name(version=version)).status_code

    with ThreadPoolExecutor(20) as pool:
        codes = list(pool.map(send, versions))

    assert codes == [200] * 100
    package = Package.objects.get()
    assert {release.version for release in package.releases} == set(versions)
    assert package.latest.version == "1.99"
    serials = sorted(JournalEntry.objects.scalar("serial"))
    assert len(serials) == 100
    assert package.last_serial == serials[-1]


class Endless(io.RawIOBase):
    """The body of a file that goes on for ever."""

    def __init__(self) -> None:
        self.sent = 0
        self._head = b'--x\r\nContent-Disposition: form-data; name="content"; filename="a.whl"\r\n\r\n'

    def read(self, size: int = -1) -> bytes:
        part = self._head or b"x" * (size if size > 0 else 10_000)
        self._head = b""
        self.sent += len(part)
        return part

    def tell(self) -> int:
        return 0

    def seek(self, *_: int) -> int:
        return 0


def test_body_that_never_ends_is_refused_at_the_limit(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "MAX_FILE_BYTES", 1_000_000)
    _, secret = uploads.publisher()
    body = Endless()

    response = client.post(
        "/legacy/",
        input_stream=body,
        content_type="multipart/form-data; boundary=x",
        auth=("__token__", secret),
        # What a web server says of a chunked body.
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )

    assert "may have 1,000,000 bytes" in line(response, 413)
    # As much as an upload may have until it is refused, and as much again until the answer goes out.
    assert body.sent < 12_000_000
    assert nothing_stays()


def test_body_that_trickles_is_given_up(client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "MAX_UPLOAD_S", -1)
    _, secret = uploads.publisher()
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 10)  # past it, a body is read part by part

    assert "took too long" in line(upload(client, secret, wheel(), wheel_name()), 408)
    assert nothing_stays()
