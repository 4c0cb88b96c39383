"""A file whose bytes are missing: the answer breaks off, and the log says so under the id of the request."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import bson
import pymongo
import pytest
import requests
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import TestResponse

from tests import factories
from tests.conftest import database_uri
from tests.publishing.uploads import sha256
from tests.servers import Site, serving
from webapp.documents import Chunk, StoredFile
from webapp.documents.contents import CHUNK_BYTES, MissingBytes
from webapp.documents.release import own_url
from webapp.serving.log_config import TextFormatter

NAME = "example-1.0-py3-none-any.whl"
CONTENT = bytes(range(256)) * (CHUNK_BYTES // 100)  # two chunks and a half
SMALL = CONTENT[:1000]


def lose_the_last_chunk() -> None:
    last = Chunk.objects.order_by("-n").first()
    Chunk.objects(pk=last.id).delete()


def test_transfer_that_breaks_off_is_an_error_with_the_id_of_its_request(client: FlaskClient, lines: StringIO) -> None:
    factories.stored_file(NAME, CONTENT)
    lose_the_last_chunk()
    address = own_url(sha256(CONTENT), NAME)

    response = client.get(address, buffered=False)
    with pytest.raises(MissingBytes):
        list(response.iter_encoded())

    [error] = [line for line in map(json.loads, lines.getvalue().splitlines()) if line["level"] == "ERROR"]
    assert error["request_id"] == response.headers["X-Request-ID"]
    assert error["path"] == address
    assert (error["sent"], error["bytes"]) == (2 * CHUNK_BYTES, len(CONTENT))
    assert "chunk 2 of contents" in error["reason"]


def test_id_of_a_request_that_is_over_is_in_a_line_of_text_too() -> None:
    record = logging.makeLogRecord({"msg": "broke off", "fields": {"request_id": "0af7651916cd43dd"}})

    assert TextFormatter().format(record).endswith("broke off [0af7651916cd43dd]")


def as_deployed(client: FlaskClient, address: str) -> TestResponse:
    """Get an address from a site that answers errors, as it does outside of tests."""
    client.application.testing = False
    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    try:
        return client.get(address)
    finally:
        client.application.testing = True
        client.application.config["PROPAGATE_EXCEPTIONS"] = None


@pytest.mark.parametrize("size", [0, -1, CHUNK_BYTES, 2 * CHUNK_BYTES, 4 * CHUNK_BYTES])
def test_file_of_another_size_is_an_error_that_no_cache_keeps(client: FlaskClient, size: int) -> None:
    factories.stored_file(NAME, CONTENT)
    StoredFile.objects.update(size=size)

    response = as_deployed(client, own_url(sha256(CONTENT), NAME))

    assert response.status_code == 500
    assert "immutable" not in response.headers.get("Cache-Control", "")
    assert "ETag" not in response.headers


def test_file_that_ends_with_a_chunk_is_sent(client: FlaskClient) -> None:
    content = CONTENT[: 2 * CHUNK_BYTES]
    factories.stored_file(NAME, content)

    assert client.get(own_url(sha256(content), NAME)).data == content


def test_small_file_that_is_missing_is_an_error_with_its_name(client: FlaskClient, lines: StringIO) -> None:
    factories.stored_file(NAME, SMALL)
    lose_the_last_chunk()

    response = as_deployed(client, own_url(sha256(SMALL), NAME))

    assert response.status_code == 500
    errors = [line for line in map(json.loads, lines.getvalue().splitlines()) if line["level"] == "ERROR"]
    assert {line["request_id"] for line in errors} == {response.headers["X-Request-ID"]}
    assert NAME in errors[0]["path"]


@pytest.fixture
def served(mongod_uri: str, tmp_path: Path) -> Iterator[Site]:
    """A site in processes of its own, that counts."""
    uri = database_uri(mongod_uri, "larder_broken_transfers")
    try:
        with serving(tmp_path / "log", uri, METRICS=1) as site:
            yield site
    finally:
        with pymongo.MongoClient[dict[str, object]](uri) as client:
            client.drop_database("larder_broken_transfers")


@pytest.mark.real_server
def test_real_server_breaks_off_and_counts_it(served: Site, mongod_uri: str) -> None:
    with pymongo.MongoClient[dict[str, object]](mongod_uri) as client:
        database = client["larder_broken_transfers"]
        size, content_id = 30_000_000, bson.ObjectId()
        file = {"_id": NAME, "package": "flask", "version": "1.0", "state": "stored", "size": size, "sha256": "0" * 64}
        database["files"].insert_one({**file, "content_id": content_id})
        for number in range(20):
            chunk = {"files_id": content_id, "n": number, "data": bytes(CHUNK_BYTES)}
            database["contents.chunks"].insert_one(chunk)

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        requests.get(served.address + own_url("0" * 64, NAME), timeout=60)

    figures = requests.get(served.address + "/metrics", timeout=60).text
    samples = [sample for family in text_string_to_metric_families(figures) for sample in family.samples]
    counted = [sample for sample in samples if sample.name == "larder_broken_transfers_total"]
    assert [sample.value for sample in counted] == [1]
    lines = [json.loads(line) for line in served.log().splitlines() if line.startswith("{")]
    [error] = [line for line in lines if line["logger"] == "webapp.serving.broken_transfers"]
    [access] = [line for line in lines if line["logger"] == "webapp.access" and NAME in line["path"]]
    assert error["level"] == "ERROR"
    assert error["request_id"] == access["request_id"]
    assert error["sent"] == 20 * CHUNK_BYTES
