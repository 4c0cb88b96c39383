import gzip
import re

import pytest
from flask.testing import FlaskClient

from webapp.serving.public_pages import COMPRESSED_FROM, gzipped

FILES = ["/static/css/larder.css", "/static/js/larder.js", "/bootstrap/static/css/bootstrap.min.css"]


@pytest.mark.parametrize("path", FILES)
def test_each_reader_gets_a_form_that_it_reads(client: FlaskClient, path: str) -> None:
    plain = client.get(path, buffered=True)
    compressed = client.get(path, buffered=True, headers={"Accept-Encoding": "gzip, br"})

    assert plain.content_encoding is None
    assert compressed.content_encoding == "gzip"
    assert gzip.decompress(compressed.data) == plain.data
    assert compressed.content_length == len(compressed.data) < plain.content_length / 2
    assert "Accept-Encoding" in plain.vary
    assert "Accept-Encoding" in compressed.vary


def test_reader_of_either_form_has_the_file_already(client: FlaskClient) -> None:
    for encoding in ("gzip", "identity"):
        etag = client.get(FILES[0], buffered=True, headers={"Accept-Encoding": encoding}).headers["ETag"]
        for now in ("gzip", "identity"):
            again = client.get(FILES[0], buffered=True, headers={"Accept-Encoding": now, "If-None-Match": etag})
            assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_unchanged_file_keeps_its_etag(client: FlaskClient, encoding: str) -> None:
    accepted = {"Accept-Encoding": encoding}
    etag = client.get(FILES[0], buffered=True, headers=accepted).headers["ETag"]

    again = client.get(FILES[0], buffered=True, headers=accepted | {"If-None-Match": etag})

    assert (again.status_code, again.headers["ETag"]) == (304, etag)


def test_part_is_sent_only_to_those_who_surely_have_the_rest(client: FlaskClient) -> None:
    whole = client.get(FILES[0], buffered=True)
    strong = whole.headers["ETag"]
    weak = client.get(FILES[0], buffered=True, headers={"Accept-Encoding": "gzip"}).headers["ETag"]
    wanted = (strong, weak, whole.headers["Last-Modified"], "Fri, 31 Dec 2100 23:59:59 GMT", strong.strip('"'), '"x"')

    statuses = [
        client.get(FILES[0], buffered=True, headers={"Range": "bytes=0-9", "If-Range": each}).status_code
        for each in wanted
    ]

    assert weak == f"W/{strong}"
    assert statuses == [206, 200, 200, 200, 200, 200]


# RFC 9110, section 14.2: what is not understood is ignored, and several ranges may be.
@pytest.mark.parametrize("asked", ["bytes=0-0,2-2", "bytes=5-1", "bytes=x-y", "lines=1-2", "5-6", "bytes=-0"])
@pytest.mark.parametrize("path", FILES)
def test_range_that_is_not_sent_is_answered_with_the_whole(client: FlaskClient, path: str, asked: str) -> None:
    answer = client.get(path, buffered=True, headers={"Range": asked})

    assert (answer.status_code, answer.data) == (200, client.get(path, buffered=True).data)


def test_ranges_of_a_static_file_are_those_of_any_file(client: FlaskClient) -> None:
    whole = client.get(FILES[0], buffered=True)
    size = len(whole.data)

    suffix = client.get(FILES[0], buffered=True, headers={"Range": f"bytes=-{size + 1}"})
    behind = client.get(FILES[0], buffered=True, headers={"Range": f"bytes={size}-"})
    head = client.head(FILES[0], buffered=True, headers={"Range": "bytes=0-9"})

    assert (suffix.status_code, suffix.data) == (206, whole.data)
    assert suffix.headers["Content-Range"] == f"bytes 0-{size - 1}/{size}"
    assert (behind.status_code, behind.headers["Content-Range"]) == (416, f"bytes */{size}")
    assert (head.status_code, head.content_length) == (200, size)


def test_part_of_a_file_and_a_picture_are_sent_as_they_are(client: FlaskClient) -> None:
    part = client.get(FILES[0], buffered=True, headers={"Accept-Encoding": "gzip", "Range": "bytes=0-9"})
    picture = client.get("/static/img/favicon.png", buffered=True, headers={"Accept-Encoding": "gzip"})

    assert (part.status_code, len(part.data)) == (206, 10)
    assert part.content_encoding is None
    assert picture.content_encoding is None


def test_first_page_and_what_it_loads_take_less_than_60_kb(client: FlaskClient) -> None:
    page = client.get("/").data
    loaded = re.findall(r'(?:src|href)="(/(?:bootstrap/)?static/[^"]+)"', page.decode())

    sizes = {
        each: len(client.get(each, buffered=True, headers={"Accept-Encoding": "gzip"}).data) for each in set(loaded)
    }

    assert len(sizes) >= 6
    assert len(page) > COMPRESSED_FROM
    assert sum(sizes.values()) + len(gzipped([page])) < 60_000
    assert max(size for each, size in sizes.items() if ".js" in each) < 30_000


def test_design_is_one_file_of_less_than_600_lines(client: FlaskClient) -> None:
    styles = re.findall(r'<link rel="stylesheet" href="(/static/[^"]+)"', client.get("/").text)

    assert len(styles) == 1
    assert client.get(styles[0], buffered=True).text.count("\n") < 600
