from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.counting import kept
from tests.publishing import uploads
from webapp.documents import DownloadCount
from webapp.documents.base import utc_now

WHEEL = uploads.wheel()


@pytest.fixture
def address(app: Flask, client: FlaskClient) -> Iterator[str]:
    """The address of a file that was published."""
    app.extensions["limiter"].storage.reset()
    _, secret = uploads.publisher()
    uploads.upload(client, secret, WHEEL, uploads.wheel_name())
    digest = uploads.sha256(WHEEL)
    yield f"/files/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{uploads.wheel_name()}"
    app.extensions["limiter"].storage.reset()


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-99"}, {"If-None-Match": '"other"'}])
def test_file_that_is_fetched_from_its_beginning_is_a_download(
    client: FlaskClient, address: str, headers: dict[str, str]
) -> None:
    client.get(address, headers=headers, buffered=True)
    client.get(address, headers=headers, buffered=True)

    assert kept(f"larder-probe/1.0/{utc_now():%Y-%m}")["count"] == 2


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
