"""Pages of another index whose descriptions of files are odd."""

import html
import json
from typing import Any

import pytest

from webapp.upstream.errors import UpstreamFailed
from webapp.upstream.pages import read_page

GOOD = {
    "filename": "larder_probe-1.0-py3-none-any.whl",
    "url": "../../files/larder_probe-1.0-py3-none-any.whl",
    "hashes": {"sha256": "a" * 64},
    "size": 5,
    "upload-time": "2020-01-01T12:00:00Z",
    "requires-python": ">=3.9",
    "core-metadata": {"sha256": "b" * 64},
}


def files_of(*described: dict[str, Any]) -> list[dict[str, Any]]:
    """What is read of a page that lists these files."""
    body = json.dumps({"files": described}).encode()
    return read_page(body, "application/vnd.pypi.simple.v1+json", "https://example.org/simple/x/", "x").files


@pytest.mark.parametrize(
    "odd",
    [
        {"filename": None},
        {"filename": "../../etc/passwd"},
        {"filename": 5},
        {"filename": "a\ud800.whl"},
        {"url": None},
        {"url": "javascript:alert(1)"},
        {"url": "http://["},
        {"url": 5},
        {"hashes": {}},
        {"hashes": {"sha256": "short"}},
        {"hashes": {"md5": "a" * 32}},
        {"hashes": 5},
    ],
    ids=str,
)
def test_file_that_is_not_described_as_it_must_be_is_left_out(odd: dict[str, Any]) -> None:
    files = files_of(GOOD | odd, GOOD | {"filename": "larder_probe-2.0.tar.gz"})

    assert [file["filename"] for file in files] == ["larder_probe-2.0.tar.gz"]


@pytest.mark.parametrize(
    "odd",
    [
        {"size": -1},
        {"size": "1"},
        {"size": 2**63},
        {"upload-time": "yesterday"},
        {"upload-time": 5},
        {"upload-time": "0001-01-01T00:00:00+23:00"},
        {"requires-python": 5},
        {"requires-python": "\x00"},
        {"core-metadata": True},
        {"core-metadata": {"sha256": 5}},
    ],
    ids=str,
)
def test_odd_part_of_a_description_is_absent(odd: dict[str, Any]) -> None:
    [whole], [file] = files_of(GOOD), files_of(GOOD | odd)

    assert len(file) == len(whole) - 1
    assert file.items() < whole.items()


def test_digest_of_metadata_in_capitals_is_the_same_digest() -> None:
    [file] = files_of(GOOD | {"core-metadata": {"sha256": "B" * 64}})

    assert file["metadata_sha256"] == "b" * 64


def test_metadata_of_an_sdist_are_not_passed_on() -> None:
    sdist = GOOD | {"filename": "larder_probe-1.0.tar.gz"}

    [offered, kept_back] = files_of(GOOD, sdist)

    assert offered["metadata_sha256"] == "b" * 64
    assert "metadata_sha256" not in kept_back


@pytest.mark.parametrize(
    "url",
    [
        "/f/foo-2.0.tar.gz?Expires=17&Signature=ab%2Fc",
        "/f/foo-2.0.tar.gz?path=/a/b",
        "/f/foo-2.0.tar.gz?token=" + "a" * 3000,
    ],
    ids=lambda url: url[:30],
)
def test_link_with_a_query_is_a_file(url: str) -> None:
    assert [file["filename"] for file in linked(f"{url}#sha256={'a' * 64}")] == ["foo-2.0.tar.gz"]


@pytest.mark.parametrize("fragment", ["sha256={}&egg=foo", "egg=foo&sha256={}", "SHA256={}"])
def test_digest_is_found_in_a_fragment_of_several_parts_and_in_capitals(fragment: str) -> None:
    [file] = linked("/f/foo-2.0.tar.gz#" + fragment.format("A" * 64))

    assert file["sha256"] == "a" * 64


def test_page_with_md5_digests_alone_says_what_is_missing() -> None:
    with pytest.raises(UpstreamFailed, match="MD5 digests only"):
        linked("/f/foo-2.0.tar.gz#md5=" + "0" * 32)


def test_page_without_digests_says_what_is_missing() -> None:
    with pytest.raises(UpstreamFailed, match="lists files of foo without digests"):
        linked("/f/foo-2.0.tar.gz")


@pytest.mark.parametrize("content_type", ["application/json", "application/octet-stream", "Application/JSON; x=y"])
def test_json_of_an_unnamed_kind_is_refused_with_the_reason(content_type: str) -> None:
    body = json.dumps({"files": [GOOD]}).encode()

    with pytest.raises(UpstreamFailed, match="is not a page of the Simple API"):
        read_page(body, content_type, "https://example.org/simple/x/", "x")


def linked(href: str) -> list[dict[str, Any]]:
    """What is read of a page with one link."""
    page = f"<!DOCTYPE html><html><body><a href='{html.escape(href)}'>foo</a></body></html>"
    return read_page(page.encode(), "text/html", "https://example.org/simple/foo/", "foo").files


@pytest.mark.parametrize(
    ("described", "status"),
    [
        ({"status": "archived"}, {"marker": "archived"}),
        ({"status": "quarantined", "reason": "hostile"}, {"marker": "quarantined", "reason": "hostile"}),
        ("archived", {"marker": "archived"}),
        ({"status": "active", "reason": "none"}, {}),
        ({"status": "sleeping"}, {}),
        ({"status": ["archived"]}, {}),
        ({"status": "archived", "reason": 5}, {"marker": "archived"}),
        (None, {}),
        (5, {}),
    ],
)
def test_status_of_a_project_is_read_as_far_as_it_is_known(described: Any, status: dict[str, str]) -> None:
    body = json.dumps({"files": [], "project-status": described}).encode()

    assert read_page(body, "application/vnd.pypi.simple.v1+json", "https://example.org/simple/x/", "x").status == status


def test_status_is_read_from_html() -> None:
    page = """<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.4">
    <meta name="pypi:project-status" content="archived">
    <meta name="pypi:project-status-reason" content="done &amp; over">
    </head><body></body></html>"""

    found = read_page(page.encode(), "text/html", "https://example.org/simple/foo/", "foo")

    assert found.status == {"marker": "archived", "reason": "done & over"}


@pytest.mark.parametrize("odd", [5, "", None, "javascript:alert(1)", "http://[", "https://x.org/" + "a" * 20_000])
def test_odd_address_of_attestations_is_absent(odd: Any) -> None:
    [file] = files_of(GOOD | {"provenance": odd})

    assert "provenance_url" not in file
