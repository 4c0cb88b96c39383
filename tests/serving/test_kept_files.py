"""The bytes of small files are kept in memory; who may have them is asked for each download."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import counting, factories
from tests.publishing.uploads import sha256
from webapp.documents import Chunk, Package, StoredFile
from webapp.documents.base import utc_now
from webapp.documents.contents import MissingBytes
from webapp.documents.release import own_url
from webapp.serving import kept_files
from webapp.serving.kept_files import KeptFiles
from webapp.serving.slow_clients import WHOLE_BYTES

NAME = "example-1.0-py3-none-any.whl"
CONTENT = bytes(range(256)) * 40
ADDRESS = own_url(sha256(CONTENT), NAME)


@pytest.fixture
def kept(app: Flask, monkeypatch: pytest.MonkeyPatch) -> KeptFiles:
    """The kept files of a process that has sent CONTENT, whose bytes the database has lost since."""
    files = KeptFiles(1_000_000)
    monkeypatch.setitem(app.extensions, "kept_files", files)
    factories.package("example")
    factories.stored_file(NAME, CONTENT)
    assert app.test_client().get(ADDRESS).data == CONTENT
    Chunk.objects.delete()
    return files


@pytest.mark.usefixtures("kept")
def test_second_download_reads_no_bytes_and_is_counted(client: FlaskClient) -> None:
    before = counting.kept(f"example/1.0/{utc_now():%Y-%m}")["count"]

    response = client.get(ADDRESS)

    assert response.data == CONTENT
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert counting.kept(f"example/1.0/{utc_now():%Y-%m}")["count"] == before + 1


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("headers", "status", "body"),
    [
        ({"Range": "bytes=10-19"}, 206, CONTENT[10:20]),
        ({"Range": "bytes=-5"}, 206, CONTENT[-5:]),
        ({"Range": "bytes=99999-"}, 416, None),
        ({"If-None-Match": f'"{sha256(CONTENT)}"'}, 304, b""),
        ({"If-Match": '"other"'}, 412, None),
    ],
)
def test_kept_file_is_sent_in_part_or_not_at_all(
    client: FlaskClient, headers: dict[str, str], status: int, body: bytes | None
) -> None:
    response = client.get(ADDRESS, headers=headers)

    assert response.status_code == status
    assert body is None or response.data == body


@pytest.mark.usefixtures("kept")
def test_head_of_a_kept_file_sends_nothing(client: FlaskClient) -> None:
    response = client.head(ADDRESS)

    assert (response.status_code, response.content_length, response.data) == (200, len(CONTENT), b"")


def _change(**fields: object) -> None:
    StoredFile._get_collection().update_one({"_id": NAME}, {"$set": fields})


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda: _change(state="deleted"), 404),
        (lambda: _change(state="deleting"), 404),
        (lambda: _change(sha256="0" * 64), 404),
        (lambda: _change(size="large"), 404),
        (lambda: StoredFile._get_collection().delete_one({"_id": NAME}), 404),
        (lambda: Package._get_collection().update_one({}, {"$set": {"status": {"marker": "quarantined"}}}), 403),
    ],
    ids=["deleted", "being deleted", "another digest", "no size", "removed by hand", "quarantined"],
)
def test_kept_file_that_is_no_longer_served_is_refused_at_once(
    client: FlaskClient, change: Callable[[], object], status: int
) -> None:
    change()

    response = client.get(ADDRESS)

    assert response.status_code == status
    assert CONTENT not in response.data


@pytest.mark.usefixtures("kept")
def test_kept_file_with_another_size_breaks_off(client: FlaskClient) -> None:
    _change(size=len(CONTENT) - 1)

    with pytest.raises(MissingBytes):
        client.get(ADDRESS)


@pytest.mark.usefixtures("kept")
def test_headers_follow_the_document(client: FlaskClient) -> None:
    _change(uploaded_at=datetime(2020, 2, 2, tzinfo=UTC))

    assert client.get(ADDRESS).last_modified == datetime(2020, 2, 2, tzinfo=UTC)


def test_bytes_without_their_digest_are_sent_and_not_kept(client: FlaskClient, kept: KeptFiles) -> None:
    factories.stored_file("other-1.0.tar.gz", b"damaged", sha256="a" * 64)

    assert client.get(own_url("a" * 64, "other-1.0.tar.gz")).data == b"damaged"
    assert kept.get("a" * 64) is None


def test_only_what_is_sent_in_one_piece_is_kept(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    files = KeptFiles(10_000_000)
    monkeypatch.setitem(client.application.extensions, "kept_files", files)
    small, large = b"x" * WHOLE_BYTES, b"x" * (WHOLE_BYTES + 1)

    for name, content in (("small-1.0.tar.gz", small), ("large-1.0.tar.gz", large)):
        factories.stored_file(name, content)
        assert client.get(own_url(sha256(content), name)).data == content

    assert files.get(sha256(small)) == small
    assert files.get(sha256(large)) is None


def test_what_was_not_downloaded_for_longest_makes_room() -> None:
    contents = [bytes([number]) * 1000 for number in range(20)]
    files = KeptFiles(10_000)

    for content in contents:
        files.put(sha256(content), content)
        files.get(sha256(contents[0]))

    left = [number for number, content in enumerate(contents) if files.get(sha256(content))]
    assert left == [0, 15, 16, 17, 18, 19]


@pytest.mark.parametrize("most_bytes", [0, 3000])
def test_file_that_would_fill_the_room_is_not_kept(most_bytes: int) -> None:
    files = KeptFiles(most_bytes)

    files.put(sha256(CONTENT), CONTENT)

    assert files.get(sha256(CONTENT)) is None


def test_room_is_what_the_configuration_says() -> None:
    app = Flask(__name__)
    app.config["FILE_CACHE_BYTES"] = 50_000

    kept_files.init_app(app)

    kept_files.kept_files.of(app).put(sha256(CONTENT), CONTENT)
    assert kept_files.kept_files.of(app).get(sha256(CONTENT)) == CONTENT
