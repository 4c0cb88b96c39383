"""Files are sent whole or in part, and may be kept."""

import pytest
from flask.testing import FlaskClient

from tests.files.kept import CONTENT, kept
from tests.publishing.uploads import sha256
from webapp.documents.contents import CHUNK_BYTES


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


def test_several_ranges_are_answered_with_the_whole(client: FlaskClient) -> None:
    response = client.get(kept(), headers={"Range": "bytes=0-1,5-6"})

    assert response.status_code == 200
    assert response.data == CONTENT


def test_range_of_another_file_is_answered_with_the_whole(client: FlaskClient) -> None:
    address = kept()

    other = client.get(address, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    same = client.get(address, headers={"Range": "bytes=0-9", "If-Range": f'"{sha256(CONTENT)}"'})
    weak = client.get(address, headers={"Range": "bytes=0-9", "If-Range": f'W/"{sha256(CONTENT)}"'})

    assert (other.status_code, len(other.data)) == (200, len(CONTENT))
    assert (same.status_code, len(same.data)) == (206, 10)
    assert (weak.status_code, len(weak.data)) == (200, len(CONTENT))


def test_who_has_the_file_gets_304(client: FlaskClient) -> None:
    response = client.get(kept(), headers={"If-None-Match": f'"{sha256(CONTENT)}"'})

    assert (response.status_code, response.data) == (304, b"")


# RFC 9110, section 13.2.2.
@pytest.mark.parametrize("asked", ["bytes=0-9", f"bytes={len(CONTENT)}-"])
def test_other_conditions_come_before_the_range(client: FlaskClient, asked: str) -> None:
    address, own = kept(), f'"{sha256(CONTENT)}"'

    has_it = client.get(address, headers={"Range": asked, "If-None-Match": own})
    wants_other = client.get(address, headers={"Range": asked, "If-Match": '"other"'})

    assert (has_it.status_code, wants_other.status_code) == (304, 412)
