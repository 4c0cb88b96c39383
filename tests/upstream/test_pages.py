"""Pages of another index whose descriptions of files are odd."""

import json
from typing import Any

import pytest

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


def test_metadata_of_an_sdist_are_not_passed_on() -> None:
    sdist = GOOD | {"filename": "larder_probe-1.0.tar.gz"}

    [offered, kept_back] = files_of(GOOD, sdist)

    assert offered["metadata_sha256"] == "b" * 64
    assert "metadata_sha256" not in kept_back
