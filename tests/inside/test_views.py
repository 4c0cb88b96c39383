"""`/inside/...`: what files contain, as readers see it."""

import threading
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.inside.conftest import ADDRESS, EXTRA, INFO, SCRIPT
from tests.people import browser
from tests.publishing import uploads
from tests.reading import facts, links, one, read, texts, words
from tests.upstream.conftest import WHEEL as UPSTREAM_WHEEL
from tests.upstream.conftest import Other, described, other  # noqa: F401 - a fixture
from webapp.documents import Chunk
from webapp.documents.contents import CHUNK_BYTES
from webapp.documents.release import own_url


def put(filename: str, content: bytes) -> str:
    """Keep a file as if it had been uploaded, and return the address of its page."""
    digest = uploads.sha256(content)
    listed = factories.release_file(filename=filename, url=own_url(digest, filename), sha256=digest, size=len(content))
    factories.package("Example", releases=[factories.release(files=[listed])])
    factories.stored_file(filename, content)
    return f"/inside/example/{filename}/"


def test_wheel_is_listed_with_sizes_digests_tags_and_entry_points(reader: FlaskClient) -> None:
    page = read(reader, ADDRESS)

    rows = {
        words(one(row, "th")): [words(cell) for cell in row.select("td")] for row in page.select(".inside tbody tr")
    }
    assert list(rows) == sorted([*EXTRA, "larder_probe.py", f"{INFO}/METADATA", f"{INFO}/WHEEL", f"{INFO}/RECORD"])
    assert rows["larder_probe.py"] == ["16 bytes", "sha256=kfSPccpbQGPC…"]
    assert rows[f"{INFO}/RECORD"][1] == ""
    assert facts(page, ".facts") == {
        "Tags": "py3-none-any",
        "Wheel-Version": "1.0",
        "Generator": "tests",
        "Root-Is-Purelib": "true",
        "RECORD": "9 files listed",
    }
    assert texts(page, ".requirements li") == ["console_scripts: probe = larder_probe:main"]
    assert one(page, "meta[name=robots]")["content"] == "noindex, nofollow"
    assert links(page, ".eyebrow a") == [("larder-probe 1.0", "/project/larder-probe/1.0/#files")]


def test_project_leads_to_what_its_files_contain(reader: FlaskClient) -> None:
    page = read(reader, "/project/larder-probe/")

    assert sorted(links(page, ".file-facts a")) == sorted(
        ("Look inside", f"/inside/larder-probe/{name}/") for name in (uploads.wheel_name(), uploads.sdist_name())
    )
    assert {link["rel"][0] for link in page.select(".file-facts a")} == {"nofollow"}


def test_text_of_a_file_is_highlighted_and_harmless(reader: FlaskClient) -> None:
    address = dict(links(read(reader, ADDRESS), ".inside a"))["larder_probe/app.py"]

    page = read(reader, address)

    assert words(one(page, ".file-text")) == f"import os # {SCRIPT}"
    assert words(one(page, ".file-text .kn")) == "import"
    assert page.select(".file-text script") == []
    assert words(one(page, "h1")) == "larder_probe/app.py"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("larder_probe/data.bin", "This file is not text, so it is not shown."),
        ("larder_probe/empty", "This file is empty."),
        ("larder_probe/latin.txt", "café"),
    ],
)
def test_what_is_no_text_says_so(reader: FlaskClient, path: str, shown: str) -> None:
    assert shown in words(one(read(reader, f"{ADDRESS}?path={path}"), "main"))


def test_sdist_is_listed_and_read(reader: FlaskClient) -> None:
    address = f"/inside/larder-probe/{uploads.sdist_name()}/"
    page = read(reader, address)

    assert texts(page, ".inside tbody th") == ["larder_probe-1.0/PKG-INFO", "larder_probe-1.0/setup.py"]
    assert page.select(".inside-digest, .facts") == []
    assert "Name: larder-probe" in words(one(read(reader, f"{address}?path=larder_probe-1.0/PKG-INFO"), ".file-text"))


def test_long_text_is_cut(reader: FlaskClient) -> None:
    address = put("example-1.0-py3-none-any.whl", uploads.zipped({"a.txt": "é" * 200_000}))

    page = read(reader, f"{address}?path=a.txt")

    assert words(one(page, ".banner")) == "Only the first 256.0 kB are shown."
    assert words(one(page, ".file-text")) == "é" * 128_000


