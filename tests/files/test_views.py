"""`/files/...`: bytes that never change, whole or in part."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import counting, factories
from tests.files.kept import CONTENT, NAME, WHEEL, kept
from tests.publishing import uploads
from tests.publishing.uploads import sha256
from webapp.documents import DownloadCount, StoredFile, contents
from webapp.documents.base import utc_now
from webapp.documents.contents import CHUNK_BYTES
from webapp.documents.release import own_url
from webapp.serving.slow_clients import PIECE_BYTES


@pytest.fixture
def address(app: Flask, client: FlaskClient) -> Iterator[str]:
    """The address of a file that was published."""
    app.extensions["limiter"].storage.reset()
    _, secret = uploads.publisher()
    uploads.upload(client, secret, WHEEL, uploads.wheel_name())
    digest = uploads.sha256(WHEEL)
    yield f"/files/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{uploads.wheel_name()}"
    app.extensions["limiter"].storage.reset()


def test_whole_file_may_be_kept_for_ever(client: FlaskClient) -> None:
    response = client.get(kept())

    assert response.status_code == 200
    assert response.data == CONTENT
    assert response.content_length == len(CONTENT)
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.get_etag() == (sha256(CONTENT), False)
    assert response.last_modified == factories.A_DAY


def test_file_is_read_piece_by_piece(client: FlaskClient) -> None:
    address = kept()

    pieces = list(client.get(address).iter_encoded())

    assert b"".join(pieces) == CONTENT
    assert max(map(len, pieces)) == PIECE_BYTES < CHUNK_BYTES


def test_head_tells_the_size_and_sends_nothing(client: FlaskClient) -> None:
    response = client.head(kept())

    assert (response.status_code, response.content_length, response.data) == (200, len(CONTENT), b"")


def test_address_of_older_versions_still_works(client: FlaskClient) -> None:
    address = kept().replace("/packages/", "/files/")

    assert client.get(address).data == CONTENT


def test_metadata_stand_beside_the_file_byte_for_byte(client: FlaskClient) -> None:
    text = "Metadata-Version: 2.1\r\nName: \u00fc\n\n\ufeff"
    address = kept(metadata=text, metadata_sha256=sha256(text.encode()))

    response = client.get(f"{address}.metadata")

    assert response.data == text.encode()
    assert response.content_type == "text/plain; charset=utf-8"
    assert "immutable" in response.headers["Cache-Control"]


def test_metadata_of_an_sdist_are_kept_and_not_sent(client: FlaskClient) -> None:
    factories.stored_file("example-1.0.tar.gz", CONTENT, metadata="Name: example", metadata_sha256="a" * 64)
    address = own_url(sha256(CONTENT), "example-1.0.tar.gz")

    assert client.get(address).status_code == 200
    assert client.get(f"{address}.metadata").status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        own_url("b" * 64, NAME),
        own_url(sha256(CONTENT), "other.whl"),
        own_url(sha256(CONTENT), NAME) + ".metadata",
        f"/files/{sha256(CONTENT)}/{NAME}",
        "/files/a/b/c/d",
        "/files/../../../etc/passwd",
        "/files/%00/%ff/$ne/%2e%2e",
    ],
)
def test_address_of_nothing_is_not_found(client: FlaskClient, address: str) -> None:
    kept()

    assert client.get(address).status_code == 404


def test_file_whose_bytes_were_lost_breaks_off(client: FlaskClient) -> None:
    address = kept()
    contents.Chunk._get_collection().delete_one({"n": 1})

    with pytest.raises(contents.MissingBytes):
        _ = client.get(address).data


def test_files_have_no_date_that_is_none(client: FlaskClient) -> None:
    address = kept(uploaded_at=datetime(1970, 1, 1, tzinfo=UTC))
    StoredFile._get_collection().update_one({}, {"$set": {"uploaded_at": "yesterday"}})

    assert client.get(address).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-99"}, {"If-None-Match": '"other"'}])
def test_file_that_is_fetched_from_its_beginning_is_a_download(
    client: FlaskClient, address: str, headers: dict[str, str]
) -> None:
    client.get(address, headers=headers, buffered=True)
    client.get(address, headers=headers, buffered=True)

    assert counting.kept(f"larder-probe/1.0/{utc_now():%Y-%m}")["count"] == 2


def test_what_sends_no_file_from_its_beginning_is_no_download(client: FlaskClient, address: str) -> None:
    answers = [
        client.head(address),
        client.get(f"{address}.metadata"),
        client.get(address, headers={"If-None-Match": f'"{uploads.sha256(WHEEL)}"'}),
        client.get(address, headers={"Range": "bytes=100-"}, buffered=True),
        client.get(address, headers={"Range": "bytes=9999999-"}),
        client.get(address.replace("larder_probe", "other")),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 304, 206, 416, 404]
    assert DownloadCount.objects.count() == 0
