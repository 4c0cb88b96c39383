"""`/files/...`: bytes that never change, whole or in part."""

from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.publishing.uploads import sha256
from webapp.documents import StoredFile, contents
from webapp.documents.contents import CHUNK_BYTES
from webapp.documents.release import own_url
from webapp.serving.slow_clients import PIECE_BYTES

NAME = "example-1.0-py3-none-any.whl"
CONTENT = bytes(range(256)) * (CHUNK_BYTES // 100)  # two chunks and a half


def kept(**fields: object) -> str:
    """The address of a file that is kept here."""
    factories.stored_file(NAME, CONTENT, **fields)
    return own_url(sha256(CONTENT), NAME)


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


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        (f"bytes={CHUNK_BYTES - 1}-{CHUNK_BYTES}", CHUNK_BYTES - 1, CHUNK_BYTES + 1),
        (f"bytes={CHUNK_BYTES}-", CHUNK_BYTES, len(CONTENT)),
        ("bytes=-100", len(CONTENT) - 100, len(CONTENT)),
        ("bytes=2000000-99999999", 2_000_000, len(CONTENT)),
    ],
)
def test_range_is_answered_with_its_bytes(client: FlaskClient, asked: str, start: int, end: int) -> None:
    response = client.get(kept(), headers={"Range": asked})

    assert response.status_code == 206
    assert response.data == CONTENT[start:end]
    assert response.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(CONTENT)}"
    assert response.content_length == end - start


def test_range_behind_the_end_is_refused(client: FlaskClient) -> None:
    assert client.get(kept(), headers={"Range": f"bytes={len(CONTENT)}-"}).status_code == 416


# RFC 9110, section 14.2: what is not understood is ignored.
@pytest.mark.parametrize("asked", ["bytes=5-1", "bytes=x-y", "lines=1-2", "5-6", "bytes=-0"])
def test_range_that_is_not_understood_is_ignored(client: FlaskClient, asked: str) -> None:
    response = client.get(kept(), headers={"Range": asked})

    assert (response.status_code, response.data) == (200, CONTENT)


def test_suffix_longer_than_the_file_is_the_whole_file(client: FlaskClient) -> None:
    response = client.get(kept(), headers={"Range": f"bytes=-{len(CONTENT) + 1}"})

    assert (response.status_code, response.data) == (206, CONTENT)
    assert response.headers["Content-Range"] == f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}"


def test_only_get_has_ranges(client: FlaskClient) -> None:
    response = client.head(kept(), headers={"Range": "bytes=0-9"})

    assert (response.status_code, response.content_length) == (200, len(CONTENT))


def test_address_of_older_versions_still_works(client: FlaskClient) -> None:
    address = kept().replace("/packages/", "/files/")

    assert client.get(address).data == CONTENT


def test_several_ranges_are_answered_with_the_whole(client: FlaskClient) -> None:
    response = client.get(kept(), headers={"Range": "bytes=0-1,5-6"})

    assert response.status_code == 200
    assert response.data == CONTENT


def test_range_of_another_file_is_answered_with_the_whole(client: FlaskClient) -> None:
    address = kept()

    other = client.get(address, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    same = client.get(address, headers={"Range": "bytes=0-9", "If-Range": f'"{sha256(CONTENT)}"'})

    assert (other.status_code, len(other.data)) == (200, len(CONTENT))
    assert (same.status_code, len(same.data)) == (206, 10)


def test_who_has_the_file_gets_304(client: FlaskClient) -> None:
    response = client.get(kept(), headers={"If-None-Match": f'"{sha256(CONTENT)}"'})

    assert (response.status_code, response.data) == (304, b"")


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


@pytest.mark.parametrize("state", ["arriving", "deleted", None, 7])
def test_file_that_no_project_lists_is_not_found(client: FlaskClient, state: object) -> None:
    address = kept()
    StoredFile._get_collection().update_one({}, {"$set": {"state": state}})

    assert client.get(address).status_code == 404


def test_deleted_file_is_not_found_although_a_project_lists_it(client: FlaskClient) -> None:
    address = kept(state="deleted")
    listed = factories.release_file(filename=NAME, sha256=sha256(CONTENT))
    factories.package("example", releases=[factories.release(files=[listed])])

    assert client.get(address).status_code == 404


def test_file_of_an_upload_that_was_killed_at_its_very_end_is_there(client: FlaskClient) -> None:
    address = kept(state="arriving")
    listed = factories.release_file(filename=NAME, sha256=sha256(CONTENT), url=address)
    factories.package("example", releases=[factories.release(files=[listed])])

    assert client.get(address).data == CONTENT


def test_file_whose_bytes_were_lost_breaks_off(client: FlaskClient) -> None:
    address = kept()
    contents.Chunk._get_collection().delete_one({"n": 1})

    with pytest.raises(contents.MissingBytes):
        _ = client.get(address).data


def test_files_have_no_date_that_is_none(client: FlaskClient) -> None:
    address = kept(uploaded_at=datetime(1970, 1, 1, tzinfo=UTC))
    StoredFile._get_collection().update_one({}, {"$set": {"uploaded_at": "yesterday"}})

    assert client.get(address).status_code == 200