def test_long_list_has_pages(reader: FlaskClient) -> None:
    address = put("example-1.0-py3-none-any.whl", uploads.zipped({f"{number:04}": "" for number in range(501)}))

    assert texts(read(reader, f"{address}?page=2"), ".inside tbody th") == ["0500"]
    assert texts(read(reader, address), ".pager-here") == ["1"]
    assert reader.get(f"{address}?page=3").status_code == 404


def test_large_wheel_costs_as_many_reads_as_a_small_one(reader: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    large: dict[str, str | bytes] = {"a.py": "x = 1\n", "large": bytes(12 * CHUNK_BYTES), "z.py": "y = 2\n"}
    address = put("example-1.0-py3-none-any.whl", uploads.zipped(large))
    asked: list[int] = []
    find_one = type(Chunk.objects.raw()).find_one

    def counting(collection: Any, which: Any, *rest: Any, **more: Any) -> Any:
        if isinstance(which, dict) and "files_id" in which:
            asked.append(which["n"])
        return find_one(collection, which, *rest, **more)

    monkeypatch.setattr(type(Chunk.objects.raw()), "find_one", counting)
    page = read(reader, address)
    text = read(reader, f"{address}?path=a.py")

    assert texts(page, ".inside tbody th") == ["a.py", "large", "z.py"]
    assert words(one(text, ".file-text")) == "x = 1"
    assert set(asked) == {12, 0}


def test_page_that_a_reader_has_is_not_made_again(reader: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    first = reader.get(ADDRESS)
    monkeypatch.setattr("webapp.inside.views.open_archive", lambda *_: pytest.fail("it was opened"))

    assert reader.get(ADDRESS, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_other_spelling_of_the_project_leads_to_the_page(reader: FlaskClient) -> None:
    response = reader.get(f"/inside/Larder_Probe/{uploads.wheel_name()}/?path=a.py")

    assert (response.status_code, response.location) == (301, f"{ADDRESS}?path=a.py")


@pytest.mark.parametrize(
    "address",
    [
        "/inside/nothing/nothing-1.0.tar.gz/",
        "/inside/larder-probe/nothing-1.0.tar.gz/",
        f"{ADDRESS}?path=nothing.py",
        f"{ADDRESS}?path=/etc/passwd",
        f"{ADDRESS}?path=larder_probe",
        f"{ADDRESS}?page=2",
    ],
)
def test_what_is_not_there_is_not_found(reader: FlaskClient, address: str) -> None:
    assert reader.get(address).status_code == 404


def test_damaged_file_says_so(reader: FlaskClient) -> None:
    address = put("example-1.0-py3-none-any.whl", b"no wheel at all")

    assert words(one(read(reader, address), ".nothing")) == "The archive cannot be read: BadZipFile."


def test_missing_bytes_are_asked_for_later(reader: FlaskClient) -> None:
    address = put("example-1.0-py3-none-any.whl", uploads.wheel())
    Chunk.objects.raw().delete_many({})

    assert reader.get(address).status_code == 503


def test_others_wait_for_a_turn_and_not_for_long(reader: FlaskClient, app: Flask) -> None:
    turns: threading.BoundedSemaphore = app.extensions["open_archives"]
    taken = [turns.acquire(blocking=False) for _ in range(2)]
    try:
        refused = reader.get(ADDRESS)
    finally:
        for _ in taken:
            turns.release()

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert reader.get(ADDRESS).status_code == 200


def test_too_many_looks_of_one_address_are_refused(
    reader: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "LOOKING_LIMIT", "2/hour")

    assert [reader.get(ADDRESS).status_code for _ in range(3)] == [200, 200, 429]


def test_file_of_another_index_that_is_not_kept_here_says_so(reader: FlaskClient) -> None:
    factories.package("Example")

    page = read(reader, "/inside/example/example-1.0-py3-none-any.whl/")

    assert words(one(page, ".nothing")) == (
        "This file is not kept on this site, so what it contains cannot be shown. "
        "It can be downloaded from files.example.org."
    )


def test_upstream_file_is_shown_once_it_is_kept(app: Flask, other: Other) -> None:  # noqa: F811 - a fixture
    visitor = browser(app)
    other.lists(described())
    address = f"/inside/larder-probe/{uploads.wheel_name()}/"

    before = read(visitor, address)
    visitor.get(f"/upstream/larder-probe/{uploads.sha256(UPSTREAM_WHEEL)}/{uploads.wheel_name()}", buffered=True)
    after = read(visitor, address)

    assert "Once somebody has installed it from here, it can." in words(one(before, ".nothing"))
    assert "larder_probe.py" in texts(after, ".inside tbody th")
